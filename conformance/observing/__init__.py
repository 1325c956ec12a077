"""Observing: one question goes out to kernel and oracles, one observation comes back.

Every front door (run, check, replay, the suite, bench) asks through :mod:`conformance.observing.door`; what a
property needs to know it finds in the observation, and asks nobody itself.
"""
