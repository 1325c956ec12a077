"""Goals: what is chained backwards is reached, runs, and is given back on every path."""

from __future__ import annotations

import random
import struct
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest

import generators.programs
from ebpf.btf.local_types import local_types
from ebpf.helper_names import HELPER_NAMES
from ebpf.isa import opcodes as o
from ebpf.kfuncs import KFUNCS
from ebpf.maps import MapFieldKind, MapSpec, MapType
from ebpf.program_types import ProgramType as T
from generators.dice import WIDTH
from generators.goals.callees import Caller, Giver, candidates, givers, goals
from generators.goals.map_templates import TEMPLATES, templates_for
from generators.goals.wishes import ContextPointer, Wish
from generators.local_types import LOCAL_TYPES
from generators.objects import well_formed
from generators.profiles import Profile
from generators.programs import Generated
from generators.settings import SETTINGS
from generators.state import PointerKind
from oracles.interpreter import Step, run
from oracles.interpreter.runs import STEP_LIMIT
from tests.generators.drawing import VALID, draws, ran

NEWEST = (7, 3)
GOALS = {
    "goal", "locked-change", "callback-loop", "callback-elements", "kernel-function", "section", "iterator",
    "dynptr", "kernel-pointer", "local-object", "timer", "work-queue",
    "throw",
}  # fmt: skip


@cache
def programs() -> tuple[Generated, ...]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generators.programs, "GOALS_IN", 1)
        profile = replace(VALID, linux=NEWEST, unprivileged_in=0, inputs=2)
        return tuple(made for made in draws(1200, profile, seed=8) if GOALS & set(made.productions))


@cache
def of_sockets() -> tuple[Generated, ...]:
    """Of types that are drawn seldom, whose helpers alone take some maps, of sockets above all."""
    chosen = tuple(each for each in SETTINGS if each.type in (T.SK_REUSEPORT, T.SK_SKB, T.SK_MSG, T.KPROBE))
    profile = replace(VALID, linux=NEWEST, unprivileged_in=0, inputs=1, settings=chosen, aims_in=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generators.programs, "GOALS_IN", 1)
        return tuple(draws(500, profile, seed=8))


def called(made: Generated) -> list[str]:
    return [
        HELPER_NAMES[insn.imm]
        for insn in made.case.program.instructions
        if insn.opcode == o.CALL | o.JMP and insn.src == o.CALL_HELPER
    ]


def test_every_type_of_map_and_every_reference_is_reached() -> None:
    maps = Counter(spec.type for made in (*programs(), *of_sockets()) for spec in made.case.program.maps)
    assert maps.keys() >= {template.spec.type for template in TEMPLATES}
    helpers = Counter(name for made in programs() for name in called(made))
    for name in ("spin_lock", "loop", "for_each_map_elem", "ringbuf_reserve", "ringbuf_submit", "ringbuf_discard", "sk_release", "sk_lookup_tcp",
                 "sk_lookup_udp", "skc_lookup_tcp", "map_lookup_percpu_elem", "sk_fullsock", "tcp_sock"):  # fmt: skip
        assert helpers[name] >= 5, (name, helpers)


def test_programs_with_goals_run() -> None:
    assert len(programs()) > 500
    for made in programs():
        for data in made.case.inputs:
            outcome = run(made.case, data, limit=STEP_LIMIT)
            assert ran(outcome), outcome


@pytest.mark.parametrize(
    "kind", [T.XDP, T.SCHED_CLS, T.SOCKET_FILTER, T.KPROBE, T.SYSCALL, T.CGROUP_SOCK_ADDR]
)
def test_what_a_goal_picks_can_be_given(kind: T) -> None:
    names = {prototype.name for prototype in goals(Caller(kind))}
    assert "map_lookup_elem" in names
    assert ("sk_release" in names) == (kind in (T.XDP, T.SCHED_CLS, T.CGROUP_SOCK_ADDR))
    for prototype in candidates(Caller(kind)):
        if prototype.maps is not None:
            assert templates_for(prototype.name, prototype.maps, kind, NEWEST)


def names_of(given: tuple[Giver, ...]) -> set[str]:
    """Calls and maps by name, fields of the context as "sk"."""
    return {
        "sk"
        if isinstance(each, ContextPointer)
        else each.type.name.lower()
        if isinstance(each, MapSpec)
        else each.name
        for each in given
    }


