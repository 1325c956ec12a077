"""Runs followed along small logs: what must be claimed, what must not, and why following stops."""

from __future__ import annotations

import pytest

from ebpf.assembly import parse
from ebpf.domains import ScalarRange
from ebpf.isa.insn import Insn
from ebpf.verifier_log import ScalarClaim, parse_log
from ebpf.verifier_log.exploration import Exploration
from ebpf.verifier_log.paths import (
    Ambiguous,
    ClaimsAt,
    EndOfLog,
    EndOfTrace,
    Followed,
    NotExplored,
    PrunedAt,
    Split,
    Truncated,
    WalkAbstained,
    follow,
)

STATS = "processed 3 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n"


def explore(program: str, log: str, *, accepted: bool = True) -> Exploration:
    """``program`` and ``log`` are indented blocks; the log gets its head and its statistics."""
    stripped = [line.strip() for line in log.strip("\n").split("\n")]
    lines = [" " + line if line.startswith(("R", "frame")) and "=" in line else line for line in stripped]
    text = "func#0 @0\n" + "\n".join(lines) + "\n" + STATS
    return Exploration(parse_log(text), parse(program.strip().split("\n")), accepted=accepted)


def main(*insns: int) -> list[tuple[int, int]]:
    """A run that stays in the main program."""
    return [(0, insn) for insn in insns]


def at(followed: Followed, step: int) -> ClaimsAt:
    return next(claims for claims in followed.claims if claims.step == step)


def fresh(followed: Followed, step: int, register: int) -> ScalarRange | None:
    """What was newly said of a main-program register after ``step``."""
    for state in reversed(at(followed, step).fresh):
        claim = state.register(register) if state.frame == 0 else None
        if isinstance(claim, ScalarClaim):
            return claim.range
    return None


def known(followed: Followed, step: int, register: int, frame: int = 0) -> object:
    return at(followed, step).known.frame(frame).registers.get(register)


BRANCHING = """
    r0 = *(u8 *)(r1 +0)
    if r0 > 0x5 goto pc+2
    r2 = 7
    exit
    r2 = 8
    exit
"""
BRANCHES = """
    0: R1=ctx() R10=fp0
    0: (71) r0 = *(u8 *)(r1 +0)           ; R0_w=scalar(smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff)) R1=ctx()
    1: (25) if r0 > 0x5 goto pc+2         ; R0_w=scalar(smin=smin32=0,smax=umax=smax32=umax32=5,var_off=(0x0; 0x7))
    2: (b7) r2 = 7                        ; R2_w=7
    3: (95) exit

    from 1 to 4: R0_w=scalar(smin=umin=6,smax=umax=255,var_off=(0x0; 0xff)) R1=ctx() R10=fp0
    4: R0_w=scalar(smin=umin=6,smax=umax=255,var_off=(0x0; 0xff)) R1=ctx() R10=fp0
    4: (b7) r2 = 8                        ; R2_w=8
    5: (95) exit
"""


def test_the_way_the_verifier_went_on() -> None:
    followed = follow(explore(BRANCHING, BRANCHES), main(0, 1, 2, 3))
    assert followed.stop == EndOfTrace()
    assert [claims.step for claims in followed.claims] == [-1, 0, 1, 2]
    assert fresh(followed, 0, 0) == parse_range(
        "scalar(smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff))"
    )
    narrowed = fresh(followed, 1, 0)
    assert narrowed is not None
    assert narrowed.umax == 5
    assert fresh(followed, 2, 0) is None, "a delta repeats nothing"
    assert isinstance(known(followed, 2, 0), ScalarClaim), "but the claim still holds"


def parse_range(text: str) -> ScalarRange:
    claim = parse_log("").read(f" R0={text}").register(0)
    assert isinstance(claim, ScalarClaim)
    return claim.range


def test_the_other_way_takes_only_the_popped_state() -> None:
    followed = follow(explore(BRANCHING, BRANCHES), main(0, 1, 4, 5))
    assert followed.stop == EndOfTrace()
    popped = fresh(followed, 1, 0)
    assert popped is not None
    assert (popped.umin, popped.umax) == (6, 255)


