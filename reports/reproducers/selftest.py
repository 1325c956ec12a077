"""A stanza for tools/testing/selftests/bpf/progs: what a right kernel would do, in the words of the kernel's own tests."""

from __future__ import annotations

import re

from ebpf.assembly import Dialect, listing
from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec
from ebpf.program import Case
from ebpf.program_types import ProgramType
from reports.records import Finding
from reports.reproducers.c_program import comment, string

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

_CONTENTS = "/* The maps' contents matter to the run: reproducer.c fills them. */"
_JUMP = re.compile(r"goto \+?(-?\d+)$")
_CALL = re.compile(r"^call (\d+)$")
_LD_IMM64, _PSEUDO_MAP_FD, _PSEUDO_MAP_VALUE, _CALL_OPCODE = 0x18, 1, 2, 0x85


def selftest(finding: Finding, case: Case) -> str:
    """The C file."""
    name = re.sub(r"\W+", "_", f"veridiff_{finding.kind.value}_{finding.id}")
    body, operands = _assembly(case)
    lines = [
        "// SPDX-License-Identifier: GPL-2.0",
        f"/* {comment(finding.statement)} */",
        f"/* {comment(finding.signature)}, found on {comment(finding.kernel)} by {comment(finding.provenance.command)} */",
        "#include <linux/bpf.h>",
        "#include <linux/filter.h>",
        "#include <bpf/bpf_helpers.h>",
        '#include "bpf_misc.h"',
        "",
        *(line for index, spec in enumerate(case.program.maps) for line in _map(index, spec)),
        *([_CONTENTS] if any(spec.contents for spec in case.program.maps) else []),
        f"SEC({string(_section(case))})",
        f"__description({string(f'veridiff: {finding.statement}')})",
        *_expectations(finding, case),
        f"__naked void {name}(void)",
        "{",
        "\tasm volatile (",
        *(f'\t"{line}"' for line in body),
        "\t:",
        f"\t: {', '.join(operands)}" if operands else "\t:",
        "\t: __clobber_all);",
        "}",
        "",
        f"char _license[] SEC(\"license\") = {string(case.program.license)};",
    ]
    return "\n".join(lines) + "\n"


def _expectations(finding: Finding, case: Case) -> list[str]:
    """Annotations for what a right kernel does; the message is that of a kernel which refuses it, where one was seen."""
    lines = []
    unprivileged = "_unpriv" if case.capabilities == () else ""
    if finding.should_accept is not None:
        lines.append(f"__success{unprivileged}" if finding.should_accept else f"__failure{unprivileged}")
    elif finding.expected_return is not None:
        lines.append(f"__success{unprivileged}")
    if finding.should_accept is False:
        message = next((verdict.message for verdict in finding.verdicts if verdict.verdict == "reject" and verdict.message), "")
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
    return [*lines, f"}} m{index} SEC(\".maps\");", ""]


def _assembly(case: Case) -> tuple[list[str], list[str]]:
    """Lines of inline assembly, with labels for jumps, and the operands they name, each once."""
    instructions = case.program.instructions
    lines = listing(instructions, Dialect.LLVM)
    slots = [index for index, _ in lines]
    targets: set[int] = set()
    body: list[tuple[int, str]] = []
    operands: dict[str, None] = {}

    for (index, text), insn in zip(lines, [instructions[slot] for slot in slots], strict=True):
        line = _operand(case, index, insn, operands) or text
        if (jump := _JUMP.search(text)) and index + 1 + int(jump[1]) in slots:
            target = index + 1 + int(jump[1])
            targets.add(target)
            line = f"{text[: jump.start()]}goto l{target}_%="
        body.append((index, f"{line};"))
    labelled = [part for index, line in body for part in ([f"l{index}_%=:"] if index in targets else []) + [line]]
    return labelled, list(operands)


def _operand(case: Case, index: int, insn: Insn, operands: dict[str, None]) -> str | None:
    """An instruction whose text needs an operand of the asm statement: a map, a helper, or one that LLVM has no text for."""
    if insn.opcode == _LD_IMM64 and insn.src == _PSEUDO_MAP_FD and 0 <= insn.imm < len(case.program.maps):
        operands[f"__imm_addr(m{insn.imm})"] = None
        return f"r{insn.dst} = %[m{insn.imm}] ll"
    kernel_text = dict(listing(case.program.instructions)).get(index, "")
    if insn.opcode == _CALL_OPCODE and insn.src == 0 and (found := re.match(r"call (bpf_\w+)#", kernel_text)):
        operands[f"__imm({found[1]})"] = None
        return f"call %[{found[1]}]"
    if kernel_text.startswith(".8byte") or (insn.opcode == _LD_IMM64 and insn.src not in (0, _PSEUDO_MAP_FD)):
        raw = f"BPF_RAW_INSN({insn.opcode:#x}, {insn.dst}, {insn.src}, {insn.off}, {insn.imm})"
        operands[f"__imm_insn(insn_{index}, {raw})"] = None
        return f".8byte %[insn_{index}]"
    return None
