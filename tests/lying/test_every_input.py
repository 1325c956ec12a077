"""Bounds over all inputs, on logs by hand whose runs show nothing: only Z3 finds the input."""

from __future__ import annotations

import pytest

from conformance.observing.opinions import QUICK
from conformance.properties.judgement import Agreement, Disagreement
from tests.lying import small
from tests.lying.asking import judgements_of

COPIED = f"""
    {small.LOAD}
    if r0 > 0x5 goto pc+2
    r6 = r0
    exit
    r6 = r0
    r0 = 2
    exit"""
LOG = """
    0: R1=ctx() R10=fp0
    0: (61) r0 = *(u32 *)(r1 +8)          ; R0_w=scalar(smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff)) R1=ctx()
    1: (25) if r0 > 0x5 goto pc+2         ; R0_w=scalar(smin=smin32=0,smax=umax=smax32=umax32=5,var_off=(0x0; 0x7))
    2: (bf) r6 = r0                       ; R6_w=scalar(smin=0,smax=umax={fall},var_off=(0x0; 0xffffffff))
    3: (95) exit
    from 1 to 4: R0_w=scalar(smin=umin=6,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff)) R1=ctx() R10=fp0
    4: (bf) r6 = r0                       ; R6_w=scalar(smin=0,smax=umax={taken},var_off=(0x0; 0xffffffff))
    5: (b7) r0 = 2                        ; R0_w=2
    6: (95) exit
"""


@pytest.mark.parametrize(
    ("fall", "taken", "culprit"),
    [
        ("0xffffffff", "0xffffffff", None),
        ("0xf", "0xffffffff", None),
        ("4", "0xffffffff", 2),
        ("0xffffffff", "0xf", 4),
        ("0xf", "0xf", 4),  # the same claim of the same number: right on one path, wrong on the other
    ],
)
def test_a_claim_is_asked_about_on_each_path(fall: str, taken: str, culprit: int | None) -> None:
    generated = small.program(COPIED, 3, 9)
    seen = small.seen(generated, small.log_of(LOG.format(fall=fall, taken=taken)), QUICK)
    *of_runs, of_all = judgements_of("bounds", seen)
    assert all(isinstance(judgement, Agreement) for judgement in of_runs)
    assert isinstance(of_all, Agreement if culprit is None else Disagreement)
    assert getattr(of_all, "culprit", None) == culprit
