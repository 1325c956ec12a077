"""What the reference verifier adds: lies that no input of the case shows, and refusals of what is safe."""

from __future__ import annotations

import errno
from dataclasses import replace

import pytest

from conformance.kernel.jobs import KernelAnswer, KernelVerdict
from conformance.observing.observation import Observation
from conformance.observing.opinions import THOROUGH
from conformance.properties.judgement import Abstention, Disagreement
from ebpf.changes import documented_change
from ebpf.isa import opcodes as o
from ebpf.isa.build import R2, R5, alu32, jump32
from ebpf.program import Input, Program
from ebpf.program_types import ProgramType
from ebpf.releases import Release
from generators.programs import Purpose
from tests.lying import lies
from tests.lying.asking import ToldSiblings, judgements_of, observe, with_witness
from tests.lying.recorded import Recorded
from tests.lying.test_accusations import NEAR_MISSES, UNSAFE_RECORDS, runnable
from tests.lying.test_honest import records
from tests.lying.unsafe import UNSAFE

HARMLESS = (Input(bytes(64)),)


def seen(
    record: Recorded, answer: KernelAnswer | None = None, *, inputs: tuple[Input, ...] | None = None
) -> Observation:
    """As a property sees it that asks the reference verifier; nothing is known of what the program was made
    for."""
    case = record.generated.case
    case = replace(case, inputs=case.inputs if inputs is None else inputs)
    made = replace(record.generated, case=case, purpose=Purpose.DARING, intent=None)
    return observe(made, answer or record.answer, record.release, budget=THOROUGH)


def accused(observation: Observation, kind: str) -> list[Disagreement]:
    return [
        judgement for judgement in judgements_of(kind, observation) if isinstance(judgement, Disagreement)
    ]


@pytest.mark.parametrize("record", records(), ids=lambda record: record.name)
def test_no_honest_answer_is_accused(record: Recorded) -> None:
    for kind in ("soundness", "rule", "bounds", "precision"):
        found = [what for what in accused(seen(record), kind) if not what.gap]
        assert found == []


@pytest.mark.parametrize("record", UNSAFE_RECORDS, ids=lambda record: record.name)
def test_soundness_needs_no_input(record: Recorded) -> None:
    observation = seen(record, lies.accept(record.answer), inputs=())
    what = next(iter(accused(observation, "soundness")), None)
    assert what is not None
    assert str(what.signature).startswith(f"soundness:{UNSAFE[record.generated.case.name]}:")
    assert what.witness is not None
    # The witness as the case's input: then a run shows it, and says the values.
    again, told = with_witness(observation, what)
    assert again.case == what.witness
    assert (told.signature, told.input) == (what.signature, 0)


def test_bounds_needs_no_input() -> None:
    """R2 is claimed to be at most 100, and the input makes it 0."""
    record = next(record for record in UNSAFE_RECORDS if record.generated.case.name == "mask too wide")
    answer = lies.attempt(0, lambda loaded: replace(loaded, log=loaded.log.replace("=127", "=100")))(
        lies.accept(record.answer)
    )
    assert answer != lies.accept(record.answer)
    assert accused(seen(record, lies.accept(record.answer), inputs=HARMLESS), "bounds") == []
    what, *_ = accused(seen(record, answer, inputs=HARMLESS), "bounds")
    assert what.witness is not None
    again, told = with_witness(seen(record, answer, inputs=HARMLESS), what)
    assert again.case == what.witness
    assert told.signature == what.signature


def test_rule_needs_no_near_miss() -> None:
    """Programs that break a rule, of which nobody says so."""
    fired: dict[str, Recorded] = {}
    for record in NEAR_MISSES:
        for what in accused(seen(record, lies.accept(record.answer)), "rule"):
            fired.setdefault(what.signature.parts[0], record)
    assert len(fired) >= 11, sorted(fired)
    assert {"pointer-leak", "return-range", "pointer-arithmetic", "unreachable"} & fired.keys()


SAFE = [record for record in runnable() if record.generated.case.capabilities is None][:20]
REFUSE = lies.refused(
    errno.EACCES, "0: (b7) r0 = 0\nR2 min value is outside of the allowed memory range\n" + lies.PROCESSED
)
SHAPE = "R min value is outside of the allowed memory range"
ACCEPT, REJECT = KernelVerdict.ACCEPT, KernelVerdict.REJECT


def imprecise(lie: lies.Lie, siblings: ToldSiblings) -> list[Disagreement]:
    """What precision says of safe programs, each refused by that lie, where the siblings say that."""
    return [
        each
        for record in SAFE
        for each in judgements_of("precision", seen(record, lie(record.answer)), siblings)
        if isinstance(each, Disagreement)
    ]


def test_a_refusal_that_an_older_kernel_does_not_make_is_a_regression() -> None:
    found = imprecise(REFUSE, ToldSiblings(v5_10=ACCEPT, v6_1=ACCEPT, v6_2=REJECT, v7_0=ACCEPT))
    assert len(found) >= len(SAFE) // 2
    assert {(str(each.signature), each.gap) for each in found} == {(f"precision:{SHAPE}:after 6.1", None)}
    assert "sibling:6.1 accepts; the first to refuse it, of those asked, is sibling:6.2" in found[0].statement


