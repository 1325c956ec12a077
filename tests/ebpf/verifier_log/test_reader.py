"""Lines to events, in each dialect."""

from __future__ import annotations

from ebpf.verifier_log import LogDialect, parse_log
from ebpf.verifier_log.events import (
    Branch,
    CallEnter,
    CallReturn,
    Cut,
    GlobalFunction,
    LoggedSource,
    Note,
    PrecisionLine,
    PruneLine,
    StateLine,
    StaticDump,
    SubprogramLine,
    Visit,
)

STATS = """verification time 5 usec
stack depth 8+0
processed 3 insns (limit 1000000) max_states_per_insn 1 total_states 2 peak_states 3 mark_read 4
"""


def test_the_plain_lines() -> None:
    log = parse_log(
        "func#0 @0\n0: R1=ctx() R10=fp0\n; int x = 1; @ a.c:3\n"
        "0: (b7) r0 = 1                        ; R0_w=1\n1: (95) exit\n" + STATS
    )
    assert log.dialect is LogDialect.LINUX_6_12
    assert log.events == (
        SubprogramLine(0, 0),
        StateLine(0, " R1=ctx() R10=fp0"),
        LoggedSource("int x = 1; @ a.c:3"),
        Visit(0, "(b7) r0 = 1", " R0_w=1"),
        Visit(1, "(95) exit", None),
    )
    assert log.stats is not None
    assert (log.stats.processed, log.stats.microseconds, log.stats.stack_depth, log.stats.mark_read) == (
        3,
        5,
        (8, 0),
        4,
    )
    assert log.whole


def test_branches_prunes_and_calls() -> None:
    log = parse_log(
        "func#0 @0\n"
        "1: (85) call pc+2\ncaller:\n R10=fp0\ncallee:\n frame1: R1=ctx() R10=fp0\n"
        "returning from callee:\n frame1: R0=2 R10=fp0\nto caller at 2:\n R0=2 R10=fp0\n\n"
        "from 4 to 2: R0=2 R10=fp0\n"
        "from 2 to 5 (speculative execution): frame1: R10=fp0 cb\n"
        "from 2 to 5 (speculative execution): safe\nfrom 2 to 6: safe\n7: safe\n" + STATS
    )
    assert log.events[2:] == (
        CallEnter(" R10=fp0", " frame1: R1=ctx() R10=fp0"),
        CallReturn(" frame1: R0=2 R10=fp0", 2, " R0=2 R10=fp0"),
        Branch(4, 2, " R0=2 R10=fp0", False),
        Branch(2, 5, " frame1: R10=fp0 cb", True),
        PruneLine(2, 5, True),
        PruneLine(2, 6, False),
        PruneLine(None, 7, False),
    )
    assert log.blank_lines == 2


def test_precision_walks_of_both_kinds() -> None:
    lines = [
        "last_idx 17 first_idx 0",
        "regs=8 stack=0 before 16: (24) w3 *= 268435456",
        "parent didn't have regs=1 stack=0 marks: R0_rw=P123 R10=fp0",
        "parent already had regs=4 stack=0 marks: R10=fp0",
        "frame 0: propagating r8,fp-8",
        "mark_precise: frame0: last_idx 4 first_idx 0 subseq_idx -1 ",
    ]
    assert parse_log("\n".join([*lines, STATS])).events == tuple(PrecisionLine(line) for line in lines)


def test_the_static_analysis_of_7_3_is_skipped_even_where_it_looks_like_a_walk() -> None:
    log = parse_log(
        "func#0 @0\ntopo_order[0] = main\nsubprog#0 main:\n  0: (b7) r0 = 1\n100: (95) exit\nLive regs "
        "before insn:\n"
        "      0: .......... (b7) r0 = 1                   ; zext\n"
        "0: R10=fp0\n0: (b7) r0 = 1                        ;\n1: (95) exit\n"
        "verification time 7 usec\nstack depth max 16\nsubprog 0 (<unknown>) main insns_self 6 insns_total "
        "7 stack 8\n" + STATS.split("\n")[2] + "\n"
    )
    assert log.dialect is LogDialect.LINUX_7_3
    assert log.events == (
        SubprogramLine(0, 0),
        StaticDump(6),
        StateLine(0, " R10=fp0"),
        Visit(0, "(b7) r0 = 1", ""),
        Visit(1, "(95) exit", None),
    )
    assert log.stats is not None
    assert log.stats.stack_depth == (16,)
    assert (log.stats.subprograms[0].name, log.stats.subprograms[0].insns_total) == ("<unknown>", 7)


def test_a_static_dump_without_a_walk() -> None:
    log = parse_log("func#0 @0\ntopo_order[0] = \nsubprog#0:\n  0: (b7) r0 = 1\nunreachable insn 4\n" + STATS)
    assert [type(event) for event in log.events[1:4]] == [StaticDump] * 3
    assert log.messages == ("unreachable insn 4",)


