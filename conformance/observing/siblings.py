"""Siblings: other kernels, booted only when there is something to ask them.

That a refused program is safe shows no bug: no verifier accepts everything that is.  That another kernel, an
older one or another build of the same version, accepts the same program does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from conformance.kernel.architecture import DEFAULT, Architecture
from conformance.kernel.image import Image
from conformance.kernel.images import architectures_of, list_images, resolve
from conformance.kernel.jobs import Attempt, Jit, Job, KernelAnswer, KernelVerdict, Lost
from conformance.kernel.verdicts import Ruling, judge_answer
from conformance.observing.machines import Machines
from conformance.observing.question import Attempts
from ebpf.errors import VeridiffError
from ebpf.program import Case
from ebpf.releases import Release
from ebpf.verifier_log.events import PruneLine
from ebpf.verifier_log.log import parse_log

ALWAYS = ("debian:6.1", "debian:6.12")
"""Long-term series that are fetched where they are not cached, beside the newest kernel there is."""
ATTEMPT = Attempt(Jit.ON, 1, run=False)
WALK = Attempt(Jit.ON, 2, run=False)
"""With all that was walked in the log, which an accepted program's leaves out at level 1."""


@dataclass(frozen=True, slots=True)
class SiblingRuling:
    """What one sibling said of a program."""

    kernel: str
    release: Release
    ruling: Ruling
    pruned: bool
    """Whether it left a path because a state walked before covers it, as its log shows, or may have."""
    processed: int | None = None
    """Instructions that it walked."""


def _prunes(answer: KernelAnswer | Lost) -> bool:
    """Whether a log of everything walked shows a path that was left."""
    attempts = () if isinstance(answer, Lost) else answer.attempts
    return any(True for loaded in attempts for _ in parse_log(loaded.log).of(PruneLine))


def _processed(answer: KernelAnswer | Lost) -> int | None:
    return answer.attempts[0].verified if isinstance(answer, KernelAnswer) and answer.attempts else None


class Siblings:
    """Of one kernel under test: ``names`` among ``machines``, which may be others' siblings too."""

    def __init__(self, names: Iterable[str], machines: Machines) -> None:
        self.names = tuple(names)
        self.machines = machines

    def begin(self) -> None:
        """Have all booted beside other work, as there will be something to ask."""
        self.machines.begin(self.names)

    def ask(self, case: Case, *, logged: bool) -> tuple[SiblingRuling, ...]:
        """What each says of a program, the oldest first; nothing of those that cannot be asked.  Where the
        walk is too long to be ``logged``, each may have left a path for all that is known."""
        rulings = [ruling for name in self.names for ruling in self._ask(name, case, logged)]
        return tuple(sorted(rulings, key=lambda each: each.release))

    def _ask(self, name: str, case: Case, logged: bool) -> Iterator[SiblingRuling]:
        machine = self.machines.get(name)
        if machine is not None:
            session, features = machine.session, machine.features
            answer = session.run(Job(case, (ATTEMPT,) if logged else Attempts.UNLOGGED.value))
            ruling = judge_answer(answer, 0, features.support(case.program))
            release = Release.parse(features.release)
            accepted = ruling.verdict is KernelVerdict.ACCEPT
            pruned = accepted and (not logged or _prunes(session.run(Job(case, (WALK,)))))
            yield SiblingRuling(name, release, ruling, pruned, _processed(answer))


def others_like(image: Image, names: Iterable[str]) -> tuple[str, ...]:
    """Those of the same architecture as the kernel, which they are to be compared with."""
    return tuple(
        each for each in names if each != image.name and architectures_of(each) == (image.architecture,)
    )


def default_names(architecture: Architecture = DEFAULT) -> tuple[str, ...]:
    """The newest of each series that is cached; of the host's own architecture also of :data:`ALWAYS`, and
    the newest kernel of all; none where nothing is cached and none can be fetched."""
    try:
        listed = list_images(architecture)
    except VeridiffError:
        return ()
    newest = {Release.parse(row.name.partition(":")[2]).series: row.name for row in listed if row.cached}
    names = dict.fromkeys(newest.values())
    always = (*ALWAYS, *(row.name for row in listed[-1:])) if architecture is DEFAULT else ()
    for name in always:
        with suppress(VeridiffError):
            names.update(dict.fromkeys(resolve(name)[-1:]))
    return tuple(names)


def names_of(named: tuple[str, ...], architectures: Iterable[Architecture] = (DEFAULT,)) -> tuple[str, ...]:
    """The kernels that are named, or else those of :func:`default_names` for each architecture; each once.

    Raises :class:`ebpf.errors.VeridiffError` for an unknown name.
    """
    if not named:
        return tuple(name for each in dict.fromkeys(architectures) for name in default_names(each))
    return tuple(dict.fromkeys(name for pattern in named for name in resolve(pattern)))
