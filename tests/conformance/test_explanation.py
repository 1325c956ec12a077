"""Why a kernel refused a program: from what kernels say of programs, as they say it (6.1, 6.12, 7.3)."""

from __future__ import annotations

import pytest

from conformance.checking.explanation.explanation import Explanation, explain_log
from conformance.checking.explanation.origin import StepKind
from conformance.checking.explanation.words import as_record, lines
from ebpf.assembly import parse
from ebpf.program import Program
from ebpf.program_types import ProgramType
from tests.vm.talk import UNSET_CALL, unset

END = "processed 9 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n"


def said(source: str, log: str, kind: ProgramType = ProgramType.SOCKET_FILTER) -> tuple[Explanation, Program]:
    """What is made of a log whose every instruction is one line of ``source``."""
    program = Program(kind, parse(source.splitlines()))
    why = explain_log(program, "func#0 @0\n" + log + END)
    assert why is not None
    return why, program


UNSET_LOG = """func#0 @0
0: R1=ctx() R10=fp0
0: (79) r3 = *(u64 *)(r1 +112)        ; R1=ctx() R3_w=scalar()
1: (07) r3 += 16                      ; R3_w=scalar()
2: (b7) r1 = 8                        ; R1_w=8
3: (b7) r2 = 8                        ; R2_w=8
4: (85) call bpf_probe_read_kernel#113
R1 type=scalar expected=fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_
"""


def test_row_17_the_talks_program() -> None:
    why = explain_log(unset().program, UNSET_LOG + END)
    assert why is not None
    assert (why.at, why.register, why.wanted, why.known) == (UNSET_CALL, 1, "room", "the number 8")
    assert [step.at for step in why.origin] == [2]
    told = [line.strip() for line in lines(why, unset().program)]
    assert told[0] == "why: instruction 4 (call bpf_probe_read_kernel#113), r1, an argument"
    assert "set by instruction 2: r1 = 8" in told
    assert as_record(why)["origin"] == [{"instruction": 2, "how": "set by"}]


def test_a_bound_is_missing_by_so_much() -> None:
    source = "r0 = map[0][0]+0\nr1 = *(u8 *)(r0 +0)\nr1 <<= 2\nr0 += r1\n*(u64 *)(r0 +0) = 4\nr0 = 0\nexit"
    log = """0: R1=ctx() R10=fp0
0: (18) r0 = 0xffff8881003bc000       ; R0_w=map_value(map=m,ks=4,vs=48)
2: (71) r1 = *(u8 *)(r0 +0)           ; R0_w=map_value(map=m,ks=4,vs=48) R1_w=scalar(smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff))
3: (67) r1 <<= 2                      ; R1_w=scalar(smin=smin32=0,smax=umax=smax32=umax32=1020,var_off=(0x0; 0x3fc))
4: (0f) r0 += r1                      ; R0_w=map_value(map=m,ks=4,vs=48,smin=smin32=0,smax=umax=smax32=umax32=1020,var_off=(0x0; 0x3fc)) R1_w=scalar(smin=smin32=0,smax=umax=smax32=umax32=1020,var_off=(0x0; 0x3fc))
5: (7a) *(u64 *)(r0 +0) = 4
invalid access to map value, value_size=48 off=1020 size=8
R0 max value is outside of the allowed memory range
"""
    why, _ = said(source, log)
    assert (why.at, why.register, why.role) == (5, 0, "the address")
    assert (
        why.known
        == "a pointer (map_value) into 48 bytes, at an offset of a number from 0 to 1020, a multiple of 4"
    )
    assert why.needed == (
        "an offset of at most 40 for 8 of the 48 bytes: it may be 1020, which is 980 bytes too far"
    )
    assert [step.at for step in why.origin] == [4, 3, 2, 0]


