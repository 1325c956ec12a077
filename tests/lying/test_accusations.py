"""Every property fires on the lie that fits it, names the culprit, and says the values."""

from __future__ import annotations

import errno
import re
from dataclasses import replace
from functools import partial

import pytest

from conformance.kernel.jobs import KernelVerdict
from conformance.properties.judgement import Abstention, Disagreement
from ebpf.domains import ScalarRange
from generators.programs import Purpose
from oracles.interpreter import Returned
from tests.lying import lies, small
from tests.lying.asking import observe
from tests.lying.lies import Lie
from tests.lying.recorded import Recorded
from tests.lying.test_honest import accusations, judged, records
from tests.lying.unsafe import UNSAFE


def only(found: list[Disagreement]) -> Disagreement:
    assert len(found) == 1, found
    return found[0]


def accused(record: Recorded, lie: Lie, kind: str) -> list[Disagreement]:
    return [j for j in judged(record.seen(lie(record.answer)), kind) if isinstance(j, Disagreement)]


def runnable() -> list[Recorded]:
    """Accepted cases whose results any right engine must give."""
    found = [
        r
        for r in records()
        if r.seen().accepted and all(isinstance(o, Returned) and o.predictable for o, _ in r.seen().runs)
    ]
    assert len(found) > 30
    return found


UNSAFE_RECORDS = [record for record in records() if record.generated.case.name in UNSAFE]


@pytest.mark.parametrize("record", UNSAFE_RECORDS, ids=lambda record: record.name)
def test_soundness_fires_on_an_unsafe_program_accepted(record: Recorded) -> None:
    rule = UNSAFE[record.generated.case.name]
    assert record.seen().ruling.verdict is KernelVerdict.REJECT
    what = only(accused(record, lies.accept, "soundness"))
    form = record.seen().form_name(what.culprit or 0)
    assert str(what.signature) == f"soundness:{rule}:{form}"
    assert (what.kind, what.input) == ("soundness", 0)
    assert f"breaks {rule} at instruction {what.culprit} (" in what.statement
    assert accused(record, lies.accept, "rule") == []


def test_soundness_says_the_values() -> None:
    record = next(record for record in UNSAFE_RECORDS if record.generated.case.name == "mask too wide")
    statement = only(accused(record, lies.accept, "soundness")).statement
    assert "r0 = *(u8 *)(r1 +0)" in statement
    assert "+100, which has 64 bytes" in statement


def test_soundness_does_not_fire_on_traps_that_nobody_can_predict() -> None:
    source = "call bpf_get_prandom_u32#7\nr0 &= 127\nr1 = map[0][0]+0\nr1 += r0\nr0 = *(u8 *)(r1 +60)\nexit"
    generated = small.program(source, 0, maps=(replace(small.OUT, value_size=64),))
    accepted = lies.accept(UNSAFE_RECORDS[0].answer)
    seen = observe(generated, accepted)
    assert not any(isinstance(j, Disagreement) for j in judged(seen, "soundness"))


def test_what_perfmon_may_read_is_not_unsound() -> None:
    made = next(record for record in UNSAFE_RECORDS if record.generated.case.name == "stack never written")
    for capabilities, wrong in (((), 1), (("CAP_BPF",), 1), (("CAP_BPF", "CAP_PERFMON"), 0), (None, 0)):
        generated = replace(made.generated, case=replace(made.generated.case, capabilities=capabilities))
        seen = observe(generated, lies.accept(made.answer))
        assert len(accusations(seen)) == wrong, capabilities


NEAR_MISSES = [r for r in records() if r.generated.rule is not None and r.verdict is KernelVerdict.REJECT]


