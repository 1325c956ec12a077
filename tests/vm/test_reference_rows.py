"""What the reference verifier says of each small program, held against a kernel: it must refuse what is
called unsafe, and where a rule of policy is said to be broken."""

from __future__ import annotations

import pytest

from conformance.kernel.features import probe
from conformance.kernel.jobs import Attempt, Job, KernelVerdict
from conformance.kernel.session import KernelSession
from conformance.kernel.verdicts import judge_answer
from conformance.observing.opinions import THOROUGH, linux, opinion
from oracles.reference import ReferenceAnswer, ReferenceVerdict
from tests.oracles.reference.rows import Row
from tests.oracles.reference.test_rows import ROWS

pytestmark = pytest.mark.vm

KERNELS_ARE_WRONG = {"perhaps null for memory or null"}
"""Accepted from 6.1 to 7.3; a run confirmed it, and the details are withheld (docs/known-issues.md,
SECURITY.md)."""


def objects(answer: ReferenceAnswer, release: str) -> bool:
    """Whether the answer says that such a kernel refuses the program."""
    return answer.verdict is ReferenceVerdict.UNSAFE or bool(answer.refused_by(linux(release)))


def loadable(row: Row) -> bool:
    """A special field of a map's value takes BTF, which rows have not."""
    return not any(spec.fields for spec in row.case().program.maps)


def test_kernels_refuse_what_the_reference_verifier_objects_to(kernel: KernelSession) -> None:
    features = probe(kernel)
    rows = [row for row in ROWS if loadable(row)]
    answers = kernel.run_all([Job(row.case(), (Attempt(run=False),)) for row in rows])
    accepted, judged = set(), 0
    for row, answer in zip(rows, answers, strict=True):
        ruling = judge_answer(answer, 0, features.support(row.case().program))
        mine = opinion(row.case(), THOROUGH)
        judged += ruling.verdict in (KernelVerdict.ACCEPT, KernelVerdict.REJECT) and objects(
            mine, features.release
        )
        if ruling.verdict is KernelVerdict.ACCEPT and objects(mine, features.release):
            accepted.add(row.name)
    assert judged > 150
    assert accepted == KERNELS_ARE_WRONG
