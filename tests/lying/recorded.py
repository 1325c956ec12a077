"""Real kernels' answers to generated and hand-written cases, checked in; ``record.py`` makes them anew."""

from __future__ import annotations

import lzma
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from conformance.kernel.jobs import Job, KernelAnswer, KernelVerdict
from conformance.observing.observation import Observation
from conformance.observing.question import Attempts
from ebpf import casefile
from ebpf.intent import Intent
from ebpf.rules import RULES
from generators.programs import Generated, Purpose
from tests.lying.asking import observe

DIRECTORY = Path(__file__).parents[1] / "data" / "answers"
FOREIGN = "foreign"
"""The directory in it for kernels of other architectures, a file each."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A case, and what the kernel of ``release`` answered to ``Job(case, Attempts.ALL.value)``: every engine."""

    release: str
    generated: Generated
    answer: KernelAnswer

    @property
    def job(self) -> Job:
        return Job(self.generated.case, Attempts.ALL.value)

    @property
    def name(self) -> str:
        return f"{self.release}:{self.generated.case.name}"

    @property
    def verdict(self) -> KernelVerdict:
        """The kernel's own; costs no run of the interpreter."""
        return observe(self.generated, self.answer, self.release).ruling.verdict

    def seen(self, answer: KernelAnswer | None = None) -> Observation:
        """As a property sees it; with another answer where one is given."""
        made = observe(self.generated, answer or self.answer, self.release)
        made.runs = _runs(self.name)  # what our interpreter says is the same whatever the kernel does
        return made


class _Line(msgspec.Struct, omit_defaults=True):
    release: str
    case: dict[str, Any]
    purpose: Purpose
    answer: KernelAnswer
    rule: str = ""
    at: int = 0
    productions: tuple[str, ...] = ()
    output: int = 0


def save(path: Path, records: Iterable[Recorded]) -> None:
    lines = [msgspec.json.encode(_line(record)) for record in records]
    path.write_bytes(lzma.compress(b"\n".join(lines), preset=9 | lzma.PRESET_EXTREME))


def _line(record: Recorded) -> _Line:
    made = record.generated
    rule = str(made.rule or "")
    case = casefile.to_plain(made.case)
    return _Line(
        record.release, case, made.purpose, record.answer, rule, made.at, made.productions, made.output
    )


def load(path: Path) -> tuple[Recorded, ...]:
    return tuple(
        _record(msgspec.json.decode(line, type=_Line))
        for line in lzma.decompress(path.read_bytes()).split(b"\n")
    )


def _record(line: _Line) -> Recorded:
    intent = Intent(RULES[line.rule], line.at) if line.rule else None
    case = casefile.from_plain(line.case)
    return Recorded(
        line.release, Generated(case, line.purpose, intent, line.productions, line.output), line.answer
    )


@cache
def everything() -> tuple[Recorded, ...]:
    """All that is checked in, by kernel."""
    return tuple(record for path in sorted(DIRECTORY.glob("*.jsonl.xz")) for record in load(path))


@cache
def _runs(name: str) -> Any:
    record = next(record for record in everything() if record.name == name)
    return observe(record.generated, record.answer, record.release).runs
