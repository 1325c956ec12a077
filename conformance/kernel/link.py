"""Frames to and from a guest, without ever blocking on one direction while the other is full."""

from __future__ import annotations

import time
from collections import deque

from conformance.kernel.jobs import LossReason
from conformance.kernel.protocol.frames import FrameKind, FrameReader, ProtocolError, WireFrame
from conformance.kernel.vm import Guest


class GuestLost(Exception):
    """The guest went away, or said nothing for too long."""

    def __init__(self, reason: LossReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Link:
    """One guest's frames.  Bytes queued are sent whenever :meth:`exchange` finds room."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        self._reader = FrameReader()
        self._out: deque[memoryview] = deque()

    def queue(self, data: bytes) -> None:
        """Send when there is room."""
        self._out.append(memoryview(data))

    def exchange(self, seconds: float) -> list[WireFrame]:
        """Send what fits, take the frames that have come; waits at most ``seconds`` for the first bytes of
        either direction. Raises :class:`GuestLost` at the end of the stream, :class:`ProtocolError` for
        garbage."""
        try:
            self._send()
            if seconds > 0:
                self.guest.wait(seconds, writing=bool(self._out))
                self._send()
            data = self.guest.receive()
        except OSError:
            raise GuestLost(self.guest.loss()) from None
        if data is None:
            return []
        if not data:
            raise GuestLost(self.guest.loss())
        return list(self._reader.feed(data))

    def expect(self, kind: FrameKind, seconds: float) -> WireFrame:
        """The one answer due, of this kind, within ``seconds``; else :class:`GuestLost` (hang) or
        :class:`ProtocolError`."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            frames = self.exchange(min(left, 1.0))
            if frames:
                if len(frames) > 1 or frames[0].kind is not kind:
                    raise ProtocolError(
                        f"wanted one {kind.name}, got {', '.join(frame.kind.name for frame in frames)}"
                    )
                return frames[0]
        raise GuestLost(LossReason.HANG)

    def close(self) -> None:
        """End the guest."""
        self._out.clear()
        self.guest.close()

    def _send(self) -> None:
        while self._out:
            sent = self.guest.send(self._out[0])
            if sent == len(self._out[0]):
                self._out.popleft()
            elif sent:
                self._out[0] = self._out[0][sent:]
            else:
                return