def test_a_way_never_explored_is_a_finding_only_when_the_log_shows_everything() -> None:
    taken = """
        0: R1=ctx() R10=fp0
        0: (71) r0 = *(u8 *)(r1 +0)           ; R0_w=scalar() R1=ctx()
        1: (25) if r0 > 0x5 goto pc+2         ; R0_w=scalar(umax=5)
        2: (b7) r2 = 7                        ; R2_w=7
        3: (95) exit
    """
    run = main(0, 1, 4, 5)
    assert follow(explore(BRANCHING, taken), run).stop == NotExplored(1, 1, 4)
    assert follow(explore(BRANCHING, taken, accepted=False), run).stop == EndOfLog(1)
    assert follow(explore(BRANCHING, taken + "    R0 !read_ok\n"), run).stop == EndOfLog(1)
    with_hole = taken.replace("    3: (95) exit", "    3: (9\n[[...5 bytes cut...]]\n xx")
    assert follow(explore(BRANCHING, with_hole), run).stop == Truncated(1)
    with_riddle = taken + "    what is this\n    3: safe\n"
    assert follow(explore(BRANCHING, with_riddle), run).stop == EndOfLog(1)
    assert follow(explore(BRANCHING, taken), main(0, 1, 2, 3)).stop == EndOfTrace()


@pytest.mark.parametrize(("prune", "run"), [("4: safe", (0, 1, 2, 3)), ("from 1 to 4: safe", (0, 1, 4, 5))])
def test_following_ends_at_the_first_prune(prune: str, run: tuple[int, ...]) -> None:
    if prune == "4: safe":
        prune = "2: safe"
        log = BRANCHES.replace(
            "    2: (b7) r2 = 7                        ; R2_w=7\n    3: (95) exit\n", "    2: safe\n"
        )
    else:
        log = BRANCHES[: BRANCHES.index("    from 1")] + "    from 1 to 4: safe\n"
    followed = follow(explore(BRANCHING, log), main(*run))
    assert followed.stop == PrunedAt(2, run[2])
    assert [claims.step for claims in followed.claims] == [-1, 0]


def test_speculative_branches_are_nobodys_path() -> None:
    log = BRANCHES.replace("from 1 to 4:", "from 1 to 4 (speculative execution):")
    assert follow(explore(BRANCHING, log), main(0, 1, 4, 5)).stop == NotExplored(1, 1, 4)
    subtree = "    from 1 to 4 (speculative execution): R10=fp0\n    4: (b7) r2 = 8     ; R2=P8\n"
    both = BRANCHES.replace("    from 1 to 4:", subtree + "    from 1 to 4:")
    followed = follow(explore(BRANCHING, both), main(0, 1, 4, 5))
    assert followed.stop == EndOfTrace()
    assert known(followed, 2, 2) == ScalarClaim(ScalarRange.constant(8), False), (
        "not the speculative path's P8"
    )


def test_states_on_their_own_lines_belong_to_what_comes_next() -> None:
    """After a precision walk the state follows under the number of the next instruction, or of the jump
    itself."""
    followed = follow(
        explore(
            "r1 = 4\nif r1 == 0x4 goto pc+1\nr0 = 9\nr3 = 0\nr0 += r3\nexit",
            """
            0: R1=ctx(off=0,imm=0) R10=fp0
            0: (b7) r1 = 4                        ; R1_w=4
            1: (15) if r1 == 0x4 goto pc+1
            last_idx 1 first_idx 0
            regs=2 stack=0 before 0: (b7) r1 = 4
            1: R1_w=4
            3: (b7) r3 = 0                        ; R3_w=0
            4: (0f) r0 += r3
            last_idx 4 first_idx 0
            5: R0_w=scalar(umax=9) R3_w=0
            5: (95) exit
            """,
        ),
        main(0, 1, 3, 4, 5),
    )
    assert followed.stop == EndOfTrace()
    assert fresh(followed, 1, 1) == ScalarRange.constant(4)
    sum_ = fresh(followed, 3, 0)
    assert sum_ is not None
    assert sum_.umax == 9


