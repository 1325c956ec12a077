"""libbpf itself in the guest, 0.3 and 1, against our reader (rows 2, 8, 9, 10, 20 and 21 of the pipeline)."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.kernel.jobs import Lost
from conformance.kernel.peer import PEERS, Peer
from conformance.kernel.peer.answers import PeerAnswer
from conformance.kernel.peer.asking import ask, ask_names
from conformance.kernel.session import KernelSession
from conformance.objects import reading as property_objects
from conformance.observing.door import Door, judge_object
from conformance.properties.judgement import Agreement, Disagreement, Judgement
from conformance.properties.registry import PROPERTIES
from ebpf.assembly import parse
from ebpf.isa import opcodes as o
from ebpf.maps import MapSpec, MapType
from ebpf.objects import Generation, open_object
from ebpf.objects.object import Object
from ebpf.objects.parts import MapStyle, Part, Writing
from ebpf.objects.section_names import SECTION_NAMES, resolve
from ebpf.objects.writer import write_object
from ebpf.program import Program
from ebpf.program_types import ProgramType
from generators.dice import Dice
from generators.objects import ObjectFile, break_object, well_formed
from tests.ebpf.objects.talk import counter, hello
from tests.lying.asking import NOBODY
from tests.pipeline.sources import COUNTER, COUNTER_BTF, HELLO, HELLO_BY_POINTER, compile_c


def examine(kernel: KernelSession, peer: Peer, made: ObjectFile) -> list[Judgement]:
    """What the properties of objects say."""
    observation = Door.of_session(kernel, NOBODY).observe_object(peer, made)
    return [judgement for row in PROPERTIES.values() for judgement in judge_object(observation, row)]


def disagreements(judgements: list[Judgement]) -> list[Disagreement]:
    return [each for each in judgements if isinstance(each, Disagreement)]


pytestmark = pytest.mark.vm

OLD, NEW = PEERS
TALK = {
    "hello": write_object([hello()]),
    "hello with lines": write_object([hello()], Writing(debug=True)),
    "counter, legacy": write_object([counter()], Writing(MapStyle.LEGACY)),
    "counter, sizes": write_object([counter()], Writing(MapStyle.SIZES)),
    "counter, types": write_object([counter()], Writing(MapStyle.TYPES, debug=True)),
    "no licence": write_object([hello()], Writing(license=None)),
}  # fmt: skip
MANGLED = ("", "/", "/x", "/x/y", "x", "_x", ".s", ".s/x", ".multi/x", "s", "+")
"""What comes behind a name of the tables, or behind it without its last letter."""


@pytest.fixture(params=PEERS, ids=lambda peer: peer.name)
def peer(request: pytest.FixtureRequest) -> Peer:
    found: Peer = request.param
    return found


def names(generation: Generation) -> list[str]:
    stems = {row.name.rstrip("+/") for row in SECTION_NAMES[generation]} | {"maps", ".text", "license", "x"}
    every = {stem[:end] + tail for stem in stems for end in (len(stem), len(stem) - 1) for tail in MANGLED}
    return sorted(every - {""})


def test_row_02_names_resolve_as_libbpf_resolves_them(kernel: KernelSession, peer: Peer) -> None:
    asked = names(peer.generation)
    theirs = ask_names(kernel, peer, asked)
    assert not isinstance(theirs, Lost)
    rows = {name: resolve(name, peer.generation).row for name in asked}
    assert {name: row and (int(row.type), int(row.attach_type or 0)) for name, row in rows.items()} == theirs
    assert len(asked) > 1000
    known = sum(answer is not None for answer in theirs.values())
    assert 200 < known < len(asked) - 200, "valid ones and invalid ones"


def judged(kernel: KernelSession, peer: Peer, data: bytes) -> list[Judgement]:
    return examine(kernel, peer, ObjectFile(data))


def answered(kernel: KernelSession, peer: Peer, data: bytes) -> PeerAnswer:
    answer = ask(kernel, peer, data)
    assert isinstance(answer, PeerAnswer)
    return answer


@pytest.mark.parametrize("name", TALK)
def test_row_09_the_talks_programs_mean_the_same(kernel: KernelSession, peer: Peer, name: str) -> None:
    found = judged(kernel, peer, TALK[name])
    assert not [each for each in found if isinstance(each, Disagreement)]
    refused = peer is NEW and name == "counter, legacy"
    assert Agreement("refused" if refused else "loaded") in found


def test_row_10_relocated_instructions_are_libbpfs(kernel: KernelSession) -> None:
    """0.3 takes the map of section ``maps``; what it hands to the kernel has its number where ours has."""
    answer = answered(kernel, OLD, TALK["counter, legacy"])
    assert (answer.opened, answer.loaded) == (0, 0)
    load = next(load for load in answer.loads if load.name == "bpf_prog")
    (wide,) = [insn for insn in load.instructions if insn.opcode == o.LD_IMM64]
    assert (wide.src, answer.creates[wide.imm].name, answer.creates[wide.imm].words[:4]) == (
        o.PSEUDO_MAP_FD,
        "my_map",
        (2, 4, 8, 256),
    )


def test_row_10_libbpf_1_refuses_the_legacy_map(kernel: KernelSession) -> None:
    answer = answered(kernel, NEW, TALK["counter, legacy"])
    assert answer.opened
    assert any("legacy map definitions" in warning for warning in answer.warnings)


@pytest.mark.parametrize("source", [HELLO, COUNTER, COUNTER_BTF], ids=["hello", "counter", "counter, BTF"])
def test_row_10_what_clang_compiles_means_the_same(
    kernel: KernelSession, peer: Peer, tmp_path: Path, source: str
) -> None:
    found = judged(kernel, peer, compile_c(source, tmp_path, "-g"))
    assert not [each for each in found if isinstance(each, Disagreement)]
    assert Agreement("refused" if peer is NEW and source == COUNTER else "loaded") in found


def test_row_20_a_string_by_pointer(kernel: KernelSession, peer: Peer, tmp_path: Path) -> None:
    """libbpf 1 makes a map of .rodata.str1.1; 0.3 knows no such section, and refuses the relocation."""
    data = compile_c(HELLO_BY_POINTER, tmp_path)
    found, answer = judged(kernel, peer, data), answered(kernel, peer, data)
    assert not [each for each in found if isinstance(each, Disagreement)]
    if peer is NEW:
        assert Agreement("loaded") in found
        assert [each.name for each in answer.maps] == [".rodata.str1.1"]
    else:
        assert Agreement("refused") in found
        assert any(
            "bad map relo against " in said and "in section '.rodata.str1.1'" in said
            for said in answer.warnings
        )


@pytest.mark.parametrize(
    ("section", "old", "new"),
    [
        ("tracepoint/syscalls/sys_enter_execve", True, True),
        ("socket1", True, False),
        ("xdp_drop", True, False),
        ("tc", False, True),
        ("mine", False, False),
    ],
)
def test_row_21_sloppy_names_are_taken_by_the_old_one_only(
    kernel: KernelSession, peer: Peer, section: str, old: bool, new: bool
) -> None:
    data = write_object(
        [Part("f", Program(ProgramType.SOCKET_FILTER, hello().program.instructions[-2:]), section)]
    )
    found, answer = judged(kernel, peer, data), answered(kernel, peer, data)
    assert not [each for each in found if isinstance(each, Disagreement)]
    assert bool(answer.programs and answer.programs[0].type) == (old if peer is OLD else new)


def objects(seed: int, count: int) -> Iterator[ObjectFile]:
    rng = random.Random(seed)
    for _ in range(count):
        data = well_formed(
            rng.getrandbits(256), [[rng.getrandbits(160) for _ in range(6)] for _ in range(2)]
        ).data
        yield ObjectFile(data)
        yield break_object(data, Dice(rng.getrandbits(256)))


def test_row_08_nothing_is_taken_that_libbpf_refuses(kernel: KernelSession, peer: Peer) -> None:
    """A hundred well-formed objects and a hundred broken ones; ``veridiff run --property objects`` asks of as
    many as one likes."""
    seen = [(made.broken, examine(kernel, peer, made)) for made in objects(8, 100)]
    assert [(broken, what.statement) for broken, found in seen for what in disagreements(found)] == []
    refused = sum(Agreement("refused") in found for _, found in seen)
    loaded = sum(Agreement("loaded") in found for _, found in seen)
    assert refused > 30
    assert loaded > 60


def test_row_08_a_reader_that_takes_too_much_is_noticed(
    kernel: KernelSession, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The detector fires: a reader that reads the object before it was broken."""
    pairs = list(objects(9, 20))
    whole = {broken.data: good.data for good, broken in zip(pairs[::2], pairs[1::2], strict=True)}

    def reader(data: bytes, name: str, generation: Generation) -> Object:
        return open_object(whole.get(data, data), name, generation)

    monkeypatch.setattr(property_objects, "open_object", reader)
    found = [
        str(what.signature)
        for broken in whole
        for what in disagreements(examine(kernel, peer, ObjectFile(broken, "x", "y")))
    ]
    assert f"objects:{peer.name}:looser:y" in found


