"""The peer's lines as values, and what is no answer."""

from __future__ import annotations

import pytest

from conformance.kernel.children import Child, Ended
from conformance.kernel.jobs import Lost
from conformance.kernel.peer import PEERS
from conformance.kernel.peer import asking as askings
from conformance.kernel.peer.answers import read_answer, read_names
from conformance.kernel.peer.asking import ask, ask_names
from conformance.kernel.protocol.frames import ProtocolError
from ebpf.errors import InfrastructureError
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn, encode
from tests.conformance.kernel.fake_guest import Fate, Rack
from tests.conformance.kernel.test_session import session_of
from tests.lying.kernel import LyingKernel

WHOLE = b"""open 0
program x61 x736f636b6574 1 0 1
map x6d 2 4 8 1 0 3 4 0
create x6d 2 4 8 1 0 3 4 0
warning x6c69626270663a2068656c6c6f0a
load x61 1 0 0 0 13 x47504c x%b x 2 7:0
loaded -13
end
"""
LOAD = (Insn(o.LD_IMM64, 1, o.PSEUDO_MAP_FD, 0, 7), Insn(0), Insn(0x95))


def test_a_whole_answer() -> None:
    answer = read_answer(WHOLE % encode(LOAD).hex().encode())
    assert (answer.opened, answer.loaded, answer.warnings, answer.untyped) == (
        0,
        -13,
        ("libbpf: hello",),
        False,
    )
    assert (answer.programs[0].section, answer.programs[0].autoload) == ("socket", True)
    assert answer.maps[0].words == answer.creates[0].words == (2, 4, 8, 1, 0, 3, 4)
    (load,) = answer.loads
    assert (load.name, load.errno, load.license, load.lines) == ("a", 13, "GPL", 2)
    assert load.instructions[0].imm == 0, "the number of the create, not the descriptor"


@pytest.mark.parametrize("name", [b"x\xff", b"xff"])
def test_a_name_that_is_no_utf_8(name: bytes) -> None:
    line = b"open 0\nprogram %b x73 1 0 1\nend\n" % name
    if name == b"xff":
        assert read_answer(line).programs[0].name == "\\xff"
    else:
        with pytest.raises(ProtocolError):
            read_answer(line)


@pytest.mark.parametrize(
    "output",
    [
        b"",
        b"open 0\n",
        b"open\nend\n",
        b"open x\nend\n",
        b"what 1\nend\n",
        b"program 61 x73 1 0 1\nend\n",
        b"map x6d 1 2\nend\n",
        b"load x61 1 0 0 0 0 x47 x95 x 0\nend\n",
    ],
)
def test_what_a_peer_does_not_write(output: bytes) -> None:
    with pytest.raises(ProtocolError, match="the peer"):
        read_answer(output)


def test_one_that_died_may_be_cut_anywhere() -> None:
    answer = read_answer(b"open 0\nprogram x61 x73 1 0 1\nmap x6", "SIGSEGV")
    assert (answer.opened, len(answer.programs), answer.maps, answer.died) == (0, 1, (), "SIGSEGV")


def test_names() -> None:
    assert read_names(b"name x61 0 5 3\nname x62 -22 0 0\nend\n") == {"a": (5, 3), "b": None}
    for output in (
        b"name x61 0 5 3\n",
        b"name x61 0 5\nend\n",
        b"name 61 0 5 3\nend\n",
        b"name x\xff 0 5 3\nend\n",
    ):
        with pytest.raises(ProtocolError):
            read_names(output)


def asked(ended: Ended, monkeypatch: pytest.MonkeyPatch) -> LyingKernel:
    monkeypatch.setattr(askings, "executable", lambda peer: b"elf")
    return LyingKernel(peer=lambda child: ended)


@pytest.mark.parametrize(
    ("ended", "died"),
    [
        (Ended(0, 11, b"open 0\n", splats=("WARNING",)), "SIGSEGV"),
        (Ended(110, 9, b"open 0\n"), "Connection timed out"),
    ],
)
def test_a_death_is_an_answer(ended: Ended, died: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with asked(ended, monkeypatch).session() as session:
        answer = ask(session, PEERS[0], b"object")
        assert not isinstance(answer, Lost)
        assert (answer.died, answer.opened, answer.splats) == (died, 0, ended.splats)


@pytest.mark.parametrize("ended", [Ended(2, 0, b""), Ended(0, 2 << 8, b""), Ended(0, 9, b"open 0\n")])
def test_one_that_could_not_be_asked_gives_none(ended: Ended, monkeypatch: pytest.MonkeyPatch) -> None:
    with asked(ended, monkeypatch).session() as session:
        with pytest.raises(InfrastructureError, match=r"libbpf 0\.3 in the guest"):
            ask(session, PEERS[0], b"object")
        with pytest.raises(InfrastructureError, match="libbpf 1 in the guest"):
            ask_names(session, PEERS[1], ["a"])


def test_names_are_sent_with_their_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[Child] = []

    def peer(child: Child) -> Ended:
        got.append(child)
        return Ended(0, 0, b"name x61 0 5 3\nend\n")

    monkeypatch.setattr(askings, "executable", lambda peer: b"elf")
    with LyingKernel(peer=peer).session() as session:
        assert ask_names(session, PEERS[1], ["a", "bc"]) == {"a": (5, 3)}
    assert (got[0].arguments, got[0].input, got[0].slot) == (("names",), b"a\0bc\0", 1)


def test_a_lost_machine_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(askings, "executable", lambda peer: b"elf")
    with session_of(Rack(lambda value: Fate.DIE)) as session:
        assert isinstance(ask(session, PEERS[0], b"object"), Lost)
        assert isinstance(ask_names(session, PEERS[0], ["a"]), Lost)
