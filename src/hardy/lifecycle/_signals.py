"""Being told to stop: the first signal asks, the second insists."""

import asyncio
import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

Previous = Callable[[int, FrameType | None], object] | int | None


class Signals:
    """Turns SIGTERM and SIGINT into two events while ``async with`` lasts.

    The first signal sets `drain`: finish what is in flight. The second, of
    either kind, sets `force`: give up what is still running. The handlers that
    were there before are put back at the end.

    Works in the main thread only, as Python delivers signals nowhere else.

    Example:
        >>> import asyncio, os, signal
        >>> async def serve():
        ...     async with Signals() as signals:
        ...         os.kill(os.getpid(), signal.SIGTERM)
        ...         await signals.drain.wait()
        ...     return signals.received
        >>> asyncio.run(serve())
        ('SIGTERM',)
    """

    def __init__(self, *numbers: signal.Signals) -> None:
        self._numbers = numbers or (signal.SIGTERM, signal.SIGINT)
        self._previous: dict[signal.Signals, Previous] = {}
        self._received: list[str] = []
        self.drain = asyncio.Event()
        self.force = asyncio.Event()

    @property
    def received(self) -> tuple[str, ...]:
        """The names of the signals that came, in order."""
        return tuple(self._received)

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            RuntimeError: This is not the main thread.
        """
        loop = asyncio.get_running_loop()
        for number in self._numbers:
            self._previous[number] = signal.getsignal(number)
            try:
                loop.add_signal_handler(number, self._receive, number)
            except (ValueError, RuntimeError) as error:
                raise RuntimeError("signals can only be listened to in the main thread") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Put the handlers back that were there before."""
        loop = asyncio.get_running_loop()
        for number, previous in self._previous.items():
            loop.remove_signal_handler(number)
            if previous is not None:  # None: set by something that is not Python, and gone for us
                signal.signal(number, previous)

    def _receive(self, number: signal.Signals) -> None:
        self._received.append(number.name)
        if self.drain.is_set():
            self.force.set()
        self.drain.set()
