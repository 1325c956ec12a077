"""The replayer: asks kernels about findings."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from types import TracebackType
from typing import Self

from conformance.kernel.identity import KernelIdentity
from conformance.kernel.images import fetch
from conformance.kernel.session import KernelSession
from conformance.observing.door import Door, Untold
from conformance.observing.machines import JOB_SECONDS, Machines
from conformance.observing.siblings import Siblings, others_like
from conformance.replaying.replayed import Replayed
from conformance.replaying.restoring import Restored, Said, restore
from ebpf.errors import VeridiffError
from reports.records import Finding


class Replayer:
    """Keeps the kernel that was asked last: ask about all findings of one before the next.

    What goes wrong over one finding or kernel is the reason why that could not be told, and no error.
    """

    def __init__(self, against: Sequence[str] = (), times: int = 3) -> None:
        """``against``: kernels to ask where a disagreement hangs on what others say."""
        self.against = tuple(against)
        self.times = times
        self._kernel: KernelIdentity | None = None
        self._door: Door | str = ""
        """Of the kernel that runs; or why it does not."""
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the kernel that runs."""
        self._stack.close()
        self._kernel = None

    def ask(self, finding: Finding, kernel: KernelIdentity) -> Replayed:
        """Whether a finding shows on a kernel."""
        try:
            restored = restore(finding)
        except VeridiffError as error:
            return Replayed(finding=finding, kernel=kernel, times=self.times, reason=str(error))
        door = self._door_of(kernel)
        if isinstance(door, str):
            return Replayed(finding=finding, kernel=kernel, times=self.times, reason=door)
        replayed = Replayed(finding=finding, kernel=kernel, release=door.release, times=self.times)
        for _ in range(self.times):
            replayed = _once(replayed, restored, door)
        return replayed

    def ask_with_verdict(self, finding: Finding, kernel: KernelIdentity) -> Replayed:
        """The same, and what the kernel says of the program."""
        replayed = self.ask(finding, kernel)
        if not replayed.release or isinstance(self._door, str):
            return replayed
        try:
            said = restore(finding).verdict(self._door)
        except VeridiffError as error:
            said = Said("none", str(error))
        return replace(replayed, verdict=said.verdict, message=said.message)

    def _door_of(self, kernel: KernelIdentity) -> Door | str:
        if kernel != self._kernel:
            self._stack.close()
            self._kernel = kernel
            try:
                self._door = self._boot(kernel)
            except VeridiffError as error:
                self._door = str(error)
        return self._door

    def _boot(self, kernel: KernelIdentity) -> Door:
        image = fetch(kernel.name)
        session = self._stack.enter_context(
            KernelSession.open(image, kernel.boot_args, job_seconds=JOB_SECONDS)
        )
        machines = self._stack.enter_context(closing(Machines()))
        others = others_like(image, self.against)
        return Door.of_session(session, Siblings(others, machines))


def _once(replayed: Replayed, restored: Restored, door: Door) -> Replayed:
    try:
        again = restored.show(door)
    except VeridiffError as error:
        again = Untold(str(error))
    if isinstance(again, Untold):
        return replace(replayed, reason=again.reason)
    if again is None:
        return replace(replayed, told=replayed.told + 1)
    statement = again.disagreement.statement
    return replace(replayed, told=replayed.told + 1, shown=replayed.shown + 1, statement=statement)
