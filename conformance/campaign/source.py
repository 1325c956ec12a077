"""Where a campaign's programs come from: Hypothesis, through its public interfaces only.

``fuzz_one_input`` turns bytes into a program without judging it, so that judging can be pipelined.  When a program turns out to
disagree, the same bytes go in again while judging: that saves them to a database in memory, for Hypothesis to replay and shrink.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, cast

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis.database import InMemoryExampleDatabase

from generators.profiles import Profile
from generators.programs import Generated
from generators.strategies import programs

BUFFER = 4096
"""Bytes per program: more than the largest one draws."""


class _Fuzzing(Protocol):
    def fuzz_one_input(self, buffer: bytes, /) -> bytes | None: ...


class _Test(Protocol):
    """What ``@given`` makes of a function, as Hypothesis documents it; its own annotations leave ``hypothesis`` out."""

    hypothesis: _Fuzzing

    def __call__(self) -> None: ...


class _StillFails(Exception):
    """Raised inside a Hypothesis test to say that the example shows the disagreement."""


class Source:
    """Programs for one profile."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._made: Generated | None = None

        @settings(database=None, deadline=None, suppress_health_check=list(HealthCheck), verbosity=Verbosity.quiet)
        @given(programs(profile))
        def keep(generated: Generated) -> None:
            self._made = generated

        self._fuzz = cast(_Test, keep).hypothesis.fuzz_one_input

    def generate(self, buffer: bytes) -> Generated | None:
        """The program that ``buffer`` stands for; None when it is too short for one."""
        self._made = None
        self._fuzz(buffer)
        return self._made

    def shrink(self, buffer: bytes, still_fails: Callable[[Generated], bool], seconds: float) -> Generated | None:
        """A smaller program of this profile for which ``still_fails``, found in about ``seconds``; None when the first does not."""
        best: Generated | None = None
        until = time.monotonic() + seconds

        @settings(
            database=InMemoryExampleDatabase(), deadline=None, phases=(Phase.reuse, Phase.shrink), print_blob=False,
            report_multiple_bugs=False, suppress_health_check=list(HealthCheck), verbosity=Verbosity.quiet,
        )  # fmt: skip
        @given(programs(self.profile))
        def judge(generated: Generated) -> None:
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
