"""Paths: what a program computes along one path from its start, as terms over the input.

A :class:`PathMachine` is driven from outside, instruction by instruction, along a path somebody else chose;
where an instruction is not one it knows, it says so and the path is judged no further.  With numbers for the
input it is a fast interpreter of that path.
"""

from oracles.paths.machine import NotModelled, PathMachine
from oracles.paths.solver import Nothing, refuted, solve
from oracles.paths.values import PointerTo, symbols

__all__ = ["NotModelled", "Nothing", "PathMachine", "PointerTo", "refuted", "solve", "symbols"]
