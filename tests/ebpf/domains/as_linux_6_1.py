"""Scalars as the log of Linux 6.1 prints them: printing then parsing checks the parser's reading of bounds.

Source: ``print_verifier_state`` in kernel/bpf/verifier.c (6.1); later kernels print as ``str`` of a range does.
"""

from __future__ import annotations

from ebpf.domains import ScalarRange
from ebpf.domains.limits import S32_MAX, S32_MIN, S64_MAX, S64_MIN, U32_MAX, U64_MAX, signed64


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
