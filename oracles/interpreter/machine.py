"""The machine: registers, frames, and the loop that hands each instruction to its handler."""

from __future__ import annotations

from typing import NoReturn

from ebpf import rules
from ebpf.isa.opcodes import STACK_SIZE
from ebpf.maps import MapType
from ebpf.program import Case, Input
from ebpf.rules import Rule
from oracles.interpreter.arena import user_pointer
from oracles.interpreter.context import ContextRegion, build_context
from oracles.interpreter.environment import Environment
from oracles.interpreter.frames import MAX_FRAMES, CallFrame
from oracles.interpreter.handlers import handler_of
from oracles.interpreter.loops import Repetition
from oracles.interpreter.maps import Map, build_maps
from oracles.interpreter.memory import Region
from oracles.interpreter.outcome import Abstained, Outcome, Returned, Step, Trapped
from oracles.interpreter.resources import Resources
from oracles.interpreter.signals import Abstain, Trap
from oracles.interpreter.values import LEAVE, U64, UNDEFINED, Pointer, Undefined, Value

PERFMON = {"CAP_PERFMON", "CAP_SYS_ADMIN"}
"""Either lets a program read stack bytes that were never written (include/linux/bpf.h,
bpf_allow_uninit_stack)."""


class Machine:
    """One run of one case on one input."""

    __slots__ = (
        "at",
        "code",
        "code_region",
        "context",
        "environment",
        "frames",
        "handlers",
        "inner",
        "limit",
        "maps",
        "packet",
        "packet_lost",
        "privileged",
        "program",
        "registers",
        "resources",
        "script",
        "steps",
        "trace",
    )

    def __init__(
        self, case: Case, data: Input, environment: Environment, trace: list[Step] | None, limit: int
    ) -> None:
        self.program = case.program
        self.code = case.program.instructions
        self.handlers = [handler_of(insn) for insn in self.code]
        self.environment = environment
        self.privileged = case.capabilities is None or not PERFMON.isdisjoint(case.capabilities)
        self.maps: list[Map] = build_maps(case.program.maps, environment)
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
        self.trace = trace
        self.steps = 0
        self.at = 0
        self.limit = limit

    def run(self) -> Outcome:
        """The outcome; never raises for anything the program does."""
        self.push_frame(None)
        self.registers[1] = Pointer(self.context, 0)
        try:
            self.execute(0)
            r0 = self.registers[0]
            if isinstance(r0, Undefined):
                raise Trap(rules.NO_RETURN_VALUE, "R0 is not set")
        except Trap as trap:
            return Trapped(self.at, trap.rule, trap.detail)
        except Abstain as reason:
            return Abstained(self.at, str(reason))
        return Returned(self.number(r0), tuple(m.contents() for m in self.maps), bytes(self.packet.data))

    def execute(self, pc: int) -> None:
        """Run from ``pc`` until the frame that is current now exits."""
        code, handlers, trace = self.code, self.handlers, self.trace
        repetition = Repetition()
        size = len(code)
        while True:
            self.at = pc
            if not 0 <= pc < size:
                raise Trap(rules.JUMP_OUT_OF_RANGE, f"instruction {pc} of {size}")
            self.steps += 1
            if self.steps > self.limit:
                raise Abstain(f"step limit of {self.limit}")
            frame = len(self.frames)
            following = handlers[pc](self, code[pc], pc)
            if trace is not None:
                if following == LEAVE and frame == 1:
                    trace.append(Step(0, pc, 0, tuple(self.registers), self.frames[0].stack_now()))
                    return
                depth = len(self.frames)
                trace.append(
                    Step(frame - 1, pc, depth - 1, tuple(self.registers), self.frames[-1].stack_now())
                )
            if following == LEAVE:
                return
            if following <= pc and repetition.seen(self, following):
                raise Trap(rules.INFINITE_LOOP, f"the state is the same as before at instruction {following}")
            pc = following

    def push_frame(self, return_to: int | None) -> None:
        """Enter a function: R6 to R10 become its own."""
        depth = len(self.frames)
        if depth == MAX_FRAMES:
            self.trap(rules.CALL_DEPTH, f"call depth {depth + 1}")
        stack = Region(
            f"fp[{depth}]" if depth else "fp",
            bytearray(STACK_SIZE),
            self.environment.base(STACK_SIZE),
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
                rules.NO_RETURN_VALUE if self.code[self.at].opcode == 0x95 else rules.UNINITIALISED_REGISTER
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

    def call_back(self, entry: int) -> None:
        """Run the function at slot ``entry`` on behalf of a helper, R1 to R5 set; its result is in R0
        afterwards."""
        at = self.at
        self.push_frame(None)
        self.execute(entry)
        self.at = at

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
            self.inner[id(outer)] = Map(outer.spec.inner, len(self.maps) + len(self.inner), self.environment)
        return self.inner[id(outer)]

    def move_packet(self, reason: str, *, keep: bool = False) -> None:
        """After a helper that may move the packet, pointers to it are numbers; without ``keep`` its contents
        are unknown too."""
        old = self.packet
        old.gone = rules.SCALAR_DEREFERENCE
        self.packet = Region("packet", old.data, self.environment.base(len(old.data)), old.bounds)
        if not keep:
            self.packet_lost = reason
            self.environment.drawn = True

    def check_packet(self) -> None:
        """Abstain where the packet is not known any more."""
        if self.packet_lost:
            raise Abstain(f"the packet after {self.packet_lost}")

    def direct_value(self, chosen: Map, offset: int) -> Value:
        """What a ``ld_imm64`` with BPF_PSEUDO_MAP_VALUE gives: into an array, key 0's value
        (kernel/bpf/arraymap.c), into an instruction array its jump table (kernel/bpf/bpf_insn_array.c), of an
        arena the address in user space."""
        if chosen.spec.type is MapType.ARENA:
            return user_pointer(self, offset)
        if chosen.spec.type is MapType.INSN_ARRAY:
            return Pointer(chosen.jump_table(self.code_region), offset)
        region = (
            chosen.lookup((0).to_bytes(4, "little"))
            if chosen.spec.type is MapType.ARRAY and chosen.modelled()
            else None
        )
        if region is None:
            raise Abstain(f"a direct value of a {chosen.spec.type.name.lower()} map")
        return Pointer(region, offset)

    def trap(self, rule: Rule, detail: str) -> NoReturn:
        """Stop here."""
        raise Trap(rule, detail)