def test_row_09_data_sections_have_their_contents_and_flags(kernel: KernelSession, peer: Peer) -> None:
    spec = MapSpec(
        MapType.ARRAY, 4, 8, 1, 1 << 7, "x.rodata", contents=((bytes(4), (7).to_bytes(8, "little")),)
    )
    program = Program(
        ProgramType.SOCKET_FILTER, parse(["r1 = map[0][0]+0", "r0 = *(u64 *)(r1 +0)", "exit"]), (spec,)
    )
    found = judged(kernel, peer, write_object([Part("f", program)]))
    assert not [each for each in found if isinstance(each, Disagreement)]
    assert Agreement("map") in found


def test_records_longer_than_the_kernel_s_are_the_same_records(kernel: KernelSession, peer: Peer) -> None:
    """func_info whose rec_size is 16: two records of 8 bytes, read as one."""
    program = Program(ProgramType.SOCKET_FILTER, parse(["r0 = 0", "exit"]))
    data = bytearray(write_object([Part("f", program), Part("g", program)], Writing(debug=True)))
    table = data.rindex(b"\x9f\xeb\x01\x00") + 24
    size, section, count, *records = struct.unpack_from("<7I", data, table)
    assert (size, count, records[::2]) == (8, 2, [0, 16])
    struct.pack_into("<3I", data, table, 16, section, 1)
    found = examine(kernel, peer, ObjectFile(bytes(data)))
    assert found
    assert not disagreements(found)
