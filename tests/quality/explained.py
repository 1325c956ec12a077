"""Mutants that no test can or should kill, each with its reason."""

from __future__ import annotations

R, I = "oracles/reference/", "oracles/interpreter/"  # noqa: E741 - as short as the table wants them
SYMMETRIC = "equality is the same both ways round"
EXPLAINED: dict[tuple[str, str, str], str] = {
    (I + "environment.py", "self._next = 0xFFFF_8880_1000_0000 + (seed * 0x9E3779B1 & 0xFFFF) * 4096", "Add becomes Sub"):
        "any address that a kernel could give will do",
    (I + "values.py", "LEAVE: Final = -(1 << 40)", "USub dropped"): "any number that is no slot will do",
    (R + "arguments.py", "if equal(pointer.offset, 0) is not True:", "arguments 1 and 2 swapped"): SYMMETRIC,
    (R + "calls.py", "s.registers[6:10] = [UNDEFINED] * 4", "4 becomes 5"): "one entry more, behind R10, that nothing reads",
    (R + "verify.py", "return verify(case, lambda case, rule, at: False, budget, IntervalSolver())", "False becomes True"):
        "nobody is asked: intervals give no model, so there is no witness to confirm",
}
"""By file, source line (stripped) and mutation."""
