"""Which visit a popped branch belongs to, where an instruction was visited more than once."""

from __future__ import annotations

from ebpf.verifier_log.paths import EndOfTrace, NotExplored, PrunedAt, follow
from tests.ebpf.verifier_log.test_paths import explore, fresh, main, parse_range

TWICE = """
    r0 = 1
    if r0 > 0x3 goto pc+3
    r0 = *(u64 *)(r1 +0)
    if r1 == 0x0 goto pc-3
    exit
    exit
"""
"""Insn 1 compares a constant first, an unknown number on the second turn."""


def twice(pop: str) -> str:
    return f"""
        0: R1=ctx() R10=fp0
        0: (b7) r0 = 1                        ; R0_w=P1
        1: (25) if r0 > 0x3 goto pc+3         ; R0_w=P1
        2: (79) r0 = *(u64 *)(r1 +0)          ; R0_w=scalar()
        3: (15) if r1 == 0x0 goto pc-3        ; R1=ctx()
        1: (25) if r0 > 0x3 goto pc+3         ; R0_w=scalar(umax=3)
        2: safe
        {pop}
    """


def test_a_comparison_of_constants_pushes_nothing() -> None:
    """Unprivileged logs show no precision walk; a prune shows no state: only the constants tell."""
    exploration = explore(TWICE, twice("from 1 to 5: safe"))
    assert follow(exploration, main(0, 1, 2, 3, 1, 5)).stop == PrunedAt(5, 5)
    assert follow(exploration, main(0, 1, 5)).stop == NotExplored(1, 1, 5)


def test_what_lies_above_a_popped_visit_is_finished() -> None:
    exploration = explore(
        """
        if r1 > 0x9 goto pc+1
        r2 = *(u64 *)(r1 +0)
        if r2 > 0x3 goto pc+1
        exit
        exit
        """,
        """
        0: R1=ctx() R10=fp0
        0: (25) if r1 > 0x9 goto pc+1         ; R1=ctx()
        1: (79) r2 = *(u64 *)(r1 +0)          ; R2_w=scalar(umax=2)
        2: (25) if r2 > 0x3 goto pc+1         ; R2_w=scalar(umax=2)
        3: (95) exit
        from 0 to 2: R1=ctx() R2=scalar() R10=fp0
        2: (25) if r2 > 0x3 goto pc+1         ; R2=scalar(umax=3)
        3: safe
        from 2 to 4: R1=ctx() R2=scalar(umin=4) R10=fp0
        4: (95) exit
        """,
    )
    popped = follow(exploration, main(0, 2, 4))
    assert popped.stop == EndOfTrace()
    assert fresh(popped, 1, 2) == parse_range("scalar(umin=4)")
    assert follow(exploration, main(0, 1, 2, 4)).stop == NotExplored(2, 2, 4)


def test_speculative_visits_push_no_architectural_branch() -> None:
    exploration = explore(
        """
        r2 = *(u64 *)(r1 +0)
        if r2 > 0x3 goto pc+2
        if r1 == 0x0 goto pc-2
        exit
        exit
        """,
        """
        0: R1=ctx() R10=fp0
        0: (79) r2 = *(u64 *)(r1 +0)          ; R2_w=Pscalar()
        1: (25) if r2 > 0x3 goto pc+2         ; R2_w=Pscalar(umax=3)
        2: (15) if r1 == 0x0 goto pc-2        ; R1=ctx()
        3: (95) exit
        from 2 to 1 (speculative execution): R2=Pscalar(umax=3) R10=fp0
        1: (25) if r2 > 0x3 goto pc+2         ; R2=Pscalar(umax=3)
        2: safe
        from 1 to 4: R1=ctx() R2=Pscalar(umin=4) R10=fp0
        4: (95) exit
        """,
    )
    assert follow(exploration, main(0, 1, 4)).stop == EndOfTrace()


F_TWICE = """
    call pc+3
    call pc+2
    r0 = 0
    exit
    if r1 > 0x3 goto pc+1
    exit
    exit
"""


