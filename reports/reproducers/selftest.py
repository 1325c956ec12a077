"""A stanza for tools/testing/selftests/bpf/progs: what a right kernel would do, in the words of the kernel's
own tests."""

from __future__ import annotations

import re

from ebpf.maps import MapSpec
from ebpf.program import Case
from ebpf.program_types import ProgramType
from reports.records import Finding
from reports.reproducers.c_program import comment, string
from reports.reproducers.inline_assembly import NakedFunction, functions

_SECTIONS = {
    ProgramType.SOCKET_FILTER: "socket",
    ProgramType.SCHED_CLS: "tc",
    ProgramType.SCHED_ACT: "action",
    ProgramType.CGROUP_SKB: "cgroup/skb",
    ProgramType.CGROUP_SOCK: "cgroup/sock",
    ProgramType.RAW_TRACEPOINT: "raw_tp",
    ProgramType.LWT_IN: "lwt_in",
    ProgramType.LWT_OUT: "lwt_out",
    ProgramType.LWT_XMIT: "lwt_xmit",
    ProgramType.SOCK_OPS: "sockops",
    ProgramType.SK_LOOKUP: "sk_lookup",
}
"""Section names (libbpf's table) where they are not the type's own name."""

_CALLEE = "__attribute__((used)) static __naked __noinline void"
_CONTENTS = "/* The maps' contents matter to the run: reproducer.c fills them. */"


def selftest(finding: Finding, case: Case) -> str:
    """The C file."""
    name = re.sub(r"\W+", "_", f"veridiff_{finding.kind}_{finding.id}")
    entry, *callees = functions(case.program, name)
    lines = [
        "// SPDX-License-Identifier: GPL-2.0",
        f"/* {comment(finding.statement)} */",
        f"/* {comment(finding.signature)}, found on {comment(finding.kernel)} by "
        f"{comment(finding.provenance.command)} */",
        "#include <linux/bpf.h>",
        "#include <linux/filter.h>",
        "#include <bpf/bpf_helpers.h>",
        '#include "bpf_misc.h"',
        "",
        *(line for index, spec in enumerate(case.program.maps) for line in _map(index, spec)),
        *([_CONTENTS] if any(spec.contents for spec in case.program.maps) else []),
        *(line for callee in callees for line in [*_function(callee, _CALLEE), ""]),
        f"SEC({string(_section(case))})",
        f"__description({string(f'veridiff: {finding.statement}')})",
        *_expectations(finding, case),
        *_function(entry, "__naked void"),
        "",
        f'char _license[] SEC("license") = {string(case.program.license)};',
    ]
    return "\n".join(lines) + "\n"


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


def _expectations(finding: Finding, case: Case) -> list[str]:
    """Annotations for what a right kernel does; the message is that of a kernel which refuses it, where one
    was seen."""
    lines = []
    unprivileged = "_unpriv" if case.capabilities == () else ""
    if finding.should_accept is not None:
        lines.append(f"__success{unprivileged}" if finding.should_accept else f"__failure{unprivileged}")
    elif finding.expected_return is not None:
        lines.append(f"__success{unprivileged}")
    if finding.should_accept is False:
        message = next(
            (
                verdict.message
                for verdict in finding.verdicts
                if verdict.verdict == "reject" and verdict.message
            ),
            "",
        )
        lines += [f"__msg{unprivileged}({string(message)})"] if message else []
    if finding.expected_return is not None:
        lines.append(f"__retval{unprivileged}({finding.expected_return:#x})")
    lines += [f"__flag(BPF_F_{flag.name})" for flag in case.program.flags]
    return lines


def _section(case: Case) -> str:
    section = _SECTIONS.get(case.program.type, case.program.type.name.lower())
    return f"{section}/{case.program.attach_to}" if case.program.attach_to else section


def _map(index: int, spec: MapSpec) -> list[str]:
    lines = [
        "struct {",
        f"\t__uint(type, BPF_MAP_TYPE_{spec.type.name});",
        f"\t__uint(key_size, {spec.key_size});",
        f"\t__uint(value_size, {spec.value_size});",
        f"\t__uint(max_entries, {spec.max_entries});",
    ]
    lines += [f"\t__uint(map_flags, {spec.flags:#x});"] if spec.flags else []
    return [*lines, f'}} m{index} SEC(".maps");', ""]
