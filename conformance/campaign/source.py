"""Where a campaign's programs come from: Hypothesis, through its public interfaces only.

``fuzz_one_input`` turns bytes into a program without judging it, so that judging can be pipelined.  When a
program turns out to disagree, the same bytes go in again while judging: that saves them to a database in
memory, for Hypothesis to replay and shrink.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar, cast

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis.database import InMemoryExampleDatabase
from hypothesis.strategies import SearchStrategy

from generators.profiles import Profile
from generators.programs import Generated
from generators.strategies import programs

BUFFER = 4096
"""Bytes per program or object: more than the largest one draws."""

_T = TypeVar("_T")


class _Fuzzing(Protocol):
    def fuzz_one_input(self, buffer: bytes, /) -> bytes | None: ...


class _Test(Protocol):
    """What ``@given`` makes of a function, as Hypothesis documents it; its own annotations leave
    ``hypothesis`` out."""

    hypothesis: _Fuzzing

    def __call__(self) -> None: ...


class _StillFails(Exception):
    """Raised inside a Hypothesis test to say that the example shows the disagreement."""


def program_source(profile: Profile) -> Source[Generated]:
    """Programs for one profile."""
    return Source(programs(profile))


class Source(Generic[_T]):
    """What one strategy makes."""

    def __init__(self, strategy: SearchStrategy[_T]) -> None:
        self.strategy = strategy
        self._made: _T | None = None

        @settings(
            database=None, deadline=None, suppress_health_check=list(HealthCheck), verbosity=Verbosity.quiet
        )
        @given(strategy)
        def keep(generated: _T) -> None:
            self._made = generated

        self._fuzz = cast(_Test, keep).hypothesis.fuzz_one_input

    def generate(self, buffer: bytes) -> _T | None:
        """The value that ``buffer`` stands for; None when it is too short for one."""
        self._made = None
        self._fuzz(buffer)
        return self._made

    def shrink(self, buffer: bytes, still_fails: Callable[[_T], bool], seconds: float) -> _T | None:
        """A smaller value of this strategy for which ``still_fails``, found in about ``seconds``; None when
        the first does not."""
        best: _T | None = None
        until = time.monotonic() + seconds

        @settings(
            database=InMemoryExampleDatabase(),
            deadline=None,
            phases=(Phase.reuse, Phase.shrink),
            print_blob=False,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
        )
        @given(self.strategy)
        def judge(generated: _T) -> None:
            nonlocal best
            if time.monotonic() < until and still_fails(generated):
                best = generated
                raise _StillFails

        test = cast(_Test, judge)
        attempts: tuple[Callable[[], object], ...] = (lambda: test.hypothesis.fuzz_one_input(buffer), test)
        for attempt in attempts:
            try:
                attempt()
            except BaseExceptionGroup:
                pass  # Hypothesis wraps a failure that it could not repeat, as when the time is over
            except _StillFails:
                pass
            except Exception as error:
                # Flaky: once the time is over nothing fails any more; what was found until then stands.
                if type(error).__module__.split(".")[0] != "hypothesis":
                    raise
            if best is None:
                # Nothing was saved to shrink from, which Hypothesis calls a skipped test.
                break
        return best
