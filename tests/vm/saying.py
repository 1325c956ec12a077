"""What ``check`` must say of files, as a table: each of its groups is asked in one run."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from conformance.cli import main

REJECT, ACCEPT, UNSUPPORTED = "reject", "accept", "unsupported"
Capture = pytest.CaptureFixture[str]


@dataclass(frozen=True, slots=True)
class Said:
    """What ``check`` must say of one file."""

    file: str
    verdicts: dict[str, str]
    """By kernel series."""
    instruction: int | None = None
    """That every refusal names; None: any."""
    needed: str = ""
    """In what every refusal is told to need."""
    text: str = ""
    """Anywhere in the record."""
    register: int | None = None
    """That every refusal is about; None: any."""
    reference: str | None = None
    findings: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    """(series, kind); what is not here is no finding."""
    known: str | None = None
    """The known issue that every finding is, which is no news for the exit status."""
    gaps: frozenset[str] = field(default_factory=frozenset)
    """Series on which it is a gap."""


def prepared(source: Path, directory: Path) -> Path:
    """The file, compiled where it is C."""
    if source.suffix != ".c":
        return source
    clang = next((found for version in (22, 21, 20, 19) if (found := shutil.which(f"clang-{version}"))), None)
    if clang is None:
        pytest.skip("needs clang 19 or newer")
    made = directory / f"{source.stem}.o"
    subprocess.run(
        [clang, "-target", "bpf", "-g", "-O2", "-mcpu=v3", "-c", str(source), "-o", str(made)], check=True
    )
    return made


@dataclass(slots=True)
class Checks:
    """What ``check`` said, group by group, each asked once."""

    data: Path
    groups: Mapping[str, tuple[Said, ...]]
    directory: Path
    capture: Callable[[], str]
    done: dict[str, tuple[dict[str, dict[str, Any]], object]] = field(default_factory=dict)
    against: tuple[str, ...] = ()
    """Series to ask about refusals; none: those of ``check``."""

    def of(self, group: str) -> tuple[dict[str, dict[str, Any]], object]:
        """The records by file, and the exit status."""
        if group not in self.done:
            rows = self.groups[group]
            kernels = [f"--kernel=debian:{series}" for series in rows[0].verdicts]
            kernels += [f"--against=debian:{series}" for series in self.against]
            files = [str(prepared(self.data / row.file, self.directory)) for row in rows]
            with pytest.raises(SystemExit) as ended:
                main(["check", "--json", *kernels, *files])
            lines = [json.loads(line) for line in self.capture().splitlines()]
            assert len(lines) == len(rows)
            self.done[group] = (
                {row.file: record for row, record in zip(rows, lines, strict=True)},
                ended.value.code,
            )
        return self.done[group]


def series_of(kernel: str) -> str:
    """``6.12`` of ``debian:6.12.117-1``."""
    return ".".join(kernel.removeprefix("debian:").split(".")[:2])


def agrees(record: dict[str, Any], row: Said) -> None:
    """Fails where a record is not what the row says."""
    kernels = {series_of(name): said for name, said in record["kernels"].items()}
    assert {name: said["verdict"] for name, said in kernels.items()} == row.verdicts
    for said in kernels.values():
        if said["verdict"] == REJECT:
            if row.instruction is not None:
                assert said["instruction"] == said["why"]["instruction"] == row.instruction
            assert row.register in (None, said["why"]["register"]), said
            assert row.needed in (said["why"]["needed"] or ""), said
    assert row.text in json.dumps(record)
    assert row.reference in (None, record["reference"]["verdict"])
    found = [(series_of(each["kernel"]), each) for each in record["disagreements"]]
    assert {(on, each["kind"]) for on, each in found if each["finding_or_gap"] == "finding"} == row.findings
    assert {each.get("known") for _, each in found if each["finding_or_gap"] == "finding"} <= {row.known}
    assert {on for on, each in found if each["finding_or_gap"] == "gap"} == row.gaps
