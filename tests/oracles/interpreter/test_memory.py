"""Regions: bounds, bytes never written, and pointers kept in memory, against a model of single bytes."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ebpf import rules
from oracles.interpreter.environment import DIFFERENT, Addresses, Environment
from oracles.interpreter.memory import Pointer, Region

SIZE = 32
WRITES = st.tuples(st.integers(0, SIZE - 1), st.binary(min_size=1, max_size=8) | st.none()).filter(
    lambda write: write[0] + (8 if write[1] is None else len(write[1])) <= SIZE
)


def fresh() -> Region:
    return Region("r", bytearray(SIZE), 0x1000, rules.STACK_BOUNDS, defined=False)


@given(st.integers(-40, 40), st.integers(1, 8))
def test_bounds(offset: int, size: int) -> None:
    inside = set(range(offset, offset + size)) <= set(range(SIZE))
    assert fresh().holds(offset, size) is inside


@given(st.lists(WRITES, max_size=12), st.integers(0, SIZE - 1), st.integers(1, 8))
def test_writes(writes: list[tuple[int, bytes | None]], at: int, size: int) -> None:
    """None stands for a pointer; the model keeps one owner per byte."""
    region = fresh()
    target = Pointer(region, 5)
    model: list[tuple[str, int]] = [("never", 0)] * SIZE
    for number, (offset, data) in enumerate(writes):
        if data is None:
            region.store_pointer(offset, target, "little")
            model[offset : offset + 8] = [(f"pointer{number}", n) for n in range(8)]
        else:
            region.store(offset, data)
            model[offset : offset + len(data)] = [("data", byte) for byte in data]
    end = min(SIZE, at + size)
    seen = model[at:end]
    assert region.defined(at, end - at) is all(kind != "never" for kind, _ in seen)
    assert region.shows_address(at, end - at) is any(kind.startswith("pointer") for kind, _ in seen)
    whole = {
        n
        for n in range(SIZE - 7)
        if model[n][0].startswith("pointer") and [(model[n][0], i) for i in range(8)] == model[n : n + 8]
    }
    assert set(region.pointers) == whole
    assert region.version == len(writes)
    for offset, (kind, byte) in enumerate(model):
        if kind == "data":
            assert region.data[offset] == byte
        elif kind.startswith("pointer"):
            assert region.data[offset] == (0x1005).to_bytes(8, "little")[byte]


@given(st.lists(st.integers(0, 5000), min_size=2, max_size=20), st.sampled_from(Addresses), st.integers(0, 9))
def test_regions_never_touch(sizes: list[int], addresses: Addresses, seed: int) -> None:
    environment = Environment(seed, addresses)
    placed = sorted([(environment.base(size), size) for size in sizes])
    for (start, size), (following, _) in pairwise(placed):
        assert start + size + 512 < following
        assert following < 1 << 64
    assert not environment.used
    assert not environment.drawn


def test_adversarial_addresses() -> None:
    environment = Environment(3, Addresses.ADVERSARIAL)
    bases = [environment.base(100) for _ in range(3)]
    assert [base & 0xFFFF_FFFF for base in bases] == [0, 0, 0]
    assert all(base >> 63 for base in bases)


def test_bits_are_drawn_and_depend_on_the_seed() -> None:
    streams = []
    for seed in (1, 1, 2):
        environment = Environment(seed)
        streams.append([environment.bits(16) for _ in range(8)])
        assert environment.drawn
        assert all(0 <= bits < 1 << 16 for bits in streams[-1])
    assert streams[0] == streams[1] != streams[2]


def test_user_addresses_lie_in_user_space() -> None:
    for seed in range(20):
        address = Environment(seed).user_address()
        assert address % 4096 == 0
        assert address + (1 << 32) < 1 << 47


def test_low_halves_lie_in_every_eighth() -> None:
    """Of addresses that a kernel could use: programs compare the low half, with a sign too."""
    eighths = {(Environment(seed).base(8) & 0xFFFF_FFFF) >> 29 for seed in range(8)}
    assert eighths == set(range(8))
    assert all(Environment(seed).base(8) >> 32 == 0xFFFF_8880 for seed in range(DIFFERENT))


def test_every_bit_of_an_address_and_of_a_distance_differs() -> None:
    """A program may store a single byte of an address.  What all seeds have of a distance is what a kernel has:
    regions that both begin at multiples of eight."""
    for first in range(50):
        laid = [[env.base(64) for _ in range(4)] for env in map(Environment, range(first, first + DIFFERENT))]
        for number in range(4):
            addresses = [each[number] for each in laid]
            for bit in range(12):
                assert len({address >> bit & 1 for address in addresses}) == 2
            distances = [each[number] - each[0] & 0xFFF for each in laid]
            assert number == 0 or len(set(distances)) > 2
            assert min(distances) == 0


@given(st.integers(0, 10_000))
def test_what_is_aligned_everywhere_is_aligned_here(seed: int) -> None:
    env = Environment(seed)
    assert all(env.base(size, 8) % 8 == 0 for size in (512, 3, 64))


def test_regions_do_not_overlap() -> None:
    for seed in range(40):
        env = Environment(seed)
        placed = sorted((env.base(size, 8), size) for size in (8, 4096, 1, 512, 9000, 64))
        for (base, size), (following, _) in pairwise(placed):
            assert base + size <= following


def test_low_halves_lie_at_both_ends() -> None:
    """A kernel's stacks, and so the context of a test run, have addresses such as 0xffffc90000437d00."""
    for first in range(DIFFERENT):
        lows = [Environment(seed).base(8) & 0xFFFF_FFFF for seed in range(first, first + DIFFERENT)]
        assert min(lows) < 0x10000
        assert max(lows) > 0xFFF0_0000