@pytest.mark.parametrize("record", NEAR_MISSES, ids=lambda record: f"{record.generated.rule}-{record.name}")
def test_rule_fires_on_a_near_miss_accepted(record: Recorded) -> None:
    """Unless no run comes where the rule is broken: then the kernel may have known, and nobody is accused."""
    found = accused(record, lies.accept, "rule")
    rule, at = record.generated.rule, record.generated.at
    assert rule is not None
    reached = any(at == step.at for _, trace in record.seen().runs for step in trace) or any(
        getattr(outcome, "at", None) == at for outcome, _ in record.seen().runs
    )
    if rule.phase.value == "walk" and not reached:
        assert found == []
        return
    what = only(found)
    assert (what.kind, what.culprit) == ("rule", at)
    assert str(what.signature) == f"rule:{rule}:{record.seen().form_name(at)}"
    assert rule.source in what.statement


def test_rule_fires_for_every_rule() -> None:
    fired = {record.generated.rule for record in NEAR_MISSES if accused(record, lies.accept, "rule")}
    assert fired == {record.generated.rule for record in NEAR_MISSES}
    assert len(fired) > 20


CLAIM = re.compile(r"\bR(\d)(_\w+)?=(scalar\([^()]*(?:\([^()]*\))?[^()]*\)|P?-?(?:0x[0-9a-f]+|\d+))(?= |$)")


def narrowed(record: Recorded) -> list[tuple[int, Lie]]:
    """Per instruction that every run passes once: the lie that the register it prints holds less than the
    first run's value."""
    seen = record.seen()
    assert seen.log is not None
    _, trace = seen.runs[0]
    visits = [step.at for step in trace]
    made = []
    for line in record.answer.attempts[0].log.splitlines():
        shown = re.match(r"(\d+): \([0-9a-f]{2}\).*; ", line)
        claim = CLAIM.search(line, shown.end()) if shown else None
        if shown is None or claim is None or visits.count(int(shown[1])) != 1:
            continue
        step = trace[visits.index(int(shown[1]))]
        value = step.registers[int(claim[1])]
        if (
            step.depth
            or not isinstance(value, int)
            or value == 0
            or len(re.findall(rf"(?m)^{shown[1]}: \(", record.answer.attempts[0].log)) > 1
        ):
            continue
        wrong = line[: claim.start(3)] + f"scalar(umax={value - 1:#x})" + line[claim.end(3) :]
        made.append((int(shown[1]), lies.log_line(partial(_replaced, line, wrong))))
    return made


def _replaced(line: str, wrong: str, log: str) -> str:
    return log.replace(line, wrong)


def test_bounds_fires_on_a_claim_that_leaves_the_value_out() -> None:
    tried = missed = 0
    for record in records():
        if not record.seen().accepted:
            continue
        for at, lie in narrowed(record):
            found = [what for what in accused(record, lie, "bounds") if what.input == 0]
            tried += 1
            if not found:
                missed += 1
                continue
            what = only(found)
            assert what.culprit == at
            assert str(what.signature) == f"bounds:umax:{record.seen().form_name(at)}"
            assert re.search(
                r"the kernel claims umax=0x[0-9a-f]+ for R\d, which holds 0x[0-9a-f]+, 0x[0-9a-f]+ more, on input 0",
                what.statement,
            )
    # A run is not followed beyond a prune, nor where the log is ambiguous.
    assert tried > 200
    assert missed < 0.2 * tried


BRANCH = f"""
    {small.LOAD}
    if r0 > 0x5 goto pc+2
    r0 = 1
    exit
    r0 = 2
    exit"""
BRANCH_LOG = """
    0: R1=ctx() R10=fp0
    0: (61) r0 = *(u32 *)(r1 +8)          ; R0_w=scalar(smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff)) R1=ctx()
    1: (25) if r0 > 0x5 goto pc+2         ; R0_w=scalar(smin=smin32=0,smax=umax=smax32=umax32=5,var_off=(0x0; 0x7))
    2: (b7) r0 = 1                        ; R0_w=1
    3: (95) exit
"""
OTHER_WAY = """
    from 1 to 4: R0_w=scalar(smin=umin=6,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff)) R1=ctx() R10=fp0
    4: (b7) r0 = 2                        ; R0_w=2
    5: (95) exit
"""


