"""The machine: what a run holds, and the primitives that every handler works with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NoReturn

from ebpf import rules
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.isa.opcodes import STACK_SIZE
from ebpf.kfuncs import CodeSection
from ebpf.maps import MapType
from ebpf.program import Case, Input, LoadFlag
from ebpf.rules import Rule
from oracles.interpreter.arena import ArenaRegion
from oracles.interpreter.arithmetic import U64
from oracles.interpreter.context import ContextRegion, build_context
from oracles.interpreter.environment import DOUBLE_WORD, Environment
from oracles.interpreter.frames import MAX_FRAMES, CallFrame
from oracles.interpreter.maps import Map, build_maps
from oracles.interpreter.memory import UNDEFINED, Pointer, Region, Undefined, Value
from oracles.interpreter.resources import Resources
from oracles.interpreter.signals import Abstain, Trap

PERFMON = {"CAP_PERFMON", "CAP_SYS_ADMIN"}
"""Either lets a program read stack bytes that were never written (include/linux/bpf.h,
bpf_allow_uninit_stack)."""

LEAVE: Final = -(1 << 40)
"""What a handler gives for the next slot when the run, or the callback, is over; farther than any jump
reaches."""


class Machine:
    """The state of one run of one case on one input.

    ``run_callback`` runs the function at a slot on behalf of a helper, R1 to R5 set, and leaves its result in
    R0: it is set by what runs the machine, which lies above the handlers.  ``word`` is the order of a
    number's bytes in memory.
    """

    __slots__ = (
        "at",
        "code",
        "code_region",
        "context",
        "environment",
        "frames",
        "inner",
        "maps",
        "packet",
        "packet_lost",
        "privileged",
        "program",
        "registers",
        "resources",
        "run_callback",
        "script",
        "word",
    )

    def __init__(self, case: Case, data: Input, environment: Environment) -> None:
        self.program = case.program
        self.word = case.program.byte_order.word
        self.code = case.program.instructions
        self.environment = environment
        self.privileged = case.capabilities is None or not PERFMON.isdisjoint(case.capabilities)
        self.maps: list[Map] = build_maps(case.program, environment)
        self.inner: dict[int, Map] = {}
        self.resources = Resources()
        self.script = list(reversed(data.helpers))
        self.packet_lost = ""
        self.code_region = Region(
            "code", bytearray(), environment.base(8), rules.MEMORY_BOUNDS, writable=False
        )
        self.packet = Region(
            "packet", bytearray(data.packet), environment.base(len(data.packet)), rules.PACKET_BOUNDS
        )
        self.context: ContextRegion = build_context(case, data, self.packet, environment)
        self.registers: list[Value] = [UNDEFINED] * 11
        self.frames: list[CallFrame] = []
        self.at = 0
        self.run_callback: Callable[[int], None] = no_callback

    def push_frame(self, return_to: int | None) -> None:
        """Enter a function: R6 to R10 become its own."""
        depth = len(self.frames)
        if depth == MAX_FRAMES:
            self.trap(rules.CALL_DEPTH, f"call depth {depth + 1}")
        stack = Region(
            f"fp[{depth}]" if depth else "fp",
            bytearray(STACK_SIZE),
            self.environment.base(STACK_SIZE, DOUBLE_WORD),
            rules.STACK_BOUNDS,
            defined=False,
        )
        self.frames.append(CallFrame(stack, return_to, self.registers[6:11]))
        self.registers[6:10] = [UNDEFINED] * 4
        self.registers[10] = Pointer(stack, STACK_SIZE)

    def pop_frame(self) -> int:
        """Leave the current function; the slot to go on at, or LEAVE when the caller is not the program."""
        frame = self.frames.pop()
        self.registers[6:11] = frame.saved
        return LEAVE if frame.return_to is None else frame.return_to

    def number(self, value: Value) -> int:
        """``value`` as 64 bits; an address counts as unpredictable."""
        if isinstance(value, int):
            return value
        if isinstance(value, Pointer):
            self.environment.used = True
            return value.address
        raise Trap(rules.UNINITIALISED_REGISTER, "a register is read that was never written")

    def read(self, register: int) -> Value:
        """The register's content; traps when it has none."""
        value = self.registers[register]
        if isinstance(value, Undefined):
            rule = (
                rules.NO_RETURN_VALUE
                if self.code[self.at].opcode == o.EXIT | o.JMP
                else rules.UNINITIALISED_REGISTER
            )
            raise Trap(rule, f"R{register} was never written, or not since the last call")
        return value

    def write(self, register: int, value: Value) -> None:
        """Set the register; R10 is read-only."""
        if register == 10:
            raise Trap(rules.FRAME_POINTER_WRITTEN, "R10 is read-only")
        self.registers[register] = value

    def scratch(self, register: int) -> None:
        """Forget the register, as a call does."""
        self.registers[register] = UNDEFINED

    def scratched(self, count: int) -> list[Value]:
        """``count`` registers without content."""
        return [UNDEFINED] * count

    def scripted(self) -> int | None:
        """The next scripted helper result, or None when the script is at its end."""
        return self.script.pop() & U64 if self.script else None

    def script_left(self) -> int:
        """How many scripted results are left."""
        return len(self.script)

    def map_at(self, value: Value) -> Map | None:
        """The map that ``value`` points to."""
        for candidate in (*self.maps, *self.inner.values()):
            if isinstance(value, Pointer) and value.region is candidate.handle and value.offset == 0:
                return candidate
        return None

    def inner_map(self, outer: Map) -> Map:
        """A map that a lookup in a map of maps gives."""
        if id(outer) not in self.inner:
            assert outer.spec.inner is not None
            self.inner[id(outer)] = Map(
                outer.spec.inner, len(self.maps) + len(self.inner), self.environment, self.word
            )
        return self.inner[id(outer)]

    def move_packet(self, reason: str, *, keep: bool = False) -> None:
        """After a helper that may change the packet, pointers into it are stale, whatever the helper did;
        without ``keep`` its contents are unknown too."""
        old = self.packet
        old.gone = rules.STALE_PACKET_POINTER
        self.packet = Region("packet", old.data, self.environment.base(len(old.data)), old.bounds)
        if not keep:
            self.packet_lost = reason
            self.environment.drawn = True

    def check_packet(self) -> None:
        """Abstain where the packet is not known any more."""
        if self.packet_lost:
            raise Abstain(f"the packet after {self.packet_lost}")

    def in_rcu(self) -> bool:
        """Whether this is inside an RCU read-side critical section, as a program that never sleeps always
        is."""
        return LoadFlag.SLEEPABLE not in self.program.flags or CodeSection.RCU in self.resources.sections

    def arena(self) -> ArenaRegion:
        """The program's arena, of which it may have one; a program without one has no use for its casts."""
        for chosen in self.maps:
            if chosen.spec.type is MapType.ARENA:
                if chosen.arena is None:
                    chosen.arena = ArenaRegion(self.environment.user_address())
                return chosen.arena
        self.trap(rules.ARENA_MISSING, "no map of the program is an arena")

    def trap(self, rule: Rule, detail: str) -> NoReturn:
        """Stop here."""
        raise Trap(rule, detail)


Handler = Callable[[Machine, Insn, int], int]
"""Executes the instruction at a slot and gives the next slot, or LEAVE."""


def no_callback(entry: int) -> None:
    """What runs callbacks of a machine that nothing runs."""
    raise Abstain("a callback of a machine that nothing runs")
