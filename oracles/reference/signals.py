"""How a path, or the search, ends early."""

from __future__ import annotations

from ebpf.program import Case
from ebpf.rules import Rule


class PathEnds(Exception):
    """Nothing follows on this path."""


class PathThrows(Exception):
    """The program ends here, from whatever function, with what R1 holds."""


class Unmodelled(Exception):
    """The path uses something that is not modelled; the message names the feature."""


class Proven(Exception):
    """A witness was confirmed."""

    def __init__(self, rule: Rule, at: int, detail: str, case: Case) -> None:
        super().__init__(detail)
        self.rule, self.at, self.detail, self.case = rule, at, detail, case
