"""What libraries log comes out as our lines, and the house is left as it was found."""

import io
import json
import logging
import warnings

import pytest

from hardy.telemetry import capture_stdlib, make_logger


@pytest.fixture
def captured():
    stream = io.StringIO()

    def run(write, **options):
        with capture_stdlib(make_logger(stream=stream, format="json", level="debug"), **options):
            write()
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    return run


def test_a_record_becomes_a_line(captured):
    (line,) = captured(lambda: logging.getLogger("driver").warning("lost %s after %d", "contact", 3))
    assert (line["level"], line["event"], line["logger"]) == ("warning", "lost contact after 3", "driver")


def test_levels_below_are_left_out(captured):
    assert captured(lambda: logging.getLogger("driver").debug("chatter")) == []
    assert len(captured(lambda: logging.getLogger("driver").debug("chatter"), level="debug")) == 1


def test_an_exception_brings_its_traceback(captured):
    def write():
        try:
            raise ValueError("boom")
        except ValueError:
            logging.getLogger("driver").exception("failed")

    (line,) = captured(write)
    assert line["level"] == "error"
    assert "ValueError: boom" in line["exception"]


def test_a_record_that_cannot_be_formatted_is_still_a_line(captured):
    (line,) = captured(lambda: logging.getLogger("driver").warning("%d apples", "three"))
    assert line["event"] == "%d apples"


def test_credentials_and_line_breaks_do_not_get_through(captured):
    (line,) = captured(lambda: logging.getLogger("driver").warning("GET /?token=canary\r\nforged"))
    assert "canary" not in line["event"]


def test_warnings_of_python_are_lines(captured):
    def write():
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logging.captureWarnings(False)
            logging.captureWarnings(True)
            warnings.warn("old", DeprecationWarning, stacklevel=1)

    (line,) = captured(write)
    assert "DeprecationWarning: old" in line["event"]


def test_afterwards_everything_is_as_before():
    root = logging.getLogger()
    before = root.handlers[:], root.level, warnings.showwarning
    with pytest.raises(ValueError, match="boom"), capture_stdlib(make_logger(stream=io.StringIO())):
        raise ValueError("boom")
    assert (root.handlers[:], root.level, warnings.showwarning) == before
