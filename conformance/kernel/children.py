"""A user-space program to be run in the guest, as a child of the agent, and how it ended.  Values only."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

MAX_SLOTS = 8
MAX_SECONDS = 3600
MAX_ARGUMENTS = 64
MAX_ARGUMENT_BYTES = 8192
"""Of all arguments, each with the zero that ends it."""


@dataclass(frozen=True, slots=True)
class Child:
    """A static executable kept in a ``slot`` of the guest (0..7), the arguments it gets, and its standard
    input.

    It is killed after ``milliseconds`` (up to an hour), and has ``memory_mib`` of address space and
    ``max_output`` bytes to write.
    """

    slot: int
    executable: bytes
    arguments: tuple[str, ...]
    input: bytes
    milliseconds: int = 10_000
    memory_mib: int = 256
    max_output: int = 4 << 20

    def __post_init__(self) -> None:
        if not 0 <= self.slot < MAX_SLOTS or not 0 < self.milliseconds <= 1000 * MAX_SECONDS:
            raise ValueError(f"slot {self.slot}, {self.milliseconds} ms")
        size = sum(len(argument.encode()) + 1 for argument in self.arguments)
        if len(self.arguments) > MAX_ARGUMENTS or size > MAX_ARGUMENT_BYTES:
            raise ValueError(f"{len(self.arguments)} arguments of {size} bytes")
        if any("\0" in argument for argument in self.arguments):
            raise ValueError("a zero in an argument")


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
    errors: bytes = b""
    """What it wrote to standard error; ``output`` is what it wrote to standard output."""

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
