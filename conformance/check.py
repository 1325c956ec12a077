"""One case through every oracle and kernel: what each says, and where two cannot both be right."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from conformance import attachment
from conformance.attachment import AttachTrial
from conformance.explanation import Explanation, explain
from conformance.kernel.jobs import Attempt, Jit, Job, KernelAnswer, KernelVerdict, LossReason, Lost
from conformance.kernel.verdicts import Judgement as Ruling
from conformance.kernel.verdicts import Support, judge_answer
from conformance.properties import PROPERTIES, Observation, PropertyKind
from conformance.properties.judgement import Disagreement
from conformance.properties.observation import plan
from conformance.second_opinion import THOROUGH, opinion
from ebpf.casefile import to_plain
from ebpf.program import Case
from generators.programs import Generated, Purpose
from oracles.interpreter import Abstained, Outcome, Returned, Trapped
from oracles.reference import ReferenceAnswer, ReferenceVerdict

Ask = Callable[[Job], KernelAnswer | Lost]


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
        return accepted and not traps and opinion(self.case).verdict is not ReferenceVerdict.UNSAFE


STATISTICS = 4
"""BPF_LOG_STATS, include/linux/bpf_verifier.h."""


def harmless(outcomes: tuple[Outcome, ...]) -> bool:
    """Whether a kernel may be asked to run the program: the interpreter returned on every input."""
    return all(isinstance(outcome, Returned) for outcome in outcomes)


def check(checked: Checked, kernel: str, ask: Ask, support: Support, release: str = "") -> None:
    """Put the case to one kernel, and hold what it says against the interpreter.

    The program is loaded first and run only where that is harmless: what an unsafe program does to a kernel
    proves nothing more.
    """
    started = time.monotonic()
    generated = Generated(checked.case, Purpose.DARING)
    quiet = Job(checked.case, (Attempt(Jit.ON, 2, run=False), Attempt(Jit.ON, 1, run=False)))
    answer = ask(quiet)
    ruling = judge_answer(answer, 0, support)
    if ruling.verdict is KernelVerdict.NONE and isinstance(answer, KernelAnswer) and len(answer.attempts) > 1:
        # A level-2 log can be cut where a level-1 log is not: then the second attempt is all there is.
        quiet, answer = Job(checked.case, quiet.attempts[1:]), replace(answer, attempts=answer.attempts[1:])
        ruling = judge_answer(answer, 0, support)
    if ruling.verdict is KernelVerdict.NONE and isinstance(answer, KernelAnswer):
        # Even that can be too long.  With statistics only, kernels still say why they refuse.
        brief = Job(checked.case, (Attempt(Jit.ON, STATISTICS, run=False),))
        said = ask(brief)
        if judge_answer(said, 0, support).verdict is not KernelVerdict.NONE:
            quiet, answer, ruling = brief, said, judge_answer(said, 0, support)
    checked.rulings[kernel] = ruling
    if isinstance(answer, Lost):
        if answer.reason is not LossReason.HANG:
            checked.disagreements.append(
                (
                    kernel,
                    Disagreement(
                        PropertyKind.HEALTH,
                        f"health:lost:{answer.reason.value}",
                        f"loading the program takes the kernel down ({answer.reason.value})",
                    ),
                )
            )
        checked.seconds[kernel] = time.monotonic() - started
        return
    seen = Observation(generated, quiet, answer, release, reference=THOROUGH)
    checked.outcomes = tuple(outcome for outcome, _ in seen.runs)
    if ruling.verdict is KernelVerdict.ACCEPT and harmless(checked.outcomes):
        full = plan(checked.case, 0)
        again = ask(full)
        if isinstance(again, KernelAnswer):
            seen = Observation(generated, full, again, release, reference=THOROUGH)
    checked.observations[kernel] = seen
    found: dict[str, Disagreement] = {}
    for judge in PROPERTIES.values():
        for judgement in judge(seen):
            if isinstance(judgement, Disagreement):
                found.setdefault(judgement.signature, judgement)
    checked.disagreements += [(kernel, each) for each in found.values()]
    checked.seconds[kernel] = time.monotonic() - started


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
        "reference": reference_json(opinion(checked.case)),
        "why": why_json(explain(checked.case)),
        "interpreter": [outcome_json(outcome) for outcome in checked.outcomes],
        "disagreements": [
            {
                "kernel": kernel,
                "kind": each.kind.value,
                "signature": each.signature,
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
