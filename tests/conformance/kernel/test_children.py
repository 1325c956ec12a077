"""Children of the agent: bytes and back, installed once per machine, asked again when the machine went
away."""

from __future__ import annotations

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.kernel.children import Child, Ended
from conformance.kernel.jobs import Lost
from conformance.kernel.protocol.children import decode_child, decode_ended, encode_child, encode_ended
from conformance.kernel.protocol.frames import U32, ProtocolError
from tests.conformance.kernel.cases import job, returning
from tests.conformance.kernel.fake_guest import Fate, Rack
from tests.conformance.kernel.test_session import session_of

children = st.builds(
    Child,
    st.integers(0, 7),
    st.binary(max_size=9),
    st.lists(st.text(max_size=9).filter(lambda text: "\0" not in text), max_size=3).map(tuple),
    st.binary(max_size=9),
    st.integers(1, 60_000),
)
ends = st.builds(
    Ended,
    st.integers(0, 255),
    st.integers(0, 0xFFFF),
    st.binary(max_size=20),
    st.integers(0, 2**64 - 1),
    st.lists(st.text(max_size=5), max_size=2).map(tuple),
    st.binary(max_size=20),
)


@given(children, ends)
def test_both_are_read_back(child: Child, ended: Ended) -> None:
    assert decode_child(encode_child(child, install=True)) == child
    assert decode_child(encode_child(child, install=False)).executable == b""
    assert decode_ended(encode_ended(ended)) == ended


@given(ends, st.data())
def test_a_cut_answer_is_a_protocol_error(ended: Ended, data: st.DataObject) -> None:
    payload = encode_ended(ended)
    with pytest.raises(ProtocolError):
        decode_ended(payload[: data.draw(st.integers(0, len(payload) - 1))])


def test_a_job_that_the_agent_cannot_read() -> None:
    with pytest.raises(ProtocolError, match="could not read"):
        decode_ended(U32.pack(0xFFFFFFFF))


@pytest.mark.parametrize(("slot", "milliseconds"), [(8, 1), (-1, 1), (0, 0), (0, 3_600_001)])
def test_what_the_agent_would_refuse(slot: int, milliseconds: int) -> None:
    with pytest.raises(ValueError, match="slot"):
        Child(slot, b"", (), b"", milliseconds)


@pytest.mark.parametrize(
    ("ended", "how"),
    [
        (Ended(0, 0, b""), "exit status 0"),
        (Ended(0, 3 << 8, b""), "exit status 3"),
        (Ended(0, int(signal.SIGSEGV), b""), "SIGSEGV"),
        (Ended(110, 9, b""), "Connection timed out"),
        (Ended(0, 63, b""), "signal 63"),
    ],
)
def test_how_it_ended_in_words(ended: Ended, how: str) -> None:
    assert ended.how == how
    assert ended.ok is (how == "exit status 0")


def test_an_executable_is_sent_once_per_machine() -> None:
    rack = Rack()
    with session_of(rack) as session:
        for text in (b"a", b"b"):
            ended = session.execute(Child(1, b"first", ("x",), text))
            assert isinstance(ended, Ended)
            assert ended.output == b"first" + text
        other = session.execute(Child(1, b"second", ("x",), b"c"))
        assert isinstance(other, Ended)
        assert other.output == b"secondc"
    (guest,) = rack.guests
    assert guest.installed == {1: b"second"}


@pytest.mark.parametrize(("dies", "boots"), [((True, False), 2), ((True, True), 2)])
def test_once_more_on_a_fresh_machine(dies: tuple[bool, ...], boots: int) -> None:
    left = list(dies)
    rack = Rack(lambda value: Fate.DIE if left.pop(0) else Fate.FINE)
    with session_of(rack) as session:
        ended = session.execute(Child(0, b"e", ("x",), b"a"))
        assert session.boots == boots
        if dies[1]:
            assert isinstance(ended, Lost)
            assert session.losses[0].named
        else:
            assert ended == Ended(0, 0, b"ea")


def test_a_splat_spoils_the_machine() -> None:
    rack = Rack(lambda value: Fate.SPLAT)
    with session_of(rack) as session:
        for _ in range(2):
            ended = session.execute(Child(0, b"e", ("x",), b"a"))
            assert isinstance(ended, Ended)
            assert ended.splats == ("WARNING: something",)
        assert session.boots == 2


def test_not_while_jobs_are_in_flight() -> None:
    with session_of(Rack()) as session:
        session.submit(job(returning(1)), 1)
        with pytest.raises(RuntimeError, match="nobody took"):
            session.execute(Child(0, b"e", ("x",), b"a"))
