"""The lying kernel: guests behind a real :class:`KernelSession`, so that frames, windows, losses and replays
are the real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from conformance.kernel.children import Child, Ended
from conformance.kernel.hello import Hello, Knob, encode_hello
from conformance.kernel.jobs import Attempt, Jit, Job, KernelAnswer, Loaded, LossReason
from conformance.kernel.protocol.answers import encode_answer
from conformance.kernel.protocol.frames import FrameKind, WireFrame
from conformance.kernel.protocol.jobs import encode_job
from conformance.kernel.protocol.standin import decode_job
from conformance.kernel.session import KernelSession
from tests.conformance.kernel.fake_guest import FakeGuest, Fate
from tests.lying import model
from tests.lying.recorded import Recorded

JobLie = Callable[[Job, KernelAnswer], KernelAnswer | LossReason]
"""From a job and its honest answer to what is told, or to how the machine goes away."""


def no_peer(child: Child) -> Ended:
    raise AssertionError(f"nobody asked for a peer: {child.arguments}")


def truth(job: Job, answer: KernelAnswer) -> KernelAnswer:
    return answer


@dataclass
class LyingKernel:
    """Answers from ``records`` where the case is there, else the model; ``lie`` has the last word.  ``jobs``
    are all it got."""

    lie: JobLie = truth
    records: Iterable[Recorded] = ()
    release: str = "6.12.117-lying"
    peer: Callable[[Child], Ended] = no_peer
    jobs: list[Job] = field(default_factory=list)
    job_seconds: float = 30.0

    def __post_init__(self) -> None:
        self._known = {_key(record.job): record for record in self.records}

    def boot(self) -> LyingGuest:
        """A fresh machine."""
        return LyingGuest(self)

    def session(self, *_: object, job_seconds: float | None = None) -> KernelSession:
        """Takes what :meth:`KernelSession.open` takes."""
        session = KernelSession(self.boot, job_seconds=job_seconds or self.job_seconds, boot_seconds=5.0)
        assert session.hello.release == self.release
        return session

    def answer(self, job: Job) -> KernelAnswer | LossReason:
        self.jobs.append(job)
        return self.lie(job, self.honest(job))

    def honest(self, job: Job) -> KernelAnswer:
        record = self._known.get(_key(job))
        if record is None:
            return model.answer(job)
        kept = dict(
            zip((attempt.jit for attempt in record.job.attempts), record.answer.attempts, strict=True)
        )
        return replace(record.answer, attempts=tuple(_as_asked(attempt, kept) for attempt in job.attempts))


def _key(job: Job) -> bytes:
    return encode_job(Job(job.case, ()))


def _as_asked(attempt: Attempt, kept: dict[Jit, Loaded]) -> Loaded:
    loaded = kept[attempt.jit]
    return replace(
        loaded,
        log=kept[Jit.ON].log if attempt.log_level else loaded.log,
        runs=loaded.runs if attempt.run else (),
    )


class LyingGuest(FakeGuest):
    """The agent's side."""

    def __init__(self, kernel: LyingKernel) -> None:
        super().__init__(lambda value: Fate.FINE)
        self.kernel = kernel

    def _serve(self, frame: WireFrame) -> None:
        if self.dead is not None or self.hung:
            return
        if frame.kind is FrameKind.HELLO:
            self._say(frame, encode_hello(Hello(self.kernel.release, "x86_64", 1, Knob.JIT)))
            return
        if frame.kind is FrameKind.CHILD:
            self._child(frame)
            return
        told = self.kernel.answer(decode_job(frame.payload))
        if told is LossReason.HANG:
            self.hung = True
        elif isinstance(told, LossReason):
            self.dead = told
        else:
            self._say(frame, encode_answer(told))

    def ended(self, child: Child, executable: bytes, splats: tuple[str, ...]) -> Ended:
        return self.kernel.peer(child)
