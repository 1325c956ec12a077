"""Objects that we wrote, opened by our loader and loaded into a real kernel (rows 9 to 11 of the
pipeline)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.checking.check import Checked, check
from conformance.cli import main
from conformance.kernel.features import probe
from conformance.kernel.image import Image
from conformance.kernel.jobs import KernelVerdict
from conformance.kernel.session import KernelSession
from conformance.objects.opening import open_any
from conformance.observing.door import Door
from ebpf.assembly import parse
from ebpf.maps import MapSpec, MapType
from ebpf.objects.parts import MapStyle, Part, Writing
from ebpf.objects.writer import write_object
from ebpf.program import Case, Input, Program
from ebpf.program_types import ProgramType
from generators.objects import well_formed
from tests.ebpf.objects.talk import counter, hello
from tests.lying.asking import NOBODY

pytestmark = pytest.mark.vm

RODATA = MapSpec(
    MapType.ARRAY, 4, 8, 1, 1 << 7, "x.rodata", contents=((bytes(4), (7).to_bytes(8, "little")),)
)
TALK = {
    "hello": write_object([hello()]),
    "hello with lines": write_object([hello()], Writing(debug=True)),
    "counter, legacy": write_object([counter()], Writing(MapStyle.LEGACY)),
    "counter, sizes": write_object([counter()], Writing(MapStyle.SIZES)),
    "counter, types": write_object([counter()], Writing(MapStyle.TYPES, debug=True)),
    # A frozen map's value is a constant to the kernel; nobody may call its claim wrong.
    "rodata": write_object([Part("f", Program(
        ProgramType.SOCKET_FILTER, parse(["r1 = map[0][0]+0", "r0 = *(u64 *)(r1 +0)", "exit"]), (RODATA,)))]),
}  # fmt: skip


def checked(kernel: KernelSession, data: bytes) -> Iterator[Checked]:
    opened = open_any(data, "x.o")
    features = probe(kernel)
    for program in opened.programs:
        found = Checked(program.name, Case(opened.program(program), (Input(packet=bytes(64)),)))
        check(found, "kernel", Door.of_session(kernel, NOBODY), features.support)
        yield found


@pytest.mark.parametrize("data", TALK.values(), ids=TALK.keys())
def test_the_talks_programs_are_accepted(kernel: KernelSession, data: bytes) -> None:
    (found,) = checked(kernel, data)
    assert found.accounts["kernel"].ruling.verdict is KernelVerdict.ACCEPT, found.accounts
    assert not found.accusations


def test_generated_objects_are_accepted(kernel: KernelSession) -> None:
    """All of them, but for the instructions that an older kernel lacks.  A global function is verified for
    any argument, which a generated one is not made for."""
    rng, accepted = random.Random(1), 0
    for _ in range(40):
        made = well_formed(rng.getrandbits(256), [[rng.getrandbits(160) for _ in range(8)] for _ in range(2)])
        if made.how.license == "GPL" and not (made.how.debug and made.how.global_functions):
            for found in checked(kernel, made.data):
                verdict = found.accounts["kernel"].ruling.verdict
                assert verdict in (KernelVerdict.ACCEPT, KernelVerdict.UNSUPPORTED), found.accounts
                accepted += verdict is KernelVerdict.ACCEPT
    assert accepted > 5


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("hello", "trace pipe: Hello, BPF World!"),
        ("counter, types", "[00000000] = 01000000"),
        ("counter, legacy", "[00000000] = 01000000"),
    ],
)
def test_row_09_check_opens_loads_attaches_and_triggers(
    image: Image, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, left: str
) -> None:
    path = tmp_path / "talk.o"
    path.write_bytes(TALK[name])
    with pytest.raises(SystemExit) as ended:
        main(["check", str(path), "--kernel", image.name])
    said = capsys.readouterr().out
    assert ended.value.code == 0, said
    assert said.count(left) == said.count("attached to tracepoint:syscalls/sys_enter_execve") > 0
