"""What a finding's reproducers say on the kernel with its bug and on the one without:
``python -m tests.quality.reproducers DIRECTORY RUNS --out FILE [--bugs 3,38]``.

``DIRECTORY`` is that of :mod:`tests.quality.bugbench`, ``RUNS`` its ``--out``: a run per bug.  Of each bug the
smallest fitting finding is taken, its five forms are made anew from its record, and each is put to both kernels
as a user would: case, object and hex to what ``veridiff check`` does, the C program as root in the guest, the
patch's stanza, compiled against a kernel's own selftests, to what their runner does.  Every bug is a line of
``FILE``, so that a call that was stopped goes on where it was; exit status 1 when one form was wrong.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from conformance.checking.brought import BroughtProgram
from conformance.checking.check import Checked, check
from conformance.cli import inputs
from conformance.corpus.selftests.build import compiling
from conformance.corpus.selftests.compiler import find_clang
from conformance.corpus.selftests.outcomes import SelftestAgreement, ask
from conformance.corpus.selftests.trials import trials
from conformance.kernel.cache import cache_directory
from conformance.kernel.children import Child, Ended
from conformance.kernel.features import Features, probe
from conformance.kernel.images import fetch
from conformance.kernel.session import KernelSession
from conformance.observing.door import Door
from conformance.observing.machines import Machines
from conformance.observing.siblings import Siblings
from reports.records import Finding, Status
from reports.reproducers import write
from tests.quality.bugbench import Planted, planted

FORMS = {
    "case": "case.json",
    "c": "reproducer.c",
    "object": "program.o",
    "patch": "verifier_veridiff.c",
    "hex": "program.hex",
}
RIGHT, WRONG, UNTOLD, NONE = "right", "wrong", "cannot tell", "none"
C_STATUS = {0: RIGHT, 1: WRONG, 125: UNTOLD}
STANZA = {SelftestAgreement.AGREE: RIGHT, SelftestAgreement.DISAGREE: WRONG}


@dataclass(frozen=True, slots=True)
class Row:
    """``buggy`` and ``clean``: by form, what it said of the kernel."""

    number: int
    name: str
    kind: str
    signature: str
    slots: int
    buggy: dict[str, str]
    clean: dict[str, str]

    def told(self, form: str) -> bool:
        """Whether the form told one kernel from the other."""
        return (self.buggy[form], self.clean[form]) == (WRONG, RIGHT)

    def is_wrong(self, form: str) -> bool:
        """Whether it accused the clean kernel, or acquitted the buggy one."""
        return self.buggy[form] == RIGHT or self.clean[form] == WRONG


@dataclass(frozen=True, slots=True)
class Asked:
    """A kernel that runs."""

    session: KernelSession
    features: Features
    door: Door


def smallest(run: Path, bug: Planted) -> Finding | None:
    """The new finding of a fitting kind with the fewest instructions; as it was last recorded."""
    found: dict[str, Finding] = {}
    lines = (run / "findings.jsonl").read_bytes().splitlines() if (run / "findings.jsonl").exists() else []
    for line in lines:
        record = msgspec.json.decode(line, type=Finding)
        found[record.id] = record
    fitting = [
        each
        for each in found.values()
        if each.kind in bug.kinds and each.status is Status.NEW and not each.same_as and each.case is not None
    ]
    return min(fitting, key=slots, default=None)


def slots(record: Finding) -> int:
    """Of its program."""
    assert record.case is not None
    return len(record.case["program"]["instructions"]) // 16


def checked(asked: Asked, file: Path, kind: str) -> str:
    """Whether a property of that kind finds the kernel wrong on the program of a file."""
    says = UNTOLD
    for brought in inputs.read(file):
        account = _checked(asked, brought)
        if any(
            each.disagreement.kind == kind and each.disagreement.gap is None for each in account.accusations
        ):
            return WRONG
        if account.accounts["kernel"].judged:
            says = RIGHT
    return says


def _checked(asked: Asked, brought: BroughtProgram) -> Checked:
    account = Checked(brought.name, brought.case)
    check(account, "kernel", asked.door, asked.features.support)
    return account


def executed(asked: Asked, file: Path, directory: Path) -> str:
    """The exit status of the C program, in words."""
    binary = directory / "reproducer"
    subprocess.run(["gcc", "-static", "-o", binary, file], check=True)
    ended = asked.session.execute(Child(0, binary.read_bytes(), ("--yes-this-is-a-vm",), b""))
    if not isinstance(ended, Ended):
        return WRONG if ended.reason.value == "panic" else UNTOLD
    return C_STATUS.get(ended.status >> 8, UNTOLD) if ended.status & 0xFF == 0 else UNTOLD


def asserted(asked: Asked, file: Path, directory: Path) -> str:
    """What the kernel's own runner of selftests would say of the stanza."""
    sources, headers = (sorted((cache_directory() / name).glob("[0-9]*")) for name in ("sources", "headers"))
    made = directory / "stanza.o"
    subprocess.run(compiling(find_clang(), sources[-1], headers[-1], file, made), check=True)
    agreements = {
        each.agreement for each in ask(asked.session, asked.session.hello.release, list(trials(made)))
    }
    if SelftestAgreement.DISAGREE in agreements:
        return WRONG
    return RIGHT if agreements == {SelftestAgreement.AGREE} else UNTOLD


