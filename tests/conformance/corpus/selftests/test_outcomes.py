"""An answer against an expectation: each way to disagree is found, and no answer is no opinion."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.corpus.selftests.messages import ExpectedMessage
from conformance.corpus.selftests.outcomes import SelftestAgreement, compare
from conformance.corpus.selftests.tags import POINTER_VALUE, Expected
from conformance.corpus.selftests.trials import SelftestTrial
from conformance.kernel.jobs import KernelAnswer, Loaded, LossReason, Lost, RunResult
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.program import Case, Program
from ebpf.program_types import ProgramType

CASE = Case(
    Program(ProgramType.SOCKET_FILTER, (Insn(o.ALU64 | o.MOV, 0, 0, 0, 7), Insn(o.JMP | o.EXIT, 0, 0, 0, 0)))
)
REFUSED = Loaded(
    13,
    "0: (bf) r0 = r5\nR5 !read_ok\nprocessed 1 insns (limit 1000000) max_states_per_insn 0 total_states 0\n",
)


def ran(retval: int, errno: int = 0) -> Loaded:
    return Loaded(0, "", runs=(RunResult(errno, retval, b"", b"", ()),))


def outcome(expected: Expected, loaded: Loaded) -> SelftestAgreement:
    trial = SelftestTrial("file", "name", True, expected, CASE, run=expected.retval is not None)
    return compare(trial, KernelAnswer((loaded,)), "7.3").agreement


@pytest.mark.parametrize(
    ("expected", "loaded", "agreement"),
    [
        (Expected(), Loaded(0, ""), SelftestAgreement.AGREE),
        (Expected(), REFUSED, SelftestAgreement.DISAGREE),
        (Expected(success=False), REFUSED, SelftestAgreement.AGREE),
        (Expected(success=False), Loaded(0, ""), SelftestAgreement.DISAGREE),
        (
            Expected(success=False, messages=(ExpectedMessage("R5 !read_ok"),)),
            REFUSED,
            SelftestAgreement.AGREE,
        ),
        (
            Expected(success=False, messages=(ExpectedMessage("R6 !read_ok"),)),
            REFUSED,
            SelftestAgreement.DISAGREE,
        ),
        (
            Expected(success=False, messages=(ExpectedMessage("R5", absent=True),)),
            REFUSED,
            SelftestAgreement.DISAGREE,
        ),
        (Expected(retval=7), ran(7), SelftestAgreement.AGREE),
        (Expected(retval=8), ran(7), SelftestAgreement.DISAGREE),
        (Expected(retval=-1), ran(0xFFFFFFFF), SelftestAgreement.AGREE),
        (Expected(retval=POINTER_VALUE), ran(12345), SelftestAgreement.AGREE),
        (Expected(retval=7), ran(0, errno=22), SelftestAgreement.DISAGREE),
        (Expected(retval=7), Loaded(0, ""), SelftestAgreement.DISAGREE),
        (Expected(success=False), replace(REFUSED, log_truncated=True, errno=28), SelftestAgreement.NONE),
        (
            Expected(success=False, messages=(ExpectedMessage("!read_ok"),)),
            replace(REFUSED, log_truncated=True, errno=28),
            SelftestAgreement.NONE,
        ),
        (Expected(success=False), Loaded(12, ""), SelftestAgreement.NONE),
    ],
)
def test_agreement(expected: Expected, loaded: Loaded, agreement: SelftestAgreement) -> None:
    assert outcome(expected, loaded) is agreement


def test_what_a_kernel_lacks_is_unsupported_and_says_whose_it_is() -> None:
    trial = SelftestTrial("file", "name", True, Expected(), CASE)
    found = compare(trial, KernelAnswer((), missing="bpf_kfunc_call_test1"), "7.3")
    assert (found.agreement, found.detail) == (
        SelftestAgreement.UNSUPPORTED,
        "test module: bpf_kfunc_call_test1",
    )
    found = compare(trial, KernelAnswer((), missing="bpf_get_file_xattr"), "7.3")
    assert (found.agreement, found.detail) == (
        SelftestAgreement.UNSUPPORTED,
        "not in this kernel's BTF: bpf_get_file_xattr",
    )
    assert (
        compare(trial, KernelAnswer((), map_errno=(0, 22)), "7.3").agreement is SelftestAgreement.UNSUPPORTED
    )


def test_a_lost_machine_is_no_opinion() -> None:
    trial = SelftestTrial("file", "name", True, Expected(success=False), CASE)
    assert compare(trial, Lost(LossReason.PANIC, ""), "7.3").agreement is SelftestAgreement.NONE
