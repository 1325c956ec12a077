"""Helpers on strings (kernel/bpf/helpers.c: __bpf_strtoull, bpf_strncmp; Linux 6.12)."""

from __future__ import annotations

from errno import EINVAL, ERANGE

from oracles.interpreter.arithmetic import U64
from oracles.interpreter.helpers.arguments import Call
from oracles.interpreter.helpers.memory import readable
from oracles.interpreter.machine import Machine
from oracles.interpreter.memory import Pointer, Value
from oracles.interpreter.signals import Abstain

BASES = frozenset({0, 8, 10, 16})
SPACES = b" \t\n\v\f\r\xa0"
"""isspace of lib/ctype.c."""
_DIGITS = "0123456789abcdef"


def _parse(text: bytes, base: int) -> tuple[bool, int, int] | None:
    """(negative, magnitude, bytes consumed), or None where no number is there."""
    at = 0
    while at < len(text) and text[at] in SPACES:
        at += 1
    negative = text[at : at + 1] == b"-"
    at += negative
    body = text[at:].split(b"\0")[0].decode("latin-1").lower()
    base, prefix = _base(body, base)
    digits = ""
    for character in body[prefix:]:
        if character not in _DIGITS[:base]:
            break
        digits += character
    if not digits:
        return None
    return negative, int(digits, base), at + prefix + len(digits)


def _base(body: str, base: int) -> tuple[int, int]:
    """The base and how many characters say it (lib/kstrtox.c: _parse_integer_fixup_radix)."""
    hexadecimal = body.startswith("0x") and len(body) > 2 and body[2] in _DIGITS
    if base == 0:
        base = 16 if hexadecimal else 8 if body.startswith("0") else 10
    return base, 2 if base == 16 and body.startswith("0x") else 0


def _number(m: Machine, call: Call, *, signed: bool) -> Value:
    size, flags = m.number(call.values[1]) & 0xFFFF_FFFF, m.number(call.values[2])
    text = readable(m, call.values[0], size, "R1")
    (target,) = call.written
    source = call.values[0]
    if (
        isinstance(source, Pointer)
        and source.region is target.region
        and source.offset < target.at + 8
        and target.at < source.offset + size
    ):
        raise Abstain("a number's place in its own text: kernels since 6.12 clear it first")
    target.fill(bytes(8))
    if flags & 0x1F not in BASES or flags & ~0x1F:
        return -EINVAL & U64
    parsed = _parse(text, flags & 0x1F)
    if parsed is None or (parsed[0] and not signed):
        return -EINVAL & U64
    negative, magnitude, consumed = parsed
    if magnitude > U64 or (signed and magnitude > (1 << 63) - (not negative)):
        return -ERANGE & U64
    target.fill(((-magnitude if negative else magnitude) & U64).to_bytes(8, m.word))
    return consumed


def strtol(m: Machine, call: Call) -> Value:
    """bpf_strtol(buf, buf_len, flags, res): how many bytes it understood."""
    return _number(m, call, signed=True)


def strtoul(m: Machine, call: Call) -> Value:
    """bpf_strtoul(buf, buf_len, flags, res)."""
    return _number(m, call, signed=False)


def strncmp(m: Machine, call: Call) -> Value:
    """bpf_strncmp(s1, s1_sz, s2): the sign of the first difference."""
    first = readable(m, call.values[0], m.number(call.values[1]) & 0xFFFF_FFFF, "R1")
    other = call.values[2]
    assert isinstance(other, Pointer)
    second = bytes(other.region.data[other.offset :])
    for a, b in zip(first, second, strict=False):
        if a != b or not a:
            return (a > b) - (a < b) & U64
    return 0
