"""Kernel functions in a run: what they are given, give and release."""

from __future__ import annotations

from errno import E2BIG, EINVAL

import pytest

from ebpf.assembly.parser import assemble
from ebpf.kfuncs import KFUNCS, KernelArgKind
from ebpf.kfuncs.objects import FIRST_MEMBER
from ebpf.program import Case, Input, Program
from ebpf.program_types import ProgramType
from oracles.interpreter import Abstained, Outcome, Returned, Trapped, run

KEY = "r1 = 3; call kfunc bpf_lookup_system_key; "
PUT = "call kfunc bpf_key_put; "
ACQUIRE = "*(u64 *)(r10 -8) = 7; r1 = r10; r1 += {}; call kfunc bpf_kfunc_call_test_acquire; "
MASK = "call kfunc bpf_cpumask_create; r6 = r0; r1 = r0; "
A = KernelArgKind
SIZED = {A.MEMORY, A.NEW_FLAGS, A.FLAGS, A.NEW_ITERATOR, A.ITERATOR, A.NEW_DYNPTR, A.DYNPTR}
FREE = "call kfunc bpf_cpumask_release; "


def outcome(text: str, *script: int, seed: int = 0) -> Outcome:
    """One run, with what helpers give."""
    code = assemble(text.split("; "))
    program = Program(ProgramType.SYSCALL, code.instructions, kfuncs=code.kfuncs)
    data = Input(helpers=script)
    return run(Case(program, (data,)), data, seed=seed, limit=1000)


@pytest.mark.parametrize(
    ("text", "script", "expected"),
    [
        (f"{KEY}if r0 == 0 goto pc+4; r1 = r0; {PUT}r0 = 5; exit; exit", (1,), 5),
        (f"{KEY}exit", (0,), 0),
        (f"r2 = 0; {KEY}r0 = r2; exit", (0,), "uninitialised-register@3"),
        (f"{KEY}r1 = r0; {PUT}exit", (1,), "no-return-value@4"),
        (f"{KEY}r0 = 0; exit", (1,), "unreleased-reference@3"),
        (f"{KEY}r1 = r0; {PUT}r0 = 0; exit", (0,), "helper-argument@3"),
        (f"{KEY}r1 = r0; r1 += 8; {PUT}r0 = 0; exit", (1,), "helper-argument@4"),
        (f"{KEY}r6 = r0; r1 = r0; {PUT}r1 = r6; {PUT}r0 = 0; exit", (1,), "use-after-release@6"),
        (f"r1 = r10; {PUT}r0 = 0; exit", (), "helper-argument@1"),
        (f"{PUT}r0 = 0; exit", (), "helper-argument@0"),
        (f"{KEY}r1 = r0; call kfunc bpf_task_release; exit", (1,), "helper-argument@3"),
        ("call kfunc bpf_strlen; r0 = 4; exit", (1,), 4),
        ("r1 = r10; call kfunc bpf_map_sum_elem_count; exit", (1,), "helper-argument@1"),
        (f"{MASK}call kfunc bpf_cpumask_first; r1 = r6; {FREE}r0 = 2; exit", (1, 3), 2),
        (
            f"{MASK}call kfunc bpf_cpumask_acquire; r1 = r6; {FREE}r1 = r0; r0 = 2; exit",
            (1,),
            "uninitialised-register@6",
        ),
        (
            f"{MASK}call kfunc bpf_cpumask_acquire; r7 = r0; r1 = r6; {FREE}r0 = 2; exit",
            (1,),
            "unreleased-reference@8",
        ),
        (f"{MASK}r2 = r10; r2 += -8; r3 = 9; call kfunc bpf_cpumask_populate; exit", (1,), "stack-bounds@6"),
        (f"{MASK}r2 = r10; r3 = r10; call kfunc bpf_cpumask_populate; exit", (1,), "helper-argument@5"),
        (f"{ACQUIRE.format(-8)}r0 = 1; exit", (0,), 1),
        (f"{ACQUIRE.format(-7)}r0 = 1; exit", (0,), "stack-bounds@3"),
        ("r1 = 1; call kfunc bpf_kfunc_call_test_acquire; exit", (0,), "helper-argument@1"),
    ],
    ids=str,
)
def test_what_kernel_functions_do(text: str, script: tuple[int, ...], expected: int | str) -> None:
    result = outcome(text, *script)
    if isinstance(expected, int):
        assert isinstance(result, Returned)
        assert result.r0 == expected
    else:
        assert isinstance(result, Trapped)
        assert f"{result.rule}@{result.at}" == expected
    assert result.predictable or "acquire" in text


