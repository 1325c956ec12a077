"""A user-space program to be run in the guest, as a child of the agent, and how it ended.  Values only."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

MAX_SLOTS = 8
MAX_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Child:
    """A static executable kept in a ``slot`` of the guest (0..7), the one argument it gets, and its standard
    input.

    It is killed after ``milliseconds`` (up to 60,000), and has ``memory_mib`` of address space and
    ``max_output`` bytes to write.
    """

    slot: int
    executable: bytes
    argument: str
    input: bytes
    milliseconds: int = 10_000
    memory_mib: int = 256
    max_output: int = 4 << 20

    def __post_init__(self) -> None:
        if not 0 <= self.slot < MAX_SLOTS or not 0 < self.milliseconds <= 1000 * MAX_SECONDS:
            raise ValueError(f"slot {self.slot}, {self.milliseconds} ms")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended.

    ``errno`` is not 0 where it could not be started, and ETIMEDOUT where it was killed for its time;
    ``status`` is as waitpid(2) gives it; ``splats`` as in :class:`conformance.kernel.jobs.Answer`.
    """

    errno: int
    status: int
    output: bytes
    nanoseconds: int = 0
    splats: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it ran and exited with 0."""
        return self.errno == 0 and self.status == 0

    @property
    def how(self) -> str:
        """In words: "exit status 0", "SIGSEGV", "Connection timed out"."""
        if self.errno:
            return os.strerror(self.errno)
        if os.WIFSIGNALED(self.status):
            number = os.WTERMSIG(self.status)
            return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
        return f"exit status {os.waitstatus_to_exitcode(self.status)}"
