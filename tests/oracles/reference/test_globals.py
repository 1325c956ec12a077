"""A program with a global function is not called safe from its caller alone."""

from __future__ import annotations

import struct

from conformance.second_opinion import opinion
from ebpf.assembly import parse
from ebpf.btf.builder import BtfBuilder
from ebpf.btf.types import Linkage
from ebpf.program import Case, Program
from ebpf.program_types import ProgramType
from oracles.reference import Verdict


def _case(linkage: Linkage, text: str = "r1 = 8; call pc+1; exit; r0 = r1; exit") -> Case:
    btf = BtfBuilder()
    prototype = btf.prototype(btf.integer("int", 4, signed=True))
    main, called = btf.function("main", prototype, Linkage.GLOBAL), btf.function("called", prototype, linkage)
    info = struct.pack("<IIII", 0, main, 3, called)
    return Case(Program(ProgramType.SCHED_CLS, parse(text.split("; ")), btf=btf.build(), func_info=info))


def test_a_static_function_is_walked_from_its_caller() -> None:
    assert opinion(_case(Linkage.STATIC)).verdict is Verdict.SAFE


def test_a_global_function_is_left_open() -> None:
    answer = opinion(_case(Linkage.GLOBAL))
    assert (answer.verdict, answer.reason) == (Verdict.UNKNOWN, "global functions")


def test_what_breaks_from_the_caller_is_unsafe_all_the_same() -> None:
    answer = opinion(_case(Linkage.GLOBAL, "r1 = 8; call pc+1; exit; r0 = *(u8 *)(r1 +0); exit"))
    assert answer.verdict is Verdict.UNSAFE
