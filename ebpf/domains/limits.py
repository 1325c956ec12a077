"""The limits of the four views of a 64-bit value (kernel: include/linux/limits.h), and the ways between the
views."""

from __future__ import annotations

from typing import Final

U64_MAX: Final = (1 << 64) - 1
S64_MIN: Final = -(1 << 63)
S64_MAX: Final = (1 << 63) - 1
U32_MAX: Final = (1 << 32) - 1
S32_MIN: Final = -(1 << 31)
S32_MAX: Final = (1 << 31) - 1


def signed64(value: int) -> int:
    """The low 64 bits of ``value``, read as two's complement."""
    value &= U64_MAX
    return value - (1 << 64) if value > S64_MAX else value


def signed32(value: int) -> int:
    """The low 32 bits of ``value``, read as two's complement."""
    value &= U32_MAX
    return value - (1 << 32) if value > S32_MAX else value
