"""From what a kernel answered to what that says of the program.

A verdict needs evidence that the verifier spoke: a log that ends in a refusal, whatever the errno.
Everything else that is not an acceptance is no opinion, and says why.
"""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass

from conformance.kernel.errnos import ENOTSUPP, errno_name
from conformance.kernel.jobs import Jit, KernelAnswer, KernelVerdict, Loaded, Lost
from conformance.kernel.refusals import find_alarm, find_refusal
from ebpf.rules import Phase

NO_VERDICT = {
    errno.ENOSPC: "the log was too small",
    errno.ENOMEM: "the kernel was out of memory",
    errno.EAGAIN: "the kernel asked to try again",
    errno.EINTR: "the load was interrupted",
}
NEEDS_JIT = re.compile(r".*non-JITed|JIT (?:is required|does not support)")
"""Refusals of what the kernel's interpreter cannot run, and so no opinion of the verifier's
(kernel/bpf/verifier.c and core.c)."""

LIMITS = re.compile(r"The sequence of \d+ jumps is too complex")
"""Refusals for which older kernels give EFAULT, else the verifier's own failure: push_stack gave up, and its
callers took that for a lack of memory (kernel/bpf/verifier.c, Linux 6.1)."""


@dataclass(frozen=True, slots=True)
class Support:
    """Of the features a program needs, those this kernel lacks (``missing``) and those nobody could tell of
    (``unclear``)."""

    missing: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ruling:
    """``reason`` says why there is no opinion (NONE, LOST, UNSUPPORTED; empty otherwise).  ``message``,
    ``phase``, ``instruction`` and ``category`` are the refusal's, where there is one.  ``alarm`` is a line in
    which the kernel accuses itself."""

    verdict: KernelVerdict
    reason: str = ""
    message: str = ""
    phase: Phase | None = None
    instruction: int | None = None
    category: str | None = None
    alarm: str | None = None
    errno: int = 0


def judge(loaded: Loaded, support: Support = Support(), jit: Jit = Jit.ON) -> Ruling:
    """What one attempt, made with ``jit``, says of the program."""
    code = loaded.errno
    alarm = find_alarm(loaded.log)
    if code == 0:
        return Ruling(KernelVerdict.ACCEPT, alarm=alarm)
    refusal = find_refusal(loaded.log)
    if alarm or (code == errno.EFAULT and not (refusal and LIMITS.match(refusal.message))):
        return Ruling(KernelVerdict.NONE, "the verifier failed", alarm=alarm or "EFAULT", errno=code)
    if loaded.log_truncated or code in NO_VERDICT:
        return Ruling(KernelVerdict.NONE, NO_VERDICT.get(code, "the log was cut"), errno=code)
    if refusal is None:
        return _silent(loaded, support, jit)
    verdict, reason = KernelVerdict.REJECT, ""
    if support.missing:
        verdict, reason = KernelVerdict.UNSUPPORTED, support.missing[0]
    elif NEEDS_JIT.match(refusal.message):
        verdict, reason = KernelVerdict.UNSUPPORTED, "needs the JIT"
    elif support.unclear:
        verdict, reason = KernelVerdict.NONE, f"could not tell whether the kernel has {support.unclear[0]}"
    return Ruling(
        verdict, reason, refusal.message, refusal.phase, refusal.instruction, refusal.category, errno=code
    )


def _silent(loaded: Loaded, support: Support, jit: Jit) -> Ruling:
    code = loaded.errno
    name = errno_name(code)
    if support.missing:
        return Ruling(KernelVerdict.UNSUPPORTED, support.missing[0], errno=code)
    if loaded.log.strip():
        # Verified, and then not translated to something that runs.
        if jit is Jit.OFF and code == ENOTSUPP:
            return Ruling(KernelVerdict.UNSUPPORTED, "needs the JIT", phase=Phase.FIXUP, errno=code)
        return Ruling(
            KernelVerdict.NONE, f"{name}, and the log holds no refusal", phase=Phase.FIXUP, errno=code
        )
    if code in (errno.EPERM, errno.EACCES):
        return Ruling(KernelVerdict.NONE, "not allowed to load it", phase=Phase.LOAD, errno=code)
    return Ruling(
        KernelVerdict.NONE, f"{name} before the verifier said anything", phase=Phase.LOAD, errno=code
    )


def judge_answer(
    answer: KernelAnswer | Lost, attempt: int, support: Support = Support(), jit: Jit = Jit.ON
) -> Ruling:
    """The same for attempt number ``attempt`` of a whole answer, which may also be that no attempt could be
    made."""
    if isinstance(answer, Lost):
        return Ruling(KernelVerdict.LOST, answer.reason.value)
    if answer.missing is not None:
        return Ruling(KernelVerdict.UNSUPPORTED, f"kernel type or function {answer.missing}")
    if answer.map_errno is not None:
        at, code = answer.map_errno
        what = "the program's BTF" if at < 0 else f"map {at}"
        verdict = KernelVerdict.UNSUPPORTED if support.missing else KernelVerdict.NONE
        reason = support.missing[0] if support.missing else f"{what} was refused: {errno_name(code)}"
        return Ruling(verdict, reason, errno=code)
    if attempt >= len(answer.attempts):
        return Ruling(KernelVerdict.NONE, "no attempt was made")
    return judge(answer.attempts[attempt], support, jit)
