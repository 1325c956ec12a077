"""The whole way of a kernel's selftests: built, loaded, judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from conformance.corpus.judging import Judged, judge_all
from conformance.corpus.selftests.build import Built, build
from conformance.corpus.selftests.outcomes import Outcome, ask
from conformance.corpus.selftests.trials import trials
from conformance.kernel.image import Image
from conformance.kernel.kernel_types import kernel_btf
from conformance.kernel.session import KernelSession
from ebpf.btf import Btf
from ebpf.btf.core import KernelTypes
from ebpf.errors import InputError

T = TypeVar("T")
JOB_SECONDS = 300.0
"""Some are made to reach the verifier's limit of a million instructions, which takes an emulated machine
minutes."""
Progress = Callable[[str, int, int], None]
"""(what is counted, how many are done, of how many; 0: not known)."""


@dataclass(frozen=True, slots=True)
class Ran:
    """``release``: ``uname -r`` of the kernel that was asked."""

    release: str
    files: list[Built]
    outcomes: list[Outcome]
    judged: list[Judged]


def run_selftests(image: Image, workers: int, progress: Progress) -> Ran:
    """Raises :class:`InputError` where that kernel's version has no tagged selftests, or they cannot be
    built."""
    files = list(_counted("files compiled", build(image), 0, progress))
    types = KernelTypes(Btf(kernel_btf(image.vmlinuz)))
    every = [trial for each in files if each.object is not None for trial in trials(each.object, types)]
    if not every:
        raise InputError(
            f"{image.name}: its version has no progs/verifier_*.c with tags (they began with Linux 6.4)"
        )
    with KernelSession.open(image, job_seconds=JOB_SECONDS) as session:
        release = session.hello.release
        outcomes = list(_counted("programs loaded", ask(session, release, every), len(every), progress))
    subjects = [each.subject for each in outcomes if each.subject is not None]
    judged = list(_counted("programs judged", judge_all(subjects, workers), len(subjects), progress))
    return Ran(release, files, outcomes, judged)


def _counted(what: str, every: Iterator[T], total: int, progress: Progress) -> Iterator[T]:
    for number, each in enumerate(every, 1):
        yield each
        progress(what, number, total)
