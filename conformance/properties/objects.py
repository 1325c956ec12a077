"""objects: an ELF object means to our reader what it means to libbpf, and nothing that libbpf refuses is
taken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from conformance.kernel.jobs import Lost
from conformance.kernel.peer.answers import CreatedMap, LoadedProgram, PeerAnswer
from conformance.objects.reading import Reading
from conformance.observing.object_observation import ObjectObservation
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement
from ebpf.isa.insn import Insn
from ebpf.isa.opcodes import CALL, CALL_KFUNC, JMP
from ebpf.map_references import is_map_load
from ebpf.maps import MapSpec
from ebpf.objects import Object, ObjectProgram
from ebpf.objects.object import UNTYPED, creatable
from ebpf.objects.strictness import STRICTER
from ebpf.program import Program
from ebpf.signature import Signature

KIND = "objects"
NAME = 15
"""Bytes of a name that bpf(2) takes (BPF_OBJ_NAME_LEN, without its end)."""
PROBES = frozenset(
    {"", "test", "libbpf_nametest", "det_arg_ctx", "libbpf_global", "libbpf_mmap", "libbpf_det_bind"}
)
"""Names of programs and maps that libbpf loads only to learn what the kernel has (libbpf.c and features.c,
0.3 to 1.5)."""

ABSENT = 2_002_000_000
"""What libbpf puts into a call of a weak kernel function that the kernel lacks, and more
(POISON_CALL_KFUNC_BASE)."""
_UNANSWERED = re.compile(r"not found in (?:kernel or module|kernel) BTFs?|failed to resolve extern")


def is_probe(name: str, answer: PeerAnswer) -> bool:
    """Whether libbpf created or loaded that to learn what the kernel has; a name that the object has too is
    the object's."""
    own = [each.name for each in answer.programs] + [each.name for each in answer.maps]
    return name in PROBES and name not in {each[:NAME] for each in own}


def judge(observation: ObjectObservation) -> Iterator[Judgement]:
    """One object.  Of what it is a signature says only which field was broken."""
    theirs = observation.theirs
    if isinstance(theirs, Lost):
        yield Abstention("the virtual machine was lost")
        return
    for judgement in compare(observation.ours, theirs, observation.peer.name):
        if isinstance(judgement, Disagreement):
            signature = judgement.signature.with_culprit(observation.broken_field)
            yield replace(judgement, signature=signature)
        else:
            yield judgement


def compare(ours: Reading, theirs: PeerAnswer, peer: str) -> Iterator[Judgement]:
    """Two accounts of one object; ``peer`` is a generation's name."""
    if theirs.opened is None:
        # It may have read what is nowhere: what it would have said is not known.
        yield Abstention(f"{peer} died of it while opening: {theirs.died}")
    elif theirs.opened and ours.opened is not None:
        yield _disagreement(
            peer, "looser", f"{peer} refuses it ({_last(theirs)}), and veridiff's reader takes it"
        )
    elif theirs.opened:
        yield Agreement("refused")
    elif ours.opened is None:
        # We relocate on opening, libbpf on loading.
        refused = theirs.loaded and not _kernel_refuses(theirs)
        yield Agreement("refused at load") if refused else _stricter(peer, ours.refusal)
    else:
        found = list(_opened(ours.opened, theirs, peer))
        yield from found
        if not found:
            yield Agreement("opened")
            yield from _loaded(ours.opened, ours.programs, theirs, peer)


def _stricter(peer: str, refusal: str) -> Judgement:
    row = next((row for row in STRICTER if row.words in refusal), None)
    if row is not None:
        return Abstention(f"stricter on purpose: {row.what}")
    return _disagreement(peer, "stricter", f"{peer} takes it, and veridiff's reader refuses it: {refusal}")


