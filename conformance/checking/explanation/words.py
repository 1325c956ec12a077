"""An explanation as a person reads it, and as a record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.checking.explanation.explanation import Explanation
from conformance.checking.explanation.origin import StepKind
from ebpf.assembly import program_listing
from ebpf.program import Program


def lines(why: Explanation, program: Program) -> Iterator[str]:
    """For people; nothing where it says no more than the kernel's message."""
    if not (why.explained or why.known or why.origin or why.reason):
        return
    code = dict(program_listing(program))
    yield "    why: " + _subject(why, code)
    if why.missing:
        yield f"      {why.missing} is not in this kernel's types, so that the instruction may not be reached"
    if why.known:
        yield f"      known there: {why.known}"
    if why.needed and not why.missing:
        yield f"      needed: {why.needed}"
    if why.wanted:
        yield f"      its prototype says: {why.wanted}"
    for step in why.origin:
        how = (
            f"goes by (jump {step.kind.value})"
            if step.kind in (StepKind.TAKEN, StepKind.PASSED)
            else step.kind.value
        )
        yield f"      {how} instruction {step.at}: {code.get(step.at, '')}"
    if why.reason:
        yield f"      the kernel's reason: {why.reason}"
    if why.suggestion:
        yield f"      the kernel suggests: {why.suggestion}"


def _subject(why: Explanation, code: dict[int, str]) -> str:
    parts = []
    if why.at is not None:
        parts.append(f"instruction {why.at}" + (f" ({code[why.at]})" if why.at in code else ""))
    if why.register is not None:
        parts.append(f"r{why.register}" + (f", {why.role}" if why.role else ""))
    return ", ".join(parts) or "the program as a whole"


def as_record(why: Explanation) -> dict[str, Any]:
    """For ``check --json``."""
    return {
        "instruction": why.at,
        "register": why.register,
        "role": why.role or None,
        "wanted": why.wanted,
        "known": why.known or None,
        "needed": why.needed or None,
        "origin": [{"instruction": step.at, "how": step.kind.value} for step in why.origin],
        "missing": why.missing or None,
        "reason": why.reason or None,
        "suggestion": why.suggestion or None,
    }
