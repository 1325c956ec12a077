"""No bytes make the reader crash, hang or eat memory: it gives an object or one clear error."""

from __future__ import annotations

import random
import struct
import time
import tracemalloc
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebpf.objects import ObjectError, OpenStage, elf, open_object
from ebpf.objects.file import MAX_FILE
from ebpf.objects.parts import MapStyle, Writing
from ebpf.objects.writer import write_object
from generators.dice import Dice
from generators.objects import break_object
from tests.ebpf.objects.taking import takes
from tests.ebpf.objects.talk import counter, hello

SAMPLES = (
    write_object([hello()], Writing(debug=True)),
    write_object([counter()], Writing(MapStyle.LEGACY)),
    write_object([counter()], Writing(MapStyle.TYPES, debug=True)),
)


@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    takes(data)
    takes(SAMPLES[0][:64] + data)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SAMPLES), st.integers(0, (1 << 256) - 1))
def test_one_field_broken(sample: bytes, number: int) -> None:
    takes(break_object(sample, Dice(number)).data)


def test_a_line_feed_in_a_name_stays_in_its_line() -> None:
    """Found by the fuzzer: the error was two lines."""
    error = ObjectError(OpenStage.PROGRAMS, "section 'a\nb\x1b'", "no such type", "x.o")
    assert str(error) == "x.o: programs: section 'a\\nb\\x1b': no such type"


def test_a_small_fuzzer() -> None:
    """Bytes flipped, copied and cut, some of them on top of others."""
    rng = random.Random(1)
    opened = 0
    for _ in range(1500):
        data = bytearray(rng.choice(SAMPLES))
        for _ in range(1 + rng.randrange(6)):
            at = rng.randrange(len(data))
            match rng.randrange(4):
                case 0:
                    data[at] ^= 1 << rng.randrange(8)
                case 1:
                    data[at] = rng.choice((0, 1, 8, 0x7F, 0x80, 0xFF))
                case 2:
                    data[at : at + 8] = struct.pack(
                        "<Q", rng.choice((0, 1, len(data), 0xFFFFFFFF, (1 << 64) - 1, rng.getrandbits(64)))
                    )
                case 3:
                    start = rng.randrange(len(data))
                    data[at : at + 24] = data[start : start + 24]
        opened += takes(bytes(data))
    assert opened > 100


@pytest.mark.parametrize("sample", SAMPLES)
def test_cut_anywhere(sample: bytes) -> None:
    for size in range(0, len(sample), 3):
        assert not takes(sample[:size])


FILLERS = {
    ".symtab": elf.SYM.pack(1, 0x11, 0, 0xFFF1, 0, 0),
    ".text": bytes.fromhex("b700000000000000"),
    ".strtab": b"a",
    ".BTF": b"a",
}
CLAIMS = (
    "long file of nothing",
    "too long",
    *(f"large {name}" for name in FILLERS),
    *(f"{name} said to be huge" for name in FILLERS),
)


@cache
def claims() -> dict[str, bytes]:
    """Files that claim much: as many symbols, relocations, instructions or BTF as fit, overlapping names, and
    sizes of 2^60."""
    base = SAMPLES[0]
    (start,) = struct.unpack_from("<Q", base, 40)
    found = {"long file of nothing": base + bytes(MAX_FILE - len(base)), "too long": base + bytes(MAX_FILE)}
    file = open_object(base, "x.o").file
    extra = MAX_FILE - len(base) - 4096
    for name, filler in FILLERS.items():
        index = next(section.index for section in file.sections if section.name == name)
        data = bytearray(base) + filler * (extra // len(filler))
        at = start + index * elf.SHDR.size
        struct.pack_into("<QQ", data, at + 24, len(base), len(data) - len(base))
        found[f"large {name}"] = bytes(data)
        struct.pack_into("<Q", data, at + 32, 1 << 60)
        found[f"{name} said to be huge"] = bytes(data)
    return found


def test_claims_are_all_tried() -> None:
    assert set(CLAIMS) == set(claims())


@pytest.mark.parametrize("name", CLAIMS)
def test_claims_are_not_trusted(name: str) -> None:
    data = claims()[name]
    began = time.process_time()
    tracemalloc.start()
    takes(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200 << 20
    assert time.process_time() - began < 60
