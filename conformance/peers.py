"""An object as a peer in the guest and our reader see it, judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from conformance.kernel.jobs import LossReason, Lost
from conformance.kernel.peer import Peer
from conformance.kernel.peer.answers import PeerAnswer
from conformance.kernel.peer.asking import ask
from conformance.kernel.session import KernelSession
from conformance.properties import Judgement, PropertyKind
from conformance.properties.health import warned
from conformance.properties.judgement import Abstention, Disagreement
from conformance.properties.objects import Reading, judge, read
from generators.objects import ObjectFile

WELL_FORMED = "well-formed"


@dataclass(frozen=True, slots=True)
class Examined:
    """Both accounts of an object, and what they come to."""

    made: ObjectFile
    peer: Peer
    ours: Reading
    theirs: PeerAnswer | Lost
    judgements: tuple[Judgement, ...]

    @property
    def disagreements(self) -> Iterator[Disagreement]:
        """Of either kind: objects, and the health of the kernel that was asked."""
        return (each for each in self.judgements if isinstance(each, Disagreement))


def examine(session: KernelSession, peer: Peer, made: ObjectFile) -> Examined:
    """Put an object to a peer.  Signatures end in the kind of field that was broken.

    Raises :class:`ebpf.errors.InfrastructureError` where the peer gives no answer.
    """
    ours = read(made.data, peer.generation)
    theirs = ask(session, peer, made.data)
    judgements = (
        lost(theirs)
        if isinstance(theirs, Lost)
        else [*judge(ours, theirs, peer.name), *warned(theirs.splats)]
    )
    return Examined(made, peer, ours, theirs, tuple(_about(each, made) for each in judgements))


def lost(answer: Lost) -> list[Judgement]:
    """The machine went away, alone with the object too."""
    if answer.reason in (LossReason.PANIC, LossReason.EXITED):
        statement = f"libbpf, opening and loading an object, takes the kernel down ({answer.reason.value})"
        return [Disagreement(PropertyKind.HEALTH, f"health:lost:{answer.reason.value}", statement)]
    return [Abstention("the virtual machine was lost")]


def _about(judgement: Judgement, made: ObjectFile) -> Judgement:
    if not isinstance(judgement, Disagreement) or judgement.kind is not PropertyKind.OBJECTS:
        return judgement
    return replace(judgement, signature=f"{judgement.signature}:{made.field or WELL_FORMED}")