def call(to: int, back: int) -> str:
    return f"""caller:
        R10=fp0
        callee:
        frame1: R1=scalar() R10=fp0
        4: (25) if r1 > 0x3 goto pc+1         ; frame1: R1=scalar(umax=3)
        5: (95) exit
        returning from callee:
        frame1: R1=scalar(umax=3) R10=fp0
        to caller at {back}:
        R10=fp0

        from 5 to {to}: R10=fp0"""


def test_a_subprogram_that_returns_twice_on_one_path() -> None:
    """``from EXIT to N`` after a return is no pop, however many visits of EXIT there are."""
    exploration = explore(
        F_TWICE,
        f"""
        0: R1=ctx() R10=fp0
        0: (85) call pc+3
        {call(1, 1)}
        1: (85) call pc+2
        {call(2, 2)}
        2: (b7) r0 = 0                        ; R0_w=0
        3: (95) exit
        from 4 to 6: frame1: R1=scalar(umin=4) R10=fp0
        6: (95) exit
        returning from callee:
        frame1: R1=scalar(umin=4) R10=fp0
        to caller at 2:
        R10=fp0
        from 6 to 2: safe
        from 4 to 6: safe
        """,
    )
    run = [(0, 0), (1, 4), (1, 5), (0, 1), (1, 4), (1, 5), (0, 2), (0, 3)]
    assert follow(exploration, run).stop == EndOfTrace()
    assert follow(exploration, [*run[:5], (1, 6), (0, 2), (0, 3)]).stop == PrunedAt(6, 2)
    assert follow(exploration, [(0, 0), (1, 4), (1, 6), (0, 1)]).stop == PrunedAt(2, 6)


def test_frames_tell_visits_apart() -> None:
    """The same function directly and one call deeper; only the deeper one's branch was pushed."""
    exploration = explore(
        """
        call pc+3
        call pc+4
        r0 = 0
        exit
        if r1 > 0x3 goto pc+3
        exit
        call pc-3
        exit
        exit
        """,
        """
        0: R1=ctx() R10=fp0
        0: (85) call pc+3
        caller:
        R10=fp0
        callee:
        frame1: R1=ctx() R10=fp0
        4: (25) if r1 > 0x3 goto pc+3         ; frame1: R1=ctx()
        5: (95) exit
        returning from callee:
        frame1: R10=fp0
        to caller at 1:
        R10=fp0
        from 5 to 1: R10=fp0
        1: (85) call pc+4
        caller:
        R10=fp0
        callee:
        frame1: R10=fp0
        6: (85) call pc-3
        caller:
        frame1: R10=fp0
        callee:
        frame2: R10=fp0
        4: (25) if r1 > 0x3 goto pc+3         ; frame2: R1=ctx()
        5: (95) exit
        returning from callee:
        frame2: R10=fp0
        to caller at 7:
        frame1: R10=fp0
        from 5 to 7: frame1: R10=fp0
        7: (95) exit
        returning from callee:
        frame1: R10=fp0
        to caller at 2:
        R10=fp0
        from 7 to 2: R10=fp0
        2: (b7) r0 = 0                        ; R0=0
        3: (95) exit
        from 4 to 8: frame2: R1=ctx() R10=fp0
        8: safe
        """,
    )
    deep = [(0, 0), (1, 4), (1, 5), (0, 1), (1, 6), (2, 4), (2, 8)]
    assert follow(exploration, deep).stop == PrunedAt(6, 8)
    assert follow(exploration, [(0, 0), (1, 4), (1, 8)]).stop == NotExplored(1, 4, 8)


def test_a_global_subprogram_verified_before_main() -> None:
    """As 6.1 does: its walk is not the program's start, and main's is not its continuation."""
    exploration = explore(
        "call pc+1\nexit\nr0 = 5\nexit",
        """
        Validating foo() func#1...
        2: R1=scalar() R10=fp0
        2: (b7) r0 = 5                        ; R0_w=5
        3: (95) exit
        Func#1 ('foo') is safe for any args that match its prototype
        0: R1=ctx(off=0,imm=0) R10=fp0
        0: (85) call pc+1
        Func#1 ('foo') is global and assumed valid.
        1: R0_w=scalar()
        1: (95) exit
        """,
    )
    assert follow(exploration, [(0, 0), (1, 2), (1, 3), (0, 1)]).stop == EndOfTrace()
