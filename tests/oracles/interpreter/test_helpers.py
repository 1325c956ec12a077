"""What helpers leave behind, and the arguments they do not take."""

from __future__ import annotations

import pytest

from ebpf.maps import MapSpec, MapType
from ebpf.program import Input
from ebpf.program_types import ProgramType
from oracles.interpreter import Abstained, Returned, Trapped, run
from oracles.interpreter.runs import STEP_LIMIT
from tests.oracles.interpreter.machines import outcome, program

HASH = MapSpec(MapType.HASH, 4, 8, 2)
PROGRAMS = MapSpec(MapType.PROG_ARRAY, 4, 4, 4, contents=((bytes(4), (42).to_bytes(4, "little")),))
LOAD = "*(u64 *)(r10 -8) = -1; r2 = {}; r3 = r10; r3 += -8; r4 = 4; call bpf_skb_load_bytes#26; "


def r0(text: str, *maps: MapSpec) -> int:
    result = outcome(text, *maps, data=Input(bytes(14) + bytes(range(1, 51))))
    assert isinstance(result, Returned), result
    return result.r0


def rule(text: str, *maps: MapSpec) -> str:
    result = outcome(text, *maps)
    assert isinstance(result, Trapped), result
    return result.rule.name


def test_skb_load_bytes_copies_or_clears() -> None:
    assert r0(LOAD.format(46) + "exit") == 0
    assert r0(LOAD.format(46) + "r0 = *(u64 *)(r10 -8); exit") == 0xFFFF_FFFF_3231_302F
    for offset in (47, 1 << 30, -1):
        assert r0(LOAD.format(offset) + "exit") == (1 << 64) - 14
        assert r0(LOAD.format(offset) + "r0 = *(u64 *)(r10 -8); exit") == 0xFFFF_FFFF_0000_0000


@pytest.mark.parametrize("pointer", ["r1 = 0", "r1 = r10", "r1 += 4"])
def test_skb_load_bytes_wants_the_context(pointer: str) -> None:
    assert (
        rule(f"{pointer}; r2 = 0; r3 = r10; r3 += -8; r4 = 8; call bpf_skb_load_bytes#26; exit")
        == "helper-argument"
    )


def test_an_update_inserts_what_the_stack_holds() -> None:
    stack = "*(u32 *)(r10 -4) = 9; *(u64 *)(r10 -16) = 77; r2 = r10; r2 += -4; r3 = r10; r3 += -16; "
    text = stack + "r1 = map[0]; r4 = 0; call map_update_elem#2; exit"
    result = outcome(text, HASH)
    assert isinstance(result, Returned)
    assert result.maps == ((((9).to_bytes(4, "little"), (77).to_bytes(8, "little")),),)
    assert result.predictable


CALL = "r2 = map[0]; r3 = {:#x}; call bpf_tail_call#12; r0 = 5; exit"


@pytest.mark.parametrize(("index", "result"), [(0, 42), (1, 5), (1 << 32, 42)])
def test_a_tail_call_looks_at_32_bits_of_the_index(index: int, result: int) -> None:
    assert r0(CALL.format(index), PROGRAMS) == result


def test_without_privilege_a_tail_call_looks_at_all_of_the_index() -> None:
    """As 6.1 to 7.3 were measured to do: do_misc_fixups() puts a comparison before it."""
    for index, result in ((0, 42), (1 << 32, 5)):
        found = outcome(CALL.format(index), PROGRAMS, privileged=False)
        assert isinstance(found, Returned)
        assert found.r0 == result


def test_a_tail_call_of_a_function_goes_back_to_its_caller() -> None:
    text = "call pc+3; r0 += 1; exit; r0 = 7; r2 = map[0]; r3 = {}; call bpf_tail_call#12; r0 = 5; exit"
    assert r0(text.format(0), PROGRAMS) == 43
    assert r0(text.format(1), PROGRAMS) == 6


def test_a_tail_call_takes_nothing_along_that_is_held() -> None:
    record = "r6 = r1; r1 = map[1]; r2 = 8; r3 = 0; call bpf_ringbuf_reserve#131; r1 = r6; "
    ring = MapSpec(MapType.RINGBUF, 0, 0, 4096)
    assert rule(record + CALL.format(0), PROGRAMS, ring) == "unreleased-reference"


