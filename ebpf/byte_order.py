"""The order of a number's bytes: a property of a machine, and so of its programs, objects and types."""

from __future__ import annotations

import struct
from enum import Enum
from typing import Final, Literal

ByteOrderWord = Literal["little", "big"]
"""As ``int.from_bytes`` and ``int.to_bytes`` want it."""


class ByteOrder(Enum):
    """As ``int.from_bytes`` and case files name it."""

    LITTLE = "little"
    BIG = "big"

    @property
    def word(self) -> ByteOrderWord:
        """For ``int.from_bytes`` and ``int.to_bytes``."""
        return "little" if self is ByteOrder.LITTLE else "big"

    def layout(self, fields: str) -> struct.Struct:
        """A structure without padding, in :mod:`struct`'s letters."""
        return struct.Struct(("<" if self is ByteOrder.LITTLE else ">") + fields)

    def number(self, data: bytes | bytearray | memoryview, *, signed: bool = False) -> int:
        """The number that ``data`` holds."""
        return int.from_bytes(data, self.word, signed=signed)

    def bytes(self, number: int, size: int, *, signed: bool = False) -> bytes:
        """``number`` in ``size`` bytes.  Raises OverflowError when it does not fit."""
        return number.to_bytes(size, self.word, signed=signed)


OBJECT_ORDER: Final = ByteOrder.LITTLE
"""Of every ELF object and its types that is written or read: the only one that has been tried."""
