"""A judged corpus in numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from conformance.corpus.judging import Judged, accusations, answered, gaps
from conformance.observing.opinions import linux
from conformance.properties.precision import shape
from ebpf.test_runs import ATTACHED
from oracles.reference import ReferenceVerdict


def tabulate(judged: list[Judged]) -> dict[str, Any]:
    """Everything counted, by mode."""
    return {
        mode: _mode([each for each in judged if each.subject.privileged is privileged])
        for mode, privileged in (("privileged", True), ("unprivileged", False))
        if any(each.subject.privileged is privileged for each in judged)
    }


def _mode(judged: list[Judged]) -> dict[str, Any]:
    verdicts = Counter(each.answer.verdict for each in judged)
    seconds = sorted(each.seconds for each in judged)
    decided = verdicts[ReferenceVerdict.SAFE] + verdicts[ReferenceVerdict.UNSAFE]
    return {
        "programs": len(judged),
        **{verdict.value: verdicts[verdict] for verdict in ReferenceVerdict},
        "safe or unsafe %": _percent(decided, len(judged)),
        "answered %": _percent(sum(map(answered, judged)), len(judged)),
        "accusations": [
            {"id": each.subject.id, "name": each.subject.name, "kernel": kernel, "what": what}
            for each in judged
            for kernel, what in accusations(each)
        ],
        "gaps": [
            {"id": each.subject.id, "name": each.subject.name, "kernel": kernel, "message": message}
            for each in judged
            for kernel, message in gaps(each)
        ],
        "rules": _rules(judged),
        "open": dict(Counter(_reason(each) for each in judged if not answered(each)).most_common()),
        "returns": _returns(judged),
        "seconds": {
            "median": round(seconds[len(seconds) // 2], 4),
            "95th percentile": round(seconds[int(len(seconds) * 0.95)], 4),
            "most": round(seconds[-1], 3),
        },
        "megabytes": max(each.megabytes for each in judged),
    }


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0


def _reason(judged: Judged) -> str:
    return re.sub(r"\d+", "N", judged.answer.reason.split(";")[0])


def _rules(judged: list[Judged]) -> dict[str, dict[str, int]]:
    """How often each policy rule said "refused" of a (program, kernel), and how often the kernel had
    accepted."""
    rules: dict[str, dict[str, int]] = {}
    for each in judged:
        for measured in each.subject.measured:
            for name in {broken.rule.name for broken in each.answer.refused_by(linux(measured.kernel))}:
                counts = rules.setdefault(name, {"fired": 0, "refused": 0, "accepted": 0})
                counts["fired"] += 1
                counts["accepted" if measured.accepted else "refused"] += 1
    return dict(sorted(rules.items()))


def _returns(judged: list[Judged]) -> dict[str, Any]:
    """The interpreter's results against those that kernels gave to a test run, where that ran the program."""
    counts: Counter[str] = Counter()
    left: Counter[str] = Counter()
    wrong = []
    ran = (each for each in judged if each.subject.case.program.type not in ATTACHED)
    for each in ran:
        for number, result in enumerate(each.returns):
            given = (m.retvals[number] for m in each.subject.measured if number < len(m.retvals))
            told = {one for one in given if one is not None}
            if not told:
                continue
            counts["measured"] += 1
            if result.value in told:
                counts["right"] += 1
                counts["of chance"] += not result.sure
            elif result.value is None or not result.sure:
                left[re.sub(r"\d+", "N", result.reason or "unpredictable")] += 1
            else:
                wrong.append(
                    {
                        "id": each.subject.id,
                        "name": each.subject.name,
                        "ours": result.value,
                        "kernels": sorted(told),
                    }
                )
    return {
        "measured": counts["measured"],
        "right": counts["right"],
        "of chance": counts["of chance"],
        "wrong": wrong,
        "left": dict(left.most_common()),
    }


def as_text(table: dict[str, Any]) -> Iterator[str]:
    """The same for a reader."""
    for mode, part in table.items():
        answers = f"{part['safe']} safe, {part['unsafe']} unsafe, {part['unknown']} unknown"
        yield f"{mode}: {part['programs']} programs: {answers}"
        yield f"  safe or unsafe {part['safe or unsafe %']} %, answered {part['answered %']} %"
        yield f"  CPU seconds a program: {part['seconds']}; memory {part['megabytes']} MB"
        returns = part["returns"]
        if returns["measured"]:
            wrong = len(returns["wrong"])
            yield f"  test runs: {returns['right']} of {returns['measured']} values right, {wrong} wrong"
            yield f"    {returns['of chance']} of these are what an idle machine gives where chance decides"
            for each in returns["wrong"]:
                yield f"    wrong: {each['id']} {each['name']}: {each['ours']}, kernels {each['kernels']}"
            yield from (f"    {count:5}  {reason}" for reason, count in returns["left"].items())
        yield f"  a kernel accepts, and we object: {len(part['accusations'])}"
        yield from (
            f"    {each['id']} on {each['kernel']}: {each['what']}  ({each['name']})"
            for each in part["accusations"]
        )
        yield f"  a kernel refuses what is safe, and no rule explains it: {len(part['gaps'])}"
        grouped = Counter(shape(each["message"]) for each in part["gaps"])
        yield from (f"    {count:5}  {message}" for message, count in grouped.most_common())
        yield "  policy rules: fired, of these refused by the kernel"
        yield from (
            f"    {counts['fired']:5} {counts['refused']:5}  {name}" for name, counts in part["rules"].items()
        )
        yield "  left open"
        yield from (f"    {count:5}  {reason}" for reason, count in part["open"].items())
