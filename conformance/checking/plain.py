"""The record of ``check --json``: one program, as JSON has it."""

from __future__ import annotations

from typing import Any

from conformance.checking.check import Accusation, Checked, KernelAccount
from conformance.checking.explanation.explanation import explain
from conformance.checking.explanation.words import as_record
from conformance.objects import attachment
from conformance.observing.opinions import THOROUGH, opinion
from ebpf.casefile import to_plain
from oracles.interpreter import Abstained, Outcome, Returned, Trapped
from oracles.reference import ReferenceAnswer


def as_json(checked: Checked, *, logs: bool = False) -> dict[str, Any]:
    """Everything that was said of the program; ``logs``: the kernels' logs too."""
    return {
        "name": checked.name,
        "kernels": {kernel: _kernel(account, logs) for kernel, account in checked.accounts.items()},
        "reference": reference_json(opinion(checked.case, THOROUGH)),
        "interpreter": [outcome_json(outcome) for outcome in checked.outcomes],
        "disagreements": [_accusation(each) for each in checked.accusations],
        "attached": [attachment.as_json(trial) for trial in checked.trials],
        "seconds": {kernel: round(account.seconds, 4) for kernel, account in checked.accounts.items()},
    }


def _kernel(account: KernelAccount, logs: bool) -> dict[str, Any]:
    ruling = account.ruling
    plain: dict[str, Any] = {
        "verdict": ruling.verdict.value,
        "reason": ruling.reason,
        "errno": ruling.errno,
        "message": ruling.message,
        "instruction": ruling.instruction,
        "phase": ruling.phase.value if ruling.phase else None,
    }
    why = explain(account.case.program, ruling, account.log, account.missing)
    plain["why"] = None if why is None else as_record(why)
    if logs:
        plain["log"] = account.log
    return plain


def _accusation(accusation: Accusation) -> dict[str, Any]:
    disagreement = accusation.disagreement
    return {
        "kernel": accusation.kernel,
        "kind": disagreement.kind,
        "signature": str(disagreement.signature),
        "statement": disagreement.statement,
        "instruction": disagreement.culprit,
        "input": disagreement.input,
        "finding_or_gap": "gap" if disagreement.gap else "finding",
        "known": accusation.known or None,
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
