"""Transfer fires on a lie that no given input shows, and is silent on what right kernels said."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.campaign.store import Store
from conformance.kernel.jobs import Job, KernelAnswer
from conformance.observing.observation import Observation
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement
from ebpf.maps import MapSpec, MapType
from ebpf.program import Input
from tests.lying import lies, small
from tests.lying.asking import with_witness
from tests.lying.campaign import hunt
from tests.lying.kernel import LyingKernel
from tests.lying.recorded import Recorded
from tests.lying.test_honest import judged, records

EXPERIMENTS = [record for record in records() if "experiments" in record.generated.case.name]
PROLOGUE = """
    r2 = 0
    r3 = r10
    r3 += -64
    r4 = 64
    call bpf_skb_load_bytes#26
    if r0 != 0x0 goto pc+{out}
    r9 = map[0][0]+0
"""
WALK = """
    0: R1=ctx() R10=fp0
    0: (b7) r2 = 0                        ; R2=0
    1: (bf) r3 = r10                      ; R3=fp0 R10=fp0
    2: (07) r3 += -64                     ; R3=fp-64
    3: (b7) r4 = 64                       ; R4=64
    4: (85) call bpf_skb_load_bytes#26    ; R0=scalar() fp-64=mmmmmmmm
    5: (55) if r0 != 0x0 goto pc+{out}    ; R0=0
    6: (18) r9 = 0xffff                   ; R9=map_value(map=out,ks=4,vs=96)