def test_arguments_of_the_wrong_kind() -> None:
    assert rule("r2 = map[0]; r3 = 0; call bpf_tail_call#12; exit", HASH) == "map-helper"
    assert rule("r1 = 1; r2 = r10; r3 = 0; r4 = 0; call bpf_loop#181; exit") == "helper-argument"
    assert rule("r1 = 1; r2 = 7; r3 = 0; r4 = 0; call bpf_loop#181; exit") == "helper-argument"
    assert rule("r2 = r1; r1 = map[0]; call bpf_map_lookup_elem#1; exit", HASH) == "helper-argument"


def test_lookups_in_maps_that_are_not_followed() -> None:
    text = "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call bpf_map_lookup_elem#1; exit"
    assert outcome(text, MapSpec(MapType.LPM_TRIE, 4, 8, 2)) == outcome(
        "r0 = 0; exit", MapSpec(MapType.LPM_TRIE, 4, 8, 2)
    )
    filled = MapSpec(MapType.LPM_TRIE, 4, 8, 2, contents=((bytes(4), bytes(8)),))
    assert not outcome(text, filled).predictable


def test_a_script_cannot_give_what_the_helper_cannot() -> None:
    text = "r1 = r10; r1 += -8; r2 = 8; r3 = 0; call bpf_probe_read_str#45; exit"
    for result, fits in ((8, True), (9, False), (-14, True), (-5000, False)):
        given = outcome(text, type=ProgramType.KPROBE, data=Input(helpers=(result,)))
        assert isinstance(given, Returned if fits else Abstained)
    for seed in range(8):
        drawn = run(program(text, type=ProgramType.KPROBE), Input(), seed=seed, limit=STEP_LIMIT)
        assert isinstance(drawn, Returned)
        assert drawn.r0 <= 8 or drawn.r0 >= (1 << 64) - 4095


def test_the_address_of_a_pointer_used_as_a_key_is_unpredictable() -> None:
    text = "*(u64 *)(r10 -8) = r10; r2 = r10; r2 += -8; r1 = map[0]; call bpf_map_lookup_elem#1; exit"
    assert outcome(text, MapSpec(MapType.HASH, 8, 8, 1)).predictable
    update = text.replace("call bpf_map_lookup_elem#1", "r3 = r2; r4 = 0; call map_update_elem#2")
    assert not outcome(update, MapSpec(MapType.HASH, 8, 8, 1)).predictable


def test_no_ring_buffer_holds_a_record_of_2_to_the_63() -> None:
    text = "r1 = map[0]; r2 = 0x8000000000000000; r3 = 0; call bpf_ringbuf_reserve#131; exit"
    assert r0(text, MapSpec(MapType.RINGBUF, 0, 0, 4096)) == 0


def test_a_size_of_nothing_is_no_harm() -> None:
    """Kernels refuse it, and took it for bpf_sk_lookup_tcp from 6.11 on: no run is unsafe for it."""
    result = outcome("r2 = 0; r3 = r10; r3 += -8; r4 = 0; call bpf_skb_load_bytes#26; exit")
    assert isinstance(result, Abstained)
    assert result.reason == "R4, the size for bpf_skb_load_bytes, is 0"
    lookup = "r2 = r10; r3 = 0; r4 = 0; r5 = 0; call bpf_sk_lookup_tcp#84; "
    text = lookup + "if r0 == 0 goto pc+2; r1 = r0; call bpf_sk_release#86; r0 = 0; exit"
    result = outcome(text, type=ProgramType.SCHED_CLS)
    assert isinstance(result, Returned), result


def test_a_bloom_filter_may_hold_what_nobody_put_there() -> None:
    bloom = MapSpec(MapType.BLOOM_FILTER, 0, 8, 16)
    peek = "*(u64 *)(r10 -8) = 7; r1 = map[0]; r2 = r10; r2 += -8; call bpf_map_peek_elem#89; r0 = 1; exit"
    result = outcome(peek, bloom)
    assert isinstance(result, Returned), result
    result = outcome(peek.replace("r0 = 1; ", ""), bloom)
    assert isinstance(result, Returned)
    assert not result.predictable


@pytest.mark.parametrize("text", ["call bpf_get_prandom_u32#7; exit", "r0 = *(u64 *)(r10 -8); exit"])
def test_on_an_idle_machine_what_chance_decides_is_zero_and_no_less_of_chance(text: str) -> None:
    found = run(program(text), Input(bytes(64)), idle=True, limit=STEP_LIMIT)
    assert isinstance(found, Returned)
    assert (found.r0, found.predictable) == (0, False)
