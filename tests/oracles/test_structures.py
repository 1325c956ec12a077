"""What both oracles say of programs with the kernel's structures, variables and texts: safe ones run and are
safe, and each fault is found and replayed."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from conformance.kernel.jobs import Job
from conformance.kernel.protocol.jobs import encode_job
from conformance.observing.opinions import THOROUGH, opinion
from conformance.observing.question import Attempts
from ebpf import rules
from ebpf.btf.builder import BtfBuilder
from ebpf.btf.types import Linkage
from ebpf.isa import opcodes as o
from ebpf.isa.build import (
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R10,
    add64,
    call,
    jump,
    leave,
    load,
    load_function,
    load_map,
    load_map_by_index,
    load_map_value,
    load_map_value_by_index,
    load_typed,
    mov64,
    store,
)
from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Input, Program
from ebpf.program_types import ProgramType
from ebpf.rules import Rule
from ebpf.splicing import FUNCTION
from oracles.interpreter import Returned, run
from oracles.interpreter.runs import STEP_LIMIT
from oracles.reference import ReferenceVerdict

NO_PREALLOCATION, READ_ONLY = 1, 1 << 7
STORAGE = MapSpec(MapType.TASK_STORAGE, 4, 8, 0, NO_PREALLOCATION)
VALUE = MapSpec(MapType.ARRAY, 4, 8, 1)
TEXT = MapSpec(MapType.ARRAY, 4, 8, 1, READ_ONLY, contents=((bytes(4), b"text\0\0\0\0"),))
ENDLESS = MapSpec(MapType.ARRAY, 4, 8, 1, READ_ONLY, contents=((bytes(4), b"endless!"),))
RECORDS = MapSpec(MapType.USER_RINGBUF, 0, 0, 4096)
END = (mov64(R0, 0), leave())
TASK = (call("get_current_task_btf"),)
CPU = (*load_typed(R1, 0), call("this_cpu_ptr"))


@dataclass(frozen=True, slots=True)
class Row:
    """``rule``: what the program breaks, at slot ``at``; None of a safe one.  ``policy``: kernels refuse it, though
    nothing misbehaves."""

    name: str
    code: tuple[Insn, ...]
    maps: tuple[MapSpec, ...] = ()
    rule: Rule | None = None
    at: int = 0
    variables: tuple[tuple[int, str], ...] = ()
    policy: bool = False
    function: int | None = None
    """The slot of the function that a helper calls."""


def storage(*owner: Insn, check: bool = True, offset: int = 0) -> tuple[Insn, ...]:
    """A word of what is stored for the owner in R2."""
    checked = (jump(o.JEQ, R0, 0, 1),) if check else ()
    found = (mov64(R3, 0), mov64(R4, 1), call("task_storage_get"), *checked, load(o.DW, R0, R0, offset))
    return (*owner, *load_map(R1, 0), *found, *END)


def stack_of(*giver: Insn) -> tuple[Insn, ...]:
    """The stack of the task in R0."""
    room = (mov64(R1, R0), mov64(R2, R10), add64(R2, -16), mov64(R3, 16), mov64(R4, 0))
    return (*giver, *room, call("get_task_stack"), *END)


def compare(index: int, *, text: bool = True) -> tuple[Insn, ...]:
    """Bytes of the stack with a text."""
    words = (store(o.DW, R10, -8, 1), mov64(R1, R10), add64(R1, -8), mov64(R2, 4))
    third = load_map_value(R3, index) if text else (mov64(R3, R10), add64(R3, -8))
    return (*words, *third, call("strncmp"), *END)


def found_area(result: int, offset: int) -> tuple[Insn, ...]:
    """bpf_find_vma with a function that writes to its caller's memory, and that function."""
    given = (mov64(R1, R0), mov64(R2, 4096), *load_function(R3, 7), mov64(R4, R10), add64(R4, -8))
    start = (*TASK, *given, mov64(R5, 0), call("find_vma"), *END)
    return (*start, store(o.W, R3, offset, 1), mov64(R0, result), leave())


