"""Experiments: programs for the property transfer, in which one operation at a time is put to the verifier.

An *experiment* loads one or two unknown words of the packet, shapes each by a few instructions (masks,
comparisons that leave the program, shifts, extensions), does exactly one operation with them, and stores the
result to a map; a program holds a few of them.
"""

from generators.experiments.programs import MAX_EXPERIMENTS, WIDTH, build, is_experiment

__all__ = ["MAX_EXPERIMENTS", "WIDTH", "build", "is_experiment"]