OR_NULL = "r1 = map[0]\nr2 = 64\nr3 = 0\ncall bpf_ringbuf_reserve#131\nr6 = r0\nr6 += 1\nr0 = 0\nexit"
OR_NULL_LOG = """0: R1=ctx() R10=fp0
0: (18) r1 = 0x0                      ; R1_w=map_ptr(map=rb,ks=0,vs=0)
2: (b7) r2 = 64                       ; R2_w=64
3: (b7) r3 = 0                        ; R3_w=0
4: (85) call bpf_ringbuf_reserve#131          ; R0=ringbuf_mem_or_null(id=2,ref_obj_id=2,sz=64) refs=2
5: (bf) r6 = r0                       ; R0=ringbuf_mem_or_null(id=2,ref_obj_id=2,sz=64) R6_w=ringbuf_mem_or_null(id=2,ref_obj_id=2,sz=64) refs=2
6: (07) r6 += 1
R6 pointer arithmetic on ringbuf_mem_or_null prohibited, null-check it first
"""


def test_null_was_never_excluded() -> None:
    """CVE-2022-23222's class: the kernel refuses the addition, not what came of it."""
    why, _ = said(OR_NULL, OR_NULL_LOG)
    assert (why.at, why.register) == (6, 6)
    assert why.needed.startswith("null excluded on this path: `if r6 == 0` before it")
    assert why.known == "a pointer (ringbuf_mem_or_null) that may be null, into 64 bytes"
    assert [step.at for step in why.origin] == [5, 4]


def test_what_another_register_was_checked_for_is_known_of_a_copy() -> None:
    """A log shows a branch's effect on the register compared, not on others of the same id."""
    source = "r0 = *(u32 *)(r1 +0)\nr6 = r0\nif r0 > 9 goto pc+1\nr10 += r6\nr0 = 0\nexit"
    log = """0: R1=ctx() R10=fp0
0: (61) r0 = *(u32 *)(r1 +0)          ; R0_w=scalar(smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff)) R1=ctx()
1: (bf) r6 = r0                       ; R0_w=scalar(id=1,smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff)) R6_w=scalar(id=1,smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff))
2: (25) if r0 > 0x9 goto pc+1         ; R0_w=scalar(id=1,smin=smin32=0,smax=umax=smax32=umax32=9,var_off=(0x0; 0xf))
3: (0f) r10 += r6
R6 is what this line names
"""
    why, _ = said(source, log)
    assert why.known == "a number from 0 to 9"
    assert [step.at for step in why.origin] == [1, 0]


def test_the_path_on_which_a_reference_leaks() -> None:
    source = "r6 = r1\ncall bpf_sk_lookup_tcp#84\nif r0 == 0 goto pc+3\nif r6 == 0 goto pc+1\ngoto pc+1\ncall bpf_sk_release#86\nr0 = 0\nexit"
    log = """0: R1=ctx() R10=fp0
0: (bf) r6 = r1                       ; R1=ctx() R6_w=ctx()
1: (85) call bpf_sk_lookup_tcp#84     ; R0=sock_or_null(id=2,ref_obj_id=2) refs=2
2: (15) if r0 == 0x0 goto pc+3        ; R0=sock(ref_obj_id=2) refs=2
3: (15) if r6 == 0x0 goto pc+1        ; R6=ctx() refs=2
4: (05) goto pc+1
6: (b7) r0 = 0                        ; R0_w=0 refs=2
7: (95) exit
Unreleased reference id=2 alloc_insn=1
"""
    why, program = said(source, log)
    assert why.at == 7
    assert [(step.at, step.kind) for step in why.origin] == [
        (3, StepKind.PASSED),
        (2, StepKind.PASSED),
        (1, StepKind.ACQUIRED),
    ]
    assert "what instruction 1 acquired" in why.needed
    assert any("jump not taken" in line for line in lines(why, program))


