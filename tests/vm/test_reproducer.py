"""The C reproducer judges: 1 on a kernel with the bug that it is about, 0 on the same kernel without, 125 where it
cannot tell; and so does the stanza for the kernel's selftests."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from conformance.campaign.localisation import localise
from conformance.campaign.records import Confirmation
from conformance.campaign.records import finding as recorded
from conformance.corpus.selftests.build import compiling
from conformance.corpus.selftests.compiler import find_clang
from conformance.corpus.selftests.outcomes import SelftestAgreement, ask
from conformance.corpus.selftests.trials import trials
from conformance.kernel.cache import cache_directory
from conformance.kernel.children import Child, Ended
from conformance.kernel.identity import KernelIdentity
from conformance.kernel.images import fetch
from conformance.kernel.jobs import KernelVerdict
from conformance.kernel.session import KernelSession
from conformance.observing.door import Door, Sighting, question_of
from conformance.observing.observation import Observation
from conformance.observing.opinions import QUICK
from conformance.properties.registry import PROPERTIES
from ebpf import casefile
from ebpf.assembly import parse
from ebpf.errors import InputError
from ebpf.isa.insn import encode
from generators.programs import Generated, Purpose
from reports.records import Accepts, Finding, MapEntry, Refuses, Returns, Right, StaysQuiet
from reports.reproducers.c_program import c_program
from reports.reproducers.selftest import selftest
from tests.lying import small
from tests.lying.asking import ToldSiblings
from tests.reports.samples import CASE, PROVENANCE, finding

pytestmark = [pytest.mark.vm, pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")]

RIGHT, WRONG, CANNOT_TELL = 0, 1, 125
ADDS = [
    "*(u32 *)(r10 -4) = 1",
    "r2 = r10",
    "r2 += -4",
    "r1 = map[0]",
    "call bpf_map_lookup_elem#1",
    "if r0 == 0x0 goto pc+4",
    "r1 = *(u64 *)(r0 +0)",
    "r1 += 1",
    "*(u64 *)(r0 +0) = r1",
    "r0 = r1",
    "exit",
]
"""Adds one to what map 0 holds at 1, which is 0x41, and returns it."""
KEY, SUM, OTHER = b"\1\0\0\0", b"\x42" + bytes(7), b"\x43" + bytes(7)


def executed(kernel: KernelSession, source: str, directory: Path) -> tuple[int, str]:
    """The exit status of a reproducer in the guest, and what it printed."""
    (directory / "reproducer.c").write_text(source)
    binary = directory / "reproducer"
    command: list[str | Path] = [
        "gcc",
        "-Wall",
        "-Werror",
        "-static",
        "-o",
        binary,
        directory / "reproducer.c",
    ]
    subprocess.run(command, check=True)
    ended = kernel.execute(Child(0, binary.read_bytes(), ("--yes-this-is-a-vm",), b""))
    assert isinstance(ended, Ended)
    assert ended.errno == 0
    assert ended.status & 0xFF == 0, ended.how
    return ended.status >> 8, ended.output.decode()


@pytest.mark.parametrize(
    ("right", "status", "last"),
    [
        (Refuses(), WRONG, "got:      accepted"),
        (Accepts("R1 bad"), RIGHT, "got:      accepted"),
        (Returns(0x42), RIGHT, "  R0: expected 0x42, got 0x42"),
        (Returns(0x43, ("JIT",)), WRONG, "  R0: expected 0x43, got 0x42"),
        (Returns(0x42, ("JIT",), (MapEntry(0, KEY, SUM),)), RIGHT, "  R0: expected 0x42, got 0x42"),
        (
            Returns(0x42, ("JIT",), (MapEntry(0, KEY, OTHER),)),
            WRONG,
            "  map 0, key 01000000, from byte 0: expected 43 00 00 00 00 00 00 00, got 42 00 00 00 00 00 00 00",
        ),
        (StaysQuiet(), RIGHT, "got:      silence"),
    ],
)  # fmt: skip
def test_what_a_kernel_does_decides(
    kernel: KernelSession, right: Right, status: int, last: str, tmp_path: Path
) -> None:
    case = CASE | {"program": CASE["program"] | {"instructions": encode(parse(ADDS)).hex()}}
    got, output = executed(kernel, c_program(finding(right=right), casefile.from_plain(case)), tmp_path)
    *_, line, verdict = output.splitlines()
    if isinstance(right, Returns) and "kernel interpreter: not available" in output:
        pytest.skip("this kernel has the JIT only")
    assert (got, line, verdict) == (status, last, "WRONG" if status else "RIGHT")


@pytest.mark.parametrize(
    ("right", "status"),
    [
        (Refuses(), RIGHT),
        (Refuses(message="unreachable insn 7"), CANNOT_TELL),
        (Accepts("unreachable insn 7"), CANNOT_TELL),
        (Returns(0), CANNOT_TELL),
    ],
)
def test_a_refusal_for_another_reason_tells_nothing(
    kernel: KernelSession, right: Right, status: int, tmp_path: Path
) -> None:
    """The sample is refused by every kernel that has no bug."""
    got, output = executed(kernel, c_program(finding(right=right), casefile.from_plain(CASE)), tmp_path)
    assert "refused: " in output or "not loaded: " in output
    assert got == status


@dataclass(frozen=True)
class Shown:
    """A bug of bugbench, found by a property on the witness that comes with it."""

    bug: int
    kind: str
    finding: Finding
    status: int
    output: str
    stanza: list[SelftestAgreement]


PLANTED = [
    (3, "bounds"), (13, "bounds"), (20, "bounds"), (3, "soundness"), (44, "soundness"), (83, "rule"),
    (54, "execution"), (73, "execution"), (61, "precision"), (3, "embedding"),
]  # fmt: skip
"""A range, a split, a branch never explored; an access, a lock; a rule of policy; the JIT, the interpreter."""
OWN = {
    (3, "embedding"): small.program(
        """
        r6 = *(u32 *)(r1 +8)
        r6 &= 6
        if r6 > 0x4 goto pc+4
        r6 |= 3
        r1 = map[0][0]+0
        *(u64 *)(r1 +0) = r6
        r0 = 0
        exit
        """,
        4,
        maps=(small.OUT,),
    )
}
"""Instead of the witness, which leaves nothing that embedding could look at."""
ALARMING = """
    r6 = *(u32 *)(r1 +8)
    r6 &= -256
    if r6 < 0xe01 goto pc+3
    if r6 > 0xf00 goto pc+2
    if r6 != 0xf00 goto pc+1
    r0 = 1
    r0 = 0
    exit
