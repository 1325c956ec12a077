"""Each transformation on a few lines: what is changed, and what must not be."""

from __future__ import annotations

import pytest

from ebpf.assembly import parse, text
from ebpf.liveness import live_before, starts
from ebpf.program import Case, LoadFlag, Program
from ebpf.program_types import ProgramType
from ebpf.transformations import TRANSFORMATIONS

BY_NAME = {each.name: each for each in TRANSFORMATIONS}


def case(source: str, capabilities: tuple[str, ...] | None = None) -> Case:
    insns = parse(line.strip() for line in source.strip().splitlines())
    return Case(Program(ProgramType.SOCKET_FILTER, insns), capabilities=capabilities)


def printed(of: Case) -> list[str]:
    insns = of.program.instructions
    return [text(insns[at], insns[at + 1] if at + 1 < len(insns) else None) for at in starts(insns)]


EXAMPLES = [
    (
        "renamed registers",
        "r6 = r9; r7 = map[6]; r8 += r7; call bpf_ktime_get_ns#5; if r6 > r2 goto pc+0; exit",
        "r7 = r6; r8 = map[6]; r9 += r8; call bpf_ktime_get_ns#5; if r7 > r2 goto pc+0; exit",
    ),
    ("renamed registers", "r6 = r1; r0 = *(u8 *)skb[3]; exit", None),
    (
        "swapped operands",
        "if r1 > r2 goto pc+1; if w1 s<= w2 goto pc+0; if r1 > 4 goto pc+0; if r3 & r4 goto pc+0; exit",
        "if r2 < r1 goto pc+1; if w2 s>= w1 goto pc+0; if r1 > 4 goto pc+0; if r4 & r3 goto pc+0; exit",
    ),
    (
        "inverted branches",
        "if r1 > 2 goto pc+2; if r1 & 3 goto pc+1; r0 = 1; exit",
        "if r1 <= 2 goto pc+1; goto pc+2; if r1 & 3 goto pc+1; r0 = 1; exit",
    ),
    ("reordered instructions", "r1 = 1; r2 = 2; r2 += r1; exit", "r2 = 2; r1 = 1; r2 += r1; exit"),
    ("reordered instructions", "goto pc+1; r1 = 1; r2 = 2; r1 = r2; exit", None),
    ("reordered instructions", "r1 = *(u8 *)(r3 +0); r2 = *(u8 *)(r3 +1); r2 = r1; exit", None),
    (
        "split and merged constants",
        "r1 = 7; w2 = -1; r3 = -2147483648; r4 = 2; r4 += 3; exit",
        "r1 = 6; r1 += 1; w2 = -2; w2 += 1; r3 = -2147483647; r3 += -1; r4 = 5; exit",
    ),
    (
        "split and merged constants",
        "goto pc+1; r4 = 2; r4 += 3; exit",
        "goto pc+2; r4 = 1; r4 += 1; r4 += 3; exit",
    ),
    (
        "shifted masks",
        "r1 &= 255; w2 &= 7; r3 &= 5; r4 &= -1; exit",
        "r1 <<= 56; r1 >>= 56; w2 <<= 29; w2 >>= 29; r3 &= 5; r4 &= -1; exit",
    ),
    (
        "spill and fill",
        "r2 = *(u8 *)(r10 -13); r1 += r2; exit",
        "r2 = *(u8 *)(r10 -13); *(u64 *)(r10 -24) = r2; r2 = *(u64 *)(r10 -24); r1 += r2; exit",
    ),
    ("spill and fill", "*(u64 *)(r10 -512) = r1; r1 += r2; exit", None),
    ("spill and fill", "r1 += r2; call pc+1; exit; r0 = 0; exit", None),
    (
        "inlined function",
        "r1 = 2; call pc+2; r0 += 1; exit; if r1 > 3 goto pc+2; r0 = 1; exit; r0 = 2; exit",
        "r1 = 2; if r1 > 3 goto pc+2; r0 = 1; goto pc+2; r0 = 2; goto pc+0; r0 += 1; exit",
    ),
    ("inlined function", "call pc+2; call pc+1; exit; r0 = 0; exit", None),
    ("inlined function", "call pc+1; exit; r6 = 0; r0 = r6; exit", None),
    (
        "outlined instruction",
        "r6 += r7; r0 = r6; exit",
        "r1 = r6; r2 = r7; call pc+3; r6 = r0; r0 = r6; exit; r0 = r1; r0 += r2; exit",
    ),
    ("outlined instruction", "r6 += r7; r0 = r1; exit", None),
    (
        "peeled loop",
        "r1 = 0; r1 += 1; if r1 == 9 goto pc+2; if r1 < 5 goto pc-3; r0 = r1; exit",
        "r1 = 0; r1 += 1; if r1 == 9 goto pc+6; if r1 < 5 goto pc+1; goto pc+3; "
        "r1 += 1; if r1 == 9 goto pc+2; if r1 < 5 goto pc-3; r0 = r1; exit",
    ),
    ("states everywhere", "r0 = 0; exit", "r0 = 0; goto pc+0; exit"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "before", "after"), EXAMPLES)
def test_an_example(name: str, before: str, after: str | None) -> None:
    changed = BY_NAME[name].apply(case(before.replace("; ", "\n")))
    expected = None if after is None else case(after.replace("; ", "\n"))
    assert (changed and printed(changed)) == (expected and printed(expected))


def test_a_dead_store_goes_where_nobody_reads() -> None:
    before = case("r0 = 5\nr1 = 6\nr0 += r1\nexit")
    changed = BY_NAME["dead stores"].apply(before)
    assert changed is not None
    insns = changed.program.instructions
    live = live_before(insns)
    added = [at for at, insn in enumerate(insns) if insn not in before.program.instructions]
    assert len(added) == 4
    assert all(insns[at].dst not in live[at + 1] for at in added)


def test_the_privileged_have_no_more_privilege() -> None:
    assert BY_NAME["more privilege"].apply(case("r0 = 0\nexit")) is None
    root = BY_NAME["more privilege"].apply(case("r0 = 0\nexit", ()))
    assert root is not None
    assert root.capabilities is None


@pytest.mark.parametrize("name", ["state frequency", "states everywhere"])
def test_the_unprivileged_may_not_have_states_kept(name: str) -> None:
    assert BY_NAME[name].apply(case("r0 = 0\nexit", ())) is None
    privileged = BY_NAME[name].apply(case("r0 = 0\nexit"))
    assert privileged is not None
    assert privileged.program.flags is LoadFlag.TEST_STATE_FREQ