def test_what_is_overwritten_is_claimed_no_longer() -> None:
    """7.3 prints nothing for a dead result; the register's older claim must go all the same."""
    followed = follow(
        explore(
            "r6 = 1\nr7 = 2\nr6 = *(u64 *)(r1 +0)\n*(u64 *)(r10 -8) = 5\n*(u64 *)(r7 +0) = 5\ncall "
            "bpf_ktime_get_ns#5\nexit",
            """
            0: R1=ctx() R10=fp0
            0: (b7) r6 = 1                        ; R6=1
            1: (b7) r7 = 2                        ; R7=2
            2: (79) r6 = *(u64 *)(r1 +0)          ;
            3: (7a) *(u64 *)(r10 -8) = 5          ; R10=fp0 fp-8=5
            4: (7a) *(u64 *)(r7 +0) = 5           ; R7=2
            5: (85) call bpf_ktime_get_ns#5       ;
            6: (95) exit
            """,
        ),
        main(0, 1, 2, 3, 4, 5, 6),
    )
    assert known(followed, 1, 6) == ScalarClaim(ScalarRange.constant(1))
    assert known(followed, 2, 6) is None
    assert known(followed, 5, 7) == ScalarClaim(ScalarRange.constant(2)), "R6 to R9 survive a call"
    assert known(followed, 4, 1) is not None
    assert known(followed, 5, 1) is None, "R0 to R5 do not"
    assert -8 in at(followed, 3).known.frame(0).slots
    assert not at(followed, 4).known.frame(0).slots, "a store through some pointer may be to the stack"


LOOP = "r6 = 0\nr0 = *(u64 *)(r1 +0)\nif r0 > 0x3 goto pc+2\nr6 += 1\nif r6 != 0x2 goto pc-4\nexit"
"""Two turns; at 2 each may leave."""


def loop_log(*, counter: bool, last: bool) -> str:
    """Unrolled as the kernel does.  ``counter``: whether states show R6, the only thing that tells the turns
    apart."""
    r6 = [f" R6={n}" if counter else "" for n in range(3)]
    pops = [f"from 2 to 5: R0=scalar(umin=4,umax=1{turn}){r6[turn]} R10=fp0\n5: (95) exit" for turn in (1, 0)]
    return f"""
        0: R1=ctx() R10=fp0
        0: (b7) r6 = 0                        ;{r6[0]}
        1: (79) r0 = *(u64 *)(r1 +0)          ; R0=scalar()
        2: (25) if r0 > 0x3 goto pc+2         ; R0=scalar(umax=3)
        3: (07) r6 += 1                       ;{r6[1]}
        4: (55) if r6 != 0x2 goto pc-4
        mark_precise: frame0: last_idx 4 first_idx 0 subseq_idx -1
        4:{r6[1]}
        1: (79) r0 = *(u64 *)(r1 +0)          ; R0=scalar()
        2: (25) if r0 > 0x3 goto pc+2         ; R0=scalar(umax=3)
        3: (07) r6 += 1                       ;{r6[2]}
        4: (55) if r6 != 0x2 goto pc-4
        mark_precise: frame0: last_idx 4 first_idx 0 subseq_idx -1
        4:{r6[2]}
        5: (95) exit
        {pops[0]}
        {pops[1] if last else ""}
    """


FIRST_TURN = main(0, 1, 2, 5)
SECOND_TURN = main(0, 1, 2, 3, 4, 1, 2, 5)


@pytest.mark.parametrize("counter", [True, False])
def test_turns_of_a_loop_are_told_apart(counter: bool) -> None:
    """Two visits, two pops: each visit pushed, the latest is popped first."""
    exploration = explore(LOOP, loop_log(counter=counter, last=True))
    first, second = follow(exploration, FIRST_TURN), follow(exploration, SECOND_TURN)
    assert (first.stop, second.stop) == (EndOfTrace(), EndOfTrace())
    assert fresh(first, 2, 0) == parse_range("scalar(umin=4,umax=10)")
    assert fresh(second, 6, 0) == parse_range("scalar(umin=4,umax=11)")


