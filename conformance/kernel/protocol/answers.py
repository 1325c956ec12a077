"""Answers as bytes.  The other half is agent/jobs.c (do_job), loads.c (put_loaded, put_run) and maps.c
(put_map)."""

from __future__ import annotations

import re

from conformance.kernel.jobs import KernelAnswer, Loaded, RunResult
from conformance.kernel.protocol.frames import U32, WIRE_ORDER, PayloadReader, ProtocolError, blob
from conformance.kernel.protocol.maps import array_keys
from ebpf.byte_order import ByteOrder

_HEAD = WIRE_ORDER.layout("Ii")
_LOADED = WIRE_ORDER.layout("4IQ")
_RUN = WIRE_ORDER.layout("2IQ")
_MAP_HEAD = WIRE_ORDER.layout("2I")
_MAP_COUNT = WIRE_ORDER.layout("3I")
_UNREADABLE = 0xFFFFFFFF
_PROCESSED = re.compile(r"^processed (\d+) insns", re.MULTILINE)
MAX_ITEMS = 1 << 16

Pairs = tuple[tuple[bytes, bytes], ...]
Memo = dict[bytes, Pairs]


def decode_answer(payload: bytes, order: ByteOrder) -> KernelAnswer:
    """The answer in a JOB frame of a guest of that byte order.  Raises :class:`ProtocolError`."""
    reader = PayloadReader(payload)
    errno, at = reader.fields(_HEAD)
    if errno == _UNREADABLE:
        raise ProtocolError("the agent could not read the job")
    missing = reader.blob().decode("utf-8", "replace")
    memo: Memo = {}
    attempts = tuple([_loaded(reader, memo, order) for _ in range(reader.count(MAX_ITEMS))])
    splats = tuple([reader.blob().decode("utf-8", "replace") for _ in range(reader.count(MAX_ITEMS))])
    reader.end()
    return KernelAnswer(attempts, (at, errno) if errno else None, splats, missing=missing or None)


def _loaded(reader: PayloadReader, memo: Memo, order: ByteOrder) -> Loaded:
    errno, truncated, jited, verified, nanoseconds = reader.fields(_LOADED)
    log = reader.blob().decode("utf-8", "replace")
    translated = reader.blob()
    runs, maps = reader.count(MAX_ITEMS), reader.count(MAX_ITEMS)
    return Loaded(
        errno,
        log,
        bool(truncated),
        jited,
        nanoseconds,
        verified or _processed(log),
        translated or None,
        tuple([_run(reader, maps, memo, order) for _ in range(runs)]),
    )


def _processed(log: str) -> int | None:
    # Kernels before 5.16 do not tell it otherwise; the line is the log's last or nearly.
    found = _PROCESSED.findall(log, max(0, len(log) - 4096))
    return int(found[-1]) if found else None


def _run(reader: PayloadReader, maps: int, memo: Memo, order: ByteOrder) -> RunResult:
    errno, retval, nanoseconds = reader.fields(_RUN)
    packet, context = reader.blob(), reader.blob()
    return RunResult(
        errno,
        retval,
        packet,
        context,
        tuple([decode_map_contents(reader, memo, order) for _ in range(maps)]),
        nanoseconds,
    )


def decode_map_contents(reader: PayloadReader, memo: Memo, order: ByteOrder) -> Pairs | None:
    """What a map holds; ``memo`` lets equal arrays of one answer be one tuple.  Raises
    :class:`ProtocolError`."""
    style = reader.u32()
    if style == 0:
        return None
    if style == 1:
        size, count = reader.fields(_MAP_HEAD)
        data = reader.take(size * count)
        # Most runs leave most arrays as others did: one tuple serves them all.
        known = memo.get(data)
        if known is None or len(known) != count:
            if size == 0:
                raise ProtocolError("an array of empty values")
            values = [data[at : at + size] for at in range(0, size * count, size)]
            known = memo[data] = tuple(zip(array_keys(count, order), values, strict=True))
        return known
    if style == 2:
        key_size, value_size, count = reader.fields(_MAP_COUNT)
        step = key_size + value_size
        data = reader.take(step * count)
        if step == 0:
            raise ProtocolError("a map of empty entries")
        pairs = [
            (data[at : at + key_size], data[at + key_size : at + step]) for at in range(0, step * count, step)
        ]
        if key_size:
            pairs.sort()
        return tuple(pairs)
    raise ProtocolError(f"unknown map style {style}")


def encode_answer(answer: KernelAnswer) -> bytes:
    """What the agent would have sent: for stand-ins of the agent."""
    at, errno = answer.map_errno or (0, 0)
    parts = [_HEAD.pack(errno, at), blob((answer.missing or "").encode()), U32.pack(len(answer.attempts))]
    for loaded in answer.attempts:
        verified = loaded.verified or 0
        parts.append(
            _LOADED.pack(
                loaded.errno, loaded.log_truncated, loaded.jited_length, verified, loaded.nanoseconds
            )
        )
        parts += (blob(loaded.log.encode()), blob(loaded.translated or b""))
        parts.append(_MAP_HEAD.pack(len(loaded.runs), len(loaded.runs[0].maps) if loaded.runs else 0))
        parts += [_encode_run(run) for run in loaded.runs]
    parts.append(U32.pack(len(answer.splats)))
    parts += [blob(splat.encode()) for splat in answer.splats]
    return b"".join(parts)


def _encode_run(run: RunResult) -> bytes:
    parts = [_RUN.pack(run.errno, run.retval, run.nanoseconds), blob(run.packet), blob(run.context)]
    return b"".join([*parts, *map(encode_map_contents, run.maps)])


def encode_map_contents(pairs: Pairs | None) -> bytes:
    """What :func:`decode_map_contents` reads."""
    if pairs is None:
        return U32.pack(0)
    key, value = pairs[0] if pairs else (b"", b"?")
    return b"".join(
        [
            U32.pack(2),
            _MAP_COUNT.pack(len(key), len(value), len(pairs)),
            *[part for pair in pairs for part in pair],
        ]
    )
