import pytest

from hardy.config._units import (
    format_duration,
    format_size,
    parse_duration,
    parse_size,
    parse_url,
    redact_url,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("5m", 300),
        ("1h30m", 5400),
        ("2d", 172800),
        ("250ms", 0.25),
        ("1m 15s", 75),
        ("1.5h", 5400),
        ("30", 30),
        ("0.5", 0.5),
        (" 7s ", 7),
    ],
    ids=["seconds", "minutes", "two", "days", "milliseconds", "blank", "fraction", "plain", "plain-fraction", "padded"],
)
def test_a_duration_is_read(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "s", "-5s", "5 parsecs", "1h30", "nan", "inf", "1e3", "5S", "٣s", "9" * 400 + "s"], ids=str
)
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (30, "30s"), (75, "1m15s"), (5400, "1h30m"), (0.25, "250ms"), (1.5, "1s500ms"), (0.0001, "0.0001s")],
    ids=str,
)
def test_a_duration_is_shown_as_it_may_be_written(seconds, text):
    assert format_duration(seconds) == text
    assert text == "0.0001s" or parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1MiB", 2**20),
        ("64KB", 64000),
        ("64kb", 64000),
        ("4096", 4096),
        ("5 B", 5),
        ("1.5KiB", 1536),
        ("2GiB", 2**31),
        ("0", 0),
    ],
    ids=["binary", "decimal", "lower", "plain", "bytes", "fraction", "large", "zero"],
)
def test_a_size_is_read(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MiB", "-1", "1.5", "0.3B", "1XB", "1Mi B", "1iB", "nan"], ids=str)
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0B"), (5, "5B"), (64000, "64KB"), (2**20, "1MiB"), (1536, "1536B"), (10**9, "1GB")], ids=str
)
def test_a_size_is_shown_as_it_may_be_written(size, text):
    assert format_size(size) == text
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com",
        "http://[::1]:80/x?y#z",
        "sqlite:///orders.db",
        "redis://:p@h",
        "unix:///run/x.sock",
    ],
)
def test_a_url_is_read(text):
    assert parse_url(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com",
        "localhost:80",
        "https://",
        "http://h:port",
        "http://h:99999",
        "http://a b",
        "http://[::1",
        "//h/x",
    ],
)
def test_what_is_no_url_is_refused(text):
    with pytest.raises(ValueError):
        parse_url(text)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://orders:hunter2@db:5432/x?a=b", "postgresql://orders:***@db:5432/x?a=b"),
        ("redis://:hunter2@cache", "redis://:***@cache"),
        ("http://u:hun@ter2@h", "http://u:***@h"),
        ("https://example.com/a:b@c", "https://example.com/a:b@c"),
    ],
    ids=["password", "no-user", "at-in-password", "none"],
)
def test_the_password_of_a_url_is_not_shown(url, shown):
    assert redact_url(url) == shown
