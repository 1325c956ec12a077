"""No evidence, no verdict."""

from __future__ import annotations

import errno

import pytest

from conformance.kernel.errnos import ENOTSUPP
from conformance.kernel.jobs import Jit, KernelAnswer, KernelVerdict, Loaded, LossReason, Lost
from conformance.kernel.verdicts import Support, judge, judge_answer
from ebpf.rules import Phase

REFUSED = "0: (95) exit\nR0 !read_ok\nprocessed 1 insns (limit 1000000)\n"
VERIFIED = "processed 1 insns (limit 1000000)\n"
NO_JIT = "calling kernel functions are not allowed in non-JITed programs\n" + VERIFIED


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.E2BIG, errno.EINVAL])
def test_a_refusal_counts_whatever_the_errno(code: int) -> None:
    judgement = judge(Loaded(code, REFUSED))
    assert judgement.verdict is KernelVerdict.REJECT
    assert (judgement.message, judgement.phase, judgement.instruction) == ("R0 !read_ok", Phase.WALK, 0)


@pytest.mark.parametrize(
    ("loaded", "reason"),
    [
        (Loaded(errno.EPERM, ""), "not allowed to load it"),
        (Loaded(errno.EINVAL, ""), "EINVAL before the verifier said anything"),
        (Loaded(errno.ENOSPC, REFUSED), "the log was too small"),
        (Loaded(errno.EACCES, REFUSED, log_truncated=True), "the log was cut"),
        (Loaded(errno.ENOMEM, REFUSED), "the kernel was out of memory"),
        (Loaded(errno.EAGAIN, REFUSED), "the kernel asked to try again"),
        (Loaded(errno.EFAULT, REFUSED), "the verifier failed"),
        (Loaded(errno.EINVAL, "verifier bug: no\n" + REFUSED), "the verifier failed"),
        (Loaded(errno.EINVAL, VERIFIED), "EINVAL, and the log holds no refusal"),
    ],
)
def test_everything_else_is_no_opinion(loaded: Loaded, reason: str) -> None:
    judgement = judge(loaded)
    assert (judgement.verdict, judgement.reason) == (KernelVerdict.NONE, reason)


def test_a_limit_is_a_refusal_though_older_kernels_say_efault() -> None:
    """6.1 on 8,193 jumps that are not yet walked."""
    message = "The sequence of 8193 jumps is too complex."
    log = f"10: (a5) if r6 < 0x2710 goto pc-11\n{message}\nprocessed 65545 insns (limit 1000000)\n"
    judgement = judge(Loaded(errno.EFAULT, log))
    assert (judgement.verdict, judgement.message, judgement.alarm) == (KernelVerdict.REJECT, message, None)
    assert judge(Loaded(errno.EFAULT, "verifier bug: odd\n" + log)).alarm == "verifier bug: odd"


def test_an_acceptance_needs_no_log() -> None:
    assert judge(Loaded(0, "")).verdict is KernelVerdict.ACCEPT
    assert judge(Loaded(0, ""), Support(unclear=("x",))).verdict is KernelVerdict.ACCEPT


def test_an_acceptance_keeps_the_alarm() -> None:
    assert judge(Loaded(0, "verifier bug: odd\n" + VERIFIED)).alarm == "verifier bug: odd"


def test_a_refusal_of_what_the_kernel_lacks_is_none_of_the_programs_fault() -> None:
    judgement = judge(Loaded(errno.EINVAL, REFUSED), Support(missing=("instruction gotox",)))
    assert (judgement.verdict, judgement.reason) == (KernelVerdict.UNSUPPORTED, "instruction gotox")
    judgement = judge(Loaded(errno.EINVAL, REFUSED), Support(unclear=("map type x",)))
    assert judgement.verdict is KernelVerdict.NONE
    assert "map type x" in judgement.reason


def test_what_only_the_jit_can_run_is_no_verdict_without_it() -> None:
    assert judge(Loaded(errno.EINVAL, NO_JIT), jit=Jit.OFF).verdict is KernelVerdict.UNSUPPORTED
    assert judge(Loaded(errno.EINVAL, NO_JIT), jit=Jit.ON).verdict is KernelVerdict.UNSUPPORTED, "it has none"
    assert judge(Loaded(ENOTSUPP, VERIFIED), jit=Jit.OFF).verdict is KernelVerdict.UNSUPPORTED


def test_answers_without_an_attempt() -> None:
    assert judge_answer(Lost(LossReason.PANIC, ""), 0).verdict is KernelVerdict.LOST
    assert judge_answer(KernelAnswer((), missing="bpf_f"), 0).verdict is KernelVerdict.UNSUPPORTED
    assert (
        judge_answer(KernelAnswer((), map_errno=(1, errno.EINVAL)), 0).reason == "map 1 was refused: EINVAL"
    )
    assert (
        judge_answer(KernelAnswer((), map_errno=(-1, errno.EINVAL)), 0).reason
        == "the program's BTF was refused: EINVAL"
    )
    missing = Support(missing=("map type arena",))
    assert (
        judge_answer(KernelAnswer((), map_errno=(0, errno.EINVAL)), 0, missing).verdict
        is KernelVerdict.UNSUPPORTED
    )
    assert judge_answer(KernelAnswer((Loaded(0, ""),)), 0).verdict is KernelVerdict.ACCEPT
