"""Events that are counted, and a publisher that keeps what it is given or refuses it."""

from collections import defaultdict
from dataclasses import dataclass

from hardy.core import Unavailable
from hardy.messaging import Retry, Topic, Unpublished

AT_ONCE = Retry(first=0.0, attempts=3, jitter=lambda: 1.0)


@dataclass(frozen=True)
class Counted:
    key: str
    n: int


COUNTED = Topic("counted", key="key")


class Sink:
    """Takes what is published, and fails as a test says."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, int]] = []
        self.ids: list[str] = []
        self.refuse: dict[tuple[str, int], Exception] = {}
        self.refuse_once: dict[tuple[str, int], Exception] = {}
        self.down = False

    async def publish(self, envelopes, /) -> None:
        if self.down:
            raise Unavailable("nobody is there")
        failures = {}
        stopped = set()
        for each in envelopes:
            n = int(each.data.split(b'"n":')[1].rstrip(b"}"))
            error = self.refuse_once.pop((each.key, n), None) or self.refuse.get((each.key, n))
            if error is not None or each.key in stopped:
                stopped.add(each.key)
                failures[each.id] = error or Unavailable("not sent")
            else:
                self.taken.append((each.key, n))
                self.ids.append(each.id)
        if failures:
            raise Unpublished(failures)

    @property
    def by_key(self) -> dict[str, list[int]]:
        found = defaultdict(list)
        for key, n in self.taken:
            found[key].append(n)
        return dict(found)