def test_a_value_is_followed_through_the_stack_and_into_a_function() -> None:
    source = "r6 = 4096\n*(u64 *)(r10 -8) = r6\nr1 = *(u64 *)(r10 -8)\ncall pc+1\nexit\nr2 = r1\nr0 = *(u8 *)(r2 +0)\nexit"
    log = """func#1 @5
0: R1=ctx() R10=fp0
0: (b7) r6 = 4096                     ; R6_w=4096
1: (7b) *(u64 *)(r10 -8) = r6         ; R6_w=4096 R10=fp0 fp-8_w=4096
2: (79) r1 = *(u64 *)(r10 -8)         ; R1_w=4096 R10=fp0 fp-8_w=4096
3: (85) call pc+1
caller:
 R6_w=4096 R10=fp0 fp-8_w=4096
callee:
 frame1: R1_w=4096 R10=fp0
5: frame1: R1_w=4096 R10=fp0
5: (bf) r2 = r1                       ; frame1: R1_w=4096 R2_w=4096
6: (71) r0 = *(u8 *)(r2 +0)
R2 invalid mem access 'scalar'
"""
    why, _ = said(source, log)
    assert (why.at, why.register, why.known) == (6, 2, "the number 4096")
    assert [step.at for step in why.origin] == [5, 2, 1, 0]


@pytest.mark.parametrize(
    ("message", "at", "needed"),
    [
        ("unreachable insn 1", 1, "a way that leads there"),
        ("jump out of range from insn 1 to 9", 1, "instruction 9 is not"),
        ("last insn is not an exit or jmp", 2, "an exit"),
        ("unknown opcode 8d", None, "it has no 0x8d"),
    ],
)
def test_what_is_refused_before_the_walk(message: str, at: int | None, needed: str) -> None:
    program = Program(ProgramType.SOCKET_FILTER, parse(["r0 = 0", "r0 = 1", "exit"]))
    why = explain_log(program, f"{message}\n{END.replace('9 insns', '0 insns')}")
    assert why is not None
    assert why.at == at
    assert needed in why.needed


@pytest.mark.parametrize(
    ("message", "needed"),
    [
        (
            "BPF program is too large. Processed 1000001 insn",
            "1,000,000 instructions to walk in all (BPF_COMPLEXITY_LIMIT_INSNS): a limit of the kernel",
        ),
        (
            "The sequence of 8193 jumps is too complex.",
            "8,192 (BPF_COMPLEXITY_LIMIT_JMP_SEQ): a limit of the kernel",
        ),
        ("misaligned stack access off (0x0; 0x0)+0+-4 size 8", "a multiple of 8: it is -4"),
        ("misaligned packet access off 2+(0x0; 0x0)+15+-4 size 4", "a multiple of 4: it is 13"),
        ("misaligned stack access off 0+-60 size 8", "a multiple of 8: it is -60"),
        ("misaligned value access off (0x0; 0x7)+0+2 size 4", "it is 2 and something of the bits (0x0; 0x7)"),
        ("missing btf func_info", "a function called back has to have one"),
        ("map 'm' has to have BTF in order to use bpf_timer", "with a bpf_timer in it: the map 'm' has none"),
        ("tail_call is not allowed in subprogs without BTF", "the tail call in the main function"),
        ("invalid read from stack off -8+0 size 8", "the bytes from fp-8 to fp-1 written before"),
        ("invalid write to stack R10 off=-520 size=8", "8 bytes below the stack"),
        ("value 1073741823 makes fp pointer be out of bounds", "the kernel's limit: it may be 1073741823"),
    ],
)
def test_the_limit_that_is_run_into(message: str, needed: str) -> None:
    why, _ = said("r0 = 0\nexit", f"0: R1=ctx() R10=fp0\n0: (b7) r0 = 0\n{message}\n")
    assert needed in why.needed
    assert why.at == 0


def test_a_functions_end_is_named_where_the_kernel_names_none() -> None:
    program = Program(ProgramType.KPROBE, parse(["call pc+2", "r0 = 0", "exit", "r0 = 0", "r1 = 1"]))
    why = explain_log(program, "last insn is not an exit or jmp\n" + END.replace("9 insns", "0 insns"))
    assert why is not None
    assert "instruction 4, the last one of a function" in why.needed


