import dataclasses

import pytest

from hardy.server import Limits, Timeouts


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Limits)])
@pytest.mark.parametrize("value", [0, -1, None, True])
def test_a_limit_that_limits_everything_is_refused(field, value):
    with pytest.raises(ValueError, match=field):
        Limits(**{field: value})


@pytest.mark.parametrize("value", [-1, float("nan"), "10"])
def test_a_timeout_that_is_no_length_is_refused(value):
    with pytest.raises(ValueError, match="idle"):
        Timeouts(idle=value)


def test_the_defaults_are_the_promised_bounds():
    timeouts = Timeouts()

    assert (timeouts.idle, timeouts.header, timeouts.body, timeouts.keep_alive) == (10, 10, 30, 75)
    assert (Limits().request_line, Limits().headers, Limits().header_bytes) == (8192, 100, 32_768)
