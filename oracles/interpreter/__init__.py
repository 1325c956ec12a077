"""The interpreter: a case run on one input, every access checked; RFC 9669 made executable.

It says what a run *returns* or at which instruction it *traps* and which rule it breaks there, or that it
cannot tell. It has never seen the kernel's code for any of this, nor the reference verifier's.
"""

from oracles.interpreter.outcome import Abstained, Outcome, Returned, Step, Trapped
from oracles.interpreter.runs import run

__all__ = ["Abstained", "Outcome", "Returned", "Step", "Trapped", "run"]
