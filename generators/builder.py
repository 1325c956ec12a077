"""A program under construction: instructions so far, the state they lead to, and the blocks still open.

Every method that appends an instruction, but `emit_breaking`, also says, by :mod:`generators.transfer`,
what holds after it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache

from ebpf.helper_names import HELPER_NUMBERS
from ebpf.helpers.availability import ALL, is_certain
from ebpf.intent import Intent
from ebpf.isa import opcodes as o
from ebpf.isa.build import REGISTERS, Register, call, call_kfunc, goto_long, load_function, load_typed, mov64
from ebpf.isa.insn import Insn
from ebpf.kfuncs import KFUNCS
from ebpf.kfuncs.prototype import KernelArgKind
from ebpf.maps import MapSpec
from ebpf.program_types import AttachType, ProgramType
from generators.attempts import GenerationAttempt
from generators.profiles import Profile
from generators.resources import SECTIONS
from generators.scopes import Block, OpenLoop, PendingJump, StaticFunction
from generators.state import ANY, GenerationState, Number, entry_state, join
from generators.transfer import HANDLERS, step_wide
from generators.transfer.forgetting import drop, drop_slot, shrink, widen, widen_slot
from generators.transfer.jumps import branch

_WRITE_DST = (o.ALU, o.ALU64, o.LDX)


@dataclass(slots=True)
class Builder:
    """A program for ``type``, so far."""

    type: ProgramType
    profile: Profile
    privileged: bool
    attach_type: AttachType | None = None
    attach_to: str | None = None
    gpl: bool = True
    """Whether helpers for GPL programs only may be called."""
    helpers: bool = False
    """Whether any helper may be called, though hardly any of their results can be foretold."""
    goals: bool = False
    """Whether goals are reached, most of whose results no run foretells."""
    aims: bool = False
    """Whether every callee that there is gets its turn."""
    sleepable: bool = False
    """Whether the program is loaded as one that may sleep."""
    insns: list[Insn] = field(default_factory=list)
    state: GenerationState = field(default_factory=entry_state)
    maps: list[MapSpec] = field(default_factory=list)
    open: list[Block | OpenLoop] = field(default_factory=list)
    """Blocks and loops that later productions belong to, innermost last."""
    exits: list[PendingJump] = field(default_factory=list)
    """Jumps out of the program, to be patched at the end, each with what holds where it is taken."""
    functions: list[StaticFunction] = field(default_factory=list)
    kfuncs: list[tuple[int, str]] = field(default_factory=list)
    """Slots that name something of the kernel's, a function or a variable, and its name."""
    starts: list[int] = field(default_factory=lambda: [0])
    """Slots at which the functions begin, once they are placed."""
    intent: Intent | None = None
    """What a near miss broke."""
    numbers_used: int = 0

    def fresh(self) -> int:
        """A number that no pointer or resource has yet."""
        self.numbers_used += 1
        return self.numbers_used

    def emit(self, insn: Insn) -> int:
        """Append one slot and return its index."""
        insns = self.insns
        insns.append(insn)
        HANDLERS[insn.opcode](self.state, insn, self)
        return len(insns) - 1

    def emit_wide(self, pair: tuple[Insn, Insn]) -> int:
        """Append the two slots of a 64-bit immediate and return the index of the first."""
        self.insns += pair
        step_wide(self.state, *pair, self)
        return len(self.insns) - 2

    def emit_breaking(self, insn: Insn) -> int:
        """Append a slot that breaks a rule and return its index: a number that it writes is any, should a run
        get past it; of its other effects nobody speaks."""
        self.insns.append(insn)
        if insn.opcode & o.CLASS_MASK in _WRITE_DST and insn.dst in REGISTERS:
            dst = REGISTERS[insn.dst]
            if isinstance(self.state.registers.get(dst), Number):
                self.widen(dst)
        return len(self.insns) - 1

    def call_helper(self, name: str) -> int:
        """Append a call by name and return its index."""
        return self.emit(call(name))

    def call_kfunc(self, name: str) -> int:
        """Append a call of a kernel function by name and return its index."""
        if self.profile.machine.verifier_extends:
            # Of an ignored register that a helper's call left, the verifier extends the call, and fails
            # (docs/known-issues.md, zext-of-ignored-argument).
            for register, arg in zip(REGISTERS[1:], KFUNCS[name].args, strict=False):
                if arg.kind is KernelArgKind.IGNORED and register not in self.state.registers:
                    self.emit(mov64(register, 0))
        self.kfuncs.append((len(self.insns), name))
        return self.emit(call_kfunc(len(self.kfuncs) - 1))

    def load_variable(self, register: Register, name: str) -> int:
        """Append a load of the address of a variable of the kernel's by name and return its first slot."""
        self.kfuncs.append((len(self.insns), name))
        return self.emit_wide(load_typed(register, len(self.kfuncs) - 1))

    def branch(self, insn: Insn) -> PendingJump:
        """Append a conditional jump to somewhere later: :meth:`land` says where."""
        self.insns.append(insn)
        return PendingJump(len(self.insns) - 1, branch(self.state, insn))

    def skip(self, insn: Insn) -> PendingJump:
        """Append an unconditional jump to somewhere later."""
        taken = self.state.copy()
        return PendingJump(self.emit(insn), taken)

    def land(self, taken: PendingJump) -> None:
        """Let a branch lead here."""
        self.patch(taken.jump)
        self.state = join(self.state, taken.state)

    def resume(self, taken: PendingJump) -> None:
        """Let a branch, and nothing else, lead here."""
        self.patch(taken.jump)
        self.state = taken.state.copy()

    def patch(self, jump: int) -> None:
        """Make the jump at slot ``jump`` lead here."""
        old, distance = self.insns[jump], len(self.insns) - jump - 1
        if old.opcode == o.JA | o.JMP32:
            self.insns[jump] = goto_long(distance)
        else:
            self.insns[jump] = Insn(old.opcode, old.dst, old.src, distance, old.imm)

    def leave_to_exit(self, insn: Insn) -> None:
        """Append a conditional jump out of the program."""
        self.exits.append(self.branch(insn))

    def call_static(self, function: StaticFunction) -> None:
        """Append a call of a function of the program's own, to be placed behind its end."""
        self.emit(function.call)
        self.functions.append(replace(function, at=len(self.insns) - 1))

    def load_callback(self, register: Register, function: StaticFunction) -> None:
        """Append a load of a function of the program's own, for a helper to call."""
        pair = load_function(register)
        at = self.emit_wide(pair)
        self.functions.append(replace(function, at=at, call=pair[0]))

    def attempt(self) -> GenerationAttempt:
        """A context that undoes what is done in it unless it is kept."""
        return GenerationAttempt(self)

    def drop(self, *registers: Register) -> None:
        """Nobody reads these registers any more before they are written."""
        drop(self.state, registers)

    def widen(self, register: Register, low: int = ANY.low, high: int = ANY.high) -> None:
        """Of the scalar in the register, remember only that it lies between these."""
        widen(self.state, register, Number(low, high))

    def shrink(self, register: Register, size: int) -> None:
        """Of the memory behind the pointer, remember only ``size`` bytes."""
        shrink(self.state, register, size)

    def drop_slot(self, slot: int) -> None:
        """Nobody reads the slot any more before it is written."""
        drop_slot(self.state, slot)

    def widen_slot(self, slot: int) -> None:
        """Remember nothing of the scalar in the slot."""
        widen_slot(self.state, slot)

    def has_helper(self, name: str) -> bool:
        """Whether the program may call it."""
        return _may_call(self.type, self.attach_type, name, self.profile.release, self.privileged)

    @property
    def makes_objects(self) -> bool:
        """Whether a kernel function that is called is about objects of the program's own."""
        return any(name in KFUNCS and KFUNCS[name].object is not None for _, name in self.kfuncs)

    @property
    def may_sleep(self) -> bool:
        """Whether what sleeps may be called here."""
        return self.sleepable and not any(resource.kind in SECTIONS for resource in self.state.held)

    def in_loop(self) -> bool:
        """Whether a loop is open."""
        return any(isinstance(scope, OpenLoop) for scope in self.open)


@cache
def _may_call(
    program_type: ProgramType, attach_type: AttachType | None, name: str, release: str, privileged: bool
) -> bool:
    capabilities = ALL if privileged else ()
    return is_certain(program_type, attach_type, HELPER_NUMBERS[name], release, capabilities)
