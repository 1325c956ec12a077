"""Where a long check is: a line on standard error now and then."""

from __future__ import annotations

import sys
from threading import Event, Thread
from types import TracebackType
from typing import Self

SECONDS = 10.0
"""Before the first line, and between two."""


class Patience:
    """Tells who waits what is being waited for; nothing of what is over soon."""

    def __init__(self, total: int, seconds: float = SECONDS) -> None:
        self.total = total
        self.seconds = seconds
        self.done = 0
        self.doing = "booting"
        self._over = Event()
        self._teller = Thread(target=self._tell, daemon=True)

    def __enter__(self) -> Self:
        self._teller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._teller.join()

    def begin(self, what: str) -> None:
        """What is being done from now on."""
        self.doing = what

    def finish(self) -> None:
        """One of all is done."""
        self.done += 1

    def _tell(self) -> None:
        while not self._over.wait(self.seconds):
            print(
                f"veridiff: {self.done} of {self.total} programs; {self.doing}", file=sys.stderr, flush=True
            )
