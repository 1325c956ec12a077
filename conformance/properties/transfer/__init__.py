"""Transfer: the kernel's claim after each operation of an experiment, against all inputs that get there.

The explored tree is walked with terms over the packet.  For every scalar the log shows, Z3 is asked for an
input that takes this path and leaves the claim, and for every branch never explored, for one that goes there.
What it finds counts once the interpreter has run it.  Claims are tested, never started from.
"""

from conformance.properties.transfer.judge import KIND, is_asked, judge

__all__ = ["KIND", "is_asked", "judge"]