def test_a_socket_comes_from_a_lookup_and_only_from_one_where_it_is_to_be_released() -> None:
    sockets = frozenset({PointerKind.SOCKET, PointerKind.SOCK_COMMON, PointerKind.TCP_SOCK})
    wish = Wish(sockets)
    any_socket = names_of(givers(wish, False, Caller(T.SCHED_CLS)))
    released = names_of(givers(wish, True, Caller(T.SCHED_CLS)))
    assert released == {"sk_lookup_tcp", "sk_lookup_udp", "skc_lookup_tcp", "sockmap", "sockhash"}
    assert any_socket == released | {"sk_fullsock", "tcp_sock", "get_listener_sock", "sk"}
    assert givers(wish, False, Caller(T.KPROBE)) == ()


@pytest.mark.parametrize(("linux", "kind", "there"), [
    ((5, 10), MapType.BLOOM_FILTER, False), ((5, 16), MapType.BLOOM_FILTER, True), ((5, 10), MapType.STACK, True),
])  # fmt: skip
def test_an_old_kernel_is_given_no_new_map(linux: tuple[int, int], kind: MapType, there: bool) -> None:
    found = templates_for("map_push_elem", frozenset(MapType), T.XDP, linux)
    assert (kind in {spec.type for spec in found}) == there


def test_a_reference_may_stay_until_the_exits() -> None:
    """Then every exit gives it back, so that there is more than one release for a lookup."""
    more = 0
    for made in programs():
        names = Counter(called(made))
        taken = names["ringbuf_reserve"]
        more += bool(taken) and names["ringbuf_submit"] + names["ringbuf_discard"] > taken
    assert more > 20


