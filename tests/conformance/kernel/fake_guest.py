"""A virtual machine without a machine: an agent in Python that dies, hangs, lies or stutters where a test
wants it to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from conformance.kernel.attaching import Attached, AttachStage, Reached
from conformance.kernel.children import Child, Ended
from conformance.kernel.hello import Hello, Knob, encode_hello
from conformance.kernel.jobs import Job, KernelAnswer, Loaded, LossReason, RunResult
from conformance.kernel.protocol.answers import encode_answer
from conformance.kernel.protocol.attach import decode_attach, encode_attached
from conformance.kernel.protocol.children import decode_child, encode_ended
from conformance.kernel.protocol.frames import FrameKind, FrameReader, WireFrame
from conformance.kernel.protocol.standin import decode_job


class Fate(Enum):
    """What becomes of the machine at a job."""

    FINE = "fine"
    DIE = "die"
    HANG = "hang"
    GARBAGE = "garbage"
    SPLAT = "splat"
    WRONG_ID = "wrong id"


def value_of(job: Job) -> int:
    """The number in the first instruction: what tests tell jobs apart by."""
    return job.case.program.instructions[0].imm


@dataclass
class FakeGuest:
    """Answers each job with its own value as the return value, unless ``fate`` has other plans.

    ``room`` is how many bytes it takes and gives at once.
    """

    fate: Callable[[int], Fate]
    room: int = 1 << 16
    closed: bool = False
    dead: LossReason | None = None
    hung: bool = False
    jobs: list[int] = field(default_factory=list)
    installed: dict[int, bytes] = field(default_factory=dict)
    _reader: FrameReader = field(default_factory=FrameReader)
    _out: bytearray = field(default_factory=bytearray)

    def send(self, data: memoryview) -> int:
        if self.dead is not None:
            raise BrokenPipeError
        if self.hung or len(self._out) > 1 << 20:
            return 0
        taken = bytes(data[: self.room])
        for frame in self._reader.feed(taken):
            self._serve(frame)
        return len(taken)

    def receive(self) -> bytes | None:
        if self._out:
            given = bytes(self._out[: self.room])
            del self._out[: self.room]
            return given
        return b"" if self.dead is not None else None

    def wait(self, seconds: float, *, writing: bool) -> None:
        pass

    def loss(self) -> LossReason:
        assert self.dead is not None
        return self.dead

    def console(self) -> str:
        return "last words"

    def close(self) -> None:
        self.closed = True

    def _serve(self, frame: WireFrame) -> None:
        if self.dead is not None or self.hung:
            return
        if frame.kind is FrameKind.HELLO:
            self._say(frame, encode_hello(Hello("0.0-fake", "x86_64", 1, Knob.JIT)))
        elif frame.kind in (FrameKind.JOB, FrameKind.ATTACH):
            self._job(frame)
        elif frame.kind is FrameKind.CHILD:
            self._child(frame)

    def _child(self, frame: WireFrame) -> None:
        """Writes what it is given, behind its executable; ``fate`` is asked for the first byte of its
        input."""
        child = decode_child(frame.payload)
        if child.executable:
            self.installed[child.slot] = child.executable
        fate = self.fate(child.input[0] if child.input else 0)
        if fate is Fate.DIE:
            self.dead = LossReason.PANIC
            return
        splats = ("WARNING: something",) if fate is Fate.SPLAT else ()
        self._say(frame, encode_ended(self.ended(child, self.installed[child.slot], splats)))

    def ended(self, child: Child, executable: bytes, splats: tuple[str, ...]) -> Ended:
        """How a child ends."""
        return Ended(0, 0, executable + child.input, splats=splats)

    def _job(self, frame: WireFrame) -> None:
        attach = decode_attach(frame.payload) if frame.kind is FrameKind.ATTACH else None
        job = decode_job(frame.payload) if attach is None else Job(attach.case, (attach.attempt,))
        value = value_of(job)
        self.jobs.append(value)
        fate = self.fate(value)
        if fate is Fate.DIE:
            self.dead = LossReason.PANIC
            return
        if fate is Fate.HANG:
            self.hung = True
            return
        if fate is Fate.GARBAGE:
            self._out += b"\xff" * 64
            return
        run = RunResult(0, value, b"", b"", ())
        splats = ("WARNING: something",) if fate is Fate.SPLAT else ()
        ident = frame.id + 1 if fate is Fate.WRONG_ID else frame.id
        answer = KernelAnswer(tuple([Loaded(0, "", runs=(run,)) for _ in job.attempts]), splats=splats)
        if attach is None:
            self._say(WireFrame(frame.kind, ident), encode_answer(answer))
        else:
            stages = tuple([Reached(stage, 0, attach.times) for stage in AttachStage])
            self._say(
                WireFrame(frame.kind, ident), encode_attached(Attached(stages, "", b"", False, (), answer))
            )

    def _say(self, frame: WireFrame, payload: bytes) -> None:
        self._out += WireFrame(frame.kind, frame.id, payload).encode()


class Rack:
    """Boots fake guests, keeps them all, and shares one ``fate`` among them."""

    def __init__(self, fate: Callable[[int], Fate] = lambda value: Fate.FINE, room: int = 1 << 16) -> None:
        self.guests: list[FakeGuest] = []
        self.fate = fate
        self.room = room

    def boot(self) -> FakeGuest:
        """A fresh one."""
        guest = FakeGuest(lambda value: self.fate(value), self.room)
        self.guests.append(guest)
        return guest
