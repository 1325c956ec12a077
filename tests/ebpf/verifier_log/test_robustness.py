"""Damaged logs: nothing raises, every line is accounted for, and no damage becomes an accusation."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ebpf.assembly import parse
from ebpf.verifier_log import parse_log
from ebpf.verifier_log.exploration import Exploration
from ebpf.verifier_log.paths import NotExplored, follow
from tests.ebpf.verifier_log.test_paths import (
    BRANCHES,
    BRANCHING,
    CALL,
    CALL_RUN,
    CALLING,
    FIRST_TURN,
    LOOP,
    SECOND_TURN,
    STATS,
    loop_log,
    main,
)

SUBJECTS = [
    (BRANCHING, BRANCHES, main(0, 1, 4, 5)),
    (CALLING, CALL, CALL_RUN),
    (LOOP, loop_log(counter=False, last=True), FIRST_TURN),
    (LOOP, loop_log(counter=True, last=True), SECOND_TURN),
]


def text_of(log: str) -> str:
    lines = [line.strip() for line in log.strip("\n").split("\n")]
    return (
        "func#0 @0\n"
        + "\n".join(" " + line if line[:1] in "Rf" and "=" in line[:9] else line for line in lines)
        + "\n"
        + STATS
    )


@given(st.sampled_from(SUBJECTS), st.data())
def test_losing_or_repeating_lines_never_raises(
    subject: tuple[str, str, list[tuple[int, int]]], data: st.DataObject
) -> None:
    program, log, run = subject
    lines = text_of(log).split("\n")
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        other = data.draw(st.integers(0, len(lines) - 1))
        lines[at : at + 1] = data.draw(
            st.sampled_from([[], [lines[at], lines[at]], [lines[other]], [lines[at][: other + 1]]])
        )
    followed = follow(
        Exploration(parse_log("\n".join(lines)), parse(program.strip().split("\n")), accepted=True), run
    )
    for claims in followed.claims:
        assert claims.fresh is not None
        assert claims.known is not None


@given(st.sampled_from(SUBJECTS), st.integers(1, 2000))
def test_a_log_that_ends_early_accuses_nobody(
    subject: tuple[str, str, list[tuple[int, int]]], length: int
) -> None:
    program, log, run = subject
    whole = text_of(log)
    log_now = parse_log(whole[: min(length, len(whole) - len(STATS))])
    followed = follow(Exploration(log_now, parse(program.strip().split("\n")), accepted=True), run)
    assert not isinstance(followed.stop, NotExplored)


@given(st.text(alphabet="0123456789:;()= \nfromtsaeR_xP,[].", max_size=200))
def test_any_text_is_a_log(text: str) -> None:
    log = parse_log(text)
    follow(Exploration(log, parse(["r0 = 0", "exit"])), main(0, 1))
    for event in log.events:
        state = getattr(event, "state", None)
        if state:
            log.read(state)


def test_a_long_loop_takes_no_quadratic_time() -> None:
    """3,000 turns, each of which pushes a branch that could be any turn's."""
    turn = (
        "1: (79) r0 = *(u64 *)(r1 +0)  ; R0=scalar()\n2: (25) if r0 > 0x3 goto pc+2  ; R0=scalar(umax=3)\n"
        "3: (07) r6 += 1 ;\n4: (55) if r6 != 0x2 goto pc-4 ;\n"
    )
    pop = "from 2 to 5: R0=scalar(umin=4) R10=fp0\n5: (95) exit\n"
    text = (
        "func#0 @0\n0: R1=ctx() R10=fp0\n0: (b7) r6 = 0 ; R6=0\n"
        + turn * 3000
        + "5: (95) exit\n"
        + pop * 2999
        + STATS
    )
    exploration = Exploration(parse_log(text), parse(LOOP.split("\n")), accepted=True)
    assert not isinstance(follow(exploration, SECOND_TURN).stop, NotExplored)
