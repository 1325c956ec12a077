"""Terms: numbers and Z3 expressions in one, what instructions compute over them, and questions about them.

The floor under the reference verifier, the path machine and claims: it knows of no program and no kernel.
"""
