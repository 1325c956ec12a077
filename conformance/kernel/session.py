"""A session with a kernel: jobs go in, answers come out in the same order, and a lost virtual machine is
replaced and explained."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Self, TypeVar

from conformance.kernel.accelerator import boot, distrust_kvm
from conformance.kernel.attaching import Attached, AttachJob
from conformance.kernel.children import Child, Ended
from conformance.kernel.hello import Hello, decode_hello
from conformance.kernel.image import Image
from conformance.kernel.jobs import Job, KernelAnswer, LossReason, Lost
from conformance.kernel.link import GuestLost, Link
from conformance.kernel.protocol.answers import decode_answer
from conformance.kernel.protocol.attach import decode_attached, encode_attach
from conformance.kernel.protocol.children import decode_ended, encode_child
from conformance.kernel.protocol.frames import U32, U64, FrameKind, PayloadReader, ProtocolError, WireFrame
from conformance.kernel.protocol.jobs import encode_job
from conformance.kernel.vm import Guest
from ebpf.byte_order import ByteOrder
from ebpf.errors import InfrastructureError, InputError
from ebpf.program import Case
from ebpf.wording import amount

_A = TypeVar("_A")

WINDOW_JOBS = 256
WINDOW_BYTES = 4 << 20
JOB_SECONDS = 60.0
BOOT_SECONDS = 120.0
"""Of a machine that is emulated on one that is busy."""
BOOT_TRIES = 3
AWAY_SECONDS = 1.5
"""A session that was not looked after for longer than this starts its watchdog anew."""


@dataclass(frozen=True, slots=True)
class MachineLoss:
    """A virtual machine that went away while ``in_flight`` jobs had been sent and not answered.

    When one of them does it again alone, ``named`` is True and ``culprit`` is its tag.
    """

    reason: LossReason
    console: str
    in_flight: int
    culprit: Hashable | None = None
    named: bool = False

    def __str__(self) -> str:
        if self.named:
            return f"{self.reason.value}: job {self.culprit} does it again alone"
        return f"{self.reason.value}: none of the {amount(self.in_flight, 'job')} in flight reproduces it"


@dataclass(slots=True)
class _Pending:
    tag: Hashable
    frame: bytes
    ident: int
    sent: float = 0.0


@dataclass(frozen=True, slots=True)
class _Question(Generic[_A]):
    """What is asked alone: ``payload`` is made anew for each machine; ``name`` is what a loss over it is
    booked on."""

    kind: FrameKind
    payload: Callable[[], bytes]
    decode: Callable[[bytes], _A]
    splats: Callable[[_A], tuple[str, ...]]
    name: str


OWN_RANGES = re.compile(r"REG INVARIANTS VIOLATION")


def spoils(splat: str) -> bool:
    """Whether a kernel that printed this is no longer itself.

    Since Linux 6.17 the verifier warns when its own ranges contradict each other; it then forgets them, and
    nothing else is touched (reg_bounds_sanity_check, kernel/bpf/verifier.c).  Some kernels do that for one
    program in a hundred.
    """
    return OWN_RANGES.search(splat) is None


class KernelSession:
    """Open one with :meth:`open`, as a context manager, and use it from the thread that opened it (QEMU dies
    with that thread).

    ``boots`` counts machines started; ``losses`` are in order of time; ``hello`` is what the newest agent
    said.
    """

    def __init__(
        self,
        boot_guest: Callable[[], Guest],
        *,
        job_seconds: float = JOB_SECONDS,
        boot_seconds: float = BOOT_SECONDS,
    ) -> None:
        """``boot_guest`` starts a fresh machine.  ``job_seconds`` is the watchdog: from the later of a job's
        sending and the answer before it, to its own answer."""
        self._boot_guest = boot_guest
        self._job_seconds = job_seconds
        self._boot_seconds = boot_seconds
        self._link: Link | None = None
        self._waiting: deque[_Pending] = deque()
        self._flying: deque[_Pending] = deque()
        self._flying_bytes = 0
        self._done: deque[tuple[Hashable, KernelAnswer | Lost]] = deque()
        self._next = 1
        self._last_answer = 0.0
        self._last_pump = 0.0
        self.name = ""
        """Of its image, for messages."""
        self.boots = 0
        self.losses: list[MachineLoss] = []
        self._hello: Hello | None = None
        self._order = ByteOrder.LITTLE
        """Of the guest, once it said which machine it is."""
        self._installed: dict[int, bytes] = {}

    @classmethod
    def open(
        cls,
        image: Image,
        boot_args: tuple[str, ...] = (),
        *,
        job_seconds: float = JOB_SECONDS,
        boot_seconds: float = BOOT_SECONDS,
        memory_mib: int = 1024,
    ) -> KernelSession:
        """Boot ``image``.  Raises :class:`InputError` (no QEMU, no compiler) or :class:`InfrastructureError`
        (it does not boot; the message ends in the console's last lines)."""
        session = cls(
            lambda: boot(image, boot_args, memory_mib), job_seconds=job_seconds, boot_seconds=boot_seconds
        )
        session.name = image.name
        session._fresh()
        return session

    @property
    def hello(self) -> Hello:
        """What the agent said when it started; boots when there is no machine yet."""
        if self._hello is None:
            self._fresh()
        assert self._hello is not None
        return self._hello

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the machine.  Jobs without an answer are forgotten."""
        self._discard()
        self._waiting.clear()
        self._flying.clear()
        self._flying_bytes = 0

    def submit(self, job: Job, tag: Hashable) -> None:
        """Queue a job; blocks while :data:`WINDOW_JOBS` wait unsent.  Raises :class:`InputError` for one that
        cannot be sent, or is for a machine of another byte order."""
        self._check_order(job.case)
        frame = WireFrame(FrameKind.JOB, self._next, encode_job(job)).encode()
        self._waiting.append(_Pending(tag, frame, self._next))
        self._next += 1
        self._pump(0.0)
        while len(self._waiting) > WINDOW_JOBS:
            self._pump(1.0)

    def _check_order(self, case: Case) -> None:
        machine = self.hello.architecture
        if case.program.byte_order is not machine.byte_order:
            raise InputError(
                f"a {case.program.byte_order.value}-endian program: {machine.debian} is "
                f"{machine.byte_order.value}-endian"
            )

    def results(self, *, block: bool = True) -> Iterator[tuple[Hashable, KernelAnswer | Lost]]:
        """Answers in the order of submission.  With ``block``, until every job submitted (also meanwhile) is
        answered; without, those that are there."""
        while True:
            if not self._done and (self._waiting or self._flying):
                self._pump(1.0 if block else 0.0)
            if self._done:
                yield self._done.popleft()
            elif not block or not (self._waiting or self._flying):
                return

    def give_back(self, answers: Iterable[tuple[Hashable, KernelAnswer | Lost]]) -> None:
        """Put answers taken from :meth:`results` back in front, in their order: for who waits for one job
        among many."""
        self._done.extendleft(reversed(list(answers)))

    def run(self, job: Job) -> KernelAnswer | Lost:
        """One job, alone.  Not while others are in flight."""
        return self.run_all([job])[0]

    def run_all(self, jobs: Iterable[Job]) -> list[KernelAnswer | Lost]:
        """All of them, pipelined; answers in order."""
        if self._waiting or self._flying or self._done:
            raise RuntimeError("jobs submitted earlier have answers that nobody took")
        answers = []
        for number, job in enumerate(jobs):
            self.submit(job, number)
            answers += [answer for _, answer in self.results(block=False)]
        return answers + [answer for _, answer in self.results()]

    def attach(self, job: AttachJob) -> Attached | Lost:
        """Load, attach, trigger, detach, read back; not while other jobs are in flight.  Once more on a fresh
        machine when the first was lost over it.  Raises :class:`InputError` for what cannot be asked."""
        self._check_order(job.case)
        payload = encode_attach(job)
        return self._twice(
            _Question(
                FrameKind.ATTACH,
                lambda: payload,
                lambda payload: decode_attached(payload, self._order),
                lambda got: got.answer.splats,
                str(job.where),
            )
        )

    def execute(self, child: Child, *, again: bool = True) -> Ended | Lost:
        """Run a user-space program in the guest; not while jobs are in flight, and ``again`` when the
        machine was lost, as :meth:`attach`.  Its executable is sent once per machine."""

        def payload() -> bytes:
            install = self._installed.get(child.slot) != child.executable
            self._installed[child.slot] = child.executable
            return encode_child(child, install=install)

        name = " ".join(child.arguments)
        question: _Question[Ended] = _Question(
            FrameKind.CHILD, payload, decode_ended, lambda ended: ended.splats, name
        )
        if again:
            return self._twice(question)
        return self._once(question)

    def _twice(self, question: _Question[_A]) -> _A | Lost:
        if self._waiting or self._flying or self._done:
            raise RuntimeError("jobs submitted earlier have answers that nobody took")
        first = self._once(question)
        if not isinstance(first, Lost):
            return first
        second = self._once(question)
        named = isinstance(second, Lost)
        self.losses.append(
            MachineLoss(first.reason, first.console, 1, question.name if named else None, named=named)
        )
        return second

    def _once(self, question: _Question[_A]) -> _A | Lost:
        link = self._link or self._fresh()
        ident, self._next = self._next, self._next + 1
        try:
            link.queue(WireFrame(question.kind, ident, question.payload()).encode())
            got = link.expect(question.kind, self._job_seconds)
            if got.id != ident:
                raise ProtocolError(f"an answer to {got.id}, wanted {ident}")
            answer = question.decode(got.payload)
        except (GuestLost, ProtocolError) as error:
            reason = error.reason if isinstance(error, GuestLost) else LossReason.PROTOCOL
            console = link.guest.console()
            self._discard()
            return Lost(reason, console)
        if any(map(spoils, question.splats(answer))):
            self._discard()
        return answer

    def bench(self, job: Job, times: int) -> tuple[int, int]:
        """Load the job's program ``times`` times with its one attempt, in the guest alone: (errno of the
        first failure or 0, guest nanoseconds for all)."""
        payload = U32.pack(times) + encode_job(job)
        reader = PayloadReader(self._exchange(FrameKind.BENCH, payload))
        errno, done = reader.u32(), reader.u32()
        (nanoseconds,) = reader.fields(U64)
        if done != times:
            raise InfrastructureError(f"the agent loaded {done} of {times} times: errno {errno}")
        return errno, nanoseconds

    def _exchange(self, kind: FrameKind, payload: bytes = b"") -> bytes:
        link = self._link or self._fresh()
        link.queue(WireFrame(kind, 0, payload).encode())
        frame = link.expect(kind, self._job_seconds)
        return frame.payload

    def _fresh(self) -> Link:
        self._discard()
        console = ""
        for _ in range(BOOT_TRIES):
            self.boots += 1
            link = Link(self._boot_guest())
            try:
                link.queue(WireFrame(FrameKind.HELLO, 0).encode())
                self._hello = decode_hello(link.expect(FrameKind.HELLO, self._boot_seconds).payload)
                self._order = self._hello.architecture.byte_order
            except (GuestLost, ProtocolError) as error:
                console = f"{error}\n{link.guest.console()}"
                link.close()
                distrust_kvm()
            except BaseException:
                link.close()
                raise
            else:
                self._link = link
                self._last_answer = time.monotonic()
                return link
        of = f"{self.name}: " if self.name else ""
        raise InfrastructureError(f"{of}the kernel does not boot ({BOOT_TRIES} tries): {console.strip()}")

    def _discard(self) -> None:
        self._installed.clear()
        if self._link is not None:
            self._link.close()
            self._link = None

    def _pump(self, seconds: float) -> None:
        """Send what the window allows, take what has come; waits at most ``seconds`` when nothing has."""
        link = self._link or self._fresh()
        self._launch(link)
        if time.monotonic() - self._last_pump > AWAY_SECONDS:
            # We were busy with other things, and the pipes were full or empty because of us.
            self._last_answer = time.monotonic()
        try:
            frames = link.exchange(min(seconds, max(0.0, self._deadline() - time.monotonic())))
            for frame in frames:
                if self._land(frame):
                    break
            if self._flying and time.monotonic() > self._deadline():
                raise GuestLost(LossReason.HANG)
        except GuestLost as lost:
            self._explain(lost.reason, link.guest.console())
        except ProtocolError:
            self._explain(LossReason.PROTOCOL, link.guest.console())
        self._last_pump = time.monotonic()

    def _deadline(self) -> float:
        if not self._flying:
            return float("inf")
        return max(self._flying[0].sent, self._last_answer) + self._job_seconds

    def _launch(self, link: Link) -> None:
        while (
            self._waiting
            and len(self._flying) < WINDOW_JOBS
            and (self._flying_bytes < WINDOW_BYTES or not self._flying)
        ):
            job = self._waiting.popleft()
            job.sent = time.monotonic()
            self._flying.append(job)
            self._flying_bytes += len(job.frame)
            link.queue(job.frame)

    def _land(self, frame: WireFrame) -> bool:
        """Take an answer; True when the machine went with it."""
        if not self._flying or frame.id != self._flying[0].ident:
            raise ProtocolError(f"an answer to {frame.id}, which was not the next")
        answer = decode_answer(frame.payload, self._order)
        job = self._flying.popleft()
        self._flying_bytes -= len(job.frame)
        self._last_answer = time.monotonic()
        self._done.append((job.tag, answer))
        if not any(map(spoils, answer.splats)):
            return False
        # Warnings come once per boot, and what runs after one runs on a kernel that is no longer itself.
        self._discard()
        self._requeue()
        return True

    def _requeue(self) -> None:
        self._waiting.extendleft(reversed(self._flying))
        self._flying.clear()
        self._flying_bytes = 0

    def _explain(self, reason: LossReason, console: str) -> None:
        """The machine is gone: replay the jobs in flight one by one until one does it again."""
        self._discard()
        suspects = len(self._flying)
        self._requeue()
        for _ in range(suspects):
            job = self._waiting.popleft()
            outcome = self._alone(job)
            self._done.append((job.tag, outcome))
            if isinstance(outcome, Lost):
                self.losses.append(
                    MachineLoss(outcome.reason, outcome.console, suspects, job.tag, named=True)
                )
                return
        self.losses.append(MachineLoss(reason, console, suspects))

    def _alone(self, job: _Pending) -> KernelAnswer | Lost:
        link = self._link or self._fresh()
        try:
            link.queue(job.frame)
            frame = link.expect(FrameKind.JOB, self._job_seconds)
            if frame.id != job.ident:
                raise ProtocolError(f"an answer to {frame.id}, wanted {job.ident}")
            answer = decode_answer(frame.payload, self._order)
        except (GuestLost, ProtocolError) as error:
            reason = error.reason if isinstance(error, GuestLost) else LossReason.PROTOCOL
            console = link.guest.console()
            self._discard()
            return Lost(reason, console)
        if any(map(spoils, answer.splats)):
            self._discard()
        return answer
