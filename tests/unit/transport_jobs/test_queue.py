"""What a queue refuses at build."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from hardy import App, Jobs, Principal, internal, public
from hardy.core import Exposed, Operation
from hardy.messaging import Retry
from hardy.queueing import MemoryJobs
from hardy.testing import client
from hardy.transport import jobs


@dataclass
class SendReceipt:
    order_id: int


async def send_receipt(msg: SendReceipt) -> None: ...
async def remind(msg: SendReceipt) -> None: ...
async def no_message() -> None: ...
async def two(order_id: int, to: str) -> None: ...
async def streams(msg: SendReceipt) -> AsyncIterator[int]:
    yield 1


def codes(binding, use_case=send_receipt):
    return [each.code for each in binding.check(Operation.of(use_case))]


@pytest.mark.parametrize("name", ["mail", "mail.high", "mail-2", "a_b"])
def test_a_name_is_lower_case_words(name):
    assert codes(jobs.queue(name)) == []


@pytest.mark.parametrize("name", ["", "Mail", "mail box", "mail/x", ".mail", "m" * 65])
def test_another_name_is_refused(name):
    assert codes(jobs.queue(name)) == ["H0680"]


@pytest.mark.parametrize("use_case", [no_message, two, streams], ids=["none", "two", "stream"])
def test_a_use_case_that_does_not_take_one_message_is_refused(use_case):
    assert codes(jobs.queue("mail"), use_case) == ["H0681"]


@pytest.mark.parametrize(
    "given",
    [{"retries": -1}, {"concurrency": 0}, {"lease": 0}, {"lease": -1}, {"poll": 0}, {"retry": Retry(attempts=0)}],
    ids=["retries", "concurrency", "no lease", "negative lease", "poll", "no try"],
)
def test_numbers_that_make_no_sense_are_refused_with_a_remedy(given):
    (fault,) = jobs.queue("mail", **given).check(Operation.of(send_receipt))
    assert fault.code == "H0682"
    assert 'jobs.queue("mail", ' in fault.helps[0]


def bound(*pairs):
    async def handler(call): ...

    operations = {use_case: Operation.of(use_case) for use_case, _ in pairs}
    return [Exposed(operations[use_case], binding, handler) for use_case, binding in pairs]


def test_use_cases_of_a_queue_must_agree_about_it():
    fit = bound((send_receipt, jobs.queue("mail", retries=1)), (remind, jobs.queue("mail", retries=2)))
    assert not jobs.check(fit)
    disagree = bound((send_receipt, jobs.queue("mail", concurrency=1)), (remind, jobs.queue("mail", concurrency=2)))
    assert [each.code for each in jobs.check(disagree)] == ["H0684"]
    twice = bound((send_receipt, jobs.queue("mail")), (send_receipt, jobs.queue("post")))
    assert [each.code for each in jobs.check(twice)] == ["H0683"]


def test_an_app_tells_all_of_it_at_build():
    app = App("orders")
    app.manage(MemoryJobs())
    app.expose(send_receipt, jobs.queue("mail"), jobs.queue("Post"), allow=internal)
    app.expose(two, jobs.queue("mail", concurrency=1), allow=internal)
    assert {"H0680", "H0681", "H0683", "H0684"} <= {each.code for each in app.check()}


def test_an_app_without_a_store_is_told_what_to_manage():
    app = App("orders")
    app.expose(send_receipt, jobs.queue("mail"), allow=internal)
    assert [each.code for each in app.check()] == ["H0709"]


async def test_a_call_that_fails_enqueues_nothing_and_one_that_succeeds_does():
    store = MemoryJobs()

    async def place(fail: bool, *, jobs: Jobs) -> None:
        await jobs.enqueue(send_receipt, SendReceipt(42), delay=1000)
        if fail:
            raise ValueError

    app = App("orders")
    app.manage(store)
    app.expose(send_receipt, jobs.queue("mail"), allow=internal)
    app.expose(place, allow=internal)
    async with client(app) as caller:
        internal_caller = caller.as_(Principal("job:test", kind="service"))
        with pytest.raises(Exception, match="internal error"):
            await internal_caller.call(place, True)
        assert list(await store.find()) == []
        await internal_caller.call(place, False)
        assert [each.queue for each in await store.find()] == ["mail"]


async def test_a_use_case_without_a_queue_is_refused_with_the_line_to_write(capfd):
    async def place(*, jobs: Jobs) -> None:
        await jobs.enqueue(remind, SendReceipt(42))

    app = App("orders")
    app.manage(MemoryJobs())
    app.expose(send_receipt, jobs.queue("mail"), allow=internal)
    app.expose(place, allow=public)
    async with client(app) as caller:
        with pytest.raises(Exception, match="internal error"):
            await caller.call(place)
    assert 'app.expose(remind, jobs.queue(\\"mail\\"), allow=internal)' in capfd.readouterr().err
