"""Global functions: walked as they are called, and never more than that said."""

from __future__ import annotations

import struct

from conformance.observing.opinions import THOROUGH, by_intervals, explored, opinion
from ebpf import rules
from ebpf.assembly import parse
from ebpf.btf.builder import BtfBuilder
from ebpf.btf.types import Linkage
from ebpf.program import Case, Input, Program
from ebpf.program_types import ProgramType
from oracles.interpreter import Abstained, Returned, run
from oracles.interpreter.runs import STEP_LIMIT
from oracles.reference import ReferenceVerdict


def _case(
    linkage: Linkage, text: str = "r1 = 8; call pc+1; exit; r0 = r1; exit", entry: int = 3, tag: str = ""
) -> Case:
    btf = BtfBuilder()
    prototype = btf.prototype(btf.integer("int", 4, signed=True))
    main, called = btf.function("main", prototype, Linkage.GLOBAL), btf.function("called", prototype, linkage)
    if tag:
        btf.tag(tag, called, 0)
    info = struct.pack("<IIII", 0, main, entry, called)
    return Case(Program(ProgramType.SCHED_CLS, parse(text.split("; ")), btf=btf.build(), func_info=info))


def test_a_static_function_is_walked_from_its_caller() -> None:
    assert opinion(_case(Linkage.STATIC), THOROUGH).verdict is ReferenceVerdict.SAFE


def test_a_global_function_is_walked_from_its_caller_too() -> None:
    assert opinion(_case(Linkage.GLOBAL), THOROUGH).verdict is ReferenceVerdict.SAFE


def test_but_kernels_know_nothing_of_the_call() -> None:
    """So neither ranges nor paths are held against them."""
    answer = by_intervals(_case(Linkage.GLOBAL), THOROUGH)
    assert (answer.verdict, answer.reason) == (
        ReferenceVerdict.UNKNOWN,
        "global functions, of whose calls kernels know nothing",
    )
    assert explored(_case(Linkage.GLOBAL), THOROUGH).has_globals
    assert not explored(_case(Linkage.STATIC), THOROUGH).has_globals
    assert by_intervals(_case(Linkage.STATIC), THOROUGH).verdict is ReferenceVerdict.SAFE


def test_rules_of_policy_are_left_open_inside() -> None:
    """A kernel knows the caller's stack as memory there, which may be accessed unaligned."""
    text = "r1 = r10; r1 += -16; call pc+1; exit; *(u64 *)(r1 +4) = 1; r0 = 0; exit"
    static, anybody = (
        opinion(_case(Linkage.STATIC, text, 4), THOROUGH),
        opinion(_case(Linkage.GLOBAL, text, 4), THOROUGH),
    )
    assert [broken.rule for broken in static.policy] == [rules.STACK_MISALIGNED]
    assert (anybody.verdict, anybody.policy) == (ReferenceVerdict.SAFE, ())


def test_what_may_be_untrusted_is_left_open() -> None:
    """Reading through such a pointer gives 0 where there is no memory."""
    case = _case(Linkage.GLOBAL, "r1 = 8; call pc+1; exit; r0 = *(u8 *)(r1 +0); exit", tag="arg:untrusted")
    assert opinion(case, THOROUGH).reason == "a read through an argument that may be untrusted"


SHRINKS = (
    "r6 = r1; r7 = *(u32 *)(r1 +76); r2 = *(u32 *)(r1 +80); r3 = r7; r3 += 62; if r3 > r2 goto pc+2; "
    "call pc+3; r0 = *(u8 *)(r7 +61); r0 = 0; exit; r2 = 14; r3 = 0; call bpf_skb_change_tail#38; exit"
)


def test_a_packet_is_stale_after_a_function_that_may_change_it() -> None:
    """CVE-2024-58098: kernels did not see that such a global function changes the packet."""
    for linkage in (Linkage.GLOBAL, Linkage.STATIC):
        answer = opinion(_case(linkage, SHRINKS, 10), THOROUGH)
        assert (answer.verdict, answer.rule, answer.at) == (
            ReferenceVerdict.UNSAFE,
            rules.STALE_PACKET_POINTER,
            7,
        )


def test_a_run_leaves_such_a_read_open() -> None:
    case = _case(Linkage.GLOBAL, "r1 = 8; call pc+1; exit; r0 = *(u8 *)(r1 +0); exit", tag="arg:untrusted")
    assert run(case, Input(bytes(64)), limit=STEP_LIMIT) == Abstained(
        3, "a read through an argument that may be untrusted"
    )


def test_what_is_there_may_be_read_whoever_gave_it() -> None:
    text = "r1 = r10; r1 += -8; *(u64 *)(r1 +0) = 7; call pc+1; exit; r0 = *(u64 *)(r1 +0); exit"
    case = _case(Linkage.GLOBAL, text, 5, tag="arg:untrusted")
    assert opinion(case, THOROUGH).verdict is ReferenceVerdict.SAFE
    assert run(case, Input(bytes(64)), limit=STEP_LIMIT) == Returned(7, (), bytes(64))


def test_a_function_that_handles_exceptions_is_reached() -> None:
    """Nothing but a tag of the main function refers to it (Linux 6.7)."""
    text = "r0 = 0; exit; r0 = 1; exit"
    unused = opinion(_case(Linkage.GLOBAL, text, 2), THOROUGH)
    handler = opinion(_case(Linkage.GLOBAL, text, 2, tag="exception_callback:called"), THOROUGH)
    assert [broken.rule for broken in unused.policy] == [rules.UNREACHABLE]
    assert handler.policy == ()


def test_what_breaks_from_the_caller_is_unsafe_all_the_same() -> None:
    answer = opinion(_case(Linkage.GLOBAL, "r1 = 8; call pc+1; exit; r0 = *(u8 *)(r1 +0); exit"), THOROUGH)
    assert answer.verdict is ReferenceVerdict.UNSAFE
