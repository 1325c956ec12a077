"""Every property holds for whatever the generators make."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, note

from conformance.campaign import known
from conformance.kernel.jobs import Lost
from conformance.kernel.peer import PEERS, Peer
from conformance.kernel.session import KernelSession
from conformance.peers import examine
from conformance.properties import PROPERTIES, Observation, PropertyKind
from conformance.properties.judgement import Abstention, Disagreement
from conformance.properties.observation import plan
from ebpf.assembly import listing
from generators.objects import ObjectFile
from generators.profiles import profile_for
from generators.programs import Generated
from generators.strategies import objects, programs


@pytest.mark.parametrize("kind", list(PROPERTIES), ids=lambda kind: kind.value)
def test_property(kind: PropertyKind, kernel: KernelSession) -> None:
    """No disagreement of this kind but those in the known-issues file; and some programs were really
    compared."""
    release = kernel.hello.release
    issues = known.load()
    compared: Counter[bool] = Counter()

    profile = replace(profile_for(release), experiments_in=int(kind is PropertyKind.TRANSFER))

    @given(programs(profile))
    def holds(generated: Generated) -> None:
        job = plan(generated.case, 0)
        answer = kernel.run(job)
        if isinstance(answer, Lost):
            return
        for judgement in PROPERTIES[kind](Observation(generated, job, answer)):
            compared[not isinstance(judgement, Abstention)] += 1
            if (
                isinstance(judgement, Disagreement)
                and known.find(issues, judgement.signature, release) is None
            ):
                for at, text in listing(generated.case.program.instructions):
                    note(f"{'>>>' if at == judgement.culprit else '   '} {at:4}: {text}")
                raise AssertionError(f"{judgement.signature}: {judgement.statement}")

    holds()
    assert compared[True], f"nothing was compared: {compared[False]} abstentions"


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_objects(peer: Peer, kernel: KernelSession) -> None:
    """Our reader agrees with libbpf on objects, well-formed or not."""
    issues = known.load()
    compared: Counter[bool] = Counter()

    @given(objects())
    def holds(made: ObjectFile) -> None:
        seen = examine(kernel, peer, made)
        compared.update(not isinstance(judgement, Abstention) for judgement in seen.judgements)
        for each in seen.disagreements:
            if known.find(issues, each.signature, kernel.hello.release) is None:
                note(f"broken: {made.broken or 'nothing'}")
                raise AssertionError(f"{each.signature}: {each.statement}")

    holds()
    assert compared[True], f"nothing was compared: {compared[False]} abstentions"
