"""A small honest kernel for programs nobody recorded: it accepts what our interpreter runs without a trap;
its engines agree.

Its log shows the ways that the given inputs take and claims nothing of a value.  It knows no rule that a run
does not break, and no input that was not given: the property transfer, which asks about all of them, rightly
finds it wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from conformance.kernel.jobs import Attempt, Jit, Job, KernelAnswer, Loaded, RunResult
from conformance.properties.registry import PROPERTIES
from ebpf.assembly import listing
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.program import Case
from oracles.interpreter import Outcome, Returned, Step, Trapped, handlers, run
from oracles.interpreter.machine import Handler, Machine

LIMIT = 20_000
ASKS_MORE = ("embedding", "metamorphic")
"""Properties that ask about other programs each time."""
JUDGED = tuple(
    row.kind
    for row in PROPERTIES.values()
    if row.judge and row.in_checks and row.kind not in (*ASKS_MORE, "transfer")
)
"""Properties that the model may be held to."""
Tree = dict[int, "Tree"]
"""Instructions, and what followed each."""


def answer(job: Job) -> KernelAnswer:
    """What a right kernel says."""
    case = (
        job.case
        if isinstance(job.attempts[0].capabilities, str)
        else replace(job.case, capabilities=job.attempts[0].capabilities)
    )
    seen = outcomes(case)
    return KernelAnswer(tuple(_loaded(case, attempt, seen) for attempt in job.attempts))


def outcomes(case: Case) -> list[tuple[Outcome, list[Step]]]:
    """Of every input, with its trace."""
    made = []
    for data in case.inputs:
        trace: list[Step] = []
        made.append((run(case, data, trace=trace, limit=LIMIT), trace))
    return made


def runs(seen: list[tuple[Outcome, list[Step]]]) -> tuple[RunResult, ...]:
    """What an engine gives; nothing of what an input without a result leaves in maps."""
    maps = max((len(outcome.maps) for outcome, _ in seen if isinstance(outcome, Returned)), default=0)
    return tuple(
        RunResult(0, outcome.r0 & 0xFFFF_FFFF, outcome.packet, b"", outcome.maps)
        if isinstance(outcome, Returned)
        else RunResult(0, 0, b"", b"", (None,) * maps)
        for outcome, _ in seen
    )


def _loaded(case: Case, attempt: Attempt, seen: list[tuple[Outcome, list[Step]]]) -> Loaded:
    trap = next((outcome for outcome, _ in seen if isinstance(outcome, Trapped)), None)
    log = (
        "".join(f"{line}\n" for line in _log(case.program.instructions, [trace for _, trace in seen], trap))
        if attempt.log_level
        else ""
    )
    if trap is not None:
        return Loaded(13, log)
    length = 0 if attempt.jit is Jit.OFF else 64
    return Loaded(0, log, jited_length=length, verified=7, runs=runs(seen) if attempt.run else ())


def _log(insns: tuple[Insn, ...], traces: list[list[Step]], trap: Trapped | None) -> Iterator[str]:
    yield "func#0 @0"
    if trap is not None:
        yield "0: R1=ctx() R10=fp0"
        yield f"{trap.at}: (00) refused"
        yield f"R0 {trap.detail}"
    elif all(step.depth == step.frame == 0 for trace in traces for step in trace):
        yield "0: R1=ctx() R10=fp0"
        yield from _walk(insns, traces)
    yield "processed 7 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0"


def _walk(insns: tuple[Insn, ...], traces: list[list[Step]]) -> Iterator[str]:
    tree: Tree = {}
    for trace in traces:
        here = tree
        for step in trace:
            here = here.setdefault(step.at, {})
    lines = dict(listing(insns))
    pending: list[tuple[int, int, Tree]] = [(-1, 0, tree[0])] if tree else []
    while pending:
        source, at, below = pending.pop()
        if source >= 0:
            yield f"\nfrom {source} to {at}: R10=fp0"
            yield f"{at}: R10=fp0"
        while True:
            insn = insns[at]
            computes = insn.opcode & o.CLASS_MASK in (o.ALU, o.ALU64, o.LDX) and insn.dst < 10
            yield f"{at}: ({insn.opcode:02x}) {lines[at]}" + (
                f" ; R{insn.dst}=scalar()" if computes and _is_number(traces, at, insn.dst) else ""
            )
            if not below:
                break
            ways = sorted(below)
            pending += [(at, way, below[way]) for way in ways[1:]]
            at, below = ways[0], below[ways[0]]


def _is_number(traces: list[list[Step]], at: int, register: int) -> bool:
    return all(
        isinstance(step.registers[register], int) for trace in traces for step in trace if step.at == at
    )


@contextmanager
def wrong_operation(*opcodes: int) -> Iterator[None]:
    """Our interpreter gets instructions with these opcodes wrong: the lowest bit of their result is
    flipped."""

    def wrong(handler: Handler) -> Handler:
        def handle(m: Machine, insn: Insn, pc: int) -> int:
            following = handler(m, insn, pc)
            value = m.registers[insn.dst]
            if isinstance(value, int):
                m.registers[insn.dst] = value ^ 1
            return following

        return handle

    def handlers_of(code: tuple[Insn, ...]) -> list[Handler]:
        honest = handlers.handlers_of(code)
        return [
            wrong(each) if insn.opcode in opcodes else each for insn, each in zip(code, honest, strict=True)
        ]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("oracles.interpreter.runs.handlers_of", handlers_of)
        yield
