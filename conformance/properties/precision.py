"""Precision: the kernel refuses a program that is safe, and no rule of its own explains it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.kernel.jobs import Verdict
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement, Kind
from conformance.properties.observation import Observation
from conformance.second_opinion import linux
from oracles.interpreter import Returned
from oracles.reference import Verdict as Reference

PERFMON = {"CAP_PERFMON", "CAP_SYS_ADMIN"}
"""Either spares a program the measures against speculation (include/linux/bpf.h, bpf_bypass_spec_v1)."""


def judge(seen: Observation) -> Iterator[Judgement]:
    """One judgement per refused program.

    A *finding* is a refusal that the kernel's own means (intervals and tnums, no relations between values) would have avoided; any
    other is a *gap*: no verifier accepts everything that is safe.
    """
    if seen.ruling.verdict is not Verdict.REJECT:
        yield Abstention("not refused")
        return
    if seen.case.capabilities is not None and PERFMON.isdisjoint(seen.case.capabilities):
        # For fear of speculation: sanitize_speculative_path, kernel/bpf/verifier.c.
        yield Abstention("without privilege kernels also follow branches that no run takes")
        return
    answer = seen.reference
    if answer is None:
        yield Abstention("the reference verifier was not asked")
        return
    if answer.verdict is not Reference.SAFE:
        yield Agreement() if answer.verdict is Reference.UNSAFE else Abstention(f"reference: {answer.reason}")
        return
    if answer.refused_by(linux(seen.release)):
        yield Agreement()
        return
    if not all(isinstance(outcome, Returned) for outcome, _ in seen.runs):
        yield Abstention("a run does not return")
        return
    message = seen.ruling.message or ""
    finding = seen.provable
    yield Disagreement(
        Kind.PRECISION, f"precision:{shape(message)}",
        f"the kernel refuses a safe program ({message}); " + (
            "intervals and tnums prove every access" if finding else "the proof needs relations between values"),
        seen.ruling.instruction, None, gap=not finding,
    )  # fmt: skip


def shape(message: str) -> str:
    """The message with its numbers and registers left out: what two refusals for one reason share."""
    return re.sub(r"-?\b(0x[0-9a-f]+|\d+)\b", "N", re.sub(r"\bR\d+", "R", message)).replace(":", " ").strip()
