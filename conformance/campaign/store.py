"""A run's directory while it is written: append-only, fsynced, safe for kill -9."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from conformance.campaign.events import (
    CandidateSeen,
    ErrorMet,
    Event,
    FindingMade,
    FindingMerged,
    WorkerEnded,
)
from ebpf.errors import InputError
from reports import jsonl
from reports.records import Finding, RunSummary
from reports.reproducers import files as reproducers

STATE = "state.json"
"""What a run needs to be taken up again."""
ERRORS = "errors.txt"
"""What ended workers early, whole."""


class Store:
    """``findings.jsonl`` gets a line whenever a finding is made or improved: the last line of an id
    counts."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._findings = directory / "findings.jsonl"

    def create(self) -> None:
        """Make the directory.  Raises :class:`InputError` when that is not possible or it already holds a
        run."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            if (self.directory / "run.json").exists():
                raise InputError(f"{self.directory}: already holds a run; choose another --out")
        except OSError as error:
            raise InputError(f"{self.directory}: {error.strerror}") from None

    def reopen(self) -> None:
        """Go on where an earlier sitting ended: a line that a kill cut short is taken away, so that none is
        written behind it."""
        for path in self.directory.glob("*.jsonl"):
            content = path.read_bytes()
            if not content.endswith(b"\n"):
                os.truncate(path, content.rfind(b"\n") + 1)

    def handle(self, event: Event) -> None:
        """Keep what an event says of findings; when this returns it is on disk."""
        match event:
            case CandidateSeen():
                self._note(event)
            case FindingMade():
                self._keep(event.finding)
            case FindingMerged():
                self._merge(event.finding, event.into)
            case ErrorMet():
                self.note_error(f"worker {event.worker} of {event.kernel}, {event.what}: {event.error}")
            case WorkerEnded() if event.error:
                self.note_error(f"worker {event.worker} of {event.kernel}: {event.error}")

    def note_error(self, text: str) -> None:
        """Keep an error whole."""
        with (self.directory / ERRORS).open("a") as file:
            file.write(text + "\n")

    def _note(self, candidate: CandidateSeen) -> None:
        record: dict[str, Any] = {"kind": candidate.kind, "signature": candidate.signature}
        if candidate.case is not None:
            record["case"] = candidate.case
        if candidate.object is not None:
            record["object"] = candidate.object
        jsonl.append(self.directory / "candidates.jsonl", [record])

    def _keep(self, finding: Finding, before: Iterable[Finding] = ()) -> None:
        """A confirmed finding, with its case and reproducers; its line follows those of ``before``."""
        folder = self.directory / "findings" / finding.id
        folder.mkdir(parents=True, exist_ok=True)
        written = reproducers.write(finding, folder)
        finding = msgspec.structs.replace(
            finding, reproducers=written.files, reproducer_failures=written.failures
        )
        (folder / "finding.json").write_bytes(msgspec.json.encode(finding))
        jsonl.append(self._findings, [*before, finding])

    def _merge(self, finding: Finding, into: str) -> None:
        """The finding is the same bug as the one whose id is ``into``: its folder goes, unless somebody else
        made a finding of that id, of another program."""
        merged = msgspec.structs.replace(finding, same_as=into)
        lines = [*(line for line in self._lines() if line.id == finding.id), merged]
        gone = [_subject(line) for line in lines if line.same_as]
        others = [line for line in lines if _subject(line) not in gone]
        if others:
            self._keep(others[-1], before=[merged])
        else:
            jsonl.append(self._findings, [merged])
            shutil.rmtree(self.directory / "findings" / finding.id, ignore_errors=True)

    def findings(self) -> dict[str, Finding]:
        """What is stored so far, by id: the newest line of each, without those that turned out to be
        another."""
        newest = {finding.id: finding for finding in self._lines()}
        return {name: finding for name, finding in newest.items() if not finding.same_as}

    def _lines(self) -> Iterator[Finding]:
        """All that was ever written of findings, in its order."""
        path = self._findings
        for line in path.read_bytes().split(b"\n")[:-1] if path.exists() else []:
            yield msgspec.json.decode(line, type=Finding)

    def save_summary(self, summary: RunSummary) -> None:
        """Replace ``run.json``."""
        self._replace("run.json", msgspec.json.format(msgspec.json.encode(summary), indent=2))

    def save_state(self, state: bytes) -> None:
        """Replace what the run needs to be taken up again."""
        self._replace(STATE, state)

    def _replace(self, name: str, content: bytes) -> None:
        """A file at once and whole, or as it was.  Raises ``OSError``."""
        path = self.directory / name
        draft = path.with_suffix(".tmp")
        try:
            draft.write_bytes(content)
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise


def _subject(finding: Finding) -> object:
    """What the finding is about, by which the findings of two workers under one id are told apart."""
    return finding.case, finding.object