REPORT = """R1 invalid mem access 'scalar'

Verification failed: Register Type Safety: Invalid dereference

Reason:
  R1 is an integer scalar here, not a pointer to memory.

At:
  insn 2
       | ^-- error

Suggestion:
  Preserve a pointer-valued register.

R0 pointer arithmetic prohibited for !root
"""


def test_the_report_of_7_3_and_the_message_after_it() -> None:
    log = parse_log("func#0 @0\n0: R10=fp0\n0: (b7) r0 = 1\n" + REPORT + STATS)
    assert log.messages == ("R1 invalid mem access 'scalar'", "R0 pointer arithmetic prohibited for !root")
    assert log.report is not None
    assert (log.report.category, log.report.problem) == ("Register Type Safety", "Invalid dereference")
    assert [title for title, _ in log.report.sections] == ["Reason", "At", "Suggestion"]
    assert not log.whole


def test_a_report_on_a_speculative_path_refuses_nothing() -> None:
    log = parse_log(
        "func#0 @0\n0: R10=fp0\nfrom 1 to 2 (speculative execution): R10=fp0\n"
        + REPORT
        + "\nfrom 1 to 3: R10=fp0\n"
        + STATS
    )
    assert log.report is None
    assert not log.messages
    assert not log.unknown
    assert len(list(log.of(Note))) == 3


def test_alarms() -> None:
    log = parse_log(
        "0: (b7) r0 = 1\nREG INVARIANTS VIOLATION (true_reg1): range bounds violation u64=[0x1, 0x0]\n1: "
        "(95) exit\n" + STATS
    )
    assert len(log.alarms) == 1
    assert parse_log("verifier bug: error during ctx access conversion(1)\n" + STATS).alarms


def test_an_unknown_line_within_the_walk_is_counted_not_guessed() -> None:
    log = parse_log("func#0 @0\n0: (b7) r0 = 1\nthe moon is full\n1: (95) exit\n" + STATS)
    assert [(line.line, line.text) for line in log.unknown] == [(3, "the moon is full")]
    assert not log.whole


def test_global_functions() -> None:
    log = parse_log(
        "func#0 @0\nFunc#1 ('foo') is global and assumed valid.\nValidating foo() func#1...\n"
        "Func#1 ('foo') is safe for any args that match its prototype\n" + STATS
    )
    assert [(event.what, event.number) for event in log.of(GlobalFunction)] == [
        ("assumed", 1),
        ("validating", 1),
        ("safe", 1),
    ]


def test_half_a_line_is_no_line() -> None:
    cut_short = parse_log(
        "func#0 @0\n0: (b7) r0 = 1                        ; R0_w=1\n1: (07) r0 += 241260                  "
        "; R0_w=2"
    )
    assert list(cut_short.of(Visit)) == [Visit(0, "(b7) r0 = 1", " R0_w=1")]
    assert cut_short.truncated
    middle = parse_log(
        "func#0 @0\n0: (b7) r0 = 1\n1: (b7) r1 = 3         ; R1\n[[...578 bytes cut...]]\n"
        "64 *)(r10 -16)        ; R1=Pscalar()\n9: (95) exit\n" + STATS
    )
    assert [visit.insn for visit in middle.of(Visit)] == [0, 9]
    assert len(list(middle.of(Cut))) == 3
    head_lost = parse_log("r0 += 1                       ; R0_w=0x4061d\n3: (05) goto pc-2\n" + STATS)
    assert [type(event) for event in head_lost.events] == [Cut, Visit]
    assert head_lost.truncated


def test_a_dropped_branch_at_level_1_glues_the_next_state_on() -> None:
    log = parse_log(
        "9: (2d) if r2 > r1 goto pc+1 11: R0=scalar(umax=11,var_off=(0x0; 0xf)) R2=12\n11: (95) exit\n"
        + STATS
    )
    assert log.events[:2] == (
        Visit(9, "(2d) if r2 > r1 goto pc+1", None),
        StateLine(11, " R0=scalar(umax=11,var_off=(0x0; 0xf)) R2=12"),
    )


def test_dialects() -> None:
    assert parse_log("0: R1=ctx(off=0,imm=0) R10=fp0\n" + STATS).dialect is LogDialect.LINUX_6_1
    assert parse_log("R0_w=map_value(id=1,off=0,ks=8,vs=48,imm=0)\n" + STATS).dialect is LogDialect.LINUX_6_1
    assert parse_log("0: R1=ctx() R10=fp0\n" + STATS).dialect is LogDialect.LINUX_6_12
    old = parse_log(
        "1: R1=ctx(id=0,off=0,imm=0) R2_w=inv(id=0,umax_value=255,var_off=(0x0; 0xff)) R10=fp0\n" + STATS
    )
    assert old.dialect is LogDialect.LINUX_5_10
    assert old.dialect.abstains == "claims in the 5.10 dialect are not read"
