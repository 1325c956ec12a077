"""Maps during a run."""

from __future__ import annotations

import pytest

from ebpf.helpers.script import LARGEST
from ebpf.maps import MapSpec, MapType
from oracles.interpreter.environment import Environment
from oracles.interpreter.maps import Map
from oracles.interpreter.signals import Abstain

KEY = [n.to_bytes(4, "little") for n in range(4)]


def made(type: MapType, entries: int = 2, flags: int = 0, *contents: tuple[bytes, bytes]) -> Map:
    return Map(MapSpec(type, 4, 2, entries, flags, contents=contents), 0, Environment(), "little")


@pytest.mark.parametrize("kind", [MapType.ARRAY, MapType.PERCPU_ARRAY])
def test_arrays_have_every_index_and_no_other(kind: MapType) -> None:
    array = made(kind, 2, 0, (KEY[1], b"ab"))
    assert array.lookup(KEY[2]) is None
    first, second = array.lookup(KEY[0]), array.lookup(KEY[1])
    assert first is not None
    assert second is not None
    assert (bytes(first.data), bytes(second.data)) == (b"\0\0", b"ab")
    assert array.lookup(KEY[1]) is second
    assert array.contents() == ((KEY[0], b"\0\0"), (KEY[1], b"ab"))


def test_an_arrays_update_writes_in_place() -> None:
    array = made(MapType.ARRAY)
    before = array.lookup(KEY[0])
    assert array.update(KEY[0], b"xy", 0) == 0
    assert array.lookup(KEY[0]) is before
    assert array.contents() == ((KEY[0], b"xy"), (KEY[1], b"\0\0"))


def test_a_hashs_update_makes_a_new_element() -> None:
    table = made(MapType.HASH, 2, 0, (KEY[0], b"ab"))
    before = table.lookup(KEY[0])
    assert before is not None
    assert table.update(KEY[0], b"xy", 2) == 0
    assert bytes(before.data) == b"ab"
    assert table.contents() == ((KEY[0], b"xy"),)


def test_a_hash_holds_as_many_as_it_may() -> None:
    table = made(MapType.HASH, 2, 0, (KEY[3], b"ab"))
    assert [table.update(KEY[n], b"cd", 0) for n in (0, 1, 0, 3)] == [0, -7, 0, 0]
    assert table.delete(KEY[3]) == 0
    assert table.delete(KEY[3]) == -2
    assert table.lookup(KEY[3]) is None
    assert table.update(KEY[1], b"ef", 1) == 0
    assert table.contents() == ((KEY[0], b"cd"), (KEY[1], b"ef"))


def test_a_full_lru_map_forgets_what_it_likes() -> None:
    table = made(MapType.LRU_HASH, 1, 0, (KEY[0], b"ab"))
    assert table.update(KEY[0], b"cd", 0) == 0
    with pytest.raises(Abstain, match="LRU"):
        table.update(KEY[1], b"cd", 0)


@pytest.mark.parametrize("flags", [3, 4, 8, 1 << 63])
@pytest.mark.parametrize("kind", [MapType.ARRAY, MapType.HASH])
def test_flags_nobody_knows(kind: MapType, flags: int) -> None:
    with pytest.raises(Abstain, match="flags beyond BPF_EXIST"):
        made(kind).update(KEY[0], b"ab", flags)


def test_contents_are_sorted_by_key() -> None:
    table = made(MapType.HASH, 9, 0, (KEY[2], b"cc"))
    for n in (3, 0):
        table.update(KEY[n], b"aa", 0)
    assert table.contents() == ((KEY[0], b"aa"), (KEY[2], b"cc"), (KEY[3], b"aa"))


@pytest.mark.parametrize(
    "kind",
    set(MapType)
    - {
        MapType.ARRAY,
        MapType.PERCPU_ARRAY,
        MapType.HASH,
        MapType.PERCPU_HASH,
        MapType.LRU_HASH,
        MapType.LRU_PERCPU_HASH,
    },
)
def test_other_types_are_not_followed(kind: MapType) -> None:
    assert not made(kind).modelled()
    assert made(kind).contents() is None


def test_maps_too_large_to_follow() -> None:
    spec = MapSpec(MapType.ARRAY, 4, LARGEST // 2, 3)
    assert Map(spec, 0, Environment(), "little").contents() is None
    assert not Map(spec, 0, Environment(), "little").modelled()


def test_a_read_only_value() -> None:
    for flags, writable in ((0, True), (1 << 7, False), (1 << 8, True)):
        region = made(MapType.ARRAY, 2, flags).lookup(KEY[0])
        assert region is not None
        assert region.writable is writable


def test_maps_are_followed_up_to_a_size() -> None:
    sizes = {(1 << 20, 16): True, (1 << 20, 17): False, (8, 4): True}
    for (size, entries), followed in sizes.items():
        assert (
            Map(MapSpec(MapType.ARRAY, 4, size, entries), 0, Environment(), "little").modelled() is followed
        )
