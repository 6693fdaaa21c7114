"""What a schedule refuses at build."""

import pytest

from hardy.core import Operation
from hardy.transport.schedule import cron


async def expire() -> None: ...


def faults(binding, use_case=expire):
    return {each.code: each for each in binding.check(Operation.of(use_case))}


@pytest.mark.parametrize(
    "expression",
    ["* * * * *", "*/5 * * * *", "0 9-17 * * MON-FRI", "0 0 L * *", "0 0 * * FRI#1", "*/10 * * * * *", "0 0 29 2 *"],
)
def test_an_expression_that_says_times_is_fine(expression):
    assert not faults(cron(expression))


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("", "wrong number of fields"),
        ("every minute", "wrong number of fields"),
        ("61 * * * *", "bad minute"),
        ("* 24 * * *", "bad hour"),
        ("0 0 30 2 *", "bad day-of-month"),
        ("* * * JANUARY *", "bad month"),
    ],
    ids=["empty", "words", "minute", "hour", "no such day", "long month"],
)
def test_an_expression_that_says_no_time_is_refused(expression, why):
    fault = faults(cron(expression))["H0685"]
    assert why in fault.title
    assert fault.place is not None
    assert "schedule.cron" in fault.helps[0]


def test_a_zone_that_does_not_exist_is_refused_and_the_closest_named():
    fault = faults(cron("* * * * *", timezone="Europe/Berln"))["H0686"]
    assert 'timezone="Europe/Berlin"' in fault.helps[0]
    assert "H0686" in faults(cron("* * * * *", timezone="../etc/passwd"))


def test_an_unknown_policy_is_refused():
    assert "misfire='later'" in faults(cron("* * * * *", misfire="later"))["H0687"].title
    assert "grace=0" in faults(cron("* * * * *", grace=0))["H0687"].title


def test_a_use_case_that_wants_a_message_is_refused_and_one_with_defaults_is_not():
    async def cancel(order_id: int) -> None: ...
    async def sweep(limit: int = 100) -> None: ...

    assert "takes a message" in faults(cron("* * * * *"), cancel)["H0688"].title
    assert not faults(cron("* * * * *"), sweep)


def test_it_is_described_as_plain_data():
    assert cron("0 3 * * *", timezone="Europe/Berlin", misfire="run_once").describe() == {
        "transport": "schedule",
        "name": "0 3 * * * Europe/Berlin",
        "cron": "0 3 * * *",
        "timezone": "Europe/Berlin",
        "misfire": "run_once",
    }
