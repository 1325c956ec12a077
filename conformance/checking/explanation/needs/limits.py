"""Limits of the kernel: what is refused for its size or depth, though nothing about it is wrong."""

from __future__ import annotations

from conformance.checking.explanation.need import need

NEEDS = (
    need(
        r"BPF program is too large\. Processed (?P<count>\d+) insn",
        "at most 1,000,000 instructions to walk in all (BPF_COMPLEXITY_LIMIT_INSNS): a limit of the kernel",
    ),
    need(
        r"The sequence of (?P<count>\d+) jumps is too complex",
        "fewer branches left open at once than 8,192 (BPF_COMPLEXITY_LIMIT_JMP_SEQ): a limit of the kernel",
    ),
    need(
        r"combined stack size of (?P<calls>\d+) calls is (?P<bytes>\d+)\. Too large",
        "at most 512 bytes of stack in a chain of {calls} calls: it has {bytes}",
    ),
    need(
        r"the call stack of (?P<frames>\d+) frames is too deep",
        "fewer than {frames} frames (MAX_CALL_FRAMES)",
    ),
    need(
        r"infinite loop detected at insn (?P<at>\d+)",
        "a state that changes from one turn of the loop to the next",
    ),
    need(
        r"back-edge from insn (?P<source>\d+) to (?P<target>\d+)",
        "no jump back to {target}: loops need the privilege CAP_BPF, or a newer kernel",
    ),
    need(r"loop detected at insn (?P<at>\d+)", "no jump back: this kernel takes no such loop"),
    need(r"recursive call from", "calls without a circle: the verifier bounds the stack by their depth"),
    need(
        r"tail_calls are not allowed when call stack of previous frames is (?P<bytes>\d+) bytes",
        "less than 256 bytes of stack in the functions that lead to a tail call: there are {bytes}",
    ),
    need(r"tail_calls are not allowed in (?P<what>.*)", "no tail call there: {what}"),
)
