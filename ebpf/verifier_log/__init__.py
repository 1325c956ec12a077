"""The verifier's log: text in, typed events and claims out; and a concrete run followed along what the log
explored.

What a line the parser does not know means is never guessed: it is an ``Unknown`` event, and whoever relies on
the log sees it.
"""

from ebpf.verifier_log.claims import (
    Claim,
    ClaimedState,
    NotUnderstood,
    PointerClaim,
    ScalarClaim,
    SlotClaim,
    StackObject,
)
from ebpf.verifier_log.dialect import LogDialect
from ebpf.verifier_log.log import Log, parse_log

__all__ = [
    "Claim",
    "ClaimedState",
    "Log",
    "LogDialect",
    "NotUnderstood",
    "PointerClaim",
    "ScalarClaim",
    "SlotClaim",
    "StackObject",
    "parse_log",
]
