"""How an instruction ends a run early."""

from __future__ import annotations

from ebpf.rules import Rule


class Trap(Exception):
    """The current instruction breaks ``rule``."""

    def __init__(self, rule: Rule, detail: str) -> None:
        super().__init__(rule, detail)
        self.rule = rule
        self.detail = detail


class Abstain(Exception):
    """The current instruction needs something that is not modelled."""


class Thrown(Exception):
    """The program ends, from wherever it is, and returns ``result``."""

    def __init__(self, result: int) -> None:
        super().__init__(result)
        self.result = result


class TailCalled(Exception):
    """Another program runs in this one's place, and returns ``result``."""

    def __init__(self, result: int) -> None:
        super().__init__(result)
        self.result = result
