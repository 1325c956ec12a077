"""The instruction that an engine gets wrong is named, wherever it is."""

from __future__ import annotations

import random

import pytest

from conformance.campaign.subjects import ProgramSubject
from conformance.observing.door import Door, question_of
from conformance.properties.registry import PROPERTIES
from generators.profiles import Profile
from generators.recipes import draw
from tests.lying import small
from tests.lying.asking import NOBODY
from tests.lying.kernel import LyingKernel
from tests.lying.test_campaign import ARSH32, wrong_jit

SHIFTED = "w0 s>>= 1"
PLACES = {
    "in the program": f"{small.LOAD}; {SHIFTED}; r0 += 1; exit",
    "in a function": f"{small.LOAD}; r1 = r0; call pc+2; r0 += 1; exit; r0 = r1; {SHIFTED}; r0 += 2; exit",
    "before what hides nothing": f"{small.LOAD}; {SHIFTED}; *(u64 *)(r10 -8) = r0; r0 = *(u64 *)(r10 -8); exit",
}


@pytest.mark.parametrize("source", PLACES.values(), ids=PLACES)
def test_the_wrong_instruction_is_named(source: str) -> None:
    generated = small.program(source.replace("; ", "\n"), 0x8000_0000)
    recipe = draw(random.Random(1), Profile())
    with LyingKernel(wrong_jit(*ARSH32)).session() as session:
        door = Door.of_session(session, NOBODY)
        seen = door.observe(question_of(PROPERTIES["execution"], generated))
        (sighting,) = door.sightings(seen, ["execution"])  # type: ignore[arg-type]  # the lying kernel is not lost
        named = ProgramSubject(door, recipe).reduce(sighting, 0.0, lambda signature: False)
    assert str(named.disagreement.signature) == "execution:JIT:arsh32_k"
