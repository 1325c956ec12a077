"""Terms: numbers and Z3 expressions in one, what instructions compute over them, and questions about them.

The floor under the reference verifier, the path machine and claims: it knows of no program and no kernel.
"""

import z3

z3.z3.Z3_DEBUG = False
"""Terms are built by the hundred thousand, by code that mypy has read: that each argument is of its kind is
not checked again.  Errors of the solver itself are still raised."""
