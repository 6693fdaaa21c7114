import random
import time

import pytest

from hardy.core import Malformed
from hardy.transport.http._path import Path, expander
from hardy.transport.http._router import Router


def router(*templates: str) -> Router[str]:
    return Router([("GET", Path.parse(each), each) for each in templates])


TABLE = router(
    "/",
    "/orders",
    "/orders/",
    "/orders/{order_id}",
    "/orders/events",
    "/orders/{order_id}/lines",
    "/orders/{order_id}/lines/{line}",
    "/orders/events/{rest:path}",
    "/files/{rest:path}",
    "/{shop}/about",
    "/caf%C3%A9",
)


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/", "/"),
        ("/orders", "/orders"),
        ("/orders/", "/orders/"),
        ("/orders/7", "/orders/{order_id}"),
        ("/orders/events", "/orders/events"),
        ("/orders/ev%65nts", "/orders/events"),
        ("/orders/events/lines", "/orders/{order_id}/lines"),
        ("/orders/events/other", "/orders/events/{rest:path}"),
        ("/orders/events/lines/more/still", "/orders/events/{rest:path}"),
        ("/orders/7/lines/2", "/orders/{order_id}/lines/{line}"),
        ("/orders/7%2F8/lines", "/orders/{order_id}/lines"),
        ("/files/a/b/c", "/files/{rest:path}"),
        ("/files/a/", "/files/{rest:path}"),
        ("/orders/about", "/orders/{order_id}"),
        ("/tea/about", "/{shop}/about"),
        ("/caf%c3%a9", "/caf%C3%A9"),
        ("/orders/7/", None),
        ("/orders//lines", None),
        ("//", None),
        ("/files/", None),
        ("/files", None),
        ("/orders/7/lines/2/x", None),
        ("*", None),
    ],
)
def test_the_best_route_of_a_path_is_found(path, template):
    assert TABLE.find(path)[0].get("GET") == template


def test_a_word_hides_a_field_in_the_same_place_for_every_method():
    table = Router(
        [
            ("DELETE", Path.parse("/orders/{order_id}"), "delete"),
            ("GET", Path.parse("/orders/events"), "events"),
        ]
    )
    assert table.find("/orders/events")[0] == {"GET": "events"}


def test_a_path_that_is_no_utf8_is_malformed():
    with pytest.raises(Malformed):
        TABLE.find("/orders/%ff")


def test_random_tables_agree_with_trying_every_route():
    rng = random.Random(7)
    words = ["a", "b", "c", "{x}"]

    def matches(template: str, path: str) -> bool:
        ours, theirs = template.split("/"), path.split("/")
        return len(ours) == len(theirs) and all(o == t or (o == "{x}" and t) for o, t in zip(ours, theirs, strict=True))

    for _ in range(200):
        shapes = {
            "/" + "/".join(rng.choice(words) for _ in range(rng.randint(1, 4))) for _ in range(rng.randint(1, 12))
        }
        templates = [unique_fields(shape) for shape in shapes]
        table = Router([("GET", Path.parse(each), each) for each in templates])
        for _ in range(30):
            path = "/" + "/".join(rng.choice(["a", "b", "c", "d", ""]) for _ in range(rng.randint(1, 4)))
            found = [each for each in templates if matches(plain(each), path)]
            # Best is the one that has words where others have fields, from the left.
            best = min(found, key=lambda each: [part.startswith("{") for part in each.split("/")], default=None)
            assert table.find(path)[0].get("GET") == best


def unique_fields(shape: str) -> str:
    parts = shape.split("/")
    return "/".join(f"{{x{at}}}" if part == "{x}" else part for at, part in enumerate(parts))


def plain(template: str) -> str:
    return "/".join("{x}" if part.startswith("{") else part for part in template.split("/"))


def test_time_grows_with_the_path_and_not_with_the_ways_through_the_table():
    # Every segment may be the word or a field: 2 ** 12 ways for a router that goes back.
    templates = [
        "/" + "/".join("a" if n >> bit & 1 else f"{{x{bit}}}" for bit in range(8)) + f"/end{n}" for n in range(256)
    ]
    table = router(*templates)
    path = "/a" * 8 + "/none"
    started = time.process_time()
    for _ in range(100):
        assert not table.find(path)[0]
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    ("template", "wrong"),
    [
        ("orders", "does not begin with"),
        ("/a?b", "contains"),
        ("/a b", "contains"),
        ("/{a}.json", "mixes text and a field"),
        ("/{}", "without a proper name"),
        ("/{1a}", "without a proper name"),
        ("/{a:int}", "unknown kind"),
        ("/{a:path}/b", "goes on after"),
        ("/{a}/{a}", "twice"),
        ("/a/../b", "contains `.` or `..`"),
    ],
)
def test_a_malformed_path_says_what_is_wrong(template, wrong):
    with pytest.raises(ValueError, match=wrong.replace(".", r"\.")):
        Path.parse(template)


def test_a_location_is_percent_encoded():
    values = {"id": "a/b ü", "n": 3}
    assert expander("/orders/{id}/lines/{n}?x=1")(values.__getitem__) == "/orders/a%2Fb%20%C3%BC/lines/3?x=1"