def test_bounds_fires_on_a_branch_that_was_not_explored() -> None:
    generated = small.program(BRANCH, 3, 9)
    assert accusations(small.seen(generated, small.log_of(BRANCH_LOG + OTHER_WAY))) == []
    what = only(accusations(small.seen(generated, small.log_of(BRANCH_LOG))))
    assert (what.kind, what.culprit, what.input) == ("bounds", 1, 1)
    assert str(what.signature) == f"bounds:branch-not-explored:{small.seen(generated, '').form_name(1)}"
    assert (
        "from instruction 1 (if r0 > 0x5 goto pc+2) to 4, a branch that the kernel never explored"
        in what.statement
    )


SPLIT = f"""
    {small.LOAD}
    r0 <<= 32
    r0 s>>= 63
    r0 &= 7
    exit"""
SPLIT_LOG = """
    0: R1=ctx() R10=fp0
    0: (61) r0 = *(u32 *)(r1 +8)          ; R0_w=scalar(smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff)) R1=ctx()
    1: (67) r0 <<= 32                     ; R0_w=scalar(smax=0x7fffffff00000000,umax=0xffffffff00000000)
    2: (c7) r0 s>>= 63                    ; R0_w=scalar(smin=smin32=-1,smax=smax32=0)
    3: (57) r0 &= 7                       ; R0_w={first}
    4: (95) exit
    from 3 to 3: R0_w={second} R10=fp0
    3: (57) r0 &= 7                       ; R0_w={second}
    4: (95) exit
"""


def test_bounds_fires_where_a_run_is_in_no_half_of_a_split() -> None:
    generated = small.program(SPLIT, 1, 0x8000_0000)
    assert accusations(small.seen(generated, small.log_of(SPLIT_LOG.format(first=7, second=0)))) == []
    what = only(accusations(small.seen(generated, small.log_of(SPLIT_LOG.format(first=6, second=0)))))
    assert (what.kind, what.culprit, what.input) == ("bounds", 3, 1)
    assert what.signature.parts == ("split",)
    assert (
        "none of the states into which the kernel split the one at instruction 3 (r0 &= 7)" in what.statement
    )


def test_bounds_fires_on_a_stack_slot() -> None:
    source = f"{small.LOAD}\n*(u64 *)(r10 -8) = r0\nr0 = 0\nexit"
    log = """
    0: R1=ctx() R10=fp0
    0: (61) r0 = *(u32 *)(r1 +8)          ; R0_w=scalar(smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff)) R1=ctx()
    1: (7b) *(u64 *)(r10 -8) = r0         ; R0_w=scalar(id=1,smin=0,smax=umax=0xffffffff) R10=fp0 fp-8_w={slot}
    2: (b7) r0 = 0                        ; R0_w=0
    3: (95) exit
    """
    generated = small.program(source, 0x1234)
    for honest in ("scalar(id=1,smin=0,smax=umax=0xffffffff)", "mmmmmmmm", "0x1234"):
        assert accusations(small.seen(generated, small.log_of(log.format(slot=honest)))) == []
    for lie, bound in (
        ("scalar(id=1,smin=0,umax=0xfff)", "umax=0xfff"),
        ("00000000", "byte -8 is zero"),
        ("7", "7"),
    ):
        what = only(accusations(small.seen(generated, small.log_of(log.format(slot=lie)))))
        assert (what.kind, what.culprit) == ("bounds", 1)
        assert "for fp-8, which holds 0x1234" in what.statement
        assert bound in what.statement


ENGINES = {0: "JIT", 1: "kernel interpreter", 2: "hardened JIT"}


@pytest.mark.parametrize("engine", ENGINES)
def test_execution_names_the_engine_that_is_wrong(engine: int) -> None:
    lie = lies.attempt(engine, lies.every_run(lies.wrong_r0))
    for record in runnable():
        found = accused(record, lie, "execution")
        assert [what.input for what in found] == list(range(len(record.generated.case.inputs)))
        for what in found:
            assert what.kind == "execution"
            assert str(what.signature).startswith(f"execution:{ENGINES[engine]}:")
            assert re.fullmatch(
                rf"on input {what.input} the {ENGINES[engine]} leaves (0x[0-9a-f]+) in R0, where "
                rf"our interpreter and the .* and the .* leave (?!\1)0x[0-9a-f]+",
                what.statement,
            )
            assert [each.engine for each in what.left if each.wrong] == [ENGINES[engine]]
            assert {each.value for each in what.left if each.wrong}.isdisjoint(
                each.value for each in what.left if not each.wrong
            )
            assert len(what.left) == 4