def test_what_a_function_gives_is_chance_without_a_script() -> None:
    results = {
        outcome(f"{KEY}if r0 == 0 goto pc+2; r1 = r0; {PUT}r0 = 1; exit", seed=seed) for seed in range(4)
    }
    assert not any(result.predictable for result in results)


def test_numbers_in_the_wrong_order_or_too_many_give_an_error_and_no_steps() -> None:
    text = (
        "r1 = r10; r1 += -8; r2 = {}; r3 = {}; call kfunc bpf_iter_num_new; r6 = r0; r1 = r10; r1 += -8; "
        "call kfunc bpf_iter_num_next; r7 = r0; r1 = r10; r1 += -8; call kfunc bpf_iter_num_destroy; "
        "r0 = r6; if r7 == 0 goto pc+1; r0 = 1; exit"
    )
    for start, end, error in ((5, 2, -22), (0, 0x7FFFFFFF, -7)):
        result = outcome(text.format(start, end))
        assert isinstance(result, Returned)
        assert not result.predictable  # of an int, the upper half is whatever is there
        assert result.r0 & 0xFFFF_FFFF == error & 0xFFFF_FFFF


def test_memory_given_to_a_function_is_changed() -> None:
    text = ACQUIRE.format(-8) + "r0 = *(u64 *)(r10 -8); exit"
    values = {result.r0 for seed in range(3) if isinstance(result := outcome(text, 0, seed=seed), Returned)}
    assert len(values) == 3


@pytest.mark.parametrize(("text", "reason"), [("call kfunc bpf_obj_new_impl; exit", "kernel function calls")])
def test_abstentions(text: str, reason: str) -> None:
    result = outcome(text, 1)
    assert isinstance(result, Abstained)
    assert result.reason == reason


@pytest.mark.parametrize("name", KFUNCS)
def test_a_function_gives_back_what_another_gave(name: str) -> None:
    """What is released or taken is what some function gives, and what is given is released by one."""
    function = KFUNCS[name]
    given = {each.gives for each in KFUNCS.values()}
    given |= {FIRST_MEMBER[struct] for struct in given if struct}
    released = {each.args[each.releases - 1].struct for each in KFUNCS.values() if each.releases}
    assert {arg.struct for arg in function.args if arg.kind is KernelArgKind.OBJECT} <= given
    assert not function.acquires or function.gives in released
    assert not function.gives or function.gives in FIRST_MEMBER
    assert function.acquires or not function.gives or function.nullable
    assert (function.step is not None) is function.name.startswith("bpf_iter_")
    assert all((arg.size > 0) is (arg.kind in SIZED) for arg in function.args)
    kinds = [arg.kind for arg in function.args]
    assert all(
        kinds[at + 1] is KernelArgKind.SIZE for at, kind in enumerate(kinds) if kind is KernelArgKind.BUFFER
    )
    assert function.name == name


BITS = (
    "*(u64 *)(r10 -8) = 1; r1 = r10; r1 += -24; r2 = {}; r3 = {}; call kfunc bpf_iter_bits_new; r7 = r0; "
    "r1 = r10; r1 += -24; call kfunc bpf_iter_bits_next; r6 = r0; r1 = r10; r1 += -24; "
    "call kfunc bpf_iter_bits_destroy; r0 = r7; if r6 == 0 goto pc+1; r0 = 1; exit"
)


@pytest.mark.parametrize(
    ("place", "words", "script", "expected"),
    [
        ("r10; r2 += -8", 1, (), 1),
        ("r10; r2 += -8", 0, (), -EINVAL & 0xFFFF_FFFF),
        ("0", 1, (), -EINVAL & 0xFFFF_FFFF),
        ("r10; r2 += -8", 512, (), -E2BIG & 0xFFFF_FFFF),
        ("r10; r2 += -16", 2, (5, 0), 5),
        ("4096", 1, (7, 0), 7),
        ("4096", 1, (0, 1), 1),
    ],
)
def test_what_an_iterator_of_bits_makes_of_its_arguments(
    place: str, words: int, script: tuple[int, ...], expected: int
) -> None:
    found = outcome(BITS.format(place, words), *script)
    assert isinstance(found, Returned)
    assert found.r0 & 0xFFFF_FFFF == expected