def test_a_pop_that_shows_its_turn_leaves_the_other_unexplored() -> None:
    exploration = explore(LOOP, loop_log(counter=True, last=False))
    assert follow(exploration, SECOND_TURN).stop == EndOfTrace()
    assert follow(exploration, FIRST_TURN).stop == NotExplored(2, 2, 5)


def test_a_pop_that_fits_two_turns_fits_none() -> None:
    exploration = explore(LOOP, loop_log(counter=False, last=False))
    for run in (FIRST_TURN, SECOND_TURN):
        stop = follow(exploration, run).stop
        assert isinstance(stop, Ambiguous)
        assert "insn 2" in stop.reason
    assert follow(exploration, main(0, 1, 2, 3, 4, 1, 2, 3, 4, 5)).stop == EndOfTrace()


CALLING = """
    r6 = 3
    *(u64 *)(r10 -8) = 9
    call pc+2
    r0 += r6
    exit
    r0 = 5
    r6 = 44
    exit
"""
CALL = """
    0: R1=ctx() R10=fp0
    0: (b7) r6 = 3                        ; R6_w=3
    1: (7a) *(u64 *)(r10 -8) = 9          ; R10=fp0 fp-8_w=9
    2: (85) call pc+2
    caller:
     R6_w=3 R10=fp0 fp-8_w=9
    callee:
     frame1: R1=ctx() R10=fp0
    5: frame1: R1=ctx() R10=fp0
    5: (b7) r0 = 5                        ; frame1: R0_w=5
    6: (b7) r6 = 44                       ; frame1: R6_w=44
    7: (95) exit
    returning from callee:
     frame1: R0_w=5 R1=ctx() R6_w=44 R10=fp0
    to caller at 3:
     R0_w=5 R6=3 R10=fp0 fp-8=9

    from 7 to 3: R0_w=5 R6=3 R10=fp0 fp-8=9
    3: (0f) r0 += r6                      ; R0_w=8 R6=3
    4: (95) exit
"""
CALL_RUN = [(0, 0), (0, 1), (0, 2), (1, 5), (1, 6), (1, 7), (0, 3), (0, 4)]


def test_calls_have_frames_of_their_own() -> None:
    followed = follow(explore(CALLING, CALL), CALL_RUN)
    assert followed.stop == EndOfTrace()
    assert known(followed, 4, 6, frame=1) == ScalarClaim(ScalarRange.constant(44))
    assert known(followed, 4, 6, frame=0) == ScalarClaim(ScalarRange.constant(3))
    assert known(followed, 4, 1, frame=0) is None
    assert at(followed, 4).known.frame(0).slots[-8].stored == ScalarRange.constant(9)
    assert known(followed, 5, 6) == ScalarClaim(ScalarRange.constant(3))
    assert len(at(followed, 5).known.frames) == 1
    assert fresh(followed, 6, 0) == ScalarRange.constant(8)


def test_a_prune_on_return() -> None:
    log = CALL[: CALL.index("    from 7")] + "    from 7 to 3: safe\n"
    assert follow(explore(CALLING, log), CALL_RUN).stop == PrunedAt(6, 3)


def test_a_global_subprogram_is_stepped_over() -> None:
    log = """
        0: R1=ctx() R10=fp0
        0: (b7) r6 = 3                        ; R6_w=3
        1: (7a) *(u64 *)(r10 -8) = 9          ; R10=fp0 fp-8_w=9
        2: (85) call pc+2
        Func#1 ('foo') is global and assumed valid.
        3: R0_w=scalar()
        3: (0f) r0 += r6                      ; R0_w=scalar() R6_w=3
        4: (95) exit
        Validating foo() func#1...
        5: R1=ctx() R10=fp0
        5: (b7) r0 = 5                        ; R0_w=5
        6: (b7) r6 = 44                       ; R6_w=44
        7: (95) exit
        Func#1 ('foo') is safe for any args that match its prototype
    """
    followed = follow(explore(CALLING, log), CALL_RUN)
    assert followed.stop == EndOfTrace()
    assert [claims.step for claims in followed.claims] == [-1, 0, 1, 5, 6]
    assert known(followed, 5, 6) == ScalarClaim(ScalarRange.constant(3))
    assert not at(followed, 5).known.frame(0).slots, "it may have written through a pointer"


