"""A ``.BTF`` section built type by type."""

from __future__ import annotations

from collections.abc import Sequence

from ebpf.btf import types as t
from ebpf.btf.reader import Btf
from ebpf.btf.types import BtfKind, Linkage

_SIGNED = 1 << 24


class BtfBuilder:
    """Each method appends a type and gives its id; equal strings are stored once.

    The types of ``base`` come first and keep their ids.
    """

    def __init__(self, base: Btf | None = None) -> None:
        self._base, self._count = (b"", 0) if base is None else (base.type_bytes, len(base) - 1)
        self._types: list[bytes] = []
        self._strings: dict[str, int] = {"": 0}
        self._string_bytes = bytearray(1) if base is None else bytearray(base.string_bytes)

    def string(self, text: str) -> int:
        """The offset of a string."""
        if text not in self._strings:
            self._strings[text] = len(self._string_bytes)
            self._string_bytes += text.encode() + b"\0"
        return self._strings[text]

    def _add(self, kind: BtfKind, name: str, vlen: int, word: int, rest: bytes = b"") -> int:
        self._types.append(t.TYPE.pack(self.string(name), kind << 24 | vlen, word) + rest)
        return self._count + len(self._types)

    def integer(self, name: str, size: int, signed: bool = False) -> int:
        """``int`` and its like."""
        return self._add(BtfKind.INT, name, 0, size, t.WORD.pack((_SIGNED if signed else 0) | size * 8))

    def pointer(self, to: int) -> int:
        """``*``."""
        return self._add(BtfKind.PTR, "", 0, to)

    def array(self, element: int, index: int, count: int) -> int:
        """``element[count]``."""
        return self._add(BtfKind.ARRAY, "", 0, 0, t.ARRAY.pack(element, index, count))

    def struct(self, name: str, size: int, members: Sequence[tuple[str, int, int]]) -> int:
        """``members`` are (name, type, offset in bytes)."""
        rest = b"".join(
            t.MEMBER.pack(self.string(member), kind, offset * 8) for member, kind, offset in members
        )
        return self._add(BtfKind.STRUCT, name, len(members), size, rest)

    def typedef(self, name: str, of: int) -> int:
        """``typedef``."""
        return self._add(BtfKind.TYPEDEF, name, 0, of)

    def function(self, name: str, prototype: int, linkage: Linkage = Linkage.GLOBAL) -> int:
        """A function."""
        return self._add(BtfKind.FUNC, name, linkage, prototype)

    def type_tag(self, text: str, of: int) -> int:
        """A tag that a pointer's target carries."""
        return self._add(BtfKind.TYPE_TAG, text, 0, of)

    def tag(self, text: str, of: int, component: int = -1) -> int:
        """A declaration tag of a type, or of its member or parameter number ``component``."""
        return self._add(BtfKind.DECL_TAG, text, 0, of, t.WORD.pack(component & 0xFFFF_FFFF))

    def prototype(self, result: int, parameters: Sequence[tuple[str, int]] = ()) -> int:
        """A function's type."""
        rest = b"".join(t.PARAM.pack(self.string(name), kind) for name, kind in parameters)
        return self._add(BtfKind.FUNC_PROTO, "", len(parameters), result, rest)

    def variable(self, name: str, kind: int, linkage: Linkage = Linkage.GLOBAL) -> int:
        """A variable."""
        return self._add(BtfKind.VAR, name, 0, kind, t.WORD.pack(linkage))

    def section(self, name: str, size: int, variables: Sequence[tuple[int, int, int]]) -> int:
        """A DATASEC of (variable, offset, size)."""
        rest = b"".join(t.VAR_SECINFO.pack(*each) for each in variables)
        return self._add(BtfKind.DATASEC, name, len(variables), size, rest)

    def build(self) -> bytes:
        """The section."""
        types, strings = self._base + b"".join(self._types), bytes(self._string_bytes)
        return (
            t.HEADER.pack(t.MAGIC, 1, 0, t.HEADER.size, 0, len(types), len(types), len(strings))
            + types
            + strings
        )
