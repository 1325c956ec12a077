"""Maps on the wire, and how each type is filled before a run and read back after it.  The other half is
agent/maps.c."""

from __future__ import annotations

import struct
from enum import IntEnum, IntFlag
from functools import lru_cache

from conformance.kernel.protocol.frames import WIRE_ORDER, PayloadReader, ProtocolError, blob
from ebpf.byte_order import ByteOrder
from ebpf.errors import InputError
from ebpf.maps import MapSpec, MapType

_MAP = WIRE_ORDER.layout("9IQ")
_U32 = WIRE_ORDER.layout("I")
BPF_F_RDONLY_PROG = 1 << 7


class Style(IntEnum):
    """How the agent treats a map's contents; OPAQUE ones are only created."""

    OPAQUE = 0
    ARRAY = 1
    PERCPU_ARRAY = 2
    HASH = 3
    PERCPU_HASH = 4
    QUEUE = 5
    """No keys: pushed in the order of ``contents``, read back by popping."""
    MAPS = 6
    """Values are u32 indexes into the program's maps; filled once."""


STYLES = {
    MapType.ARRAY: Style.ARRAY,
    MapType.INSN_ARRAY: Style.ARRAY,
    MapType.PERCPU_ARRAY: Style.PERCPU_ARRAY,
    MapType.HASH: Style.HASH,
    MapType.LRU_HASH: Style.HASH,
    MapType.LPM_TRIE: Style.HASH,
    MapType.PERCPU_HASH: Style.PERCPU_HASH,
    MapType.LRU_PERCPU_HASH: Style.PERCPU_HASH,
    MapType.QUEUE: Style.QUEUE,
    MapType.STACK: Style.QUEUE,
    MapType.ARRAY_OF_MAPS: Style.MAPS,
    MapType.HASH_OF_MAPS: Style.MAPS,
}


class _Bits(IntFlag):
    DENSE = 1  # an array's values from index 0 on, without keys
    HAS_INNER = 2
    FROZEN = 4


def is_frozen(spec: MapSpec) -> bool:
    """Filled once, then BPF_MAP_FREEZE: what libbpf does to .rodata (so that the verifier knows the values),
    and what the kernel wants of an instruction array before a program may use it (Linux 6.19,
    kernel/bpf/bpf_insn_array.c)."""
    return bool(spec.flags & BPF_F_RDONLY_PROG) or spec.type is MapType.INSN_ARRAY


@lru_cache(maxsize=64)
def array_keys(count: int, order: ByteOrder) -> tuple[bytes, ...]:
    """The keys of an array with ``count`` entries, in index order."""
    return tuple([order.bytes(index, 4) for index in range(count)])


def encode_map(spec: MapSpec, order: ByteOrder) -> bytes:
    """Raises :class:`InputError` for contents of a type that cannot be filled, or of the wrong size."""
    style = STYLES.get(spec.type, Style.OPAQUE)
    key_size = 0 if style is Style.QUEUE else spec.key_size
    for key, value in spec.contents:
        if style is Style.OPAQUE:
            raise InputError(f"map {spec.name!r}: a map of type {spec.type.name.lower()} cannot be filled")
        if len(key) != key_size or len(value) != spec.value_size:
            raise InputError(
                f"map {spec.name!r}: key {key.hex()} and value {value.hex()} are not {key_size} and "
                f"{spec.value_size} bytes"
            )
    bits = _Bits.FROZEN if is_frozen(spec) else _Bits(0)
    if spec.inner is not None:
        bits |= _Bits.HAS_INNER
    count = len(spec.contents)
    if (
        count
        and style in (Style.ARRAY, Style.PERCPU_ARRAY)
        and [key for key, _ in spec.contents] == list(array_keys(count, order))
    ):
        bits |= _Bits.DENSE
        contents = b"".join([value for _, value in spec.contents])
    else:
        contents = b"".join([part for pair in spec.contents for part in pair])
    try:
        head = _MAP.pack(
            spec.type,
            spec.key_size,
            spec.value_size,
            spec.max_entries,
            spec.flags,
            spec.btf_key,
            spec.btf_value,
            style,
            bits,
            spec.extra,
        )
    except struct.error:
        raise InputError(
            f"map {spec.name!r}: a size, flag or type id is not 0..2**32-1, or map_extra not 0..2**64-1"
        ) from None
    inner = b"" if spec.inner is None else encode_map(spec.inner, order)
    return b"".join([head, blob(spec.name.encode()), _U32.pack(count), blob(contents), inner])


def decode_map(reader: PayloadReader, order: ByteOrder, depth: int = 0) -> MapSpec:
    """What :func:`encode_map` wrote.  Raises :class:`ProtocolError`."""
    number, key_size, value_size, max_entries, flags, btf_key, btf_value, style, bits, extra = reader.fields(
        _MAP
    )
    name = reader.blob().decode("utf-8", "replace")
    count = reader.u32()
    data = reader.blob()
    step_key = 0 if style == Style.QUEUE or bits & _Bits.DENSE else key_size
    if len(data) != count * (step_key + value_size) or depth > 1:
        raise ProtocolError(f"{len(data)} bytes for {count} entries of {step_key} + {value_size}")
    try:
        map_type = MapType(number)
    except ValueError:
        raise ProtocolError(f"unknown map type {number}") from None
    step = step_key + value_size
    if step == 0:
        count = min(count, 1 << 16)
    pairs = [
        (data[i * step : i * step + step_key], data[i * step + step_key : (i + 1) * step])
        for i in range(count)
    ]
    if bits & _Bits.DENSE:
        pairs = [(key, value) for key, (_, value) in zip(array_keys(count, order), pairs, strict=True)]
    inner = decode_map(reader, order, depth + 1) if bits & _Bits.HAS_INNER else None
    return MapSpec(
        map_type,
        key_size,
        value_size,
        max_entries,
        flags,
        name,
        btf_key,
        btf_value,
        inner,
        tuple(pairs),
        extra=extra,
    )
