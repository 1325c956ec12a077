"""Scalars as the kernel's log prints them, in the two dialects that differ.

Sources: ``print_scalar_ranges`` in kernel/bpf/log.c (6.12), ``print_verifier_state`` in kernel/bpf/verifier.c
(6.1). The lying kernel of the tests prints with these, and printing then parsing is how the parser's reading
of bounds is checked.
"""

from __future__ import annotations

from ebpf.domains.limits import S32_MAX, S32_MIN, S64_MAX, S64_MIN, U32_MAX, U64_MAX, signed64
from ebpf.domains.scalar_range import ScalarRange


def _signed(value: int) -> str:
    return str(value) if -32768 <= value <= 32767 else f"{value & U64_MAX:#x}"


def _unsigned(value: int) -> str:
    return str(value) if value <= 65535 else f"{value:#x}"


def _narrow(value: int) -> int:
    """A signed 32-bit bound as log.c passes it on: what will be printed in hex is not sign-extended."""
    return value if -32768 <= value <= 32767 else value & U32_MAX


def print_modern(scalar: ScalarRange) -> str:
    """As Linux 6.4 and later print it: equal bounds share a value (``smin=umin=3``), large values are hex."""
    if scalar.tnum.is_constant:
        return _signed(signed64(scalar.tnum.value))
    bounds = [
        ("smin", scalar.smin, scalar.smin == S64_MIN),
        ("smax", scalar.smax, scalar.smax == S64_MAX),
        ("umin", scalar.umin, scalar.umin == 0),
        ("umax", scalar.umax, scalar.umax == U64_MAX),
        ("smin32", _narrow(scalar.smin32), scalar.smin32 == S32_MIN),
        ("smax32", _narrow(scalar.smax32), scalar.smax32 == S32_MAX),
        ("umin32", scalar.umin32, scalar.umin32 == 0),
        ("umax32", scalar.umax32, scalar.umax32 == U32_MAX),
    ]
    parts = []
    merged: set[int] = set()
    for first, (name, value, omitted) in enumerate(bounds):
        if omitted or first in merged:
            continue
        same = [
            i
            for i in range(first + 2, len(bounds), 2)
            if i not in merged and not bounds[i][2] and bounds[i][1] == value
        ]
        merged.update(same)
        text = _signed(value) if name[0] == "s" else _unsigned(value)
        parts.append("=".join([name, *(bounds[i][0] for i in same), text]))
    if not scalar.tnum.is_unknown:
        parts.append(f"var_off={scalar.tnum}")
    return f"scalar({','.join(parts)})"


def print_6_1(scalar: ScalarRange) -> str:
    """As Linux 6.1 prints it: decimal, a bound left out when it equals its neighbour in another view, all
    32-bit ones with %d."""
    if scalar.tnum.is_constant:
        return str(signed64(scalar.tnum.value))
    bounds = [
        ("smin", scalar.smin, scalar.smin in (scalar.umin, S64_MIN)),
        ("smax", scalar.smax, scalar.smax in (scalar.umax, S64_MAX)),
        ("umin", scalar.umin, scalar.umin == 0),
        ("umax", scalar.umax, scalar.umax == U64_MAX),
        ("var_off", scalar.tnum, scalar.tnum.is_unknown),
        ("s32_min", scalar.smin32, scalar.smin32 in (scalar.smin, S32_MIN)),
        ("s32_max", scalar.smax32, scalar.smax32 in (scalar.smax, S32_MAX)),
        ("u32_min", _as_d(scalar.umin32), scalar.umin32 in (scalar.umin, 0)),
        ("u32_max", _as_d(scalar.umax32), scalar.umax32 in (scalar.umax, U32_MAX)),
    ]
    return f"scalar({','.join(f'{name}={value}' for name, value, omitted in bounds if not omitted)})"


def _as_d(value: int) -> int:
    return value - (1 << 32) if value > S32_MAX else value
