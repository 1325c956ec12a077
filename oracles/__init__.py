"""Oracles judge cases without a kernel.

The interpreter runs a case on one input and says what happens; the reference verifier decides over all
inputs.  Each may abstain, with a reason; an abstention is never an answer.  They share ``ebpf`` and nothing
else.
"""
