"""Which visits pushed a branch, as far as the lines around them tell."""

from __future__ import annotations

from collections import Counter

from ebpf.verifier_log.events import Branch, CallReturn, PrecisionLine, PruneLine, StateLine, Visit
from ebpf.verifier_log.log import Log


def decided_visits(log: Log) -> frozenset[int]:
    """Positions in the log's events of visited jumps of which the verifier followed one way only.

    Only then does it mark the operands precise before it prints the jump's state (check_cond_jmp_op,
    kernel/bpf/verifier.c).
    """
    events = log.events
    found = []
    for index, event in enumerate(events):
        if not isinstance(event, PrecisionLine) or index == 0:
            continue
        visit = events[index - 1]
        if not isinstance(visit, Visit) or visit.state is not None:
            continue
        at = index + 1
        while at < len(events) and isinstance(events[at], PrecisionLine):
            at += 1
        after = events[at] if at < len(events) else None
        if isinstance(after, StateLine) and after.insn == visit.insn:
            found.append(index - 1)
    return frozenset(found)


def always_pushing(log: Log, decided: frozenset[int]) -> frozenset[int]:
    """Instructions popped as often as they are visited undecided: each visit pushed.  Only a log without gaps
    can tell."""
    if not log.whole:
        return frozenset()
    visits: Counter[int] = Counter()
    pops: Counter[int] = Counter()
    returned = speculative = False
    for index, event in enumerate(log.events):
        if isinstance(event, Visit):
            returned = False
            visits[event.insn] += not speculative and index not in decided
        elif isinstance(event, CallReturn):
            returned = True
        elif isinstance(event, Branch | PruneLine) and event.source is not None:
            if not returned:
                speculative = event.speculative
                pops[event.source] += not speculative
            returned = False
    return frozenset(insn for insn, count in pops.items() if count == visits[insn])