def _opened(ours: Object, theirs: PeerAnswer, peer: str) -> Iterator[Disagreement]:
    programs = tuple(
        (p.name, p.section, int(p.type), int(p.attach_type or 0), p.autoload) for p in ours.programs
    )
    answered = tuple((p.name, p.section, p.type, p.attach_type, p.autoload) for p in theirs.programs)
    if programs != answered:
        yield _differ(peer, "programs", programs, answered)
    maps = tuple((m.spec.name, words(m.spec), m.pinned) for m in ours.maps)
    told = tuple((m.name, m.words, m.pinned) for m in theirs.maps)
    if maps != told:
        yield _differ(peer, "maps", maps, told)


def words(spec: MapSpec) -> tuple[int, ...]:
    """As :attr:`OpenedMap.words`."""
    return (
        int(spec.type),
        spec.key_size,
        spec.value_size,
        spec.max_entries,
        spec.flags,
        spec.btf_key,
        spec.btf_value,
    )


def _loaded(
    opened: Object,
    programs: tuple[tuple[ObjectProgram, Program | None, str], ...],
    theirs: PeerAnswer,
    peer: str,
) -> Iterator[Judgement]:
    """What libbpf asked of the kernel against what we would ask."""
    names = [each.name[:NAME] for each, _, _ in programs] + [each.spec.name[:NAME] for each in opened.maps]
    if not PROBES.isdisjoint(names):
        yield Abstention("a name that libbpf gives to its own probes")
        return
    if theirs.died:
        yield Abstention(f"{peer} died of it while loading: {theirs.died}")
        return
    if not theirs.untyped:
        # Where the kernel refuses the object's BTF, libbpf makes its maps without types.
        yield from _created(opened, theirs, peer)
    loads = _of_the_object(theirs.loads, {each.name[:NAME] for each, _, _ in programs})
    if theirs.loaded and not _kernel_refuses(theirs):
        reasons = [why for _, made, why in programs if made is None]
        if reasons or any(each.unsupported for each in opened.maps):
            yield Agreement("refused at load")
        elif any(_UNANSWERED.search(warning) for warning in theirs.warnings):
            yield Abstention("a symbol that this kernel does not have")
        else:
            statement = f"{peer} refuses to load it ({_last(theirs)}), and veridiff's loader loads it"
            yield _disagreement(peer, "looser at load", statement)
        return
    for load, (each, made, why) in zip(loads, programs, strict=False):
        if made is None:
            yield (
                Abstention(f"no program of ours: {why.rsplit(': ', 1)[-1]}")
                if "unsupported" in why
                else _stricter(peer, why)
            )
        else:
            named = replace(each, instructions=_first_of_name(each.instructions, opened))
            compared = _by_name(_by_map(load, opened, theirs), named)
            yield from _same_load(compared, named, made, peer, typed=not theirs.untyped)
    if not theirs.loaded and len(loads) != len(programs):
        yield _differ(
            peer,
            "programs loaded",
            tuple(each.name for each, _, _ in programs),
            tuple(load.name for load in loads),
        )


def _kernel_refuses(theirs: PeerAnswer) -> bool:
    """Whether the kernel refused a program or a map of the object, and not libbpf the object."""
    loads = _of_the_object(theirs.loads, {each.name[:NAME] for each in theirs.programs})
    creates = _newest(theirs.creates, {each.name[:NAME] for each in theirs.maps})
    return any(load.errno for load in loads) or any(create.errno for create in creates.values())


def _created(opened: Object, theirs: PeerAnswer, peer: str) -> Iterator[Judgement]:
    for each in opened.maps:
        name = each.spec.name[:NAME]
        # What the kernel refuses is tried again without types, and may then be taken: the first try says what
        # libbpf makes of the object.
        made = next((create for create in theirs.creates if create.name == name), None)
        if made is None or each.unsupported or sum(m.spec.name[:NAME] == name for m in opened.maps) > 1:
            continue
        wanted, got = words(creatable(each.spec)), made.words
        if each.spec.type in UNTYPED:
            got = (*got[:-2], 0, 0)
        yield Agreement("map") if wanted == got else _differ(peer, "map created", wanted, got)


