"""Transformations: changes of a program that keep what it does.

Each takes a case and gives the changed one, or None where it does not fit; all places that fit are changed at
once, so that a smaller program is changed as a larger one was.
"""

from ebpf.transformations.table import TRANSFORMATIONS, Keeps, Transformation

__all__ = ["TRANSFORMATIONS", "Keeps", "Transformation"]
