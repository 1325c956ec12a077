"""What the reference verifier says of each small program, held against a kernel: it must refuse what is
called unsafe, and where a rule of policy is said to be broken."""

from __future__ import annotations

import pytest

from conformance.kernel.features import probe
from conformance.kernel.jobs import Attempt, Job, KernelVerdict
from conformance.kernel.session import KernelSession
from conformance.kernel.verdicts import judge_answer
from conformance.observing.opinions import THOROUGH, linux, opinion
from tests.oracles.reference.rows import Row
from tests.oracles.reference.test_rows import ROWS

pytestmark = pytest.mark.vm

KERNELS_ARE_WRONG = {"perhaps null for memory or null"}
"""Accepted from 6.1 to 7.3; a run confirmed it, and the details are withheld (docs/known-issues.md,
SECURITY.md)."""

ENDLESS = {"an iterator of one word's bits ends after 64 steps"}
"""To a kernel, which keeps a state per step: a million instructions take minutes under emulation."""


def objects(row: Row, release: str) -> bool:
    """Whether the reference verifier says that such a kernel refuses the program.

    What it says is the row's own words, which tests/oracles/reference holds it to; it is asked here only for
    which kernels the rules of policy bind.
    """
    verdict, *policy = row.says.split("; ")
    if verdict.startswith("unsafe"):
        return True
    return bool(policy) and bool(opinion(row.case(), THOROUGH).refused_by(linux(release)))


def loadable(row: Row) -> bool:
    """A special field of a map's value takes BTF, which rows have not."""
    return row.name not in ENDLESS and not any(spec.fields for spec in row.case().program.maps)


def test_kernels_refuse_what_the_reference_verifier_objects_to(kernel: KernelSession) -> None:
    features = probe(kernel)
    rows = [row for row in ROWS if loadable(row)]
    answers = kernel.run_all([Job(row.case(), (Attempt(run=False),)) for row in rows])
    accepted, judged = set(), 0
    for row, answer in zip(rows, answers, strict=True):
        ruling = judge_answer(answer, 0, features.support(row.case().program))
        if ruling.verdict not in (KernelVerdict.ACCEPT, KernelVerdict.REJECT):
            continue
        if objects(row, features.release):
            judged += 1
            if ruling.verdict is KernelVerdict.ACCEPT:
                accepted.add(row.name)
    assert judged > 150
    assert accepted == KERNELS_ARE_WRONG