def _by_map(load: LoadedProgram, opened: Object, theirs: PeerAnswer) -> LoadedProgram:
    """With the numbers of the object's maps instead of those of the calls that created them."""
    names = [each.spec.name[:NAME] for each in opened.maps]

    def number(insn: Insn) -> Insn:
        if not is_map_load(insn) or not 0 <= insn.imm < len(theirs.creates):
            return insn
        name = theirs.creates[insn.imm].name
        return replace(insn, imm=names.index(name) if name in names else -1)

    return replace(load, instructions=tuple(map(number, load.instructions)))


def _by_name(load: LoadedProgram, each: ObjectProgram) -> LoadedProgram:
    """With the calls of kernel functions as the object has them: libbpf fills in the running kernel's number,
    and the descriptor of its module, or poisons the call of one that is weak and not there."""
    insns = list(load.instructions)
    for slot, _ in each.kfuncs:
        call = insns[slot] if slot < len(insns) else None
        if call is not None and call.opcode == CALL | JMP and _is_answered(call):
            insns[slot] = replace(call, src=CALL_KFUNC, off=0, imm=each.instructions[slot].imm)
    return replace(load, instructions=tuple(insns))


def _is_answered(call: Insn) -> bool:
    return call.src == CALL_KFUNC or (call.src == 0 and call.imm >= ABSENT)


def _first_of_name(instructions: tuple[Insn, ...], opened: Object) -> tuple[Insn, ...]:
    """Of maps that share a name, which the kernel's side cannot tell apart, the number of the first."""
    names = [each.spec.name[:NAME] for each in opened.maps]
    return tuple(
        replace(insn, imm=names.index(names[insn.imm]))
        if is_map_load(insn) and 0 <= insn.imm < len(names)
        else insn
        for insn in instructions
    )


def _same_load(
    load: LoadedProgram, each: ObjectProgram, made: Program, peer: str, *, typed: bool
) -> Iterator[Judgement]:
    ours = (each.name[:NAME], int(made.type), int(made.attach_type or 0), int(made.flags), made.license[:128])
    theirs = (load.name, load.type, load.attach_type, load.flags, load.license[:128])
    if ours != theirs:
        yield _differ(peer, "load", ours, theirs)
    elif each.instructions != load.instructions:
        yield _differ(peer, "instructions", *_first_difference(each.instructions, load.instructions))
    elif not typed:
        yield Abstention("the kernel refuses the object's BTF, and libbpf goes on without")
    elif (made.func_info or b"") != load.func_info:
        yield _differ(peer, "func_info", (made.func_info or b"").hex(), load.func_info.hex())
    else:
        yield Agreement("loaded")


def _first_difference(ours: tuple[Insn, ...], theirs: tuple[Insn, ...]) -> tuple[object, object]:
    if len(ours) != len(theirs):
        return f"{len(ours)} slots", f"{len(theirs)} slots"
    at = next(number for number, (one, other) in enumerate(zip(ours, theirs, strict=True)) if one != other)
    return f"slot {at}: {ours[at]}", f"slot {at}: {theirs[at]}"


def _of_the_object(loads: tuple[LoadedProgram, ...], names: set[str]) -> list[LoadedProgram]:
    """Without probes, and of what was tried again (with a log, a larger one) the last."""
    own = [load for load in loads if load.name in names]
    return [list(group)[-1] for _, group in groupby(own, key=lambda load: (load.name, load.instructions))]


def _newest(creates: tuple[CreatedMap, ...], names: set[str]) -> dict[str, CreatedMap]:
    """By name; libbpf tries again without types where the kernel refuses a map with them."""
    return {create.name: create for create in creates if create.name in names}


def _last(theirs: PeerAnswer) -> str:
    error = theirs.opened or theirs.loaded
    return theirs.warnings[-1] if theirs.warnings else f"error {error}"


def _differ(peer: str, what: str, ours: object, theirs: object) -> Disagreement:
    return _disagreement(peer, what, f"{what}: ours {ours}, {peer}'s {theirs}")


def _disagreement(peer: str, what: str, statement: str) -> Disagreement:
    return Disagreement(Signature(KIND, (peer, what)), statement)
