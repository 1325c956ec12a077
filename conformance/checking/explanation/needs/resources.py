"""What is held: references, locks, sections; and what an exit must return."""

from __future__ import annotations

import re

from conformance.checking.explanation.need import need
from conformance.checking.explanation.refused import OperandRole, Refused
from ebpf.verifier_log.claims import ScalarClaim

RESULT = OperandRole.RESULT
_EXIT = r"At (?:program|subprogram|callback|async callback) (?:exit|return) the register R(?P<reg>\d+) "


def _returned(refused: Refused, match: re.Match[str]) -> str:
    text = f"a value in [{match['low']}, {match['high']}]"
    claim = refused.claim(0)
    if isinstance(claim, ScalarClaim) and not claim.range.is_unknown:
        return text
    return text + ": set it, or mask it, before the exit"


NEEDS = (
    need(
        r"Unreleased reference id=(?P<id>\d+) alloc_insn=(?P<acquired>\d+)",
        "what instruction {acquired} acquired (id {id}) released on this path too",
    ),
    need(
        r"(?P<what>tail_call|BPF_EXIT|bpf_throw|BPF_LD_\S+)(?: instruction)?.* would lead to reference leak",
        "every reference released before the {what}",
    ),
    need(r"(?P<what>.+) cannot be (?:used inside|mixed with) (?P<where>.+)", "{what} outside of any {where}"),
    need(r"bpf_spin_unlock is missing", "the lock released before this, on every path"),
    need(r"bpf_spin_unlock without taking a lock", "a lock that is held on this path"),
    need(r"bpf_spin_unlock of different lock", "the lock that was taken: this is another map value's"),
    need(
        _EXIT + r".*"
        r"should have been in (?:range )?[\[(](?P<low>[^,;]+)[,;] ?(?P<high>[^\])]+)[\])]",
        _returned,
        RESULT,
    ),
    need(_EXIT + r"is not a known value", "a number to return, not a pointer", RESULT),
)
