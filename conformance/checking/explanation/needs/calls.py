"""Calls: arguments of helpers, kernel functions and subprograms, and who may call what."""

from __future__ import annotations

import re

from conformance.checking.explanation.need import need
from conformance.checking.explanation.refused import Refused
from ebpf.helpers import ArgKind
from ebpf.maps import MapType
from ebpf.verifier_log.claims import PointerClaim, ScalarClaim


def _expected(refused: Refused, match: re.Match[str]) -> str:
    kinds = [kind.strip() for kind in match["kinds"].split(",") if kind.strip()]
    text = f"one of: {', '.join(kinds)}" if len(kinds) > 1 else f"a {kinds[0]}" if kinds else ""
    if "or_null" in match["kind"] and not any("or_null" in kind for kind in kinds):
        text += f"; null must be excluded before (`if r{match['reg']} == 0`)"
    return text


def _map(refused: Refused, match: re.Match[str]) -> str:
    number = int(match["number"])
    known = {int(each): each.name.lower() for each in MapType}
    return f"a map of a type that {match['helper']} takes: {known.get(number, f'type {number}')} is none"


_MEMORY = frozenset(
    {ArgKind.MEM, ArgKind.MEM_OR_NULL, ArgKind.MEM_RDONLY, ArgKind.MEM_OR_NULL_RDONLY, ArgKind.MEM_UNINIT}
    | {ArgKind.MAP_KEY, ArgKind.MAP_VALUE, ArgKind.MAP_VALUE_OR_NULL, ArgKind.MAP_VALUE_UNINIT}
    | {ArgKind.FIXED_MEM, ArgKind.FIXED_MEM_INOUT, ArgKind.FIXED_MEM_UNINIT}
)


def _packet(refused: Refused) -> int | None:
    return refused.argument(
        _MEMORY, lambda claim: isinstance(claim, PointerClaim) and claim.type.startswith("pkt")
    )


def _special(refused: Refused) -> int | None:
    return refused.argument(frozenset({ArgKind.SPIN_LOCK, ArgKind.TIMER}), lambda _: True)


def _maybe_zero(refused: Refused) -> int | None:
    return refused.argument(
        frozenset({ArgKind.SIZE}), lambda claim: isinstance(claim, ScalarClaim) and not claim.range.umin
    )


NEEDS = (
    need(r"R(?P<reg>\d+) type=(?P<kind>\S+) expected=(?P<kinds>.*)", _expected),
    need(r"(?:R(?P<reg>\d+) )?invalid zero-sized read", "a size of at least 1: it may be 0", _maybe_zero),
    need(
        r"R(?P<reg>\d+) min value is negative, either use unsigned or",
        "a size that is not negative: mask it, or compare it before",
    ),
    need(
        r"R(?P<reg>\d+) unbounded memory access, use",
        "an upper bound of the size: mask it, or compare it (unsigned) with a constant before",
    ),
    need(r"R(?P<reg>\d+) (?:is not|must be) a known constant", "a constant"),
    need(
        r"(?:release \S+(?: \S+)? expects referenced PTR_TO_BTF_ID passed to )?R(?P<reg>\d+)"
        r"(?: must be referenced when passed to release function|$)",
        "an object that was acquired on this path and not released yet",
    ),
    need(
        r"Possibly NULL pointer passed to trusted (?:arg(?P<arg>\d+)|R(?P<reg>\d+))",
        "null excluded on this path: compare it with 0 before",
    ),
    need(
        r"helper access to the packet is not allowed",
        "memory that this helper may read: it takes none of the packet (copy it to the stack)",
        _packet,
    ),
    need(
        r"R(?P<reg>\d+) must have zero offset when passed",
        "the pointer as it was acquired: something was added to it",
    ),
    need(r"get_local_storage\(\) doesn't support non-zero flags", "0 in r2, the flags"),
    need(r"cannot pass map_type (?P<number>\d+) into func (?P<helper>\S+)", _map),
    need(r"fd (?P<fd>-?\d+) is not pointing to valid bpf_map", "the descriptor of a map: {fd} is none"),
    need(
        r"(?:program of this type cannot use helper|unknown func) (?P<name>\S+)",
        "a helper that programs of this type may call: {name} is none",
    ),
    need(r"invalid func (?P<name>\S+)", "a helper of this kernel: it has no {name}"),
    need(
        r"cannot call GPL-restricted function from non-GPL compatible program",
        "a licence compatible with the GPL, which this function asks for",
    ),
    need(
        r"(?:helper call|calling kernel function|kernel function|kfunc) .*not allowed",
        "a function that may be called from here",
    ),
    need(
        r"arg#(?P<arg>\d+) pointer type (?P<type>.*?) must point to (?P<what>.*)",
        "a pointer to {what}: the function's prototype says {type}",
    ),
    need(
        r"kernel function (?P<name>\S+) args#(?P<arg>\d+) expected (?P<what>.*?) but (?P<got>.*)",
        "{what}, but {got}",
    ),
    need(
        r"R(?P<reg>\d+) must be referenced", "an object that was acquired on this path and not released yet"
    ),
    need(r"arg#(?P<arg>\d+) expected (?P<what>.*?)(?:,? but.*)?$", "{what}"),
    need(
        r"invalid kernel function call not eliminated in verifier pass",
        "a kernel function that exists, or code that the verifier can prove is never reached",
    ),
    need(r"function calls are not allowed while holding a lock", "the lock released before the call"),
    need(
        r"missing btf func_info",
        "types of the program's functions (btf and func_info): a function called back has to have one",
    ),
    need(
        r"tail_call is not allowed in subprogs without BTF",
        "types of the program's functions (btf and func_info), or the tail call in the main function",
    ),
    need(
        r"map '(?P<map>.*)' has to have BTF in order to use (?P<what>\w+)",
        "types of the map's value (BTF), with a {what} in it: the map '{map}' has none",
        _special,
    ),
    need(
        r"tracing progs cannot use (?P<what>\w+) yet",
        "a program type that may use {what}: tracing programs may not",
    ),
)