def judged(asked: Asked, record: Finding, directory: Path) -> dict[str, str]:
    """What each form says of a kernel."""
    says = {}
    for form, name in FORMS.items():
        file = directory / name
        if not file.exists():
            says[form] = NONE
        elif form == "c":
            says[form] = executed(asked, file, directory)
        elif form == "patch":
            says[form] = asserted(asked, file, directory)
        else:
            says[form] = checked(asked, file, record.kind)
    return says


def row(bug: Planted, record: Finding, bench: Path, directory: Path) -> Row:
    """One bug's."""
    write(record, directory)
    told = []
    for image, arguments in (("bzImage-bugs", (f"bugbench={bug.number}",)), ("bzImage-clean", ())):
        with ExitStack() as stack:
            session = stack.enter_context(KernelSession.open(fetch(str(bench / image)), arguments))
            machines = stack.enter_context(closing(Machines()))
            others = Siblings((str(bench / "bzImage-clean"),), machines)
            asked = Asked(session, probe(session), Door.of_session(session, others))
            told.append(judged(asked, record, directory))
    return Row(bug.number, bug.name, record.kind, record.signature, slots(record), *told)


def table(rows: list[Row]) -> Iterator[str]:
    """As docs have it."""
    yield "| bug | finding | slots | case | C program | object | selftest | hex |"
    yield "|---|---|--:|---|---|---|---|---|"
    for each in sorted(rows, key=lambda each: each.number):
        cells = [
            "tells"
            if each.told(form)
            else "none"
            if each.buggy[form] == NONE
            else f"buggy: {each.buggy[form]}, clean: {each.clean[form]}"
            for form in FORMS
        ]
        yield f"| {each.number} {each.name} | `{each.signature}` | {each.slots} | {' | '.join(cells)} |"
    if rows:
        sizes = [each.slots for each in rows]
        yield ""
        yield f"Median {statistics.median(sizes):g} slots, largest {max(sizes)}."


def main() -> int:
    """Judge what has no row yet, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--bugs", default="", help="numbers, comma-separated; default: all that were found")
    options = parser.parse_args()
    lines = options.out.read_text().splitlines() if options.out.exists() else []
    rows = [Row(**json.loads(line)) for line in lines]
    wanted = {int(number) for number in options.bugs.split(",") if number}
    for bug in planted(options.directory):
        if bug.number in {each.number for each in rows} or (wanted and bug.number not in wanted):
            continue
        found = [record for runs in options.runs if (record := smallest(runs / f"bug{bug.number}", bug))]
        if not found:
            continue
        directory = Path(tempfile.mkdtemp(prefix="veridiff-"))
        made = row(bug, min(found, key=slots), options.directory, directory)
        shutil.rmtree(directory)
        rows.append(made)
        with options.out.open("a") as file:
            file.write(json.dumps(asdict(made)) + "\n")
        print(*list(table([made]))[2:3], flush=True)
    print(*table(rows), sep="\n")
    return 1 if any(each.is_wrong(form) for each in rows for form in FORMS) else 0


if __name__ == "__main__":
    raise SystemExit(main())