def test_callbacks_are_left_alone() -> None:
    exploration = explore(
        "r1 = 1\ncall bpf_loop#181\nexit\nr0 = 1\nexit",
        """
        0: R1=ctx() R10=fp0
        0: (b7) r1 = 1                        ; R1_w=1
        1: (85) call bpf_loop#181
        2: R0_w=scalar() R10=fp0
        2: (95) exit
        from 1 to 3: frame1: R1=scalar() R2=0 R10=fp0 cb
        3: frame1: R1=scalar() R2=0 R10=fp0 cb
        3: (b7) r0 = 1                       ; frame1: R0_w=1 cb
        4: (95) exit
        returning from callee:
         frame1: R0_w=1 R1=scalar() R2=0 R10=fp0 cb
        to caller at 1:
         R0=scalar() R1=1 R10=fp0
        from 4 to 1: safe
        """,
    )
    for run in ([(0, 0), (0, 1), (1, 3), (1, 4), (0, 2)], main(0, 1, 2)):
        assert follow(exploration, run).stop == Ambiguous(1, "insn 1 calls back")


def test_an_iterator_splits_its_state() -> None:
    exploration = explore(
        "call 6\nr6 = r0\nexit",
        """
        0: R1=ctx() R10=fp0
        0: (85) call bpf_iter_num_next#75   ; R0_w=0
        1: (bf) r6 = r0                       ; R0_w=0 R6_w=0
        2: (95) exit
        from 0 to 1: R0_w=rdonly_mem(id=4,sz=4) R10=fp0
        1: R0_w=rdonly_mem(id=4,sz=4) R10=fp0
        1: (bf) r6 = r0                       ; R0_w=rdonly_mem(id=4,sz=4) R6_w=rdonly_mem(id=4,sz=4)
        2: (95) exit
        """,
    )
    stop = follow(exploration, main(0, 1, 2)).stop
    assert isinstance(stop, Split)
    assert [states[0].register(0) == ScalarClaim(ScalarRange.constant(0)) for states in stop.after] == [
        True,
        False,
    ]
    followed = follow(exploration, main(0, 1, 2), lambda split: 1)
    assert followed.stop == EndOfTrace()
    assert not isinstance(known(followed, 1, 6), ScalarClaim)


SPLIT = "r0 = *(u64 *)(r1 +0)\nr0 s>>= 63\nr0 &= 7\nexit"


@pytest.mark.parametrize("again", [True, False])
def test_an_operation_splits_its_operand(again: bool) -> None:
    """maybe_fork_scalars: -1 goes on, 0 is pushed, to run the instruction again or (6.12's first version) to
    go on after it."""
    popped = "from 2 to 2: R0=0 R10=fp0\n2: (57) r0 &= 7     ; R0=0" if again else "from 2 to 3: R0=0 R10=fp0"
    exploration = explore(
        SPLIT,
        f"""
        0: R1=ctx() R10=fp0
        0: (79) r0 = *(u64 *)(r1 +0)          ; R0=scalar()
        1: (c7) r0 s>>= 63                    ; R0=scalar(smin=smin32=-1,smax=smax32=0)
        2: (57) r0 &= 7                       ; R0=7
        3: (95) exit
        {popped}
        3: (95) exit
        """,
    )
    stop = follow(exploration, main(0, 1, 2, 3)).stop
    assert isinstance(stop, Split)
    assert (stop.step, stop.insn, len(stop.after), len(stop.before)) == (
        2,
        2,
        1 if again else 2,
        1 if again else 0,
    )
    sevens = follow(exploration, main(0, 1, 2, 3), lambda split: 0)
    assert sevens.stop == EndOfTrace()
    assert fresh(sevens, 2, 0) == ScalarRange.constant(7)
    zeros = follow(exploration, main(0, 1, 2, 3), lambda split: 1)
    assert zeros.stop == EndOfTrace()
    assert [claims.step for claims in zeros.claims][-1] == 2
    assert known(zeros, 2, 0) == ScalarClaim(ScalarRange.constant(0))