"""
"""Between the bounds lies one multiple of 256: where it is another number, Linux before 7 finds its own bounds
violated (known issue reg-invariants)."""


@pytest.fixture(scope="module")
def shown(bugbench: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, str], Shown]:
    """On the kernel with the bugs; each is booted once."""
    bugs = {each["n"]: each for each in json.loads((bugbench / "bugs.json").read_text())}
    found = {}
    for bug in dict.fromkeys(bug for bug, _ in PLANTED):
        with KernelSession.open(fetch(str(bugbench / "bzImage-bugs")), (f"bugbench={bug}",)) as session:
            case = casefile.from_plain(bugs[bug]["witness"])
            for kind in (kind for each, kind in PLANTED if each == bug):
                generated = OWN.get((bug, kind), Generated(case, Purpose.DARING))
                record = found_by(session, kind, generated, bugs[bug]["run_is_harmless"])
                directory = tmp_path_factory.mktemp(f"bug-{bug}-{kind}")
                source = c_program(record, casefile.from_plain(record.case))
                status, output = executed(session, source, directory)
                found[bug, kind] = Shown(
                    bug, kind, record, status, output, asserted(session, record, directory)
                )
    return found


def found_by(session: KernelSession, kind: str, generated: Generated, harmless: bool) -> Finding:
    """The finding, recorded as a run records it; an older kernel is said to accept."""
    question = replace(question_of(PROPERTIES[kind], generated), budget=QUICK)
    door = Door.of_session(session, ToldSiblings(v6_12=KernelVerdict.ACCEPT))
    observation = door.observe(question if harmless else question.without_runs())
    assert isinstance(observation, Observation)
    sighting: Sighting = next(door.sightings(observation, [kind]))
    if PROPERTIES[kind].localises:

        def disagrees(other: Generated) -> bool:
            seen = door.observe(question_of(PROPERTIES[kind], other))
            return isinstance(seen, Observation) and any(door.sightings(seen, [kind]))

        sighting = localise(sighting, disagrees)
    return recorded(sighting, KernelIdentity("bugbench", ()), PROVENANCE, Confirmation(None, None))


def asserted(session: KernelSession, record: Finding, directory: Path) -> list[SelftestAgreement]:
    """What the kernel's selftests would say of the stanza; nothing where there is none, or no way to compile
    it."""
    text = selftest(record, casefile.from_plain(record.case))
    source = next(iter(sorted((cache_directory() / "sources").glob("[0-9]*"))), None)
    headers = next(iter(sorted((cache_directory() / "headers").glob("[0-9]*"))), None)
    try:
        clang = find_clang()
    except InputError:
        return []
    if text is None or source is None or headers is None:
        return []
    file, made = directory / "verifier_veridiff.c", directory / "stanza.o"
    file.write_bytes(text)
    subprocess.run(compiling(clang, source, headers, file, made), check=True)
    return [each.agreement for each in ask(session, session.hello.release, list(trials(made)))]


@pytest.fixture(scope="module")
def clean(bugbench: Path) -> Iterator[KernelSession]:
    """The same kernel without a bug."""
    with KernelSession.open(fetch(str(bugbench / "bzImage-clean"))) as session:
        yield session


@pytest.mark.parametrize(("bug", "kind"), PLANTED)
def test_it_tells_a_kernel_with_the_bug_from_one_without(
    shown: dict[tuple[int, str], Shown], clean: KernelSession, bug: int, kind: str, tmp_path: Path
) -> None:
    one = shown[bug, kind]
    status, output = executed(clean, c_program(one.finding, casefile.from_plain(one.finding.case)), tmp_path)
    assert (one.status, status) == (WRONG, RIGHT), f"{one.output}\n{output}"
    on_clean = asserted(clean, one.finding, tmp_path)
    assert one.stanza in ([], [SelftestAgreement.DISAGREE])
    assert on_clean in ([], [SelftestAgreement.AGREE])


def test_it_hears_what_a_kernel_says_of_itself(
    kernel: KernelSession, clean: KernelSession, tmp_path: Path
) -> None:
    if not kernel.hello.release.startswith("6.12."):
        pytest.skip("seen on 6.12")
    record = found_by(kernel, "health", small.program(ALARMING, 4), harmless=True)
    source = c_program(record, casefile.from_plain(record.case))
    assert [executed(each, source, tmp_path)[0] for each in (kernel, clean)] == [WRONG, RIGHT]
    stanzas = [asserted(each, record, tmp_path) for each in (kernel, clean)]
    assert stanzas in ([[], []], [[SelftestAgreement.DISAGREE], [SelftestAgreement.AGREE]])