def test_the_argument_that_a_message_does_not_name() -> None:
    source = "r4 = *(u32 *)(r1 +0)\nr2 = 0\nr3 = r10\nr3 += -192\ncall bpf_skb_load_bytes#26\nexit"
    log = """0: R1=ctx() R10=fp0
0: (61) r4 = *(u32 *)(r1 +0)          ; R1=ctx() R4_w=scalar(umax=191,var_off=(0x0; 0xff))
1: (b7) r2 = 0                        ; R2_w=0
2: (bf) r3 = r10                      ; R3_w=fp0 R10=fp0
3: (07) r3 += -192                    ; R3_w=fp-192
4: (85) call bpf_skb_load_bytes#26
invalid zero-sized read
"""
    why, _ = said(source, log)
    assert (why.at, why.register, why.known) == (4, 4, "a number from 0 to 191")


def test_the_packet_that_a_helper_does_not_take() -> None:
    source = "r4 = *(u32 *)(r1 +0)\nr5 = 0\ncall bpf_perf_event_output#25\nexit"
    log = """0: R1=ctx() R10=fp0
0: (61) r4 = *(u32 *)(r1 +0)          ; R1=ctx() R4_w=pkt(r=0)
1: (b7) r5 = 0                        ; R5_w=0
2: (85) call bpf_perf_event_output#25
helper access to the packet is not allowed
"""
    why, _ = said(source, log, ProgramType.XDP)
    assert (why.at, why.register, [step.at for step in why.origin]) == (2, 4, [0])


def test_a_pointer_that_lies_on_the_stack_was_written() -> None:
    source = "*(u64 *)(r10 -8) = r1\nr3 = r10\nr3 += -8\ncall bpf_map_update_elem#2\nexit"
    log = """0: R1=ctx() R10=fp0
0: (7b) *(u64 *)(r10 -8) = r1         ; R1=ctx() R10=fp0 fp-8_w=ctx()
1: (bf) r3 = r10                      ; R3_w=fp0 R10=fp0
2: (07) r3 += -8                      ; R3_w=fp-8
3: (85) call bpf_map_update_elem#2
invalid indirect read from stack R3 off -8+0 size 8
"""
    why, _ = said(source, log)
    assert (why.at, why.register) == (3, 3)
    assert why.needed.startswith(
        "numbers from fp-8 to fp-1, or the privilege CAP_PERFMON: a pointer lies there"
    )


def test_what_nobody_knows_is_not_said() -> None:
    why, program = said(
        "r0 = 0\nexit", "0: R1=ctx() R10=fp0\n0: (b7) r0 = 0\nsomething new of a later kernel\n"
    )
    assert not why.explained
    assert list(lines(why, program)) == []


REPORT = """0: R1=ctx() R10=fp0
0: (bf) r0 = r2
R2 !read_ok

Verification failed: Register Type Safety: Unreadable register

Reason:
  R2 has never been initialized on this path, so the verifier cannot use it as an input.

At:
  insn 0
       | ^-- error: R2 is not readable

Causal path:
  no retained diagnostic events on this path

Suggestion:
  Initialize R2 on every path before this instruction.

verification time 1069 usec
"""


def test_the_kernels_own_words_are_used_where_it_has_some() -> None:
    why, program = said("r0 = r2\nexit", REPORT)
    assert (why.at, why.register) == (0, 2)
    assert why.reason.startswith("R2 has never been initialized")
    assert why.suggestion == "Initialize R2 on every path before this instruction."
    assert any("the kernel suggests: Initialize R2" in line for line in lines(why, program))


def test_what_is_accepted_needs_no_explanation() -> None:
    assert explain_log(unset().program, "func#0 @0\n" + END) is None


FAR = "r2 = *(u32 *)(r1 +0)\nr3 = *(u32 *)(r1 +4)\nr5 = r10\nr2 += r5\nr4 = r2\nr4 += 1\nif r4 > r3 goto pc+1\nr0 = *(u8 *)(r2 +0)\nr0 = 2\nexit"


