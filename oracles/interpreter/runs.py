"""One run of a case on one input, repeated where that tells whether its outcome can be predicted."""

from __future__ import annotations

from dataclasses import replace

from ebpf.program import Case, Input
from oracles.interpreter.environment import Addresses, Environment
from oracles.interpreter.machine import Machine
from oracles.interpreter.outcome import Outcome, Step, Trapped

STEP_LIMIT = 200_000
"""Instructions per run before the interpreter abstains."""


def run(
    case: Case,
    data: Input,
    *,
    seed: int = 0,
    addresses: Addresses = Addresses.PLAUSIBLE,
    trace: list[Step] | None = None,
    limit: int = STEP_LIMIT,
) -> Outcome:
    """Run ``case`` on ``data``; with ``trace``, each executed instruction is appended to it.

    A run that drew random bits is unpredictable.  One that looked at an address is repeated with others: its
    outcome is predictable when all agree (a pointer compared with null, or stored and overwritten, need not
    matter).
    """
    environment = Environment(seed, addresses)
    outcome = Machine(case, data, environment, trace, limit).run()
    if environment.drawn:
        return _unpredictable(outcome)
    if environment.used:
        for other in range(1, 8):
            again = Machine(case, data, Environment(seed + other, addresses), None, limit).run()
            if _essence(again) != _essence(outcome):
                return _unpredictable(outcome)
    return outcome


def _essence(outcome: Outcome) -> Outcome:
    """The outcome without the wording of a trap, which may show an address."""
    return replace(outcome, detail="") if isinstance(outcome, Trapped) else outcome


def _unpredictable(outcome: Outcome) -> Outcome:
    return replace(outcome, predictable=False)
