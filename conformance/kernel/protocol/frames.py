"""Frames: u32 payload length, u32 kind, u64 id, payload; little-endian.  The other half is agent/frames.c."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from ebpf.byte_order import ByteOrder
from ebpf.errors import InfrastructureError

WIRE_ORDER: Final = ByteOrder.LITTLE
"""Of every number in a frame, whatever the order of the guest."""
HEADER = WIRE_ORDER.layout("IIQ")
U32 = WIRE_ORDER.layout("I")
U64 = WIRE_ORDER.layout("Q")
MAX_PAYLOAD = 64 << 20
"""Bytes; the agent refuses longer frames and keeps its answers below."""

PROTOCOL_VERSION = 1


class ProtocolError(InfrastructureError):
    """The other side sent something that is not the protocol.  The virtual machine it came from is not to be
    trusted any more."""


class FrameKind(IntEnum):
    """What a frame is for; an answer has the kind of its question, or ERROR when the agent does not know the
    kind."""

    HELLO = 1
    PING = 2
    JOB = 3
    BENCH = 4
    PANIC = 5
    HANG = 6
    ATTACH = 7
    CHILD = 8
    ERROR = 255


@dataclass(frozen=True, slots=True)
class WireFrame:
    """One message.  ``id`` is 0..2**64-1, chosen by the host, returned by the agent."""

    kind: FrameKind
    id: int
    payload: bytes = b""

    def encode(self) -> bytes:
        """Header and payload.  Raises :class:`ProtocolError` when the payload is longer than
        :data:`MAX_PAYLOAD`."""
        if len(self.payload) > MAX_PAYLOAD:
            raise ProtocolError(f"a frame of {len(self.payload)} bytes is longer than {MAX_PAYLOAD}")
        return HEADER.pack(len(self.payload), self.kind, self.id) + self.payload


class FrameReader:
    """Frames out of a stream cut anywhere."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[WireFrame]:
        """Take ``data``, give the frames it completes.  Raises :class:`ProtocolError` for an unknown kind or
        an impossible length, before allocating anything for it."""
        held = self._held
        held += data
        at = 0
        try:
            while len(held) - at >= HEADER.size:
                length, kind, ident = HEADER.unpack_from(held, at)
                if length > MAX_PAYLOAD:
                    raise ProtocolError(f"a frame of {length} bytes is longer than {MAX_PAYLOAD}")
                if kind not in _KINDS:
                    raise ProtocolError(f"unknown frame kind {kind}")
                end = at + HEADER.size + length
                if end > len(held):
                    return
                payload = bytes(memoryview(held)[at + HEADER.size : end])
                at = end
                yield WireFrame(_KINDS[kind], ident, payload)
        finally:
            del held[:at]


_KINDS = {int(kind): kind for kind in FrameKind}


class PayloadReader:
    """A cursor over a payload.  Every read past the end raises :class:`ProtocolError`; no length is believed
    before."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def fields(self, layout: struct.Struct) -> tuple[int, ...]:
        """The integers of ``layout``."""
        at = self._at
        self._at = at + layout.size
        try:
            return layout.unpack_from(self._data, at)
        except struct.error:
            raise ProtocolError(
                f"payload of {len(self._data)} bytes ends at {at}, {layout.size} more were to come"
            ) from None

    def u32(self) -> int:
        """One u32."""
        return self.fields(U32)[0]

    def count(self, limit: int) -> int:
        """A u32 that says how many items follow, 0..limit."""
        count = self.u32()
        if count > limit:
            raise ProtocolError(f"{count} items where at most {limit} can be")
        return count

    def take(self, length: int) -> bytes:
        """``length`` bytes."""
        end = self._at + length
        if end > len(self._data):
            raise ProtocolError(
                f"payload of {len(self._data)} bytes ends at {self._at}, {length} more were to come"
            )
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def blob(self) -> bytes:
        """A u32 length and that many bytes."""
        return self.take(self.u32())

    def rest(self) -> bytes:
        """Everything that was not read."""
        return self.take(max(0, len(self._data) - self._at))

    def end(self) -> None:
        """Raises :class:`ProtocolError` unless everything was read."""
        if self._at != len(self._data):
            raise ProtocolError(f"{len(self._data) - self._at} bytes too many in a payload")


def blob(data: bytes) -> bytes:
    """What :meth:`PayloadReader.blob` reads."""
    return U32.pack(len(data)) + data