def test_a_split_that_an_unfinished_log_would_not_show() -> None:
    log = """
        0: R1=ctx() R10=fp0
        0: (79) r0 = *(u64 *)(r1 +0)          ; R0=scalar()
        1: (c7) r0 s>>= 63                    ; R0=scalar(smin=smin32=-1,smax=smax32=0)
        2: (57) r0 &= 7                       ; R0=7
        3: (95) exit
        At program exit the register R0 has smin=7 smax=7 should have been in [0, 1]
    """
    stop = follow(explore(SPLIT, log, accepted=False), main(0, 1, 2, 3)).stop
    assert isinstance(stop, Ambiguous)
    assert stop.step == 2
    unfinished = "0: R10=fp0\n0: (85) call bpf_iter_num_next#77   ; R0=0\n1: (95) exit\nR0 !read_ok"
    kfunc = explore("call 77\nexit", unfinished, accepted=False)
    kfunc.instructions = (Insn(0x85, 0, 2, 0, 77), Insn(0x95))
    assert isinstance(follow(kfunc, main(0, 1)).stop, Ambiguous)
    harmless = log.replace("scalar(smin=smin32=-1,smax=smax32=0)", "scalar(umax=40)")
    assert follow(explore(SPLIT, harmless, accepted=False), main(0, 1, 2, 3)).stop == EndOfTrace()


def test_both_ways_to_one_place() -> None:
    exploration = explore(
        "r0 = 0\nif r1 == 0xa goto pc+0\nexit",
        """
        0: R1=ctx() R10=fp0
        0: (b7) r0 = 0                        ; R0=0
        1: (15) if r1 == 0xa goto pc+0        ; R1=ctx()
        2: (95) exit
        from 1 to 2: R0=0 R10=fp0
        2: (95) exit
        """,
    )
    assert isinstance(follow(exploration, main(0, 1, 2)).stop, Ambiguous)


def test_may_goto_is_followed_but_never_accused() -> None:
    program = "r0 = 0\nmay_goto pc+1\nr0 += 1\nexit"
    log = """
        0: R1=ctx() R10=fp0
        0: (b7) r0 = 0                        ; R0=0
        1: (e5) may_goto pc+1
        3: (95) exit
        from 1 to 2: R0=0 R10=fp0
        2: (07) r0 += 1                       ; R0=1
        3: safe
    """
    assert follow(explore(program, log), main(0, 1, 3)).stop == EndOfTrace()
    assert follow(explore(program, log), main(0, 1, 2, 3)).stop == PrunedAt(3, 3)
    without = log[: log.index("        from 1")]
    assert isinstance(follow(explore(program, without), main(0, 1, 2, 3)).stop, Ambiguous)


def test_logs_that_cannot_be_followed() -> None:
    instructions = parse(["r0 = 0", "exit"])
    old = Exploration(
        parse_log("0: R1=ctx(id=0,off=0,imm=0) R2_w=inv(id=0)\n0: (b7) r0 = 0\n" + STATS), instructions
    )
    assert isinstance(follow(old, main(0, 1)).stop, WalkAbstained)
    level_1_log = parse_log("0: R1=ctx() R10=fp0\n0: (b7) r0 = 0   ; R0=0\n1: (95) exit\n" + STATS)
    level_1 = Exploration(level_1_log, instructions, accepted=True)
    assert follow(level_1, main(0, 1)).stop == Truncated(-1)
    assert follow(
        Exploration(parse_log("unreachable insn 1\n" + STATS), instructions), main(0, 1)
    ).stop == EndOfLog(-1)
    refused = Exploration(parse_log("func#0 @0\nunreachable insn 1\n" + STATS), instructions)
    assert follow(refused, main(0, 1)).stop == EndOfLog(-1)


def test_a_run_that_leaves_the_log_where_nothing_branches() -> None:
    exploration = explore("r0 = 0\nexit", "0: R10=fp0\n0: (b7) r0 = 0   ; R0=0\n1: (95) exit")
    assert isinstance(follow(exploration, main(0, 5)).stop, Ambiguous)
    assert isinstance(follow(exploration, main(3)).stop, Ambiguous)
