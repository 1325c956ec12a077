"""Jobs that attach, and answers to them, as bytes.  The other half is agent/attach.c.

    job:     u32 place, u32 way, name, u32 trigger, u32 times, then a plain job of one attempt
    answer:  stages (u32 stage, u32 errno, u64 value), format, trace, u32 truncated, maps,
             then a plain answer without runs

Names, format, trace and the plain answer are blobs; stages and maps follow their count.
"""

from __future__ import annotations

from conformance.kernel.attaching import (
    Attached,
    AttachJob,
    AttachPlace,
    AttachStage,
    AttachWay,
    PlaceKind,
    Reached,
    Trigger,
)
from conformance.kernel.jobs import Job
from conformance.kernel.protocol.answers import (
    Memo,
    decode_answer,
    decode_map_contents,
    encode_answer,
    encode_map_contents,
)
from conformance.kernel.protocol.frames import U32, WIRE_ORDER, PayloadReader, ProtocolError, blob
from conformance.kernel.protocol.jobs import MAX_MAPS, encode_job
from conformance.kernel.protocol.standin import decode_job
from ebpf.byte_order import ByteOrder

_PLACE = WIRE_ORDER.layout("2I")
_TRIGGER = WIRE_ORDER.layout("2I")
_STAGE = WIRE_ORDER.layout("2IQ")
_UNREADABLE = 0xFFFFFFFF
MAX_STAGES = 16


def encode_attach(job: AttachJob) -> bytes:
    """The payload of an ATTACH frame.  Raises :class:`InputError` for what cannot be asked, or cannot be
    carried."""
    place = job.place()
    return b"".join(
        [
            _PLACE.pack(place.kind, job.way),
            blob(place.name.encode()),
            _TRIGGER.pack(job.trigger, job.times),
            encode_job(Job(job.case, (job.attempt,))),
        ]
    )


def decode_attach(payload: bytes, order: ByteOrder = ByteOrder.LITTLE) -> AttachJob:
    """What :func:`encode_attach` wrote, as far as :func:`decode_job` can tell: for stand-ins of the agent.
    Raises :class:`ProtocolError`."""
    reader = PayloadReader(payload)
    kind, way = reader.fields(_PLACE)
    name = reader.blob().decode("utf-8", "replace")
    trigger, times = reader.fields(_TRIGGER)
    job = decode_job(reader.rest(), order)
    if len(job.attempts) != 1:
        raise ProtocolError(f"{len(job.attempts)} attempts to load what is to be attached")
    try:
        place = AttachPlace(PlaceKind(kind), name)
        return AttachJob(job.case, str(place), AttachWay(way), Trigger(trigger), times, job.attempts[0])
    except ValueError as error:
        raise ProtocolError(str(error)) from None


def decode_attached(payload: bytes, order: ByteOrder) -> Attached:
    """The answer in an ATTACH frame.  Raises :class:`ProtocolError`."""
    reader = PayloadReader(payload)
    if payload[:4] == U32.pack(_UNREADABLE):
        raise ProtocolError("the agent could not read the job")
    stages = tuple([_stage(*reader.fields(_STAGE)) for _ in range(reader.count(MAX_STAGES))])
    text = reader.blob().decode("utf-8", "replace")
    trace = reader.blob()
    truncated = bool(reader.u32())
    memo: Memo = {}
    maps = tuple([decode_map_contents(reader, memo, order) for _ in range(reader.count(MAX_MAPS))])
    answer = decode_answer(reader.blob(), order)
    reader.end()
    return Attached(stages, text, trace, truncated, maps, answer)


def _stage(number: int, code: int, value: int) -> Reached:
    try:
        return Reached(AttachStage(number), code, value)
    except ValueError:
        raise ProtocolError(f"unknown stage {number}") from None


def encode_attached(attached: Attached) -> bytes:
    """What the agent would have sent: for stand-ins of it."""
    parts = [U32.pack(len(attached.stages))]
    parts += [_STAGE.pack(reached.stage.value, reached.errno, reached.value) for reached in attached.stages]
    parts += [
        blob(attached.format.encode()),
        blob(attached.trace),
        U32.pack(attached.truncated),
        U32.pack(len(attached.maps)),
    ]
    parts += [encode_map_contents(pairs) for pairs in attached.maps]
    return b"".join([*parts, blob(encode_answer(attached.answer))])
