"""The verifier's log: text in, typed events and claims out; and a concrete run followed along what the log
explored.

What a line the parser does not know means is never guessed: it is an ``Unknown`` event, and whoever relies on
the log sees it.
"""

from conformance.kernel.verifier_log.claims import (
    Claim,
    NotUnderstood,
    Pointer,
    Scalar,
    Slot,
    StackObject,
    State,
)
from conformance.kernel.verifier_log.dialect import Dialect
from conformance.kernel.verifier_log.log import Log, parse_log

__all__ = [
    "Claim",
    "Dialect",
    "Log",
    "NotUnderstood",
    "Pointer",
    "Scalar",
    "Slot",
    "StackObject",
    "State",
    "parse_log",
]
