"""A ``.BTF`` section read: header, strings and types, each bound checked first (libbpf btf.c: btf_parse_hdr,
btf_parse_str_sec, btf_parse_type_sec; libbpf 1.4)."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from ebpf.btf import types as t
from ebpf.btf.types import BtfKind, BtfType, Member, SectionVariable
from ebpf.errors import InputError

MAX_DEPTH = 32
"""How far a chain of types is followed (libbpf btf.c, MAX_RESOLVE_DEPTH)."""
MAX_TEXT = 16 << 20
"""Bytes of names decoded in all: strings may overlap, and so be far more than the section that holds them."""


class BtfError(InputError):
    """A broken record: ``at`` is the place in the section."""

    def __init__(self, at: str, reason: str) -> None:
        super().__init__(f"{at}: {reason}")
        self.at, self.reason = at, reason


class Btf:
    """All types of a section, decoded one by one as asked for.  Ids count from 1; 0 is void."""

    __slots__ = ("_decoded", "_left", "_offsets", "_string_at", "_string_end", "_types", "raw")

    def __init__(self, raw: bytes) -> None:
        """Raises :class:`BtfError`."""
        if len(raw) < t.HEADER.size:
            raise BtfError("BTF header", f"truncated: {len(raw)} bytes of {t.HEADER.size}")
        magic, version, _, length, types_at, types_size, strings_at, strings_size = t.HEADER.unpack_from(raw)
        if magic != t.MAGIC:
            raise BtfError("BTF header, magic", f"{magic:#x} is not {t.MAGIC:#x}")
        if version != 1:
            raise BtfError("BTF header, version", f"{version} is not 1")
        if not t.HEADER.size <= length <= len(raw):
            raise BtfError("BTF header, hdr_len", f"{length} is not in {t.HEADER.size}..{len(raw)}")
        if types_at % 4 or types_at + types_size > strings_at:
            raise BtfError(
                "BTF header, type_off, type_len",
                f"types at {types_at}+{types_size} misaligned or beyond the strings",
            )
        if length + strings_at + strings_size > len(raw):
            raise BtfError(
                "BTF header, str_off, str_len",
                f"strings at {strings_at}+{strings_size} leave {len(raw)} bytes",
            )
        self.raw = raw
        self._string_at, self._string_end = length + strings_at, length + strings_at + strings_size
        if not strings_size or raw[self._string_at] or raw[self._string_end - 1]:
            raise BtfError("BTF strings", "the first string is not empty, or the last has no end")
        self._decoded: dict[int, str] = {}
        self._left = MAX_TEXT
        self._offsets = array("I", [0])
        at, end = length + types_at, length + types_at + types_size
        self._types = (at, end)
        while at < end:
            self._offsets.append(at)
            at = self._skip(at, end)

    def _skip(self, at: int, end: int) -> int:
        here = f"BTF type {len(self._offsets) - 1}"
        if at + t.TYPE.size > end:
            raise BtfError(here, "cut off by the end of the types")
        _, info, _ = t.TYPE.unpack_from(self.raw, at)
        number = info >> 24 & 31
        if not 0 < number <= BtfKind.ENUM64:
            raise BtfError(f"{here}, kind", f"{number} is no kind")
        kind = BtfKind(number)
        following: int = (
            at + t.TYPE.size + t.FIXED.get(kind, 0) + t.PER_ENTRY.get(kind, 0) * (info & t.MAX_VLEN)
        )
        if following > end:
            raise BtfError(here, f"its {info & t.MAX_VLEN} entries are cut off by the end of the types")
        return following

    @property
    def type_bytes(self) -> bytes:
        """All types as they lie in the section."""
        return self.raw[slice(*self._types)]

    @property
    def string_bytes(self) -> bytes:
        """All strings as they lie in the section."""
        return self.raw[self._string_at : self._string_end]

    def __len__(self) -> int:
        """Number of types, void included."""
        return len(self._offsets)

    @property
    def strings_size(self) -> int:
        """Bytes of the string section."""
        size: int = self._string_end - self._string_at
        return size

    def kind(self, number: int) -> BtfKind:
        """Of the type with this id, which must exist."""
        return (
            BtfKind(t.TYPE.unpack_from(self.raw, self._offsets[number])[1] >> 24 & 31)
            if number
            else BtfKind.VOID
        )

    def common(self) -> Iterator[BtfType]:
        """All types without their names, which then cost nothing."""
        for number in range(1, len(self)):
            _, info, word = t.TYPE.unpack_from(self.raw, at := self._offsets[number])
            yield BtfType(
                number, self.kind(number), "", info & t.MAX_VLEN, bool(info >> 31), word, at + t.TYPE.size
            )

    def __iter__(self) -> Iterator[BtfType]:
        return (self.type(number) for number in range(1, len(self)))

    def string(self, offset: int) -> str:
        """The string at an offset of the string section."""
        if offset in self._decoded:
            return self._decoded[offset]
        start = self._string_at + offset
        if offset < 0 or start >= self._string_end:
            raise BtfError(
                "BTF strings", f"offset {offset} is beyond their {self._string_end - self._string_at} bytes"
            )
        # The section ends with a zero byte, so the search ends inside it.
        end = self.raw.index(b"\0", start)
        self._left -= end - start
        if self._left < 0:
            raise BtfError("BTF strings", f"more than {MAX_TEXT} bytes of overlapping strings")
        return self._decoded.setdefault(offset, self.raw[start:end].decode("utf-8", "backslashreplace"))

    def type(self, number: int) -> BtfType:
        """The type with this id."""
        if number == 0:
            return BtfType(0, BtfKind.VOID, "", 0, False, 0, 0)
        if not 0 < number < len(self):
            raise BtfError(f"BTF type {number}", f"there are {len(self) - 1} types")
        at = self._offsets[number]
        name, info, word = t.TYPE.unpack_from(self.raw, at)
        return BtfType(
            number,
            BtfKind(info >> 24 & 31),
            self.string(name),
            info & t.MAX_VLEN,
            bool(info >> 31),
            word,
            at + t.TYPE.size,
        )

    def stripped(self, number: int) -> BtfType:
        """The type behind typedefs and modifiers (libbpf.c, skip_mods_and_typedefs)."""
        for _ in range(MAX_DEPTH):
            found = self.type(number)
            if found.kind not in t.MODIFIERS:
                return found
            number = found.size_or_type
        raise BtfError(f"BTF type {number}", f"a chain of types of more than {MAX_DEPTH}")

    def size(self, number: int) -> int:
        """In bytes (libbpf btf.c, btf__resolve_size)."""
        count = 1
        for _ in range(MAX_DEPTH):
            found = self.type(number)
            if found.kind in t.SIZED or found.kind is BtfKind.PTR:
                total = count * (8 if found.kind is BtfKind.PTR else found.size_or_type)
                if total >> 32:
                    raise BtfError(f"BTF type {number}", f"a size of {total} does not fit in 32 bits")
                return total
            if found.kind is BtfKind.ARRAY:
                number, _, length = self.array(found)
                count *= length
            elif found.kind in t.MODIFIERS or found.kind in (BtfKind.VAR, BtfKind.DECL_TAG):
                number = found.size_or_type
            else:
                raise BtfError(f"BTF type {number}", f"{found.kind.name.lower()} has no size")
        raise BtfError(f"BTF type {number}", f"a chain of types of more than {MAX_DEPTH}")

    def array(self, of: BtfType) -> tuple[int, int, int]:
        """(element type, index type, number of elements)."""
        element, index, count = t.ARRAY.unpack_from(self.raw, of.at)
        return element, index, count

    def members(self, of: BtfType) -> tuple[Member, ...]:
        """Of a struct or union; bit fields are given the byte that they begin in."""
        mask = 0xFFFFFF if of.kind_flag else 0xFFFFFFFF
        return tuple(
            Member(self.string(name), kind, (bits & mask) // 8)
            for name, kind, bits in (
                t.MEMBER.unpack_from(self.raw, of.at + i * t.MEMBER.size) for i in range(of.vlen)
            )
        )

    def component(self, of: BtfType) -> int:
        """The number of the member or parameter that a declaration tag is about; -1: the whole."""
        number: int = t.WORD.unpack_from(self.raw, of.at)[0]
        return -1 if number == 0xFFFF_FFFF else number

    def variables(self, of: BtfType) -> tuple[SectionVariable, ...]:
        """Of a DATASEC."""
        places = range(of.at, of.at + of.vlen * t.VAR_SECINFO.size, t.VAR_SECINFO.size)
        words = ((*t.VAR_SECINFO.unpack_from(self.raw, at), at) for at in places)
        return tuple(SectionVariable(kind, offset, size, at) for kind, offset, size, at in words)

    def linkage(self, of: BtfType) -> int:
        """Of a VAR (the word after it) or FUNC (its vlen)."""
        word: int = of.vlen if of.kind is BtfKind.FUNC else t.WORD.unpack_from(self.raw, of.at)[0]
        return word
