"""What is counted of a judged program, and that the counts survive being put down and taken up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from conformance.campaign.reach import callees_in, count_reach, offer_of, reach_of
from conformance.campaign.state import plain_tally, tally_of
from conformance.campaign.tally import Tally
from conformance.kernel.features.answers import Answer3, Feature, FeatureKind, Features
from conformance.kernel.jobs import KernelVerdict
from conformance.kernel.verdicts import Ruling
from ebpf import rules
from ebpf.intent import Intent
from ebpf.isa.build import R0, call, call_kfunc, leave, mov64
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Program
from ebpf.program_types import ProgramType
from ebpf.rules import Phase
from generators.programs import Generated, Purpose
from reports.records import Acceptance, MissCount

PROGRAM = Program(
    ProgramType.XDP,
    (call("ktime_get_ns"), call_kfunc(), mov64(R0, 1), leave()),
    (MapSpec(MapType.ARRAY, 4, 8, 1), MapSpec(MapType.ARRAY, 4, 8, 1)),
    kfuncs=((1, "bpf_rcu_read_lock"),),
)
ACCEPT = Ruling(KernelVerdict.ACCEPT)
RELEASE = "7.3.4"


class Told:
    """As much of an observation as is counted."""

    def __init__(
        self, ruling: Ruling, purpose: Purpose = Purpose.VALID, intent: Intent | None = None
    ) -> None:
        self.generated = Generated(Case(PROGRAM), purpose, intent)
        self.case, self.ruling, self.release = self.generated.case, ruling, RELEASE
        self.accepted = ruling.verdict is KernelVerdict.ACCEPT


def counted(*told: Told) -> Tally:
    tally = Tally()
    for each in told:
        count_reach(tally, each)  # type: ignore[arg-type]
    return tally


def refusal(phase: Phase, instruction: int | None) -> Ruling:
    return Ruling(KernelVerdict.REJECT, message="no", phase=phase, instruction=instruction)


def test_callees_are_what_is_called_by_number_and_by_name() -> None:
    assert callees_in(PROGRAM) == {"ktime_get_ns", "bpf_rcu_read_lock"}
    unknown = replace(PROGRAM, instructions=(replace(call("ktime_get_ns"), imm=9999),), kfuncs=())
    assert callees_in(unknown) == set()


def test_programs_are_counted_once_for_each_thing_in_them() -> None:
    daring = Told(ACCEPT, Purpose.DARING)
    refused = Told(refusal(Phase.WALK, 1), Purpose.DARING)
    tally = counted(Told(ACCEPT), Told(ACCEPT), Told(refusal(Phase.WALK, 1)), daring, refused)
    reach = reach_of("k", tally, None)
    assert reach.types == {"xdp": Acceptance(3, 2, 3)}
    assert reach.maps == {"array": Acceptance(3, 2, 3)}
    assert reach.callees["xdp"] == dict.fromkeys(("ktime_get_ns", "bpf_rcu_read_lock"), Acceptance(3, 2, 3))


@pytest.mark.parametrize(
    ("rule", "ruling", "expected"),
    [
        (rules.NULL_CHECK, refusal(Phase.WALK, 2), MissCount(1, 0, 0, 0)),
        (rules.NULL_CHECK, refusal(Phase.WALK, None), MissCount(1, 0, 0, 0)),
        (rules.NULL_CHECK, refusal(Phase.WALK, 1), MissCount(0, 1, 0, 0)),
        (rules.NULL_CHECK, refusal(Phase.CFG, 2), MissCount(0, 1, 0, 0)),
        (rules.STACK_IN_CALLER, refusal(Phase.WALK, 9), MissCount(1, 0, 0, 0)),
        (rules.UNREACHABLE, refusal(Phase.CFG, 9), MissCount(1, 0, 0, 0)),
        (rules.NULL_CHECK, ACCEPT, MissCount(0, 0, 1, 0)),
        (rules.NULL_CHECK, Ruling(KernelVerdict.NONE), MissCount(0, 0, 0, 1)),
    ],
)
def test_a_near_miss_is_refused_for_its_rule_there_and_in_its_phase(
    rule: rules.Rule, ruling: Ruling, expected: MissCount
) -> None:
    tally = counted(Told(ruling, Purpose.NEAR_MISS, Intent(rule, 2)))
    assert reach_of("k", tally, None).misses == {str(rule): expected}


def test_counts_survive_as_state(tmp_path: Path) -> None:
    tally = counted(Told(ACCEPT), Told(ACCEPT, Purpose.NEAR_MISS, Intent(rules.NULL_CHECK, 2)))
    again = tally_of(msgspec.json.decode(msgspec.json.encode(plain_tally(tally))))
    assert reach_of("k", again, None) == reach_of("k", tally, None)
    again.add(tally)
    assert reach_of("k", again, None).types == {"xdp": Acceptance(2, 2, 4)}


def test_what_a_kernel_offers_is_what_it_says_yes_to() -> None:
    rows = (
        Feature(FeatureKind.INSTRUCTION, "may_goto", Answer3.YES, ""),
        Feature(FeatureKind.INSTRUCTION, "gotox", Answer3.NO, ""),
        Feature(FeatureKind.PROGRAM_TYPE, "xdp", Answer3.YES, ""),
        Feature(FeatureKind.PROGRAM_TYPE, "lsm", Answer3.UNKNOWN, ""),
        Feature(FeatureKind.MAP_TYPE, "array", Answer3.YES, ""),
    )
    offer = offer_of(Features("7.3.4", rows))
    assert (offer.types, offer.maps) == (("xdp",), ("array",))
    assert {"may_goto", "mov64_k"} <= set(offer.forms)
    assert not {"gotox", "load_acquire8"} & set(offer.forms)