def test_a_lock_is_held_for_no_call_and_given_back() -> None:
    locked = [made for made in programs() if "locked-change" in made.productions]
    locked = [made for made in locked if {"local-object", "aim"}.isdisjoint(made.productions)]
    assert len(locked) > 25
    for made in locked:
        names = [name for name in called(made) if name.startswith("spin_")]
        assert names == ["spin_lock", "spin_unlock"] * (len(names) // 2)
        kinds = [field.kind for spec in made.case.program.maps for field in spec.fields]
        assert MapFieldKind.SPIN_LOCK in kinds
        assert made.case.program.type is not T.SOCKET_FILTER


def test_callbacks_are_called_and_typed() -> None:
    """Where a helper calls a function, every function has a type, and runs are at times inside it."""
    inside = 0
    typed = [made for made in programs() if {"callback-loop", "callback-elements"} & set(made.productions)]
    assert len(typed) > 80
    for made in typed:
        program = made.case.program
        assert program.btf is not None
        assert program.func_info is not None
        starts = [start for start, _ in struct.iter_unpack("<II", program.func_info)]
        insns = program.instructions
        called_at = {
            at + 1 + insn.imm
            for at, insn in enumerate(insns)
            if insn.src == (o.PSEUDO_FUNC if insn.opcode == o.LD_IMM64 else o.CALL_LOCAL)
            and insn.opcode in (o.LD_IMM64, o.CALL | o.JMP)
        }
        assert starts == sorted({0} | called_at)
        trace: list[Step] = []
        run(made.case, made.case.inputs[0], trace=trace, limit=STEP_LIMIT)
        inside += any(step.depth for step in trace)
    assert inside > len(typed) // 2
    typing = {"callback-loop", "callback-elements", "local-object", "timer", "work-queue", "aim"}
    called_back = {"find_vma", "user_ringbuf_drain"}
    untyped = [
        made
        for made in programs()
        if not typing & set(made.productions) and called_back.isdisjoint(called(made))
    ]
    assert all(made.case.program.btf is None for made in untyped)


def test_without_privilege_there_are_no_goals() -> None:
    profile = Profile(linux=NEWEST, unprivileged_in=1, near_misses_in=0, daring_in=0, inputs=1)
    assert not any(GOALS & set(made.productions) for made in draws(60, profile))


def test_kernel_functions_are_called_by_name() -> None:
    """Each call holds its place among the names, and no row that is meant to be generated is missing."""
    names = Counter[str]()
    for made in programs():
        program = made.case.program
        named = [at for at, insn in enumerate(program.instructions) if insn.names_kernel]
        assert named == [at for at, _ in program.kfuncs]
        assert [program.instructions[at].imm for at in named] == list(range(len(named)))
        names.update(name for at, name in program.kfuncs if program.instructions[at].calls_kernel)
    generated = {name for name, function in KFUNCS.items() if function.is_generated}
    assert names.keys() <= generated
    assert len(names) > 0.8 * len(generated), generated - names.keys()


def test_what_a_kernel_function_gave_is_released_on_every_exit() -> None:
    more = 0
    for made in programs():
        called_ = Counter(name for _, name in made.case.program.kfuncs)
        more += bool(called_["bpf_task_from_pid"]) and called_["bpf_task_release"] > sum(
            called_[name] for name in KFUNCS if KFUNCS[name].gives == "task_struct"
        )
    assert more > 0


def test_objects_call_no_kernel_function() -> None:
    for seed in range(60):
        rng = random.Random(seed)
        made = well_formed(rng.getrandbits(256), [[rng.getrandbits(WIDTH) for _ in range(12)]])
        assert all(not part.program.kfuncs for part in made.parts)


def test_sections_are_ended_on_every_way() -> None:
    begun = [made for made in programs() if "bpf_rcu_read_lock" in {n for _, n in made.case.program.kfuncs}]
    assert len(begun) > 40
    several = 0
    for made in begun:
        names = Counter(name for _, name in made.case.program.kfuncs)
        assert names["bpf_rcu_read_unlock"] >= names["bpf_rcu_read_lock"]
        several += names["bpf_rcu_read_unlock"] > names["bpf_rcu_read_lock"]
    assert several > 5


def test_iterators_go_round_and_are_destroyed() -> None:
    """Runs take several steps of them, and every one that is made is destroyed."""
    rounds = Counter[str]()
    for made in programs():
        names = dict(made.case.program.kfuncs)
        kinds = {name.removesuffix("_new") for name in names.values() if name.endswith("_new")}
        for kind in kinds:
            assert f"{kind}_destroy" in names.values()
        if "bpf_iter_num" in kinds:
            trace: list[Step] = []
            run(made.case, made.case.inputs[0], trace=trace, limit=STEP_LIMIT)
            visits = Counter(names[step.at] for step in trace if step.at in names)
            rounds[str(min(visits["bpf_iter_num_next"], 3))] += 1
    assert rounds["3"] > 20, rounds


def test_dynptrs_are_made_used_and_given_back() -> None:
    used = Counter[str]()
    for made in programs():
        names = Counter(called(made))
        used.update(name for name in names if "dynptr" in name)
        used.update({name for _, name in made.case.program.kfuncs if "dynptr" in name})
        taken = names["ringbuf_reserve_dynptr"]
        assert names["ringbuf_submit_dynptr"] + names["ringbuf_discard_dynptr"] >= taken
    for name in ("dynptr_from_mem", "ringbuf_reserve_dynptr", "dynptr_read", "dynptr_write", "dynptr_data",
                 "bpf_dynptr_slice", "bpf_dynptr_clone", "bpf_dynptr_adjust", "bpf_dynptr_from_skb",
                 "bpf_dynptr_from_xdp"):  # fmt: skip
        assert used[name] >= 3, (name, used)


def test_kernel_pointers_are_put_taken_and_looked_at() -> None:
    structures = Counter[str]()
    puts = Counter[str]()
    for made in programs():
        if "kernel-pointer" not in made.productions:
            continue
        structures.update(f.to for spec in made.case.program.maps for f in spec.fields if f.to)
        taken = called(made).count("kptr_xchg")
        puts["exchanged" if taken else "looked at"] += 1
    assert structures.keys() >= {"task_struct", "cgroup", "bpf_cpumask", "bpf_crypto_ctx"}, structures
    assert min(puts["exchanged"], puts["looked at"]) >= 10, puts


def test_objects_are_made_linked_and_taken_out() -> None:
    used = Counter[str]()
    for made in programs():
        names = Counter(name for _, name in made.case.program.kfuncs)
        used.update({name for name in names if name in KFUNCS and KFUNCS[name].object is not None})
        if names["bpf_rbtree_add_impl"]:
            assert made.case.program.func_info is not None
    assert used.keys() == {name for name, function in KFUNCS.items() if function.object is not None}
    assert min(used.values()) >= 5, used


def test_structs_that_objects_are_made_of_are_numbered_alike_in_all_programs() -> None:
    for made in programs():
        types = {each.name: each for each in local_types(made.case.program.btf)}
        for name, kind in LOCAL_TYPES.items():
            assert types.get(name, kind) == kind


def test_what_is_called_later_is_set_and_started() -> None:
    used = Counter[str]()
    for made in programs():
        used.update(set(called(made)) | {name for _, name in made.case.program.kfuncs})
    for name in ("timer_init", "timer_set_callback", "timer_start", "timer_cancel", "bpf_wq_init",
                 "bpf_wq_set_callback", "bpf_wq_start"):  # fmt: skip
        assert used[name] >= 5, (name, used[name])


def test_exceptions_end_the_program() -> None:
    thrown = [made for made in programs() if "throw" in made.productions]
    slots = [slot for made in thrown for slot, name in made.case.program.kfuncs if name == "bpf_throw"]
    assert len(slots) >= 20