"""
OUT = MapSpec(MapType.ARRAY, 4, 96, 1, name="out")
ZEROS = Input(bytes(94))


def experiment(body: str, walk: str) -> Observation:
    """A program of one experiment by hand, run on zeros only; its walk goes on from instruction 8."""
    lines = len(body.strip().splitlines())
    source = PROLOGUE.format(out=lines + 4) + body + "\n r0 = 1\n exit\n r0 = 0\n exit"
    made = small.program(source, 0, maps=(OUT,))
    made = replace(made, case=replace(made.case, inputs=(ZEROS,)))
    end = 8 + lines
    tail = f"""{end}: (b7) r0 = 1 ; R0=1
        {end + 1}: (95) exit

        from 5 to {end + 2}: R0=scalar() R10=fp0
        {end + 2}: R0=scalar() R10=fp0
        {end + 2}: (b7) r0 = 0 ; R0=0
        {end + 3}: (95) exit"""
    return small.seen(made, small.log_of(WALK.format(out=lines + 4) + walk + "\n" + tail))


def transfer(seen: Observation) -> list[Judgement]:
    return judged(seen, "transfer")


def only(seen: Observation) -> Disagreement:
    *before, last = transfer(seen)
    assert all(isinstance(judgement, Agreement) for judgement in before), before
    assert isinstance(last, Disagreement), last
    return last


def masked(claim: str) -> Observation:
    return experiment(
        "r1 = *(u64 *)(r10 -64)\n r1 &= 12\n *(u64 *)(r9 +0) = r1",
        f"8: (79) r1 = *(u64 *)(r10 -64) ; R1=scalar()\n 9: (57) r1 &= 12 ; R1={claim}\n 10: (7b) *(u64 "
        "*)(r9 +0) = r1 ;",
    )


RIGHT = "scalar(smin=smin32=0,smax=umax=smax32=umax32=12,var_off=(0x0; 0xc))"


def test_what_a_right_kernel_says_is_agreed_with() -> None:
    found = transfer(masked(RIGHT))
    assert all(isinstance(judgement, Agreement) for judgement in found)
    assert [j.operation for j in found if isinstance(j, Agreement)].count("and64_k") == 1


@pytest.mark.parametrize(
    ("claim", "view", "value"),
    [
        ("scalar(smin=smin32=0,smax=umax=smax32=umax32=11,var_off=(0x0; 0xc))", "umax", "0xc"),
        ("scalar(smin=smin32=0,smax=umax=smax32=umax32=12,var_off=(0x0; 0x8))", "var_off", "0x4"),
        ("scalar(smax=8)", "smax", "0xc"),
        ("scalar(umin32=0,smax32=8)", "smax32", "0xc"),
        ("0", "umax", ""),
    ],
)
def test_a_narrowed_claim_is_found_although_no_given_input_leaves_it(
    claim: str, view: str, value: str
) -> None:
    seen = masked(claim)
    assert not any(isinstance(j, Disagreement) for j in judged(seen, "bounds"))
    what = only(seen)
    assert str(what.signature) == f"transfer:{view}:and64_k"
    assert (what.kind, what.culprit) == ("transfer", 9)
    assert "after instruction 9 (r1 &= 12) the kernel claims " in what.statement
    assert value in what.statement


def test_the_witness_becomes_the_case_s_input() -> None:
    """And then it is found without asking the solver: the finding replays from its case alone."""
    seen, what = with_witness(masked("scalar(smax=8)"), only(masked("scalar(smax=8)")))
    assert what.witness is None
    assert what.input == 0
    assert len(seen.case.inputs) == 1
    (_, trace) = seen.runs[0]
    assert next(step.registers[1] for step in trace if step.at == 9) == 12
    assert any(isinstance(j, Disagreement) for j in judged(seen, "bounds"))


def test_a_branch_that_some_input_takes_must_be_explored() -> None:
    body = "r1 = *(u64 *)(r10 -64)\n if r1 != 0x2a goto pc+1\n *(u64 *)(r9 +0) = r1"
    walk = "8: (79) r1 = *(u64 *)(r10 -64) ; R1=scalar()\n 9: (55) if r1 != 0x2a goto pc+1 ; R1=scalar()"
    what = only(experiment(body, walk))
    assert str(what.signature) == "transfer:branch-not-explored:jne_k"
    assert "goes from instruction 9" in what.statement


def test_branches_that_no_input_takes_need_not_be() -> None:
    body = "r1 = *(u64 *)(r10 -64)\n r1 &= 12\n if r1 > 0xc goto pc+1\n *(u64 *)(r9 +0) = r1"
    walk = f"""8: (79) r1 = *(u64 *)(r10 -64) ; R1=scalar()
        9: (57) r1 &= 12 ; R1={RIGHT}
        10: (25) if r1 > 0xc goto pc+1 ; R1={RIGHT}
        11: (7b) *(u64 *)(r9 +0) = r1 ; R1={RIGHT}"""
    assert all(isinstance(judgement, Agreement) for judgement in transfer(experiment(body, walk)))


def test_most_of_what_right_kernels_say_is_decided() -> None:
    assert len(EXPERIMENTS) > 40
    said = [judgement for record in EXPERIMENTS for judgement in transfer(record.seen())]
    agreed = sum(isinstance(judgement, Agreement) for judgement in said)
    assert agreed > 0.97 * len(said)
    assert {j.reason for j in said if isinstance(j, Abstention)} <= {"solver", "a state split in two"}


CLAIM = re.compile(r"\b(R\d)(_\w+)?=scalar\([^()]*(?:\([^()]*\))?[^()]*\)")


def blinded(record: Recorded) -> tuple[int, lies.Lie] | None:
    """The lie that the last result is known to be 7 of all numbers, when it is not; and where it is told."""
    for line in reversed(record.answer.attempts[0].log.splitlines()):
        shown_at = re.match(r"(\d+): \([0-9a-f]{2}\).*; ", line)
        claim = CLAIM.search(line, shown_at.end()) if shown_at else None
        if shown_at and claim and "(7b)" not in line and "if " not in line:
            told = line[: claim.start()] + f"{claim[1]}=7" + line[claim.end() :]
            return int(shown_at[1]), lies.log_line(lambda log, line=line, told=told: log.replace(line, told))  # type: ignore[misc]
    return None


CLAIMING = [record for record in EXPERIMENTS if blinded(record) is not None]


@pytest.mark.parametrize("record", CLAIMING[::2], ids=lambda record: record.name)
def test_a_wrong_claim_in_a_real_log(record: Recorded) -> None:
    lie = blinded(record)
    assert lie is not None
    at, tell = lie
    found = [j for j in transfer(record.seen(tell(record.answer))) if isinstance(j, Disagreement)]
    assert [what.culprit for what in found] == [at]


def test_silence_about_a_log_that_is_cut() -> None:
    for record in EXPERIMENTS[::6]:
        log = record.answer.attempts[0].log
        for end in range(0, len(log), max(1, len(log) // 9)):
            seen = record.seen(lies.cut_at(end, True)(record.answer))
            assert not any(isinstance(judgement, Disagreement) for judgement in transfer(seen))


def test_a_finding_is_confirmed_shrunk_and_stored(tmp_path: Path) -> None:
    """From the disagreement to the record: with the witness as input, and of the kind that was asked for."""
    record = CLAIMING[0]
    lie = blinded(record)
    assert lie is not None

    def tell(job: Job, answer: KernelAnswer) -> KernelAnswer:
        return lie[1](answer)

    made = hunt(tmp_path, LyingKernel(tell, [_with_other_inputs(record)]))
    seen = record.seen(lie[1](record.answer))
    what = next(j for j in transfer(seen) if isinstance(j, Disagreement))
    made.pursuit.deadline = 0.0
    made.pursue(seen, what)
    (finding,) = Store(tmp_path).findings().values()
    assert finding.bug == what.signature
    assert finding.kind == "transfer"
    assert finding.witness == 0
    assert finding.case is not None
    assert len(finding.case["inputs"]) == 1


def _with_other_inputs(record: Recorded) -> Recorded:
    """The stand-in knows a case by all of it; what it says of the program is the same for the witness."""
    seen, _ = _shown(record)
    return replace(record, generated=seen.generated)


def _shown(record: Recorded) -> tuple[Observation, Disagreement]:
    lie = blinded(record)
    assert lie is not None
    seen = record.seen(lie[1](record.answer))
    return with_witness(seen, next(j for j in transfer(seen) if isinstance(j, Disagreement)))


def test_other_programs_are_not_judged() -> None:
    said = {
        judgement.reason
        for record in records()
        if record not in EXPERIMENTS
        for judgement in transfer(record.seen())
        if isinstance(judgement, Abstention)
    }
    assert "a type whose packet is not followed" in said
    assert "not modelled: a call" in said
