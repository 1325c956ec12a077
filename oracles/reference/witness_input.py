"""The input under which a path does what a model says, event by event."""

from __future__ import annotations

import z3

from ebpf.byte_order import ByteOrder
from ebpf.maps import MapSpec
from oracles.reference.events import (
    Chance,
    ContextRead,
    Event,
    LookedUp,
    MapRead,
    MapWritten,
    PacketRead,
    Scripted,
)
from oracles.reference.state import SymbolicState
from oracles.terms.term import Term, to_signed

LONGEST_PACKET = 2048
"""Bytes: more than any witness has needed."""


class WitnessInput:
    """What a run is to find, as far as the events added so far tell; the first that gives a byte counts."""

    def __init__(
        self, maps: tuple[MapSpec, ...], order: ByteOrder, state: SymbolicState, model: z3.ModelRef
    ) -> None:
        self.maps = maps
        self.order = order
        self.model = model
        size = 64 if state.arrived is None else min(self._value(state.arrived.size), LONGEST_PACKET)
        self.metadata = 0 if state.metadata is None else self._value(state.metadata)
        """Bytes of the packet before that to which ``data`` points."""
        self.packet = bytearray(self.metadata + size)
        self.contents: list[dict[bytes, bytearray]] = [
            {key: bytearray(value) for key, value in spec.contents} for spec in maps
        ]
        self.script: list[int] = []
        """Results of helpers, in the order of calls."""
        self._context: dict[int, int] = {}
        self._regions: dict[int, bytearray] = {}
        self._given: set[tuple[int, int]] = set()

    def context(self) -> bytes:
        """The context, as far as the path read it; metadata's length stands where ctx_in has it
        (net/bpf/test_run.c, bpf_prog_test_run_xdp)."""
        if self.metadata:
            ends = (self.metadata, len(self.packet))
            self._context.update(enumerate(b"".join(self.order.bytes(end, 4) for end in ends)))
        return bytes(self._context.get(n, 0) for n in range(max(self._context, default=-1) + 1))

    def add(self, event: Event) -> None:
        """Make the event happen."""
        match event:
            case ContextRead():
                for n, byte in enumerate(self._bytes(event.value, event.size)):
                    self._context.setdefault(event.offset + n, byte)
            case PacketRead():
                at = self.metadata + to_signed(self._value(event.offset), 64)
                if 0 <= at < len(self.packet) and (0, at) not in self._given:
                    self._given.add((0, at))
                    self.packet[at] = self._value(event.value)
            case LookedUp():
                self._look_up(event)
            case MapRead() | MapWritten():
                self._access(event)
            case Scripted():
                self.script.append(self._value(event.value))
            case Chance():
                pass

    def _look_up(self, event: LookedUp) -> None:
        if event.key is None or event.region is None:
            return
        spec = self.maps[event.map]
        key = self._bytes(event.key, spec.key_size)
        value = self.contents[event.map].setdefault(key, bytearray(spec.value_size))
        self._regions[event.region.id] = value

    def _access(self, event: MapRead | MapWritten) -> None:
        held = self._regions.get(event.region.id)
        if held is None and event.region.map is not None and not event.region.key:
            # A direct address points into key 0's value.
            spec = self.maps[event.region.map]
            held = self.contents[event.region.map].setdefault(
                bytes(spec.key_size), bytearray(spec.value_size)
            )
        if held is None or event.value is None:
            return
        at = self._value(event.offset)
        for n, byte in enumerate(self._bytes(event.value, event.size)):
            place = (id(held), at + n)
            if place not in self._given and 0 <= at + n < len(held):
                self._given.add(place)
                if isinstance(event, MapRead):
                    held[at + n] = byte

    def _bytes(self, term: Term, size: int) -> bytes:
        return self.order.bytes(self._value(term) & ((1 << 8 * size) - 1), size)

    def _value(self, term: Term) -> int:
        return term if isinstance(term, int) else int(self.model.eval(term, model_completion=True).as_long())
