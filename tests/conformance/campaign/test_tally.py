"""Counts, and the shape that programs equal up to their registers' names share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.campaign import known
from conformance.campaign.known import KnownIssue
from conformance.campaign.tally import Tally, median, renamed
from conformance.properties.judgement import Abstention, Agreement, Disagreement
from ebpf.errors import InputError
from ebpf.isa.forms import Free
from ebpf.isa.insn import Insn
from ebpf.isa.table import form_of
from ebpf.signature import Signature
from generators.profiles import Profile
from generators.programs import Generated
from generators.strategies import programs


def permuted(insns: tuple[Insn, ...], order: list[int]) -> tuple[Insn, ...]:
    changed = []
    for insn in insns:
        form = form_of(insn) if insn.opcode else None
        dst = order[insn.dst] if form and form.dst is Free.REGISTER else insn.dst
        src = order[insn.src] if form and form.src is Free.REGISTER else insn.src
        changed.append(Insn(insn.opcode, dst, src, insn.off, insn.imm))
    return tuple(changed)


@given(st.permutations(range(10)), programs(Profile(near_misses_in=0)))
def test_renamed_registers_are_the_same_shape(order: list[int], generated: Generated) -> None:
    insns = generated.case.program.instructions
    assert list(renamed(permuted(insns, [*order, 10]))) == list(renamed(insns))


def test_other_programs_are_other_shapes() -> None:
    one = (Insn(0xBF, 1, 2), Insn(0xBF, 2, 1))
    other = (Insn(0xBF, 1, 2), Insn(0xBF, 1, 2))
    assert list(renamed(one)) != list(renamed(other))
    assert list(renamed((Insn(0xBF, 1, 10),))) != list(renamed((Insn(0xBF, 1, 2),)))


def test_judgements_are_counted_by_case() -> None:
    tally = Tally()
    tally.judgements("bounds", [Abstention("no log"), Agreement(), Agreement()])
    tally.judgements("bounds", [Abstention("no log")])
    tally.judgements("bounds", [Agreement(), Disagreement(Signature("bounds", ("a",), "b"), "")])
    assert {what: tally.cells["bounds", what] for what in ("judged", "agreed", "disagreed")} == {
        "judged": 2,
        "agreed": 1,
        "disagreed": 1,
    }
    assert tally.abstained["bounds", "no log"] == 2
    total = Tally()
    total.add(tally)
    total.add(tally)
    assert total.cells["bounds", "judged"] == 4


def test_median() -> None:
    tally = Tally()
    assert median(tally.lengths) == 0.0
    tally.lengths.update([3, 1, 2])
    assert median(tally.lengths) == 2.0


INVARIANTS = "health:REG INVARIANTS VIOLATION (true_regN): range bounds violation"
SINCE_6_17 = "health:splat:verifier bug: REG INVARIANTS VIOLATION (true_regN): range bounds violation uN=[N, N] sN=[N, N] uN=[N"


@pytest.mark.parametrize(
    ("release", "explained"),
    [
        ("6.8.12-amd64", True),
        ("6.9.0", True),
        ("6.12.117+deb13-cloud-amd64", True),
        ("6.18.15", True),
        ("7.0.1", True),
        ("7.2.9", True),
        ("6.1.192", False),
        ("6.7.12", False),
        ("5.10.262", False),
        ("7.3.4-bugbench", False),
        ("7.3.4+deb13-cloud-amd64", False),
    ],
)
def test_known_issues_explain_the_kernels_they_name(release: str, explained: bool) -> None:
    assert (known.find(known.load(), INVARIANTS, release) is not None) is explained
    assert (known.find(known.load(), SINCE_6_17, release) is not None) is explained
    assert known.find(known.load(), "execution:JIT:arsh32_k", release) is None


@pytest.mark.parametrize(
    ("release", "explained"),
    [
        ("6.18.15+deb13-cloud-amd64", True),
        ("6.18.9-x", True),
        ("6.17.8+deb13", True),
        ("6.18.16-x", False),
        ("6.12.117-x", False),
    ],
)
def test_the_division_of_the_smallest_number(release: str, explained: bool) -> None:
    """CVE-2026-31525, found again by a run on 6.18.15."""
    for form in ("sdiv32_k", "smod32_x"):
        assert (
            known.find(known.load(), f"execution:kernel interpreter:{form}", release) is not None
        ) is explained
        assert known.find(known.load(), f"execution:JIT:{form}", release) is None


def test_a_broken_file_of_known_issues_is_named(tmp_path: Path) -> None:
    path = tmp_path / "known.json"
    path.write_text('[{"id": 3}]')
    with pytest.raises(InputError, match=r"known\.json"):
        known.load(path)


def test_every_known_issue_says_why() -> None:
    for issue in known.load():
        assert isinstance(issue, KnownIssue)
        assert issue.cause
        assert issue.kernels


def test_precision_is_counted_per_operation() -> None:
    tally, other = Tally(), Tally()
    tight, wide = (("u64", 0.0), ("s64", 0.05)), (("u64", 3.0), ("s64", 0.0))
    tally.judgements(
        "transfer", [Agreement("add64_k"), Agreement("add64_k", tight), Agreement("add64_k", ())]
    )
    other.judgements(
        "transfer",
        [Agreement("add64_k", wide), Abstention("solver", "add64_k"), Agreement(), Abstention("other")],
    )
    tally.add(other)
    assert {what: count for (name, what), count in tally.precision.items() if name == "add64_k"} == {
        "judged": 5,
        "decided": 4,
        "measured": 2,
        "open": 1,
        "tight": 1,
        "u64": 3.0,
        "s64": 0.05,
    }
    assert {name for name, _ in tally.precision} == {"add64_k"}


@pytest.mark.parametrize(
    ("after", "release", "explained"),
    [
        ("7.1", "7.3.4+deb13-cloud-amd64", True),
        ("6.12", "7.2.12+deb13-cloud-amd64", True),
        ("6.18", "7.3.4", True),
        ("6.1", "7.3.4", False),
        ("7.2", "7.3.4", False),
        ("6.12", "7.1.13", False),
    ],
)
def test_the_lost_lower_bound_is_between_two_versions(after: str, release: str, explained: bool) -> None:
    """What only older kernels accept, or newer ones still do, is another regression."""
    for shown in ("R invalid mem access 'scalar'", "R min value is outside of the allowed memory range"):
        found = known.find(known.load(), f"precision:{shown}:after {after}", release)
        assert (found is not None and found.id == "signed-arc-of-bits") is explained
