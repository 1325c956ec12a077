"""What a listing says of each instruction: the kernel's claim, the run's value, what the reference knows."""

from __future__ import annotations

from conformance.campaign.listing import listing_rows, pruned
from conformance.observing.door import Sighting
from conformance.observing.opinions import QUICK
from conformance.properties.judgement import Disagreement
from ebpf.signature import Signature
from tests.lying import small

SOURCE = """
    r6 = *(u32 *)(r1 +8)
    r6 &= 7
    if r6 > 0x3 goto pc+3
    r7 = r10
    r7 += -8
    *(u64 *)(r7 +0) = r6
    r0 = 0
    exit
"""
LOG = """
    0: R1=ctx() R10=fp0
    0: (61) r6 = *(u32 *)(r1 +8)          ; R1=ctx() R6_w=scalar(smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff))
    1: (57) r6 &= 7                       ; R6_w=scalar(smin=smin32=0,smax=umax=smax32=umax32=1,var_off=(0x0; 0x7))
    2: (25) if r6 > 0x3 goto pc+3 6: R6_w=scalar(umin=4,umax=7)
    6: (b7) r0 = 0                        ; R0_w=0
    7: (95) exit

    from 2 to 3: R1=ctx() R6=scalar(umax=3) R10=fp0
    3: (bf) r7 = r10                      ; R7_w=fp0 R10=fp0
    4: (07) r7 += -8                      ; R7_w=fp-8
    5: (7b) *(u64 *)(r7 +0) = r6          ; R6=scalar(umax=3) R7_w=fp-8 fp-8_w=scalar(umax=3)
    6: safe
"""


def sighting(number: int | None, culprit: int | None) -> Sighting:
    observation = small.seen(small.program(SOURCE, 2), small.log_of(LOG), budget=QUICK)
    return Sighting(observation, Disagreement(Signature("bounds", ("umax",)), "so", culprit, number))


def test_claim_value_and_what_the_reference_knows_stand_side_by_side() -> None:
    rows = {row.index: row for row in listing_rows(sighting(0, 1))}
    assert (rows[1].value, rows[1].reference) == ("R6=0x2", "R6=scalar(umax=0x7)")
    assert "umax=smax32=umax32=1" in (rows[1].claim or "")
    assert rows[2].reference == "R6=scalar(umax=0x3)"
    assert (rows[4].claim, rows[4].value, rows[4].reference) == ("R7_w=fp-8", "R7=fp-8", "R7=fp-8")
    assert (rows[5].value, rows[5].reference) == ("R6=0x2", "R6=scalar(umax=0x3)")
    assert [row.index for row in rows.values() if row.culprit] == [1]


def test_without_a_run_it_is_a_path_to_the_culprit() -> None:
    rows = {row.index: row for row in listing_rows(sighting(None, 4))}
    assert (rows[4].value, rows[4].reference) == (None, "R7=fp-8")
    assert "R7_w=fp-8" in (rows[4].claim or "")


def test_the_line_that_says_pruned_is_found() -> None:
    seen = sighting(0, None)
    found = pruned(seen)
    assert found is not None
    assert found.at == 6
    assert seen.observation.main is not None
    assert seen.observation.main.log.split("\n")[found.line - 1] == "6: safe"
    assert pruned(sighting(None, None)) is None
