"""Bytes and back, whatever the values; and no bytes, however wrong, do more than raise ProtocolError."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.kernel.attaching import Attached, AttachJob
from conformance.kernel.hello import Hello, Knob, decode_hello, encode_hello
from conformance.kernel.jobs import Attempt, Job, KernelAnswer
from conformance.kernel.protocol.answers import decode_answer, encode_answer
from conformance.kernel.protocol.attach import decode_attach, decode_attached, encode_attach, encode_attached
from conformance.kernel.protocol.capabilities import ALL, mask, names
from conformance.kernel.protocol.frames import (
    HEADER,
    MAX_PAYLOAD,
    FrameKind,
    FrameReader,
    ProtocolError,
    WireFrame,
)
from conformance.kernel.protocol.jobs import encode_job
from conformance.kernel.protocol.standin import decode_job
from ebpf.btf.map_types import with_map_types
from ebpf.byte_order import ByteOrder
from ebpf.errors import InputError
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Program
from ebpf.program_types import AttachType, ProgramType
from tests.conformance.kernel.cases import counting, job, returning
from tests.conformance.kernel.strategies import U64, answers, attach_jobs, attached_answers, jobs

frames = st.builds(WireFrame, st.sampled_from(FrameKind), U64, st.binary(max_size=64))


@settings(deadline=None)
@given(jobs)
def test_a_job_is_read_back(asked: Job) -> None:
    assert decode_job(encode_job(asked)) == replace(asked, case=_typed(asked.case))


def _typed(case: Case) -> Case:
    return replace(case, program=with_map_types(case.program))


@settings(deadline=None)
@given(answers())
def test_an_answer_is_read_back(given_: KernelAnswer) -> None:
    assert decode_answer(encode_answer(given_), ByteOrder.LITTLE) == given_


@settings(deadline=None)
@given(attach_jobs())
def test_a_job_that_attaches_is_read_back(asked: AttachJob) -> None:
    assert decode_attach(encode_attach(asked)) == replace(asked, case=_typed(asked.case))


@settings(deadline=None)
@given(attached_answers)
def test_what_came_of_attaching_is_read_back(given_: Attached) -> None:
    assert decode_attached(encode_attached(given_), ByteOrder.LITTLE) == given_


@settings(deadline=None)
@given(attach_jobs(), attached_answers, st.data())
def test_cut_attaching_is_a_protocol_error(asked: AttachJob, given_: Attached, data: st.DataObject) -> None:
    there, back = encode_attach(asked), encode_attached(given_)
    with pytest.raises(ProtocolError):
        decode_attach(there[: data.draw(st.integers(0, len(there) - 1))])
    with pytest.raises(ProtocolError):
        decode_attached(back[: data.draw(st.integers(0, len(back) - 1))], ByteOrder.LITTLE)


@settings(deadline=None)
@given(attach_jobs(), attached_answers, st.data())
def test_damaged_attaching_is_read_or_a_protocol_error(
    asked: AttachJob, given_: Attached, data: st.DataObject
) -> None:
    there, back = bytearray(encode_attach(asked)), bytearray(encode_attached(given_))
    for payload in (there, back):
        for at in data.draw(st.lists(st.integers(0, len(payload) - 1), min_size=1, max_size=4)):
            payload[at] = data.draw(st.integers(0, 255))
    with suppress(ProtocolError):
        decode_attach(bytes(there))
    with suppress(ProtocolError):
        decode_attached(bytes(back), ByteOrder.LITTLE)


@settings(deadline=None)
@given(st.lists(frames, max_size=5), st.lists(st.integers(1, 40)))
def test_frames_arrive_whole_however_the_stream_is_cut(sent: list[WireFrame], cuts: list[int]) -> None:
    stream = b"".join([frame.encode() for frame in sent])
    reader = FrameReader()
    received: list[WireFrame] = []
    for cut in cuts:
        received += reader.feed(stream[:cut])
        stream = stream[cut:]
    received += reader.feed(stream)
    assert received == sent


@settings(deadline=None)
@given(jobs, st.data())
def test_a_cut_job_is_a_protocol_error(asked: Job, data: st.DataObject) -> None:
    payload = encode_job(asked)
    with pytest.raises(ProtocolError):
        decode_job(payload[: data.draw(st.integers(0, len(payload) - 1))])


@settings(deadline=None)
@given(answers(), st.data())
def test_a_cut_answer_is_a_protocol_error(given_: KernelAnswer, data: st.DataObject) -> None:
    payload = encode_answer(given_)
    with pytest.raises(ProtocolError):
        decode_answer(payload[: data.draw(st.integers(0, len(payload) - 1))], ByteOrder.LITTLE)


@settings(deadline=None)
@given(answers(), st.data())
def test_a_damaged_answer_is_an_answer_or_a_protocol_error(given_: KernelAnswer, data: st.DataObject) -> None:
    payload = bytearray(encode_answer(given_))
    for at in data.draw(st.lists(st.integers(0, len(payload) - 1), min_size=1, max_size=4)):
        payload[at] = data.draw(st.integers(0, 255))
    with suppress(ProtocolError):
        decode_answer(bytes(payload), ByteOrder.LITTLE)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_garbage_is_a_protocol_error(garbage: bytes) -> None:
    for decode in (decode_job, decode_hello, decode_attach):
        with suppress(ProtocolError):
            decode(garbage)
    for decode_in_order in (decode_job, decode_answer, decode_attached):
        for order in ByteOrder:
            with suppress(ProtocolError):
                decode_in_order(garbage, order)
    with suppress(ProtocolError):
        list(FrameReader().feed(garbage))


def test_an_impossible_length_is_refused_before_anything_is_kept() -> None:
    with pytest.raises(ProtocolError, match="longer than"):
        list(FrameReader().feed(HEADER.pack(MAX_PAYLOAD + 1, FrameKind.JOB, 1)))
    with pytest.raises(ProtocolError, match="kind"):
        list(FrameReader().feed(HEADER.pack(0, 77, 1)))


def test_an_agent_that_could_not_read_the_job_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError, match="could not read"):
        decode_answer(b"\xff\xff\xff\xff\0\0\0\0", ByteOrder.LITTLE)
    with pytest.raises(ProtocolError, match="could not read"):
        decode_attached(b"\xff\xff\xff\xff", ByteOrder.LITTLE)


def test_hello_is_read_back_and_another_version_refused() -> None:
    hello = Hello("6.12.107", "x86_64", 1, Knob.JIT | Knob.SYSRQ, 5)
    assert decode_hello(encode_hello(hello)) == hello
    with pytest.raises(ProtocolError, match="version 9"):
        decode_hello(b"\x09" + encode_hello(hello)[1:])


def test_capabilities_by_name() -> None:
    assert mask(None) == ALL
    assert mask(()) == 0
    assert mask(("CAP_BPF", "CAP_PERFMON")) == 1 << 39 | 1 << 38
    assert names(mask(("CAP_NET_ADMIN",))) == ("CAP_NET_ADMIN",)
    with pytest.raises(InputError, match="CAP_MAGIC"):
        mask(("CAP_MAGIC",))


def test_the_case_decides_the_capabilities_unless_the_attempt_does() -> None:
    case = Case(returning(0).program, capabilities=("CAP_BPF",))
    decoded = decode_job(
        encode_job(job(case, Attempt(), Attempt(capabilities=None), Attempt(capabilities=())))
    )
    assert [attempt.capabilities for attempt in decoded.attempts] == [("CAP_BPF",), None, ()]


def test_an_array_filled_from_the_start_is_sent_without_keys() -> None:
    spec = counting().program.maps[0]
    assert len(encode_job(job(counting(inputs=1)))) < 64 * 8 + 500
    assert decode_job(encode_job(job(counting()))).case.program.maps[0].contents == spec.contents


@pytest.mark.parametrize(
    ("program_type", "attach_type", "sent"),
    [
        (ProgramType.TRACING, AttachType.TRACE_FENTRY, b"vfs_read"),
        (ProgramType.TRACING, AttachType.TRACE_RAW_TP, b"btf_trace_vfs_read"),
        (ProgramType.TRACING, AttachType.TRACE_ITER, b"bpf_iter_vfs_read"),
        (ProgramType.LSM, AttachType.LSM_MAC, b"bpf_lsm_vfs_read"),
        (ProgramType.KPROBE, None, b""),
    ],
)
def test_attach_targets_are_named_as_the_kernel_names_them(
    program_type: ProgramType, attach_type: AttachType | None, sent: bytes
) -> None:
    payload = encode_job(job(Case(Program(program_type, (), attach_type=attach_type, attach_to="vfs_read"))))
    assert payload[20:24] == len(sent).to_bytes(4, "little")
    assert payload[24 : 24 + len(sent)] == sent


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (MapSpec(MapType.RINGBUF, 0, 0, 4096, contents=((b"", b""),)), "cannot be filled"),
        (MapSpec(MapType.ARRAY, 4, 8, 1, contents=((b"\0" * 4, b"\0" * 7),)), "not 4 and 8 bytes"),
        (MapSpec(MapType.ARRAY, 4, 1 << 32, 1), "is not 0"),
    ],
)
def test_maps_the_protocol_cannot_carry_are_named(spec: MapSpec, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        encode_job(job(Case(Program(ProgramType.XDP, (), (spec,)))))


def test_too_many_maps_or_attempts_are_refused() -> None:
    with pytest.raises(InputError, match="65 maps"):
        encode_job(job(Case(Program(ProgramType.XDP, (), (MapSpec(MapType.ARRAY, 4, 8, 1),) * 65))))
    with pytest.raises(InputError, match="65 attempts"):
        encode_job(Job(returning(0), (Attempt(),) * 65))
