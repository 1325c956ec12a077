"""Where a path is: registers, frames, what it assumed, and what it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import z3

from ebpf.kfuncs import CodeSection
from oracles.reference.events import Event, Happened, MapWritten, Scripted
from oracles.reference.snapshots import Snapshot
from oracles.reference.values import UNDEFINED, FrameStack, Null, SymbolicPointer, SymbolicRegion, Value
from oracles.terms.assumptions import Assumed, conditions
from oracles.terms.term import Term


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """One instruction of a path: the frame it ran in (0: main) and its slot; then, with the frame that is
    current after it ``depth`` deep, the registers, what the path has assumed and what has happened on it."""

    frame: int
    at: int
    depth: int
    registers: tuple[Value, ...]
    assumed: Assumed | None
    happened: Happened | None
    earlier: Walked | None


@dataclass(slots=True)
class Loop:
    """A call back in progress: ``iteration`` of the callback that helper call at ``call`` runs."""

    call: int
    entry: int
    iteration: int
    argument: Value
    extra: object = None


@dataclass(slots=True)
class SymbolicFrame:
    """A function's activation; ``return_to`` is None for the main program.  ``number`` is unique on the
    path."""

    region: SymbolicRegion
    stack: FrameStack
    entry: int
    return_to: int | None = None
    saved: tuple[Value, ...] = ()
    loop: Loop | None = None


@dataclass(slots=True)
class SymbolicState:
    """One path.

    ``model`` satisfies everything in ``assumed`` (None when that is not known).  ``arrived``: the
    packet of the input; ``packet``: what it is now.  ``packet_changed``: its bytes are no longer all those
    of the input.  ``doubted``: what the packet was before tail calls
    that failed, which changed nothing.  ``metadata``: how many bytes lie before the packet, once that
    was asked for.  ``sections``: those that the path is in, oldest first.  ``stored``: (offset, size) of
    what was stored to the context.
    """

    pc: int
    registers: list[Value]
    frames: list[SymbolicFrame]
    assumed: Assumed | None = None
    happened: Happened | None = None
    model: z3.ModelRef | None = None
    fresh: int = 0
    context: dict[tuple[int, int], Value] = field(default_factory=dict)
    packet: SymbolicRegion | None = None
    arrived: SymbolicRegion | None = None
    packet_bytes: dict[int, object] = field(default_factory=dict)
    references: dict[int, tuple[SymbolicRegion, int]] = field(default_factory=dict)
    lock: tuple[int, int] | None = None
    sections: tuple[CodeSection, ...] = ()
    packet_changed: bool = False
    doubted: tuple[SymbolicRegion, ...] = ()
    metadata: Term | None = None
    stored: tuple[tuple[int, int], ...] = ()
    certain: bool = True
    unpredictable: bool = False
    walked: Walked | None = None
    seen: dict[int, Snapshot] = field(default_factory=dict)
    heads: dict[int, Snapshot] = field(default_factory=dict)

    @property
    def frame(self) -> SymbolicFrame:
        """The current function's."""
        return self.frames[-1]

    def fork(self) -> SymbolicState:
        """A copy that goes its own way."""
        frames = [
            SymbolicFrame(
                f.region,
                f.stack.copy(),
                f.entry,
                f.return_to,
                f.saved,
                None
                if f.loop is None
                else Loop(f.loop.call, f.loop.entry, f.loop.iteration, f.loop.argument, f.loop.extra),
            )
            for f in self.frames
        ]
        return replace(
            self,
            registers=list(self.registers),
            frames=frames,
            context=dict(self.context),
            packet_bytes=dict(self.packet_bytes),
            references=dict(self.references),
            seen=dict(self.seen),
            heads=dict(self.heads),
        )

    def assume(self, condition: z3.BoolRef) -> None:
        """Go on only where ``condition`` holds; the model may no longer fit."""
        self.assumed = Assumed(condition, self.assumed)

    def assumptions(self) -> list[z3.BoolRef]:
        """All conditions, the latest first."""
        return conditions(self.assumed)

    def note(self, event: Event) -> None:
        """Remember what a witness must bring about."""
        self.happened = Happened(event, self.happened)

    def events(self) -> list[Event]:
        """All events in order."""
        events: list[Event] = []
        node = self.happened
        while node is not None:
            events.append(node.event)
            node = node.earlier
        return events[::-1]

    def note_result(self, result: Term) -> None:
        """Remember what a call gave that nothing determines."""
        self.note(Scripted(result))

    def note_write(self, region: SymbolicRegion, offset: Term, size: int) -> None:
        """Remember that something unknown is written to a map's value."""
        if region.map is not None:
            self.note(MapWritten(region, offset, size, None))

    def number(self) -> int:
        """A number not used on this path before."""
        self.fresh += 1
        return self.fresh

    def scratch(self) -> None:
        """Forget R1 to R5, as calls do."""
        self.registers[1:6] = [UNDEFINED] * 5

    def snapshot(self) -> Snapshot:
        """The path as it is now."""
        stacks = tuple((frame.region, dict(frame.stack.bytes)) for frame in self.frames)
        held = len(self.references)
        return Snapshot(
            self.assumed, self.happened, self.lock, self.sections, held, tuple(self.registers), stacks
        )

    def rewrite(self, renewed: Callable[[Value], Value]) -> None:
        """Let every register and stored value be what ``renewed`` makes of it, which is its argument where
        nothing changes."""
        self.registers = [renewed(value) for value in self.registers]
        for frame in self.frames:
            frame.saved = tuple(renewed(value) for value in frame.saved)
            stack = frame.stack.bytes
            made: dict[int, Value] = {}
            for offset, (value, n, size) in list(stack.items()):
                # One object for all bytes of a stored value: reads look for identity.
                new = made.setdefault(id(value), renewed(value))
                if new is not value:
                    stack[offset] = (new, n, size)

    def resolve(self, change: dict[int, Value | None]) -> None:
        """Rewrite every pointer that awaits the null check numbered in ``change``: to the value given, or,
        for None, to the same pointer checked."""

        def renewed(value: Value) -> Value:
            if isinstance(value, SymbolicPointer | Null) and value.check in change:
                new = change[value.check]
                if new is not None:
                    return new
                if isinstance(value, SymbolicPointer):
                    return SymbolicPointer(value.region, value.offset, None, value.end, value.reference)
            return value

        self.rewrite(renewed)
