"""Kernels by name: each booted when it is first asked for, and kept until all are closed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from conformance.kernel.features import Features, probe
from conformance.kernel.image import Image
from conformance.kernel.images import fetch
from conformance.kernel.session import KernelSession
from ebpf.errors import VeridiffError

JOB_SECONDS = 60.0
"""The watchdog for one question."""


@dataclass(frozen=True, slots=True)
class RunningKernel:
    """A kernel that runs, and what it has."""

    session: KernelSession
    features: Features


class Machines:
    """Kernels without arguments of their own: whoever asks for one of a name gets the same."""

    def __init__(
        self,
        open_session: Callable[..., KernelSession] = KernelSession.open,
        job_seconds: float = JOB_SECONDS,
    ) -> None:
        self._open_session = open_session
        self._job_seconds = job_seconds
        self._stack = ExitStack()
        self._booted: dict[str, RunningKernel] = {}
        self.failures: dict[str, str] = {}
        """Kernels that do not run, and why."""

    def get(self, name: str) -> RunningKernel | None:
        """The kernel of this name; None where it does not run, which is tried once."""
        if name in self.failures:
            return None
        try:
            return self._booted.get(name) or self.boot(fetch(name))
        except VeridiffError as error:
            self.failures[name] = str(error)
            return None

    def boot(self, image: Image) -> RunningKernel:
        """The kernel of this image.  Raises :class:`ebpf.errors.VeridiffError` where it does not run."""
        if image.name not in self._booted:
            session = self._stack.enter_context(self._open_session(image, (), job_seconds=self._job_seconds))
            self._booted[image.name] = RunningKernel(session, probe(session))
        return self._booted[image.name]

    def close(self) -> None:
        """Shut all down."""
        self._stack.close()
        self._booted.clear()
