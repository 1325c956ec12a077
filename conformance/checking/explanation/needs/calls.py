"""Calls: arguments of helpers, kernel functions and subprograms, and who may call what."""

from __future__ import annotations

import re

from conformance.checking.explanation.need import need
from conformance.checking.explanation.refused import Refused
from ebpf.maps import MapType


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


NEEDS = (
    need(r"R(?P<reg>\d+) type=(?P<kind>\S+) expected=(?P<kinds>.*)", _expected),
    need(r"(?:R(?P<reg>\d+) )?invalid zero-sized read", "a size of at least 1: it may be 0"),
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
        r"tracing progs cannot use (?P<what>\w+) yet",
        "a program type that may use {what}: tracing programs may not",
    ),
)
