"""Every job gets its answer, in order, whatever happens to the machines: shown with machines that fail on
command."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.kernel.jobs import KernelAnswer, LossReason, Lost
from conformance.kernel.session import WINDOW_JOBS, KernelSession
from ebpf.errors import InfrastructureError
from tests.conformance.kernel.cases import job, returning
from tests.conformance.kernel.fake_guest import Fate, Rack

SECONDS = 0.05


def session_of(rack: Rack) -> KernelSession:
    return KernelSession(rack.boot, job_seconds=SECONDS, boot_seconds=SECONDS)


def run(session: KernelSession, count: int) -> list[KernelAnswer | Lost]:
    return session.run_all([job(returning(value)) for value in range(count)])


def check(results: list[KernelAnswer | Lost], guilty: Collection[int] = ()) -> None:
    for value, got in enumerate(results):
        if value in guilty:
            assert isinstance(got, Lost)
        else:
            assert isinstance(got, KernelAnswer), (value, got)
            assert got.attempts[0].runs[0].retval == value


@pytest.mark.parametrize("room", [1, 100, 1 << 16])
def test_answers_come_in_order(room: int) -> None:
    rack = Rack(room=room)
    with session_of(rack) as session:
        session._job_seconds = 10
        check(run(session, 30))
        assert (session.boots, session.losses) == (1, [])
        assert session.hello.release == "0.0-fake"
    assert rack.guests[0].closed


def test_more_jobs_than_the_window() -> None:
    rack = Rack()
    with session_of(rack) as session:
        check(run(session, 3 * WINDOW_JOBS))
        assert session.boots == 1


@pytest.mark.parametrize(
    ("fate", "reason"),
    [(Fate.DIE, LossReason.PANIC), (Fate.HANG, LossReason.HANG), (Fate.GARBAGE, LossReason.PROTOCOL)],
)
def test_the_job_to_blame_is_named_and_no_other(fate: Fate, reason: LossReason) -> None:
    rack = Rack(lambda value: fate if value == 7 else Fate.FINE)
    with session_of(rack) as session:
        results = run(session, 20)
        check(results, {7})
        assert results[7] == Lost(reason, "last words")
        assert [(loss.reason, loss.named, loss.culprit) for loss in session.losses] == [(reason, True, 7)]
        assert "job 7" in str(session.losses[0])
    assert all(guest.closed for guest in rack.guests)


def test_a_loss_that_no_job_repeats_is_recorded_without_a_name() -> None:
    deaths = iter([True])
    rack = Rack(lambda value: Fate.DIE if value == 3 and next(deaths, False) else Fate.FINE)
    with session_of(rack) as session:
        check(run(session, 10))
        assert [loss.named for loss in session.losses] == [False]
        assert str(session.losses[0]).startswith("panic: none of the ")
        assert session.boots == 2


def test_suspects_are_replayed_one_by_one() -> None:
    rack = Rack(lambda value: Fate.DIE if value == 5 else Fate.FINE)
    with session_of(rack) as session:
        check(run(session, 8), {5})
    assert rack.guests[1].jobs[-1] == 5


def test_after_a_splat_the_machine_is_not_used_again() -> None:
    rack = Rack(lambda value: Fate.SPLAT if value == 4 else Fate.FINE)
    with session_of(rack) as session:
        results = run(session, 10)
        check(results)
        assert isinstance(results[4], KernelAnswer)
        assert results[4].splats == ("WARNING: something",)
        assert (session.boots, session.losses) == (2, [])
    assert rack.guests[1].jobs == [5, 6, 7, 8, 9]


def test_an_answer_to_another_job_is_a_loss() -> None:
    once = iter([Fate.WRONG_ID])
    rack = Rack(lambda value: next(once, Fate.FINE) if value == 2 else Fate.FINE)
    with session_of(rack) as session:
        check(run(session, 5))
        assert session.losses[0].reason is LossReason.PROTOCOL


def test_a_machine_that_never_boots_is_an_infrastructure_error() -> None:
    rack = Rack()

    def boot_dead() -> object:
        guest = rack.boot()
        guest.dead = LossReason.PANIC
        return guest

    with pytest.raises(InfrastructureError, match="last words"):
        KernelSession(boot_dead, job_seconds=SECONDS, boot_seconds=SECONDS).run(job(returning(1)))  # type: ignore[arg-type]
    assert all(guest.closed for guest in rack.guests)


def test_results_can_be_taken_while_jobs_are_submitted() -> None:
    with session_of(Rack()) as session:
        seen = []
        session.submit(job(returning(0)), 0)
        for tag, got in session.results():
            assert isinstance(got, KernelAnswer)
            seen.append(tag)
            if len(seen) < 5:
                session.submit(job(returning(len(seen))), len(seen))
        assert seen == [0, 1, 2, 3, 4]


def test_time_the_caller_was_away_is_not_held_against_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("conformance.kernel.session.time.monotonic", lambda: now[0])
    rack = Rack(room=1)
    with session_of(rack) as session:
        session.hello  # noqa: B018 (boots)
        session._job_seconds = 2
        session.submit(job(returning(0)), 0)
        now[0] += 100
        session._pump(0.0)
        assert session.losses == []
        now[0] += 1
        session._pump(0.0)
        assert session.losses == []


def test_run_refuses_to_mix_with_jobs_in_flight() -> None:
    with session_of(Rack()) as session:
        session.submit(job(returning(0)), 0)
        with pytest.raises(RuntimeError):
            session.run(job(returning(1)))
        assert len(list(session.results())) == 1


@settings(deadline=None)
@given(st.lists(st.sampled_from(list(Fate) + [Fate.FINE] * 5), max_size=12), st.sampled_from([50, 1 << 16]))
def test_no_fate_loses_an_answer(fates: list[Fate], room: int) -> None:
    rack = Rack(lambda value: fates[value], room)
    with KernelSession(rack.boot, job_seconds=0.005, boot_seconds=1) as session:
        if room > 50:
            check(
                run(session, len(fates)),
                {v for v, fate in enumerate(fates) if fate not in (Fate.FINE, Fate.SPLAT)},
            )
        else:
            assert len(run(session, len(fates))) == len(fates)
    assert all(guest.closed for guest in rack.guests)
