"""One ELF object as libbpf, in the guest, and our reader saw it."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.kernel.jobs import Lost
from conformance.kernel.peer import Peer
from conformance.kernel.peer.answers import PeerAnswer
from conformance.objects.reading import Reading
from generators.objects import ObjectFile

WELL_FORMED = "well-formed"


@dataclass(frozen=True, slots=True)
class ObjectObservation:
    """Both accounts of an object."""

    file: ObjectFile
    peer: Peer
    """The generation of libbpf that was asked."""
    ours: Reading
    theirs: PeerAnswer | Lost

    @property
    def broken_field(self) -> str:
        """The kind of field that the generator broke, for signatures."""
        return self.file.field or WELL_FORMED