def test_another_build_of_the_version_counts_too() -> None:
    release = ".".join(SAFE[0].release.split(".")[:3]).partition("+")[0].partition("-")[0]
    same = ToldSiblings(**{"v" + release.replace(".", "_"): ACCEPT})
    (found, *_) = [
        each
        for each in judgements_of("precision", seen(SAFE[0], REFUSE(SAFE[0].answer)), same)
        if isinstance(each, Disagreement)
    ]
    assert found.gap is None
    assert f"another build of {release} accepts" in found.statement


@pytest.mark.parametrize(
    ("siblings", "fixed_in"),
    [
        (ToldSiblings(), ""),
        (ToldSiblings(v5_10=REJECT, v6_1=REJECT), ""),
        (ToldSiblings(v6_1=REJECT, v7_9=ACCEPT, v8_0=ACCEPT), "7.9"),
        (ToldSiblings(v6_1=KernelVerdict.UNSUPPORTED, v5_10=KernelVerdict.NONE), ""),
    ],
)
def test_what_no_older_kernel_accepts_is_a_gap(siblings: ToldSiblings, fixed_in: str) -> None:
    found = imprecise(REFUSE, siblings)
    assert len(found) >= len(SAFE) // 2
    assert {str(each.signature) for each in found} == {f"precision:gap:{SHAPE}"}
    assert {each.gap.fixed_in for each in found if each.gap} == {fixed_in}
    assert sum(each.gap.proven for each in found if each.gap) >= len(SAFE) // 3


@pytest.mark.parametrize(
    "message",
    [
        "unknown func bpf_nothing#999",
        "access beyond struct mptcp_sock at off 0 size 1",
        "R1 is of type mptcp_sock but sock_common is expected",
        "Syscall programs can only be sleepable",
        "bpf_modify_return_test() is not modifiable",
        "Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops programs can be sleepable",
    ],
)
def test_configuration_and_load_attributes_are_no_imprecision(message: str) -> None:
    refuse = lies.refused(errno.EINVAL, f"{message}\n{lies.PROCESSED}")
    assert imprecise(refuse, ToldSiblings(v6_1=ACCEPT)) == []


def changed(message: str, release: str, accepted_by: Release, pruned: bool, program: Program) -> bool:
    return documented_change(message, release, accepted_by, pruned, program) is not None


def test_a_documented_change_is_no_regression() -> None:
    filter_ = Program(ProgramType.SOCKET_FILTER, ())
    message = "BPF_MOV uses reserved fields"
    assert changed(message, "7.3.4", Release(6, 12), False, filter_)
    assert not changed(message, "6.12.1", Release(6, 1), False, filter_)
    assert not changed(message, "7.3.4", Release(7, 2), False, filter_)
    bound = "R7 max value is outside of the allowed memory range"
    assert changed(bound, "6.12.117", Release(6, 1, 176), True, filter_)
    assert not changed(bound, "6.12.117", Release(6, 1, 176), False, filter_)
    assert not changed(bound, "7.3.4", Release(6, 12), True, filter_)
    returned = "At program exit the register R0 has smin=1 smax=1 should have been in [-4095, 0]"
    lsm = Program(ProgramType.LSM, ())
    assert changed(returned, "6.12.117", Release(6, 1), False, lsm)
    assert not changed(returned, "7.3.4", Release(6, 12), False, lsm)
    assert not changed(returned, "6.12.117", Release(6, 1), False, filter_)
    assert changed(returned, "6.12.117", Release(6, 1), True, filter_)
    assert not changed(returned, "7.3.4", Release(6, 12), True, filter_)
    number = "R5 invalid mem access 'scalar'"
    tested = replace(filter_, instructions=(jump32(o.JSET, R5, 15),))
    assert changed(number, "6.1.176", Release(5, 10, 223), False, tested)
    assert not changed(number, "6.1.176", Release(5, 10, 223), False, filter_)
    assert not changed(number, "7.3.4", Release(6, 12), False, tested)
    large = "BPF program is too large. Processed 1000001 insn"
    divides = replace(filter_, instructions=(alu32(o.DIV, R5, R2),))
    assert changed(large, "7.3.4", Release(6, 19, 14), False, divides)
    assert not changed(large, "7.3.4", Release(6, 19, 14), False, filter_)
    assert not changed(large, "7.3.4", Release(7, 0, 13), False, divides)
    refuse = lies.refused(errno.EINVAL, f"0: (b7) r0 = 0\n{message}\n{lies.PROCESSED}")
    record = SAFE[0]
    later = observe(record.generated, refuse(record.answer), "7.3.4-lying", budget=THOROUGH)
    (said,) = judgements_of("precision", later, ToldSiblings(v6_1=ACCEPT))
    assert said == Abstention(
        "a documented change: reserved fields are checked before the walk, in dead code too"
    )


def test_precision_does_not_fire_without_a_verdict() -> None:
    record = runnable()[0]
    for lie in (lies.refused(errno.ENOSPC), lies.refused(errno.EINVAL), lies.accept):
        assert accused(seen(record, lie(record.answer)), "precision") == []
