"""One case through every oracle and kernel: what each says, and where two cannot both be right."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from conformance.campaign.known import KnownIssue, find
from conformance.checking.brought import Edition
from conformance.kernel.jobs import KernelVerdict, Loaded, LossReason, Lost
from conformance.kernel.verdicts import Ruling, Support, judge_answer
from conformance.objects.attachment import AttachTrial
from conformance.objects.untyped import types_refused, untyped
from conformance.observing.door import Door, Sighting
from conformance.observing.evidence import SightingEvidence
from conformance.observing.loss import Loss
from conformance.observing.observation import Observation
from conformance.observing.opinions import THOROUGH, opinion
from conformance.observing.question import Attempts, Question
from conformance.properties.judgement import Disagreement
from conformance.properties.registry import PROPERTIES
from ebpf.program import Case, Program
from generators.programs import Generated, Purpose
from oracles.interpreter import Outcome, Returned, Trapped
from oracles.reference import ReferenceVerdict

SupportOf = Callable[[Program], Support]
"""Of what a program needs, what the kernel lacks."""
JUDGED = (KernelVerdict.ACCEPT, KernelVerdict.REJECT)


@dataclass(frozen=True, slots=True)
class Accusation:
    """A disagreement on one kernel."""

    kernel: str
    disagreement: Disagreement
    known: str = ""
    """The known issue that explains it; empty for none."""

    @property
    def new(self) -> bool:
        """Whether it is neither known nor a gap."""
        return not self.known and self.disagreement.gap is None


@dataclass(slots=True)
class KernelAccount:
    """What one kernel said of a case, and what came of that."""

    case: Case
    """As this kernel got it."""
    ruling: Ruling
    loaded: Loaded | None = None
    """The load that the ruling is read from; None where none was made."""
    missing: tuple[tuple[int, str], ...] = ()
    """(slot, what its CO-RE relocation names) where this kernel's types have no such thing."""
    seconds: float = 0.0
    """Of the host."""

    @property
    def judged(self) -> bool:
        """Whether it gave a verdict."""
        return self.ruling.verdict in JUDGED

    @property
    def log(self) -> str:
        """The kernel's log; empty where there is none."""
        return self.loaded.log if self.loaded else ""


@dataclass(slots=True)
class Checked:
    """A case and what is said of it, by kernel name."""

    name: str
    case: Case
    """As the first kernel got it: the oracles are asked about that."""
    accounts: dict[str, KernelAccount] = field(default_factory=dict)
    outcomes: tuple[Outcome, ...] = ()
    accusations: list[Accusation] = field(default_factory=list)
    observations: dict[str, Observation] = field(default_factory=dict)
    trials: list[AttachTrial] = field(default_factory=list)
    """What became of it where it was attached."""

    def attachable(self, kernel: str) -> bool:
        """Whether the kernel may run it when something happens: it accepted it, and no oracle objects."""
        accepted = self.accounts[kernel].ruling.verdict is KernelVerdict.ACCEPT
        traps = any(isinstance(outcome, Trapped) for outcome in self.outcomes)
        return accepted and not traps and opinion(self.case, THOROUGH).verdict is not ReferenceVerdict.UNSAFE


def harmless(outcomes: tuple[Outcome, ...]) -> bool:
    """Whether a kernel may be asked to run the program: the interpreter returned on every input."""
    return all(isinstance(outcome, Returned) for outcome in outcomes)


def check(
    checked: Checked,
    kernel: str,
    door: Door,
    support: SupportOf,
    known: tuple[KnownIssue, ...] = (),
    edition: Edition | None = None,
) -> None:
    """Put the case, as ``edition`` has it for this kernel, to one kernel, and have every property judge what
    is said of it.

    The program is loaded first and run only where that is harmless: what an unsafe program does to a kernel
    proves nothing more.
    """
    edition = edition or Edition(checked.case)
    if not checked.accounts:
        checked.case = edition.case
    if edition.unsupported:
        ruling = Ruling(KernelVerdict.UNSUPPORTED, edition.unsupported)
        checked.accounts[kernel] = KernelAccount(edition.case, ruling)
        return
    started = time.monotonic()
    observation, account = _load(edition, door, support)
    checked.accounts[kernel] = account
    if isinstance(observation, Lost):
        question = _question(account.case, Attempts.LOAD)
        found = door.loss_sightings(question, Loss(observation, None), PROPERTIES.values())
    else:
        checked.outcomes = tuple(outcome for outcome, _ in observation.runs)
        if account.ruling.verdict is KernelVerdict.ACCEPT and harmless(checked.outcomes):
            # No more of a log than there was an answer with.
            level = observation.question.log_level
            run = door.observe(_question(account.case, Attempts.ALL).with_log(level))
            observation = observation if isinstance(run, Lost) else run
        checked.observations[kernel] = observation
        # A refusal for want of what the program needs says nothing of the program.
        lacking = account.ruling.verdict is KernelVerdict.UNSUPPORTED
        kinds = (row.kind for row in PROPERTIES.values() if row.in_checks)
        found = door.sightings(observation, () if lacking else kinds)
    checked.accusations += _accusations(found, kernel, door, known)
    account.seconds = time.monotonic() - started


def _accusations(
    sightings: Iterator[Sighting], kernel: str, door: Door, known: tuple[KnownIssue, ...]
) -> Iterator[Accusation]:
    distinct = {sighting.disagreement.signature: sighting for sighting in sightings}
    for signature, sighting in distinct.items():
        issue = find(known, str(signature), door.release, SightingEvidence(door, sighting))
        yield Accusation(kernel, sighting.disagreement, issue.id if issue else "")


def _load(edition: Edition, door: Door, support_of: SupportOf) -> tuple[Observation | Lost, KernelAccount]:
    """Load the program, without a log of the walk where printing that takes longer than anybody waits."""
    case, missing = edition.case, edition.missing
    support = support_of(case.program)
    observation = door.observe(_question(case, Attempts.LOAD))
    if isinstance(observation, Lost) and observation.reason is LossReason.HANG:
        observation = door.observe(_question(case, Attempts.UNLOGGED))
    if isinstance(observation, Lost):
        return observation, KernelAccount(case, judge_answer(observation, 0, support))
    if edition.optional_types and types_refused(observation.answer):
        without = replace(case, program=untyped(case.program))
        return _load(Edition(without, missing), door, support_of)
    ruling = judge_answer(observation.answer, 0, support)
    return observation, KernelAccount(case, ruling, observation.main, missing)


def _question(case: Case, attempts: Attempts) -> Question:
    return Question(Generated(case, Purpose.DARING), attempts.value, THOROUGH)