def test_execution_blames_the_kernel_where_its_engines_agree_against_ours() -> None:
    lie = lies.both(*(lies.attempt(n, lies.every_run(lies.wrong_r0)) for n in range(3)))
    for record in runnable():
        for what in accused(record, lie, "execution"):
            assert str(what.signature).startswith("execution:kernel:")
            engines = "the JIT and the kernel interpreter and the hardened JIT leave 0x"
            assert f" {engines}" in what.statement
            assert ", where our interpreter leaves 0x" in what.statement


def test_execution_names_the_instruction_that_wrote_the_wrong_register() -> None:
    source = f"{small.LOAD}\nr6 = r0\nr6 *= 3\nr2 = 5\nr1 = map[0][0]+0\n*(u64 *)(r1 +48) = r6\n*(u64 *)(r1 +16) = r2\nr0 = 1\nexit"
    seen = small.seen(small.program(source, 7, maps=(small.OUT,)), "")
    for register, culprit in ((6, 2), (2, 3)):
        answer = lies.attempt(0, lies.every_run(lies.wrong_map_byte(8 * register)))(seen.answer)
        what = only(judged(observe(seen.generated, answer), "execution")[:1])  # type: ignore[arg-type]
        assert what.culprit == culprit
        assert str(what.signature) == f"execution:JIT:{seen.form_name(culprit)}"
        assert f"in map 0, key 00000000, bytes {8 * register} to {8 * register + 7}, where" in what.statement


def test_execution_sees_a_changed_packet() -> None:
    lie = lies.attempt(0, lies.every_run(lies.wrong_packet))
    changed = [record for record in runnable() if all(run.packet for run in record.answer.attempts[0].runs)]
    assert changed
    for record in changed:
        assert all("packet byte " in what.statement for what in accused(record, lie, "execution"))
        assert len(accused(record, lie, "execution")) == len(record.generated.case.inputs)


def test_an_engine_that_is_not_there_is_not_accused() -> None:
    """A JIT that fell back to the interpreter is not measured."""
    lie = lies.attempt(0, lambda loaded: replace(lies.every_run(lies.wrong_r0)(loaded), jited_length=0))
    assert not any(accused(record, lie, "execution") for record in runnable())


def test_what_a_script_decided_accuses_nobody() -> None:
    """A kernel cannot be told what its helpers give."""
    generated = small.program("call bpf_get_prandom_u32#7\nexit", 0)
    inputs = (replace(generated.case.inputs[0], helpers=(7,)),)
    seen = small.seen(replace(generated, case=replace(generated.case, inputs=inputs)), "")
    answer = lies.attempt(0, lies.every_run(lies.wrong_r0))(seen.answer)
    (judgement,) = judged(observe(seen.generated, answer), "execution")
    assert judgement == Abstention("scripted helper results cannot be imposed on a kernel")


HEALTH: dict[str, tuple[Lie, str, str]] = {
    "warning": (
        lies.splat("[ 12.5] WARNING: CPU: 0 PID: 71 at kernel/bpf/verifier.c:2711 "
                   "reg_bounds_sanity_check+0x1a8/0x300\nmore"),
        "health:splat:WARNING: CPU: N PID: N at kernel/bpf/verifier.c:N reg_bounds",
        "the kernel warned: WARNING: CPU: 0",
    ),
    "oops": (lies.splat("BUG: unable to handle page fault"), "health:splat:BUG: unable",
             "the kernel warned: BUG"),
    "verifier bug": (lies.with_line("verifier bug: REG INVARIANTS VIOLATION (alu): range"), "health:",
                     "calls itself wrong"),
    "internal error": (lies.with_line("verifier internal error: no frame"), "health:verifier internal error",
                       "no frame"),
    "EFAULT": (lies.refused(errno.EFAULT), "health:EFAULT", "EFAULT"),
    "a million and one": (lies.processed(1_000_001), "health:complexity-limit",
                          "1000001 processed instructions"),
}  # fmt: skip


