"""One run of a case on one input, repeated where that tells whether its outcome can be predicted."""

from __future__ import annotations

from dataclasses import replace

from ebpf import rules
from ebpf.program import Case, Input
from oracles.interpreter.environment import DIFFERENT, Addresses, Environment
from oracles.interpreter.handlers import handlers_of
from oracles.interpreter.loops import Repetition
from oracles.interpreter.machine import LEAVE, Handler, Machine, no_callback
from oracles.interpreter.memory import Pointer, Undefined
from oracles.interpreter.outcome import Abstained, Outcome, Returned, Step, Trapped
from oracles.interpreter.signals import Abstain, Thrown, Trap

STEP_LIMIT = 200_000
"""Instructions per run before the interpreter abstains."""


class Execution:
    """The loop that hands each instruction of one run to its handler."""

    __slots__ = ("handlers", "limit", "machine", "steps", "trace")

    def __init__(
        self, machine: Machine, handlers: list[Handler], trace: list[Step] | None, limit: int
    ) -> None:
        self.machine = machine
        self.handlers = handlers
        self.trace = trace
        self.limit = limit
        self.steps = 0

    def run(self) -> Outcome:
        """The outcome; never raises for anything the program does."""
        m = self.machine
        m.run_callback = self.call_back
        m.push_frame(None)
        m.registers[1] = Pointer(m.context, 0)
        try:
            self.execute(0)
            r0 = m.registers[0]
            if isinstance(r0, Undefined):
                raise Trap(rules.NO_RETURN_VALUE, "R0 is not set")
        except Thrown as thrown:
            r0 = thrown.result
        except Trap as trap:
            return Trapped(m.at, trap.rule, trap.detail)
        except Abstain as reason:
            return Abstained(m.at, str(reason))
        finally:
            m.run_callback = no_callback  # or the machine would live on until its circle is collected
        return Returned(m.number(r0), tuple(held.contents() for held in m.maps), bytes(m.packet.data))

    def execute(self, pc: int) -> None:
        """Run from ``pc`` until the frame that is current now exits."""
        m, handlers, trace = self.machine, self.handlers, self.trace
        code = m.code
        repetition = Repetition()
        size = len(code)
        while True:
            m.at = pc
            if not 0 <= pc < size:
                raise Trap(rules.JUMP_OUT_OF_RANGE, f"instruction {pc} of {size}")
            self.steps += 1
            if self.steps > self.limit:
                raise Abstain(f"step limit of {self.limit}")
            frame = len(m.frames)
            following = handlers[pc](m, code[pc], pc)
            if trace is not None:
                if following == LEAVE and frame == 1:
                    trace.append(Step(0, pc, 0, tuple(m.registers), m.frames[0].stack_now()))
                    return
                depth = len(m.frames)
                trace.append(Step(frame - 1, pc, depth - 1, tuple(m.registers), m.frames[-1].stack_now()))
            if following == LEAVE:
                return
            if following <= pc and repetition.seen(m, following):
                raise Trap(rules.INFINITE_LOOP, f"the state is the same as before at instruction {following}")
            pc = following

    def call_back(self, entry: int) -> None:
        """Run the function at slot ``entry`` on behalf of a helper, R1 to R5 set; its result is in R0
        afterwards."""
        m = self.machine
        at = m.at
        m.push_frame(None)
        self.execute(entry)
        m.at = at


def run(
    case: Case,
    data: Input,
    *,
    seed: int = 0,
    addresses: Addresses = Addresses.PLAUSIBLE,
    idle: bool = False,
    trace: list[Step] | None = None,
    limit: int,
) -> Outcome:
    """Run ``case`` on ``data``; with ``trace``, each executed instruction is appended to it.

    A run that drew random bits is unpredictable; ``idle``: they are what they mostly are
    (:class:`Environment`).  One that looked at an address is repeated with others: its outcome is predictable
    when all agree (a pointer compared with null, or stored and overwritten, need not matter).
    """
    environment = Environment(seed, addresses, idle=idle)
    handlers = handlers_of(case.program.instructions)
    outcome = Execution(Machine(case, data, environment), handlers, trace, limit).run()
    if environment.drawn:
        return _unpredictable(outcome)
    if environment.used:
        for other in range(1, DIFFERENT):
            machine = Machine(case, data, Environment(seed + other, addresses, idle=idle))
            again = Execution(machine, handlers, None, limit).run()
            if _essence(again) != _essence(outcome):
                return _unpredictable(outcome)
    return outcome


def _essence(outcome: Outcome) -> Outcome:
    """The outcome without the wording of a trap, which may show an address."""
    return replace(outcome, detail="") if isinstance(outcome, Trapped) else outcome


def _unpredictable(outcome: Outcome) -> Outcome:
    return replace(outcome, predictable=False)
