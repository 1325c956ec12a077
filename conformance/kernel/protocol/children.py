"""Children to be run, and how they ended, as bytes.  The other half is agent/children.c.

    job:     u32 slot, u32 milliseconds, u32 memory in MiB, u32 output limit, arguments, executable
             (empty: the slot's), input
    answer:  u32 errno, u32 wait status, u64 nanoseconds, output, errors, splats

Arguments, executable, input, output and errors are blobs, of the arguments each with the zero that ends it;
splats are blobs after their count.
"""

from __future__ import annotations

from conformance.kernel.children import Child, Ended
from conformance.kernel.protocol.frames import U32, WIRE_ORDER, PayloadReader, ProtocolError, blob

_LIMITS = WIRE_ORDER.layout("4I")
_END = WIRE_ORDER.layout("2IQ")
_UNREADABLE = 0xFFFFFFFF
MAX_SPLATS = 1 << 16


def encode_child(child: Child, *, install: bool) -> bytes:
    """The payload of a CHILD frame; with the executable only where it is to be installed."""
    limits = _LIMITS.pack(child.slot, child.milliseconds, child.memory_mib, child.max_output)
    return (
        limits
        + blob(b"".join(argument.encode() + b"\0" for argument in child.arguments))
        + blob(child.executable if install else b"")
        + blob(child.input)
    )


def decode_child(payload: bytes) -> Child:
    """The agent's side, for stand-ins of it; the executable is empty where the slot's is meant.  Raises
    :class:`ProtocolError`."""
    reader = PayloadReader(payload)
    slot, milliseconds, memory, limit = reader.fields(_LIMITS)
    *arguments, _ = reader.blob().decode("utf-8", "replace").split("\0")
    executable, given = reader.blob(), reader.blob()
    reader.end()
    return Child(slot, executable, tuple(arguments), given, milliseconds, memory, limit)


def decode_ended(payload: bytes) -> Ended:
    """The answer in a CHILD frame.  Raises :class:`ProtocolError`."""
    if payload == U32.pack(_UNREADABLE):
        raise ProtocolError("the agent could not read the child's job")
    reader = PayloadReader(payload)
    errno, status, nanoseconds = reader.fields(_END)
    output, errors = reader.blob(), reader.blob()
    splats = tuple([reader.blob().decode("utf-8", "replace") for _ in range(reader.count(MAX_SPLATS))])
    reader.end()
    return Ended(errno, status, output, nanoseconds, splats, errors)


def encode_ended(ended: Ended) -> bytes:
    """What the agent would have sent: for stand-ins of it."""
    head = _END.pack(ended.errno, ended.status, ended.nanoseconds) + blob(ended.output) + blob(ended.errors)
    return head + U32.pack(len(ended.splats)) + b"".join(blob(splat.encode()) for splat in ended.splats)