@pytest.mark.parametrize("name", HEALTH)
def test_health_fires(name: str) -> None:
    lie, signature, statement = HEALTH[name]
    for record in runnable():
        what = only(accused(record, lie, "health"))
        assert what.kind == "health"
        assert str(what.signature).startswith(signature)
        assert statement in what.statement
        assert what.culprit is None


def test_health_is_content_with_a_million() -> None:
    assert not any(accused(record, lies.processed(1_000_000), "health") for record in runnable())


def test_the_same_warning_elsewhere_is_the_same() -> None:
    record = runnable()[0]
    cut = "------------[ cut here ]------------\n"
    texts = (
        "[    12.5] WARNING: CPU: 0 PID: 71 at kernel/bpf/core.c:9",
        cut + "WARNING: CPU: 3 PID: 12345 at kernel/bpf/core.c:9",
        cut + "[ 99.25] WARNING: CPU: 3 PID: 1 at kernel/bpf/core.c:9\nModules linked in:",
    )
    assert len({only(accused(record, lies.splat(text), "health")).signature for text in texts}) == 1
    other = only(
        accused(record, lies.splat(cut + "WARNING: CPU: 3 PID: 1 at kernel/bpf/verifier.c:9"), "health")
    )
    assert "verifier.c" in str(other.signature)
    addresses = (
        "BUG: unable to handle page fault for address: ffff888012345678",
        "BUG: unable to handle page fault for address: ffffc90000000010",
    )
    assert len({only(accused(record, lies.splat(text), "health")).signature for text in addresses}) == 1


def test_purposes_are_all_recorded() -> None:
    assert {record.generated.purpose for record in records()} == set(Purpose)
    assert ScalarRange.unknown().excluded_by(0) is None


@pytest.mark.parametrize(
    "line", ["INFO: rcu_sched self-detected stall on CPU", "watchdog: BUG: soft lockup - CPU#0 stuck!"]
)
def test_a_starved_guest_is_not_accused(line: str) -> None:
    record = runnable()[0]
    assert accused(record, lies.splat(line), "health") == []
    both = lies.both(lies.splat(line), lies.splat("WARNING: core.c"))
    assert len(accused(record, both, "health")) == 1


def test_a_null_that_the_log_calls_a_map_value_is_seen() -> None:
    source = "*(u32 *)(r10 -4) = 7\nr2 = r10\nr2 += -4\nr1 = map[0]\ncall bpf_map_lookup_elem#1\nr0 = 0\nexit"
    log = """
    0: R1=ctx() R10=fp0
    0: (62) *(u32 *)(r10 -4) = 7          ; R10=fp0 fp-8=7????
    1: (bf) r2 = r10                      ; R2_w=fp0 R10=fp0
    2: (07) r2 += -4                      ; R2_w=fp-4
    3: (18) r1 = 0xffff888012345678       ; R1_w=map_ptr(map=out,ks=4,vs=96)
    5: (85) call bpf_map_lookup_elem#1    ; R0_w={claim}
    6: (b7) r0 = 0                        ; R0_w=0
    7: (95) exit
    """
    generated = small.program(source, 0, maps=(small.OUT,))
    for honest in ("map_value_or_null(id=1,map=out,ks=4,vs=96)", "rcu_ptr_task_struct()"):
        assert accusations(small.seen(generated, small.log_of(log.format(claim=honest)))) == []
    what = only(
        accusations(small.seen(generated, small.log_of(log.format(claim="map_value(map=out,ks=4,vs=96)"))))
    )
    assert (what.kind, what.culprit) == ("bounds", 5)
    assert "claims type=map_value for R0, which holds 0" in what.statement
