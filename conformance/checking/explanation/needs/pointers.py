"""Registers and pointers: values, kinds, null, arithmetic."""

from __future__ import annotations

import re

from conformance.checking.explanation.need import need
from conformance.checking.explanation.refused import OperandRole, Refused

OFFSET_LIMIT = 1 << 29
"""BPF_MAX_VAR_OFF, include/linux/bpf_verifier.h."""
DESTINATION, SOURCE = OperandRole.DESTINATION, OperandRole.SOURCE


def _number(refused: Refused, _: re.Match[str]) -> str:
    if refused.stale:
        return "the packet pointer loaded and compared anew: a call since may have changed the packet"
    return "a pointer to memory: a number is not one, whatever it was made of"


_CHECK = "null excluded on this path: `if r{reg} == 0` before it, with this on the other way"

NEEDS = (
    need(r"R(?P<reg>\d+) !read_ok", "a value: none was put into it on this path, or a call took it"),
    need(r"R(?P<number>\d+) is invalid", "a register from r0 to r10: there is no r{number}"),
    need(r"frame pointer is read only", "another register: r10 is never written"),
    need(r"R(?P<reg>\d+) invalid mem access '(?P<kind>\S*or_null\S*)'", _CHECK),
    need(r"R(?P<reg>\d+) invalid mem access '(?:scalar|inv|unknown)'", _number),
    need(
        r"R(?P<reg>\d+) invalid mem access '(?P<kind>[^']*)'",
        "a pointer to memory that programs may access themselves: a {kind} is not",
    ),
    need(
        r"R(?P<reg>\d+) pointer arithmetic on (?P<kind>\S+) prohibited, null-check it first",
        _CHECK + ": nothing may be added to it before",
    ),
    need(
        r"R(?P<reg>\d+) pointer arithmetic on (?P<kind>\S+) prohibited",
        "the {kind} as it is: there is no arithmetic on it",
    ),
    need(
        r"R(?P<reg>\d+) tried to subtract pointer from scalar",
        "the pointer on the left of the subtraction: a number minus a pointer is neither",
    ),
    need(
        r"R(?P<reg>\d+) pointer \+= pointer prohibited",
        "a number to add: the sum of two pointers points nowhere",
    ),
    need(
        r"R(?P<reg>\d+) subtraction from stack pointer prohibited",
        "an addition, of a negative number: `r{reg} += -N`",
    ),
    need(
        r"R(?P<reg>\d+) (?P<what>bitwise operator (?P<sign>\S+) on pointer|32-bit pointer arithmetic|pointer "
        r"arithmetic with (?P<operator>\S+) operator) prohibited",
        "64-bit addition or subtraction, the only arithmetic on pointers",
    ),
    need(
        r"math between (?P<kind>\S+) pointer and register with unbounded min value is not allowed",
        f"a lower bound within {OFFSET_LIMIT} of 0, the kernel's limit: mask it, or compare it signed",
        SOURCE,
    ),
    need(
        r"math between (?P<kind>\S+) pointer and (?P<value>-?\d+) is not allowed",
        f"at most {OFFSET_LIMIT} either way, the kernel's limit of an offset: it is {{value}}",
        SOURCE,
    ),
    need(
        r"(?P<kind>\S+) pointer offset (?P<value>-?\d+) is not allowed",
        f"an offset of at most {OFFSET_LIMIT} either way, the kernel's limit: it is {{value}}",
        DESTINATION,
    ),
    need(
        r"value (?P<value>-?\d+) makes (?P<kind>\S+) pointer be out of bounds",
        f"an offset of at most {OFFSET_LIMIT} either way, the kernel's limit: it may be {{value}}",
        DESTINATION,
    ),
    need(
        r"R(?P<reg>\d+) pointer comparison prohibited",
        "two numbers, or the privilege CAP_PERFMON: a comparison tells where the kernel keeps things",
    ),
    need(
        r"R(?P<reg>\d+) (?:leaks addr(?:ess)?|partial copy of pointer)",
        "a number, or the privilege CAP_PERFMON: a pointer's value would leave the kernel",
    ),
    need(
        r"cannot spill pointers to stack into stack frame of the caller",
        "a number: a pointer to this function's stack would outlive it there",
        SOURCE,
    ),
    need(
        r"cannot return stack pointer to the caller",
        "a value that outlives the function: its stack does not",
        OperandRole.RESULT,
    ),
    need(
        r"same insn cannot be used with different pointers",
        "one kind of pointer here on every path: another path gets here with another kind",
        OperandRole.ADDRESS,
    ),
    need(r"div by zero", "a divisor that is not the constant 0"),
)
