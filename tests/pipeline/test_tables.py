"""Rows 1, 3 and 16: what a program type may call and access, by our tables and by the kernel, for every
pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from conformance.kernel.features import probe
from conformance.kernel.session import KernelSession
from ebpf.contexts import AccessRefusal, ctx_access
from ebpf.helper_names import HELPER_NUMBERS as N
from ebpf.helpers import PROTOTYPES, prototype_for
from ebpf.helpers.availability import gpl_refusal, refusal, sleep_refusal
from ebpf.helpers.by_type import UNCERTAIN
from ebpf.program_types import AttachType
from ebpf.program_types import ProgramType as T
from ebpf.releases import at_least
from tests.pipeline.sweeps import OUTSIDE, PLAIN, UNAVAILABLE, Asked, accesses, attached_calls, calls, said

pytestmark = pytest.mark.vm

BY_CONFIGURATION = {
    (T.KPROBE, N["override_return"]): "CONFIG_BPF_KPROBE_OVERRIDE, which Debian's cloud kernels lack",
    (
        T.LWT_SEG6LOCAL,
        N["skb_pull_data"],
    ): "taken away by a fix that some stable kernels of a series have and others have not",
}
"""Pairs of which the version alone does not tell; our table says that they are allowed, and so accuses
nobody."""


NOT_BUILT = {T.LIRC_MODE2: "CONFIG_BPF_LIRC_MODE2, which Debian's cloud kernels lack"}


@pytest.fixture(scope="module")
def release(kernel: KernelSession) -> str:
    found = probe(kernel).release
    if not at_least(found, "6.1"):
        pytest.skip(f"the tables begin with Linux 6.1, and this is {found}")
    return found


def differing(kernel: KernelSession, release: str, every: list[Asked]) -> Iterator[tuple[T, str, str]]:
    """(type, helper, who allows it) of each pair on which kernel and table differ."""
    for asked, errno, log in said(kernel, every):
        assert isinstance(asked.about, int)
        if (errno and not log.strip()) or (asked.type, asked.about) in BY_CONFIGURATION:
            continue
        prototype = PROTOTYPES[asked.about]
        kernels = not errno or UNAVAILABLE.search(log) is None
        ours = refusal(asked.type, asked.case.program.attach_type, asked.about, release, None) is None
        # 6.1 says of a helper that may sleep that it is unknown to a program that may not.
        if kernels != ours and sleep_refusal(prototype, asked.case.program.flags) is None:
            yield asked.type, prototype.name, "kernel" if kernels else "table"


def test_rows_01_and_16_every_type_and_helper(kernel: KernelSession, release: str) -> None:
    every = list(calls())
    judged = Counter(asked.type for asked, errno, log in said(kernel, every) if not errno or log.strip())
    assert set(judged) == set(PLAIN) - set(NOT_BUILT)
    assert min(judged.values()) == len(PROTOTYPES)
    assert list(differing(kernel, release, every)) == []


def test_rows_01_and_16_types_that_are_attached_and_helpers(kernel: KernelSession, release: str) -> None:
    every = [asked for asked in attached_calls() if (asked.type, asked.about) not in UNCERTAIN]
    judged = Counter(asked.type for asked, errno, log in said(kernel, every) if not errno or log.strip())
    has_netfilter = at_least(release, "6.4")
    assert judged.keys() == {T.TRACING, T.LSM} | ({T.NETFILTER} if has_netfilter else set())
    assert min(judged.values()) > 200
    assert list(differing(kernel, release, every)) == []


def test_row_01_a_wrong_line_of_the_table_is_noticed(kernel: KernelSession, release: str) -> None:
    """By the table for another kernel: helpers have come since, and where they have not, the kernel is that
    one's older."""
    other = "5.0" if at_least(release, "6.2") else "7.3"
    assert len(list(differing(kernel, other, list(calls())))) > 50


Table = Callable[[T, tuple[int, int, bool], AttachType | None, str], bool]


def allowed(kind: T, about: tuple[int, int, bool], attach: AttachType | None, release: str) -> bool:
    """By our table."""
    return not isinstance(ctx_access(kind, attach, *about, True, release), AccessRefusal)


def misplaced(
    kernel: KernelSession, release: str, every: list[Asked], table: Table
) -> tuple[Counter[T], list[object]]:
    """How many were judged of each type, and those of which kernel and table differ."""
    judged: Counter[T] = Counter()
    differ: list[object] = []
    for asked, errno, log in said(kernel, every):
        assert not isinstance(asked.about, int)
        if errno and not log.strip():
            continue
        judged[asked.type] += 1
        kernels = not errno or OUTSIDE.search(log) is None
        if kernels != table(asked.type, asked.about, asked.case.program.attach_type, release):
            differ.append((asked.type, asked.about, log))
    return judged, differ


def test_rows_01_and_16_every_type_and_place_in_its_context(kernel: KernelSession, release: str) -> None:
    every = list(accesses())
    judged, differ = misplaced(kernel, release, every, allowed)
    assert differ == []
    assert judged == Counter(asked.type for asked in every if asked.type not in NOT_BUILT)
    assert judged.total() > 20_000


def test_row_01_one_wrong_line_of_a_context_is_noticed(kernel: KernelSession, release: str) -> None:
    """The mark of a packet said to be unreadable, and the byte behind the context readable."""
    wrong = {(8, 4, False), (192, 1, False)}

    def planted(kind: T, about: tuple[int, int, bool], attach: AttachType | None, release: str) -> bool:
        return allowed(kind, about, attach, release) != (about in wrong)

    _, differ = misplaced(kernel, release, list(accesses((T.SCHED_CLS,))), planted)
    assert {about for _, about, _ in differ} == wrong  # type: ignore[has-type,misc]  # rows of three


def test_row_03_gpl_only_helpers_need_a_gpl_licence(kernel: KernelSession, release: str) -> None:
    """Of every type that may call the helper at all."""
    every = [
        asked
        for asked in calls(license="Proprietary")
        if isinstance(asked.about, int)
        and (asked.type, asked.about) not in BY_CONFIGURATION
        and refusal(asked.type, asked.case.program.attach_type, asked.about, release, None) is None
        and sleep_refusal(PROTOTYPES[asked.about], asked.case.program.flags) is None
    ]
    wrong, refused = [], 0
    for asked, errno, log in said(kernel, every):
        assert isinstance(asked.about, int)
        if errno and not log.strip():
            continue
        kernels = (
            "cannot call GPL-restricted function from non-GPL compatible program" in log
            or "cannot call GPL only" in log
        )
        refused += kernels
        prototype = prototype_for(asked.about, asked.type)
        assert prototype is not None
        if kernels != (gpl_refusal(prototype, "Proprietary") is not None):
            wrong.append((asked.type, PROTOTYPES[asked.about].name, log))
    assert refused > 100
    assert wrong == []
