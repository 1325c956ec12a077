"""The line a verifier log ends in when it refuses, and the phase of loading it comes from.  Read from the
end: logs are long."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

from ebpf.rules import Phase

AFTER = re.compile(
    r"verification time \d|stack depth (?:max )?\d|processed \d+ insns|subprog \d+ \(|(?:cur|old) state: "
)
"""Lines that may follow a refusal."""
LOOP = re.compile(r"infinite loop detected at insn \d+")
GLUED = re.compile(r"(?<=.)(?:verification time \d+ usec|processed \d+ insns \(limit).*")
"""Statistics after a message that ends no line ("spilled ptr in range of var-offset stack write", 6.1 to
7.3)."""
WALK = re.compile(
    r"\s*\d+: |from \d+ to \d+|mark_precise: |last_idx \d|regs=|parent |frame ?\d|func#\d|propagating "
    r"|caller:|callee:|;|\s"
    r"|returning from callee:|to caller at|SCC |Live regs|stack use/def|subprog#|topo_order|Func#\d+ "
    r"\('|Validating "
)
"""Lines that tell of the walk; the last of the others is the refusal."""
INSN = re.compile(r"^(\d+): ", re.MULTILINE)
REPORT = re.compile(r"^Verification failed: (.*)$", re.MULTILINE)
REPORT_AT = re.compile(r"^At:\n  insn (\d+)$", re.MULTILINE)
PROCESSED = re.compile(r"^processed (\d+) insns", re.MULTILINE)
ALARMS = ("verifier bug", "verifier internal error", "REG INVARIANTS VIOLATION")
TAIL = 32 << 10
"""Bytes of the log's end that are looked at: enough for the statistics and the longest report of 7.3."""

MESSAGES: tuple[tuple[Phase, str], ...] = (
    (
        Phase.CFG,
        r"unreachable insn \d+|back-edge from insn|jump out of range from insn|jump into the middle of "
        r"ldimm64 insn",
    ),
    (
        Phase.CFG,
        r"last insn is not an exit or jmp|call to invalid destination|recursive call from|loop detected at "
        r"insn",
    ),
    (Phase.WALK, r"BPF program is too large|The sequence of \d+ jumps is too complex|infinite loop detected"),
    (
        Phase.FIXUP,
        r"combined stack size of \d+ calls|the call stack of \d+ frames is too deep !|tail_calls are not "
        r"allowed",
    ),
    (
        Phase.FIXUP,
        r"cannot call exception cb|invalid kernel function call not eliminated|tail_call abusing map_ptr",
    ),
    (
        Phase.FIXUP,
        r"calling kernel functions are not allowed in non-JITed|callbacks are not allowed in non-JITed",
    ),
    (
        Phase.FIXUP,
        r"bpf verifier is misconfigured|insn \d+ cannot be patched|Failed to JIT|BPF-to-BPF calls .* JIT",
    ),
)
"""Which phase says what, where the log's form does not tell (kernel/bpf/verifier.c, Linux 6.12)."""
_MESSAGES = tuple((phase, re.compile(pattern)) for phase, pattern in MESSAGES)


@dataclass(frozen=True, slots=True)
class KernelRefusal:
    """``message`` is the last classic line; ``instruction`` the number of the one refused, where the log
    tells; ``category`` is what 7.3 and later call it ("Memory Safety: Access outside bounds")."""

    message: str
    phase: Phase
    instruction: int | None = None
    category: str | None = None


def find_alarm(log: str) -> str | None:
    """The first line in which the verifier says that it is wrong itself."""
    at = min([found for alarm in ALARMS if (found := log.find(alarm)) >= 0], default=-1)
    if at < 0:
        return None
    return log[log.rfind("\n", 0, at) + 1 :].split("\n", 1)[0].strip()


def find_refusal(log: str) -> KernelRefusal | None:
    """None when the log does not end in a refusal."""
    tail = log[-TAIL:]
    report = _last(REPORT, tail)
    if report is not None and INSN.search(tail, report.end()):
        # That report was about a speculative path, which since 6.17 is fenced off, and the walk went on.
        report = None
    classic = tail[: report.start()] if report else tail
    message = _last_line(classic)
    if message is None:
        return None
    walked = _last(INSN, classic)
    at = REPORT_AT.search(tail, report.end()) if report else None
    phase = _phase(message, tail, walked is not None)
    return KernelRefusal(
        message, phase, _instruction(message, phase, walked, at), report[1] if report else None
    )


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    return deque(pattern.finditer(text), maxlen=1).pop() if pattern.search(text) else None


def _last_line(text: str) -> str | None:
    for line in reversed(text.splitlines()):
        if not line or AFTER.match(line):
            continue
        if not WALK.match(line):
            return GLUED.sub("", line)
        loop = LOOP.search(line)  # 6.1 does not start a line for it
        return loop[0] if loop else None
    return None


def _phase(message: str, tail: str, walked: bool) -> Phase:
    for phase, pattern in _MESSAGES:
        if pattern.match(message):
            return phase
    if walked:
        return Phase.WALK
    processed = PROCESSED.findall(tail)
    # At log level 1 a walk that succeeds leaves nothing behind but its count.
    return Phase.FIXUP if processed and int(processed[-1]) else Phase.LOAD


def _instruction(
    message: str, phase: Phase, walked: re.Match[str] | None, at: re.Match[str] | None
) -> int | None:
    """What the kernel names; else what it walked last, unless it had walked everything by then.

    A loop is found on the way to an instruction, before that is printed.
    """
    if at is not None:
        return int(at[1])
    if walked is not None and phase is Phase.WALK and not LOOP.match(message):
        return int(walked[1])
    named = re.search(r"\binsn (\d+)", message)
    return int(named[1]) if named else None
