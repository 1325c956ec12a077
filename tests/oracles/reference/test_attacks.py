"""Programs on which the oracles were wrong once, each named after what was.

What kernels do was measured on Debian's 6.1.192, 6.12.117 and 7.3.4.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from conformance.observing.opinions import THOROUGH, by_intervals, opinion
from ebpf.assembly import parse
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.maps import MapField, MapFieldKind, MapSpec, MapType
from ebpf.program import Case, Program
from ebpf.program_types import ProgramType
from oracles.interpreter import Returned, run
from oracles.interpreter.runs import STEP_LIMIT
from oracles.reference import Budget, ReferenceAnswer, ReferenceVerdict

VALUE = MapSpec(MapType.ARRAY, 4, 8, 1)
ARRAY = MapSpec(MapType.ARRAY, 4, 8, 4)
HASH = MapSpec(MapType.HASH, 4, 8, 4)
LOCKED = MapSpec(MapType.ARRAY, 4, 8, 1, fields=(MapField(0, MapFieldKind.SPIN_LOCK),))
RECORDS = MapSpec(MapType.RINGBUF, 0, 0, 4096)
PROGRAMS = MapSpec(MapType.PROG_ARRAY, 4, 4, 2)
UNKNOWN = "r6 = *(u32 *)(r1 +0); "
KEY = "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; "
LOOKUP = KEY + "r1 = map[0]; call bpf_map_lookup_elem#1; "
Version = tuple[int, int]


def _case(
    text: str,
    *maps: MapSpec,
    type_: ProgramType = ProgramType.SCHED_CLS,
    capabilities: tuple[str, ...] | None = None,
) -> Case:
    return Case(Program(type_, parse(text.split("; ")), maps), capabilities=capabilities)


def _refused(case: Case, linux: Version) -> set[str]:
    return {broken.rule.name for broken in opinion(case, THOROUGH).refused_by(linux)}


# -- unsafe programs that were called safe, and safe ones that were called unsafe


def test_an_atomic_operation_is_aligned_whatever_the_flags() -> None:
    store = _case("r9 = map[0][0]+0; r1 = 1; lock *(u32 *)(r9 +1) += r1; r0 = 0; exit", VALUE)
    load = _case("r9 = map[0][0]+0; r1 = load_acquire((u32 *)(r9 +1)); r0 = 0; exit", VALUE)
    far = _case(
        UNKNOWN + "r9 = map[0][0]+0; r6 &= 3; r9 += r6; r1 = 1; lock *(u32 *)(r9 +0) += r1; r0 = 0; exit",
        VALUE,
    )
    for case in (store, load, far):
        assert "misaligned" in _refused(case, (6, 12))
    assert not _refused(
        _case("r9 = map[0][0]+0; r1 = 1; lock *(u32 *)(r9 +4) += r1; r0 = 0; exit", VALUE), (6, 12)
    )


def test_a_callback_is_followed() -> None:
    callback = (Insn(o.LD_IMM64, 2, o.PSEUDO_FUNC, 0, 6), Insn(0, 0, 0, 0, 0))
    handle, body = (
        parse(["r1 = map[0]"]),
        parse(["r3 = 0", "r4 = 0", "call bpf_for_each_map_elem#164", "r0 = 0", "exit"]),
    )
    bad = parse(["r0 = 0", "r0 = *(u64 *)(r0 +0)", "exit"])
    answer = opinion(
        Case(Program(ProgramType.SCHED_CLS, (*handle, *callback, *body, *bad), (VALUE,))), THOROUGH
    )
    assert (answer.verdict, answer.rule and answer.rule.name) == (ReferenceVerdict.UNSAFE, "null-dereference")


def test_a_context_field_of_16_bits_does_not_give_back_32() -> None:
    text = "r2 = 0x10000; *(u32 *)(r1 +44) = r2; r3 = *(u32 *)(r1 +44); "
    text += "if r3 == 65536 goto pc+1; r3 = *(u64 *)(r3 +0); r0 = 0; exit"
    assert opinion(_case(text), THOROUGH).verdict is ReferenceVerdict.UNKNOWN
    assert opinion(_case(text.replace("+44", "+8")), THOROUGH).verdict is ReferenceVerdict.SAFE  # mark has 32


def test_a_tail_call_returns_to_the_functions_caller() -> None:
    main, called = (
        "call pc+4; if r0 == 0 goto pc+1; r0 = *(u64 *)(r0 +0); r0 = 0; exit; ",
        "r2 = map[0]; r3 = 0; ",
    )
    answer = opinion(_case(main + called + "call bpf_tail_call#12; r0 = 0; exit", PROGRAMS), THOROUGH)
    assert answer.verdict is ReferenceVerdict.UNKNOWN, answer


def test_a_lock_is_no_memory_for_helpers() -> None:
    text = (
        "r9 = map[0][0]+0; " + KEY + "r1 = map[1]; r3 = r9; r4 = 0; call bpf_map_update_elem#2; r0 = 0; exit"
    )
    answer = opinion(_case(text, LOCKED, VALUE), THOROUGH)
    assert (answer.verdict, answer.rule and answer.rule.name) == (ReferenceVerdict.UNSAFE, "special-field")


@pytest.mark.parametrize("operation", ["xchg", "fetch_add", "cmpxchg"])
def test_an_atomic_operation_fetches_a_stored_pointer_whole(operation: str) -> None:
    """All three kernels accept: the register is filled from the slot, as by a load."""
    target = "r0" if operation == "cmpxchg" else "r1"
    arguments = "r0, r1" if operation == "cmpxchg" else "r1"
    text = (
        f"*(u64 *)(r10 -8) = r10; r0 = 1; r1 = 0; {target} = atomic64_{operation}((u64 *)(r10 -8), "
        f"{arguments}); "
        f"*(u64 *)({target} -16) = 7; r0 = 0; exit"
    )
    case = _case(text)
    assert isinstance(run(case, case.inputs[0], limit=STEP_LIMIT), Returned)
    assert opinion(case, THOROUGH).verdict is ReferenceVerdict.SAFE


# -- rules that were said to be broken on kernels that accept


def test_a_lookup_of_a_constant_index_needs_no_check_any_more() -> None:
    case = _case(LOOKUP + "r0 = *(u64 *)(r0 +0); r0 = 0; exit", ARRAY)
    assert _refused(case, (6, 12)) == {"null-check"}
    assert not _refused(case, (7, 3))


def test_equality_with_a_checked_pointer_is_a_null_check() -> None:
    once = LOOKUP + "if r0 == 0 goto pc+10; r6 = r0; "
    case = _case(once + LOOKUP + "if r0 != r6 goto pc+1; r0 = *(u64 *)(r0 +0); r0 = 0; exit", HASH)
    assert _refused(case, (6, 1)) == {"null-check"}
    assert not _refused(case, (6, 12))


def test_at_a_variable_offset_a_stored_pointer_is_a_number() -> None:
    place = (
        UNKNOWN + "*(u64 *)(r10 -8) = r10; *(u64 *)(r10 -16) = r10; r6 &= 8; r2 = r10; r2 += -16; r2 += r6; "
    )
    assert not _refused(_case(place + "r3 = *(u32 *)(r2 +0); r0 = 0; exit"), (6, 12))
    assert not _refused(_case(place + "*(u32 *)(r2 +0) = r10; r0 = 0; exit"), (6, 12))
    assert _refused(_case(place + "r3 = *(u32 *)(r10 -8); r0 = 0; exit"), (6, 12)) == {"spill-size"}


def test_calls_take_cap_bpf_and_no_more() -> None:
    case = _case("call pc+1; exit; r0 = 0; exit", type_=ProgramType.SOCKET_FILTER, capabilities=("CAP_BPF",))
    assert not _refused(case, (6, 12))


def test_loops_with_cap_bpf_alone_are_left_open() -> None:
    """Not the rule ``back-edge``; all three kernels refuse this one as an infinite loop all the same."""
    text = "r0 = 0; r0 += 1; if r0 < 10 goto pc-2; exit"
    answer = opinion(_case(text, type_=ProgramType.SOCKET_FILTER, capabilities=("CAP_BPF",)), THOROUGH)
    assert (answer.verdict, answer.policy) == (ReferenceVerdict.UNKNOWN, ())
    assert _refused(_case(text, type_=ProgramType.SOCKET_FILTER, capabilities=()), (6, 12)) == {"back-edge"}


def test_a_functions_address_may_be_moved() -> None:
    address = (Insn(o.LD_IMM64, 1, o.PSEUDO_FUNC, 0, 4), Insn(0, 0, 0, 0, 0))
    rest = parse(["r1 += 1", "r0 = 0", "exit", "r0 = 0", "exit"])
    answer = opinion(Case(Program(ProgramType.SCHED_CLS, (*address, *rest))), THOROUGH)
    assert (answer.verdict, answer.policy) == (ReferenceVerdict.UNKNOWN, ())


# -- refusals that no rule explained


@pytest.mark.parametrize("register", ["r10", "r1"])
def test_without_privilege_the_stack_and_the_context_are_not_compared_with_null(register: str) -> None:
    text = f"if {register} == 0 goto pc+0; r0 = 0; exit"
    assert _refused(_case(text, type_=ProgramType.SOCKET_FILTER, capabilities=()), (6, 12)) == {
        "pointer-comparison"
    }
    assert not _refused(_case(text, type_=ProgramType.SOCKET_FILTER), (6, 12))


def test_no_kernel_takes_functions_without_btf_for_all_purposes() -> None:
    text = "r6 = r1; call pc+1; exit; r6 = r1; r0 = *(u8 *)skb[0]; exit"
    for linux in ((5, 10), (6, 12), (7, 3)):
        assert _refused(_case(text, type_=ProgramType.SOCKET_FILTER), linux) == {"untyped-function"}


def test_a_map_is_not_moved_back_by_zero_either() -> None:
    assert _refused(_case("r2 = map[0]; r2 -= 0; r0 = 0; exit", VALUE), (6, 12)) == {"pointer-arithmetic"}
    assert not _refused(_case("r2 = map[0]; r2 += 0; r0 = 0; exit", VALUE), (6, 12))


def test_a_packet_pointer_is_not_loaded_with_its_sign() -> None:
    assert "context-access" in _refused(_case("r2 = *(s32 *)(r1 +76); r0 = 0; exit"), (6, 12))


def test_no_memory_of_no_size_is_still_no_memory() -> None:
    text = "r2 = map[0]; r3 = 0; r4 = 0; r5 = 0; call bpf_perf_event_output#25; r0 = 0; exit"
    assert _refused(_case(text, MapSpec(MapType.PERF_EVENT_ARRAY, 4, 4, 4)), (6, 12)) == {"helper-argument"}


# -- what helpers change


def test_fib_lookup_writes_what_it_reads() -> None:
    zeros = "".join(f"*(u64 *)(r10 -{at}) = 0; " for at in range(8, 72, 8))
    call = "r2 = r10; r2 += -64; r3 = 64; r4 = 0; call bpf_fib_lookup#69; "
    text = zeros + call + "r1 = *(u64 *)(r10 -16); if r1 == 0 goto pc+1; r1 = *(u64 *)(r1 +0); r0 = 0; exit"
    assert opinion(_case(text), THOROUGH).verdict is not ReferenceVerdict.SAFE


def test_a_helper_computes_the_hash_again() -> None:
    text = "r6 = r1; r7 = *(u32 *)(r1 +68); call bpf_get_hash_recalc#34; r8 = *(u32 *)(r6 +68); if r7 == r8 goto pc+1; "
    assert (
        opinion(_case(text + "r0 = *(u64 *)(r0 +0); r0 = 0; exit"), THOROUGH).verdict
        is ReferenceVerdict.UNKNOWN
    )


# -- proofs by intervals that no kernel can make


@pytest.mark.parametrize(
    "twice",
    [
        "r6 = *(u32 *)(r1 +8); r7 = *(u32 *)(r1 +8)",
        UNKNOWN + "r7 = r6; r7 ^= 5; r8 = r6; r8 ^= 5; r6 = r8",
        UNKNOWN + "w7 = w6; w8 = w6; r6 = r8",
    ],
)
def test_what_is_computed_twice_is_two_values_to_intervals(twice: str) -> None:
    text = twice + "; r9 = map[0][0]+0; if r6 > 7 goto pc+2; r9 += {}; r0 = *(u8 *)(r9 +0); r0 = 0; exit"
    assert opinion(_case(text.format("r7"), VALUE), THOROUGH).verdict is ReferenceVerdict.SAFE
    assert by_intervals(_case(text.format("r7"), VALUE), THOROUGH).verdict is ReferenceVerdict.UNKNOWN
    assert by_intervals(_case(text.format("r6"), VALUE), THOROUGH).verdict is ReferenceVerdict.SAFE


@pytest.mark.parametrize(
    "shape",
    [
        "r6 = 7; r6 = -r6; r6 = -r6",
        "r6 = 14; r6 /= 2",
        "r6 = 15; r6 %= 8",
        "r6 = 0x700; r6 = be16 r6",
        "*(u64 *)(r10 -8) = 7; r6 = 0; r6 = atomic64_fetch_add((u64 *)(r10 -8), r6)",
        "*(u64 *)(r10 -8) = 6; r6 = 1; lock *(u64 *)(r10 -8) += r6; r6 = *(u64 *)(r10 -8)",
    ],
)
def test_what_kernels_do_not_follow_intervals_do_not_either(shape: str) -> None:
    text = shape + "; r9 = map[0][0]+0; r9 += r6; r0 = *(u8 *)(r9 +0); r0 = 0; exit"
    assert opinion(_case(text, VALUE), THOROUGH).verdict is ReferenceVerdict.SAFE
    assert by_intervals(_case(text, VALUE), THOROUGH).verdict is ReferenceVerdict.UNKNOWN


def test_without_privilege_intervals_decide_no_branch() -> None:
    text = "r0 = 7; if r0 > 10 goto pc+1; exit; r8 = *(u8 *)(r9 +0); exit"
    unprivileged = _case(text, type_=ProgramType.SOCKET_FILTER, capabilities=())
    assert (opinion(unprivileged, THOROUGH).verdict, by_intervals(unprivileged, THOROUGH).verdict) == (
        ReferenceVerdict.SAFE,
        ReferenceVerdict.UNKNOWN,
    )
    assert by_intervals(_case(text), THOROUGH).verdict is ReferenceVerdict.SAFE


def test_intervals_do_not_know_how_long_packets_are() -> None:
    text = "r2 = *(u32 *)(r1 +76); r3 = *(u32 *)(r1 +80); r4 = r2; r4 += 0x200000; "
    text += "if r4 > r3 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit"
    assert opinion(_case(text), THOROUGH).verdict is ReferenceVerdict.SAFE
    assert by_intervals(_case(text), THOROUGH).verdict is ReferenceVerdict.UNKNOWN


def test_a_pointer_moved_before_the_comparison_is_not_bounded_by_it() -> None:
    text = UNKNOWN + "r9 = map[0][0]+0; r9 += r6; if r6 > 7 goto pc+1; r0 = *(u8 *)(r9 +0); r0 = 0; exit"
    assert opinion(_case(text, VALUE), THOROUGH).verdict is ReferenceVerdict.SAFE
    assert by_intervals(_case(text, VALUE), THOROUGH).verdict is ReferenceVerdict.UNKNOWN


# -- crashes


@pytest.mark.parametrize("judge", [opinion, by_intervals])
def test_pointers_moved_by_unknown_distances_are_given_to_helpers(
    judge: Callable[[Case, Budget], ReferenceAnswer],
) -> None:
    moved_map = _case(
        UNKNOWN + KEY + "r1 = map[0]; r1 += r6; call bpf_map_lookup_elem#1; r0 = 0; exit", ARRAY
    )
    record = _case(
        UNKNOWN
        + "r1 = map[0]; r2 = 8; r3 = 0; call bpf_ringbuf_reserve#131; if r0 == 0 goto pc+5; r6 &= 4; r0 += "
        "r6; r1 = r0; "
        "r2 = 0; call bpf_ringbuf_submit#132; r0 = 0; exit",
        RECORDS,
    )
    for case in (moved_map, record):
        assert judge(case, THOROUGH).verdict is not ReferenceVerdict.SAFE or judge(case, THOROUGH).policy


def test_deep_and_shared_terms_do_not_take_the_interval_pass_down() -> None:
    end = "if r6 == 5 goto pc+0; r0 = 0; exit"
    started = time.process_time()
    doubled = by_intervals(_case(UNKNOWN + "r6 += r6; " * 40 + end), THOROUGH)
    deep = by_intervals(
        _case(UNKNOWN + "r7 = *(u32 *)(r1 +8); " + "r6 += r7; r6 ^= 3; " * 300 + end), THOROUGH
    )
    assert {doubled.verdict, deep.verdict} == {ReferenceVerdict.SAFE}
    assert time.process_time() - started < 20