def far_log(umax: int) -> str:
    packet = f"pkt(id=1,off=0,r=0,umax={umax},var_off=(0x0; {umax:#x}))"
    return f"""0: R1=ctx() R10=fp0
0: (61) r2 = *(u32 *)(r1 +0)          ; R1=ctx() R2_w=pkt(r=0)
1: (61) r3 = *(u32 *)(r1 +4)          ; R1=ctx() R3_w=pkt_end()
2: (bf) r5 = r10                      ; R5_w=scalar(umax={umax},var_off=(0x0; {umax:#x}))
3: (0f) r2 += r5                      ; R2_w={packet}
4: (bf) r4 = r2                       ; R2_w={packet} R4_w={packet}
5: (07) r4 += 1                       ; R4_w={packet}
6: (2d) if r4 > r3 goto pc+1          ; R3_w=pkt_end() R4_w={packet}
7: (71) r0 = *(u8 *)(r2 +0)
invalid access to packet, off=0 size=1, R2(id=1,off=0,r=0)
R2 offset is outside of the packet
"""


@pytest.mark.parametrize(
    ("umax", "needed"),
    [
        (0x1FFFF, "at most 65535 from the packet's start (MAX_PACKET_OFF"),
        (0xFFFF, "a comparison with data_end on this path that proves 1 byte"),
    ],
)
def test_a_packet_pointer_that_may_be_too_far_off(umax: int, needed: str) -> None:
    why, _ = said(FAR, far_log(umax), ProgramType.XDP)
    assert (why.at, why.register) == (7, 2)
    assert needed in why.needed


STALE = "r7 = r1\nr6 = *(u32 *)(r1 +0)\nr1 = r7\nr2 = -60\ncall bpf_xdp_adjust_tail#65\nr0 = *(u8 *)(r6 +0)\nr0 = 1\nexit"
STALE_LOG = """0: R1=ctx() R10=fp0
0: (bf) r7 = r1                       ; R1=ctx() R7_w=ctx()
1: (61) r6 = *(u32 *)(r1 +0)          ; R1=ctx() R6_w=pkt(r=0)
2: (bf) r1 = r7                       ; R1_w=ctx() R7_w=ctx()
3: (b7) r2 = -60                      ; R2_w=-60
4: (85) call bpf_xdp_adjust_tail#65   ; R0_w=scalar()
5: (71) r0 = *(u8 *)(r6 +0)
R6 invalid mem access 'scalar'
"""


def test_a_packet_pointer_that_a_call_ended() -> None:
    """The log prints changes only, and that it is a number now is none of the call's."""
    why, _ = said(STALE, STALE_LOG, ProgramType.XDP)
    assert (why.at, why.register, why.known) == (5, 6, "")
    assert why.needed.startswith("the packet pointer loaded and compared anew")
    assert [(step.at, step.kind) for step in why.origin] == [(4, StepKind.INVALIDATED), (1, StepKind.SET)]


def test_a_tail_call_that_failed_ended_it() -> None:
    source = STALE.replace("call bpf_xdp_adjust_tail#65", "call bpf_tail_call#12")
    why, _ = said(source, STALE_LOG.replace("bpf_xdp_adjust_tail#65", "bpf_tail_call#12"), ProgramType.XDP)
    assert [(step.at, step.kind) for step in why.origin] == [(4, StepKind.INVALIDATED), (1, StepKind.SET)]


def test_a_helper_that_leaves_the_packet_alone_ended_nothing() -> None:
    source = STALE.replace("call bpf_xdp_adjust_tail#65", "call bpf_ktime_get_ns#5")
    why, _ = said(source, STALE_LOG.replace("bpf_xdp_adjust_tail#65", "bpf_ktime_get_ns#5"), ProgramType.XDP)
    assert [step.at for step in why.origin] == [1]
