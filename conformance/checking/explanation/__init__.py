"""Explanations: why a kernel refused a program, told from what the kernel itself said.

The refused instruction and what is known there come from the kernel's log, so that a program is explained
that no oracle can judge.  What is not known is not said.
"""
