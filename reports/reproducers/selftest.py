"""A stanza for tools/testing/selftests/bpf/progs: what a right kernel does, in the words of the kernel's own
tests.

The tags are those of bpf_misc.h, read by test_loader.c (Linux 6.12).  It runs programs on its own input: a
result is asserted where that is the witness, or where no input is needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ebpf import casefile
from ebpf.descriptors import with_descriptors
from ebpf.objects.errors import ObjectError
from ebpf.objects.parts import NAMED_FLAGS, section_for
from ebpf.program import Case
from reports.records import Accepts, Finding, Holds, Refuses, Returns, Right, StaysQuiet, Untellable
from reports.reproducers.inline_assembly import NakedFunction, functions
from reports.reproducers.judging import ENGINES, right_of, subject
from reports.reproducers.map_definitions import Inexpressible, definition
from reports.reproducers.text import comment, string

TEST_DATA_LEN = 64
"""Zeroes that test_loader.c runs a program on."""
RUNNER = ENGINES[0].name
"""What runs the programs of the selftests: their configuration (tools/testing/selftests/bpf/config) has the
JIT on."""
_CALLEE = "__attribute__((used)) static __naked __noinline void"
_RAW = '#include "../../../include/linux/filter.h"'
"""As the kernel's own tests have it: BPF_RAW_INSN is not in the header for user space."""


@dataclass(frozen=True, slots=True)
class Asserted:
    """A case, and what is asserted of it: tags, each with its argument in the words of C."""

    case: Case
    tags: tuple[tuple[str, str | None], ...]


def selftest(finding: Finding, case: Case) -> bytes | None:
    """The C file; None where no stanza can say what a right kernel does."""
    asserted = _asserted(right_of(finding), finding, case)
    if asserted is None:
        return None
    program = with_descriptors(asserted.case.program)
    name = re.sub(r"\W+", "_", f"veridiff_{finding.kind}_{finding.id}")
    try:
        section = section_for(program)
        maps = definition(program)
    except (ObjectError, Inexpressible):
        return None
    entry, *callees = functions(program, name)
    raw = any("__imm_insn" in operand for each in (entry, *callees) for operand in each.operands)
    lines = [
        "// SPDX-License-Identifier: GPL-2.0",
        f"/* {comment(finding.statement)} */",
        f"/* {comment(finding.signature)}, found on {comment(finding.kernel)} by "
        f"{comment(finding.provenance.command)} */",
        "#include <linux/bpf.h>",
        "#include <bpf/bpf_helpers.h>",
        *([_RAW] if raw else []),
        '#include "bpf_misc.h"',
        "",
        *maps,
        *(line for callee in callees for line in [*_function(callee, _CALLEE), ""]),
        f"SEC({string(section)})",
        f"__description({string(f'veridiff: {finding.statement}')})",
        *_tags(asserted),
        *_function(entry, "__naked void"),
        "",
        f'char _license[] SEC("license") = {string(program.license)};',
    ]
    return ("\n".join(lines) + "\n").encode()


def _function(function: NakedFunction, kind: str) -> list[str]:
    return [
        f"{kind} {function.name}(void)",
        "{",
        "\tasm volatile (",
        *(f'\t"{line}"' for line in function.lines),
        "\t:",
        f"\t: {', '.join(function.operands)}" if function.operands else "\t:",
        "\t: __clobber_all);",
        "}",
    ]


def _tags(asserted: Asserted) -> list[str]:
    """With the suffix of the unprivileged mode, where the program is for that."""
    case = asserted.case
    suffix = "" if case.capabilities is None else "_unpriv"
    lines = [
        f"__{name}{suffix}" + (f"({argument})" if argument is not None else "")
        for name, argument in asserted.tags
    ]
    if case.capabilities:
        lines.append(f"__caps_unpriv({'|'.join(case.capabilities)})")
    return lines + [f"__flag(BPF_F_{flag.name})" for flag in case.program.flags & ~NAMED_FLAGS]


def _asserted(right: Right, finding: Finding, case: Case) -> Asserted | None:
    return _ROWS[type(right)](right, finding, case)


def _refuses(right: Refuses, finding: Finding, case: Case) -> Asserted:
    """The message is what a kernel says that refuses it, where one was seen."""
    seen = (each.message for each in finding.verdicts if each.verdict == "reject" and right.case is None)
    message = right.message or next(filter(None, seen), "")
    refused = case if right.case is None else casefile.from_plain(right.case)
    return Asserted(refused, (("failure", None), *([("msg", string(message))] if message else [])))


def _accepts(right: Accepts, finding: Finding, case: Case) -> Asserted:
    accepted = case if right.case is None else casefile.from_plain(right.case)
    return Asserted(accepted, (("success", None),))


def _returns(right: Returns, finding: Finding, case: Case) -> Asserted | None:
    if right.engines and RUNNER not in right.engines:
        return None
    if right.alone is not None:
        alone = casefile.from_plain(right.alone.case)
        return Asserted(alone, (("success", None), ("retval", f"{right.alone.value:#x}")))
    case, given = subject(right, case, finding.witness)
    filled = any(spec.contents for spec in case.program.maps)
    if right.entries or right.packet is not None:
        return None
    if given.packet.strip(b"\0") or len(given.packet) != TEST_DATA_LEN or given.context or filled:
        return None
    return Asserted(case, (("success", None), ("retval", f"{right.value:#x}")))


def _holds(right: Holds, finding: Finding, case: Case) -> Asserted | None:
    return None if right.refused is None else _refuses(right.refused, finding, case)


def _quiet(right: StaysQuiet, finding: Finding, case: Case) -> Asserted | None:
    """The selftests load with BPF_F_TEST_REG_INVARIANTS, which makes of an alarm a refusal."""
    accepted = any(each.verdict == "accept" for each in finding.verdicts)
    return Asserted(case, (("success", None),)) if accepted else None


def _nothing(right: Untellable, finding: Finding, case: Case) -> None:
    return None


_ROWS: dict[type[Right], Callable[[Any, Finding, Case], Asserted | None]] = {
    Refuses: _refuses,
    Accepts: _accepts,
    Returns: _returns,
    Holds: _holds,
    StaysQuiet: _quiet,
    Untellable: _nothing,
}
