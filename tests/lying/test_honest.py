"""Nobody is accused who told the truth: every recorded answer of a right kernel, and every way in which one
says nothing."""

from __future__ import annotations

import errno
from collections.abc import Iterable

import pytest

from conformance.kernel.jobs import KernelVerdict
from conformance.observing.observation import Observation
from conformance.properties.judgement import Agreement, Disagreement, Judgement
from conformance.properties.registry import PROPERTIES
from generators.programs import Purpose
from tests.lying import lies
from tests.lying.asking import judgements_of
from tests.lying.lies import Lie
from tests.lying.model import ASKS_MORE
from tests.lying.recorded import Recorded, everything

OF_PROGRAMS = tuple(row.kind for row in PROPERTIES.values() if row.judge and row.kind not in ASKS_MORE)
"""Properties that judge a recorded answer alone; what asks about other programs each time has tests of its
own."""
SILENCES: dict[str, Lie] = {
    "ENOSPC": lies.refused(errno.ENOSPC, "0: (b7) r0 = 0\n", truncated=True),
    "ENOSPC, no log": lies.refused(errno.ENOSPC),
    "ENOMEM": lies.refused(errno.ENOMEM),
    "EAGAIN": lies.refused(errno.EAGAIN),
    "EPERM, no log": lies.refused(errno.EPERM),
    "EINVAL, no log": lies.refused(errno.EINVAL),
    "a refusal cut short": lies.refused(errno.EACCES, "0: (b7) r0 = 0\nR2 !read_ok\n", truncated=True),
    "verified, then EINVAL": lies.refused(errno.EINVAL, lies.PROCESSED),
}
"""Ways to refuse that are no verdict."""
CUTS: dict[str, Lie] = {
    "no log": lies.no_log, "no end": lies.truncated_tail, "no beginning": lies.truncated_head,
    "runs fail": lies.both(*(lies.attempt(n, lies.every_run(lies.test_run_fails)) for n in range(3))),
}  # fmt: skip
"""Ways to accept and tell less than was asked."""


def judged(seen: Observation, kind: str) -> list[Judgement]:
    return judgements_of(kind, seen)


def accusations(seen: Observation, kinds: Iterable[str] = OF_PROGRAMS) -> list[Disagreement]:
    return [j for kind in kinds for j in judged(seen, kind) if isinstance(j, Disagreement)]


def records() -> list[Recorded]:
    found = list(everything())
    assert len(found) > 100
    return found


@pytest.mark.parametrize("record", records(), ids=lambda record: record.name)
def test_no_honest_answer_is_accused(record: Recorded) -> None:
    assert accusations(record.seen()) == []


def test_every_property_agrees_often() -> None:
    """Silence is not agreement: each property has compared something in most of the cases it is about."""
    accepted = [record for record in records() if record.seen().accepted]
    agreed = {
        kind: sum(any(isinstance(j, Agreement) for j in judged(record.seen(), kind)) for record in records())
        for kind in OF_PROGRAMS
    }
    assert len(accepted) > 40
    assert agreed["health"] == len(records())
    # A mutated program may pass a map update flags that no oracle models: its runs have no outcome, and
    # nothing is said of them.
    assert len(accepted) - 3 <= agreed["soundness"] <= agreed["bounds"] == len(accepted)
    assert agreed["execution"] > 0.8 * len(accepted)
    assert agreed["rule"] > 0.95 * sum(record.generated.purpose is Purpose.NEAR_MISS for record in records())


@pytest.mark.parametrize("silence", SILENCES)
def test_no_verdict_is_no_agreement_and_no_accusation(silence: str) -> None:
    for record in records():
        seen = record.seen(SILENCES[silence](record.answer))
        assert seen.ruling.verdict is KernelVerdict.NONE
        assert accusations(seen) == []
        for kind in ("soundness", "rule", "execution", "bounds"):
            assert not any(isinstance(j, Agreement) for j in judged(seen, kind)), kind


@pytest.mark.parametrize("cut", CUTS)
def test_what_is_missing_accuses_nobody(cut: str) -> None:
    for record in records():
        if record.seen().accepted:
            assert accusations(record.seen(CUTS[cut](record.answer))) == []


def test_without_a_log_nothing_agrees_with_it() -> None:
    for record in records():
        if record.seen().accepted:
            seen = record.seen(lies.no_log(record.answer))
            assert not any(isinstance(j, Agreement) for j in judged(seen, "bounds"))


def test_engines_that_did_not_run_did_not_agree() -> None:
    for record in records():
        if record.seen().accepted:
            seen = record.seen(CUTS["runs fail"](record.answer))
            assert not any(isinstance(j, Agreement) for j in judged(seen, "execution"))


def test_a_log_cut_anywhere_accuses_nobody() -> None:
    for record in records()[::7]:
        if not record.seen().accepted:
            continue
        log = record.answer.attempts[0].log
        for end in range(0, len(log), max(1, len(log) // 23)):
            for told in (True, False):
                answer = lies.cut_at(end, told)(record.answer)
                assert accusations(record.seen(answer)) == [], (record.name, end)
