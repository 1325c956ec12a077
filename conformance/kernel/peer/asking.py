"""Questions to a peer in the guest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from conformance.kernel.children import Child, Ended
from conformance.kernel.jobs import Lost
from conformance.kernel.peer import Peer, executable
from conformance.kernel.peer.answers import PeerAnswer, read_answer, read_names
from conformance.kernel.session import KernelSession
from ebpf.errors import InfrastructureError

DEATHS = frozenset({"SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "Connection timed out"})
"""Ends that are the peer's own answer to an object; any other says that we asked it wrongly."""


def ask(session: KernelSession, peer: Peer, data: bytes) -> PeerAnswer | Lost:
    """What the peer makes of an object, opened and loaded.

    Raises :class:`InfrastructureError` where it gave no answer at all.
    """
    ended = session.execute(Child(peer.slot, executable(peer), ("object",), data))
    if isinstance(ended, Lost):
        return ended
    if not ended.ok and ended.how not in DEATHS:
        raise _useless(peer, ended)
    return replace(read_answer(ended.output, "" if ended.ok else ended.how), splats=ended.splats)


def ask_names(
    session: KernelSession, peer: Peer, names: Iterable[str]
) -> dict[str, tuple[int, int] | None] | Lost:
    """What section names stand for: (program type, expected attach type), or None for nothing.  Names may not
    be empty."""
    ended = session.execute(
        Child(peer.slot, executable(peer), ("names",), b"".join(name.encode() + b"\0" for name in names))
    )
    if isinstance(ended, Lost):
        return ended
    if not ended.ok:
        raise _useless(peer, ended)
    return read_names(ended.output)


def _useless(peer: Peer, ended: Ended) -> InfrastructureError:
    return InfrastructureError(f"{peer.name} in the guest: {ended.how}")