ROWS = (
    Row("the storage of a task", storage(*TASK, mov64(R2, R0)), (STORAGE,)),
    Row("the storage of nobody", storage(mov64(R2, 0)), (STORAGE,)),
    Row("storage that may be null", storage(*TASK, mov64(R2, R0), check=False), (STORAGE,), rules.NULL_DEREFERENCE, 7),
    Row("beyond the storage", storage(*TASK, mov64(R2, R0), offset=8), (STORAGE,), rules.MAP_VALUE_BOUNDS, 8),
    Row("beyond the storage, a word of which was read",
        (*TASK, mov64(R2, R0), *load_map(R1, 0), mov64(R3, 0), mov64(R4, 1), call("task_storage_get"),
         jump(o.JEQ, R0, 0, 2), load(o.DW, R1, R0, 0), load(o.DW, R0, R0, 8), *END),
        (STORAGE,), rules.MAP_VALUE_BOUNDS, 9),
    Row("the storage of a number", storage(mov64(R2, 7)), (STORAGE,), rules.HELPER_ARGUMENT, 5),
    Row("the stack of a task", stack_of(*TASK)),
    Row("the stack of registers", stack_of(*TASK, mov64(R1, R0), call("task_pt_regs")), (), rules.HELPER_ARGUMENT, 8),
    Row("a text", compare(0), (TEXT,)),
    Row("a text that may change", compare(0), (VALUE,), rules.HELPER_ARGUMENT, 6, policy=True),
    Row("a text without an end", compare(0), (ENDLESS,), rules.HELPER_ARGUMENT, 6, policy=True),
    Row("a text on the stack", compare(0, text=False), (), rules.HELPER_ARGUMENT, 6),
    Row("a variable", (*CPU, load(o.W, R0, R0, 0), *END), variables=((0, "bpf_prog_active"),)),
    Row("beyond a variable", (*CPU, load(o.W, R0, R0, 4), *END), (), rules.MEMORY_BOUNDS, 3, ((0, "bpf_prog_active"),)),
    Row("a variable written", (*CPU, store(o.W, R0, 0, 1), *END), (), rules.READ_ONLY, 3, ((0, "bpf_prog_active"),)),
    Row("a map by its index", (*load_map_value_by_index(R1, 1), load(o.DW, R0, R1, 0), *END), (TEXT, VALUE)),
    Row("beyond a map by its index", (*load_map_value_by_index(R1, 1), load(o.DW, R0, R1, 1), *END), (TEXT, VALUE),
        rules.MAP_VALUE_BOUNDS, 2),
    Row("a lookup by the map's index",
        (store(o.W, R10, -4, 0), mov64(R2, R10), add64(R2, -4), *load_map_by_index(R1, 0), call("map_lookup_elem"),
         mov64(R6, R0), jump(o.JEQ, R6, 0, 1), load(o.DW, R0, R6, 0), *END), (VALUE,)),
    Row("an area", found_area(0, 0), function=11),
    Row("an area, and too much memory", found_area(0, 8), (), rules.STACK_BOUNDS, 11, function=11),
)  # fmt: skip


def typed(start: int | None) -> tuple[bytes | None, bytes | None]:
    """BTF and func_info of a program with that function."""
    if start is None:
        return None, None
    types = BtfBuilder()
    prototype = types.prototype(types.integer("int", 4, True))
    main = types.function("main", prototype, Linkage.GLOBAL)
    records = FUNCTION.pack(0, main) + FUNCTION.pack(start, types.function("f", prototype, Linkage.STATIC))
    return types.build(), records


def case_of(row: Row) -> Case:
    btf, info = typed(row.function)
    program = Program(
        ProgramType.RAW_TRACEPOINT, row.code, row.maps, kfuncs=row.variables, btf=btf, func_info=info
    )
    return Case(program, (Input(context=bytes(96)),))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_the_reference_says(row: Row) -> None:
    answer = opinion(case_of(row), THOROUGH)
    if row.rule is None:
        assert answer.verdict is ReferenceVerdict.SAFE, answer.reason
        assert not answer.policy
    elif row.policy:
        assert [(str(broken.rule), broken.at) for broken in answer.policy] == [(str(row.rule), row.at)]
    else:
        assert (answer.rule, answer.at) == (row.rule, row.at), answer.reason


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.rule and not row.policy], ids=lambda row: row.name
)
def test_a_kernel_can_be_asked_about_what_harms(row: Row) -> None:
    """Nobody fills a task's storage before a run, and no run reads what would be in it."""
    witness = opinion(case_of(row), THOROUGH).witness
    assert witness is not None
    assert encode_job(Job(witness, Attempts.RUN.value))


@pytest.mark.parametrize("row", [row for row in ROWS if row.rule is None], ids=lambda row: row.name)
def test_safe_ones_run(row: Row) -> None:
    case = case_of(row)
    for scripted in ((), (0, 0), (1, 1)):
        outcome = run(case, Input(context=bytes(96), helpers=scripted), limit=STEP_LIMIT)
        assert isinstance(outcome, Returned) or row.function is not None, outcome
