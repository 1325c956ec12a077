"""Kernels by name: each booted when it is first asked for, or beside other work, and kept until all are
closed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
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
        self._coming: dict[str, threading.Event] = {}
        """What is booted beside other work: set where that is done, well or not."""
        self._errors: dict[str, Exception] = {}
        """What is wrong with us, met beside other work."""
        self._closing = threading.Event()
        self.failures: dict[str, str] = {}
        """Kernels that do not run, and why."""

    def begin(self, names: Iterable[str]) -> None:
        """Boot these beside other work, one after the other; only the first call counts."""
        if not self._coming:
            self._coming = {name: threading.Event() for name in names if name not in self._booted}
            if self._coming:
                threading.Thread(target=self._boot_all, daemon=True).start()

    @property
    def all_are_there(self) -> bool:
        """Whether nothing is being booted beside other work, or any more."""
        return all(done.is_set() for done in self._coming.values())

    def get(self, name: str) -> RunningKernel | None:
        """The kernel of this name; None where it does not run, which is tried once.  Waits for one that is
        being booted."""
        if name in self._coming:
            self._coming[name].wait()
        if name in self._errors:
            raise self._errors[name]
        return self._get(name)

    def boot(self, image: Image) -> RunningKernel:
        """The kernel of this image.  Raises :class:`ebpf.errors.VeridiffError` where it does not run."""
        if image.name not in self._booted:
            session = self._stack.enter_context(self._open_session(image, (), job_seconds=self._job_seconds))
            self._booted[image.name] = RunningKernel(session, probe(session))
        return self._booted[image.name]

    def close(self) -> None:
        """Shut all down; what is still being booted ends as soon as it is."""
        self._closing.set()
        self._stack.close()
        self._booted.clear()

    def _get(self, name: str) -> RunningKernel | None:
        if name in self.failures:
            return None
        try:
            return self._booted.get(name) or self.boot(fetch(name))
        except VeridiffError as error:
            self.failures[name] = str(error)
            return None

    def _boot_all(self) -> None:
        """On a thread that lives as long as its machines: QEMU dies with it."""
        for name, done in self._coming.items():
            try:
                if not self._closing.is_set():
                    self._get(name)
            except Exception as error:
                self._errors[name] = error
            finally:
                done.set()
        self._closing.wait()
        self._stack.close()
