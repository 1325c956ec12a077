"""One case through every oracle and kernel: what each says, and where two cannot both be right."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.checking.explanation import Explanation, explain
from conformance.kernel.jobs import Attempt, Jit, KernelVerdict, Lost
from conformance.kernel.verdicts import Judgement as Ruling
from conformance.kernel.verdicts import Support, judge_answer
from conformance.objects import attachment
from conformance.objects.attachment import AttachTrial
from conformance.observing.door import Door
from conformance.observing.loss import Loss
from conformance.observing.observation import Observation
from conformance.observing.opinions import THOROUGH, opinion
from conformance.observing.question import Attempts, Question
from conformance.properties.judgement import Disagreement
from conformance.properties.registry import PROPERTIES
from ebpf.casefile import to_plain
from ebpf.program import Case
from generators.programs import Generated, Purpose
from oracles.interpreter import Abstained, Outcome, Returned, Trapped
from oracles.reference import ReferenceAnswer, ReferenceVerdict


@dataclass(slots=True)
class Checked:
    """``rulings`` by kernel name; ``disagreements`` as (kernel name, disagreement); ``seconds`` per kernel,
    host time; ``trials``: what became of it where it was attached."""

    name: str
    case: Case
    rulings: dict[str, Ruling] = field(default_factory=dict)
    outcomes: tuple[Outcome, ...] = ()
    disagreements: list[tuple[str, Disagreement]] = field(default_factory=list)
    observations: dict[str, Observation] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    trials: list[AttachTrial] = field(default_factory=list)

    def attachable(self, kernel: str) -> bool:
        """Whether the kernel may run it when something happens: it accepted it, and no oracle objects."""
        accepted = self.rulings[kernel].verdict is KernelVerdict.ACCEPT
        traps = any(isinstance(outcome, Trapped) for outcome in self.outcomes)
        return accepted and not traps and opinion(self.case, THOROUGH).verdict is not ReferenceVerdict.UNSAFE


STATISTICS = 4
"""BPF_LOG_STATS, include/linux/bpf_verifier.h."""


def harmless(outcomes: tuple[Outcome, ...]) -> bool:
    """Whether a kernel may be asked to run the program: the interpreter returned on every input."""
    return all(isinstance(outcome, Returned) for outcome in outcomes)


def check(checked: Checked, kernel: str, door: Door, support: Support) -> None:
    """Put the case to one kernel, and have every property judge what is said of it.

    The program is loaded first and run only where that is harmless: what an unsafe program does to a kernel
    proves nothing more.
    """
    started = time.monotonic()
    observation, ruling = _load(checked.case, door, support)
    checked.rulings[kernel] = ruling
    if isinstance(observation, Lost):
        question = _question(checked.case, Attempts.LOAD.value)
        found = door.loss_sightings(question, Loss(observation, None), PROPERTIES.values())
    else:
        checked.outcomes = tuple(outcome for outcome, _ in observation.runs)
        if ruling.verdict is KernelVerdict.ACCEPT and harmless(checked.outcomes):
            run = door.observe(_question(checked.case, Attempts.ALL.value))
            observation = observation if isinstance(run, Lost) else run
        checked.observations[kernel] = observation
        found = door.sightings(observation, PROPERTIES)
    distinct = {sighting.disagreement.signature: sighting.disagreement for sighting in found}
    checked.disagreements += [(kernel, disagreement) for disagreement in distinct.values()]
    checked.seconds[kernel] = time.monotonic() - started


QUIET = (Attempt(Jit.ON, 2, run=False), Attempt(Jit.ON, 1, run=False))
"""A level-2 log can be cut where a level-1 log is not."""
BRIEF = (Attempt(Jit.ON, STATISTICS, run=False),)
"""Even that can be too long.  With statistics only, kernels still say why they refuse."""


def _load(case: Case, door: Door, support: Support) -> tuple[Observation | Lost, Ruling]:
    """Load the program with less and less of a log, until one says what the kernel thinks of it."""
    question = _question(case, QUIET)
    observation = door.observe(question)
    if isinstance(observation, Lost):
        return observation, judge_answer(observation, 0, support)
    for number in range(len(observation.answer.attempts)):
        ruling = judge_answer(observation.answer, number, support)
        if ruling.verdict is not KernelVerdict.NONE:
            return _from_attempt(door, question, observation, number), ruling
    brief = door.observe(_question(case, BRIEF))
    if not isinstance(brief, Lost):
        ruling = judge_answer(brief.answer, 0, support)
        if ruling.verdict is not KernelVerdict.NONE:
            return brief, ruling
    return observation, judge_answer(observation.answer, 0, support)


def _from_attempt(door: Door, question: Question, observation: Observation, number: int) -> Observation:
    """The observation as if it had begun with one of its attempts."""
    question = replace(question, attempts=question.attempts[number:])
    answer = replace(observation.answer, attempts=observation.answer.attempts[number:])
    return door.observation(question, answer)


def _question(case: Case, attempts: tuple[Attempt, ...]) -> Question:
    return Question(Generated(case, Purpose.DARING), attempts, THOROUGH)


def as_json(checked: Checked) -> dict[str, Any]:
    """The record of ``check --json``."""
    return {
        "name": checked.name,
        "kernels": {
            kernel: {
                "verdict": ruling.verdict.value,
                "reason": ruling.reason,
                "errno": ruling.errno,
                "message": ruling.message,
                "instruction": ruling.instruction,
                "phase": ruling.phase.value if ruling.phase else None,
            }
            for kernel, ruling in checked.rulings.items()
        },
        "reference": reference_json(opinion(checked.case, THOROUGH)),
        "why": why_json(explain(checked.case)),
        "interpreter": [outcome_json(outcome) for outcome in checked.outcomes],
        "disagreements": [
            {
                "kernel": kernel,
                "kind": each.kind,
                "signature": str(each.signature),
                "statement": each.statement,
                "instruction": each.culprit,
                "input": each.input,
                "finding_or_gap": "gap" if each.gap else "finding",
            }
            for kernel, each in checked.disagreements
        ],
        "attached": [attachment.as_json(trial) for trial in checked.trials],
        "seconds": {kernel: round(seconds, 4) for kernel, seconds in checked.seconds.items()},
    }


def reference_json(answer: ReferenceAnswer) -> dict[str, Any]:
    """What the reference verifier says."""
    return {
        "verdict": answer.verdict.value,
        "rule": answer.rule.name if answer.rule else None,
        "instruction": answer.at,
        "detail": answer.detail or None,
        "reason": answer.reason or None,
        "policy": [
            {
                "rule": each.rule.name,
                "class": each.rule.rule_class.value,
                "instruction": each.at,
                "detail": each.detail,
                "since": _version(each.since),
                "before": _version(each.before),
            }
            for each in answer.policy
        ],
        "witness": None if answer.witness is None else to_plain(answer.witness),
        "seconds": round(answer.cost.seconds, 4),
    }


def why_json(found: Explanation | None) -> dict[str, Any] | None:
    """The register that the reference verifier accuses, and where its value came from."""
    if found is None:
        return None
    return {
        "instruction": found.at,
        "rule": found.rule.name,
        "register": found.register,
        "wanted": found.wanted,
        "found": found.found,
        "origin": list(found.origin),
    }


def _version(series: tuple[int, int] | None) -> str | None:
    return None if series in (None, (0, 0)) else ".".join(map(str, series or ()))


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """One run of the interpreter."""
    match outcome:
        case Returned():
            return {"outcome": "returned", "r0": f"0x{outcome.r0:x}", "predictable": outcome.predictable}
        case Trapped():
            return {
                "outcome": "trapped",
                "instruction": outcome.at,
                "rule": outcome.rule.name,
                "detail": outcome.detail,
                "predictable": outcome.predictable,
            }
        case Abstained():
            return {"outcome": "abstained", "instruction": outcome.at, "reason": outcome.reason}
