"""Jobs and answers for the protocol's property tests: any values the types allow, not meaningful programs."""

from __future__ import annotations

from hypothesis import strategies as st

from conformance.kernel.attaching import (
    MAX_TIMES,
    WAYS,
    Attached,
    AttachJob,
    AttachStage,
    PlaceKind,
    Reached,
    Trigger,
)
from conformance.kernel.jobs import Attempt, Jit, Job, KernelAnswer, Loaded, RunResult
from conformance.kernel.protocol.capabilities import NAMES
from conformance.kernel.protocol.maps import STYLES, Style
from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Input, LoadFlag, Program
from ebpf.program_types import AttachType, ProgramType

U32 = st.integers(0, (1 << 32) - 1)
U64 = st.integers(0, (1 << 64) - 1)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
BYTES = st.binary(max_size=40)

insns = st.builds(
    Insn,
    st.integers(0, 255),
    st.integers(0, 15),
    st.integers(0, 15),
    st.integers(-(1 << 15), (1 << 15) - 1),
    st.integers(-(1 << 31), (1 << 31) - 1),
)


@st.composite
def map_specs(draw: st.DrawFn, *, inner: bool = True) -> MapSpec:
    """With contents where the type takes them."""
    kind = draw(st.sampled_from(MapType))
    style = STYLES.get(kind, Style.OPAQUE)
    key_size, value_size = draw(st.integers(1, 8)), draw(st.integers(1, 16))
    if style in (Style.ARRAY, Style.PERCPU_ARRAY):
        key_size = 4
    key = st.just(b"") if style is Style.QUEUE else st.binary(min_size=key_size, max_size=key_size)
    pairs: st.SearchStrategy[tuple[tuple[bytes, bytes], ...]] = st.lists(
        st.tuples(key, st.binary(min_size=value_size, max_size=value_size)), max_size=4
    ).map(tuple)
    contents = () if style is Style.OPAQUE else draw(pairs)
    if contents and style is Style.ARRAY and draw(st.booleans()):
        contents = tuple([(index.to_bytes(4, "little"), value) for index, (_, value) in enumerate(contents)])
    template = draw(st.none() | map_specs(inner=False)) if inner else None
    return MapSpec(
        kind,
        key_size,
        value_size,
        draw(U32),
        draw(U32),
        draw(TEXT),
        draw(U32),
        draw(U32),
        template,
        contents,
        extra=draw(U64),
    )


capabilities = st.none() | st.lists(st.sampled_from(NAMES), unique=True).map(
    lambda chosen: tuple(sorted(chosen, key=NAMES.index))
)
attempts = st.builds(
    Attempt,
    st.sampled_from(Jit),
    U32,
    st.integers(0, 255).map(LoadFlag),
    st.booleans(),
    st.booleans(),
    capabilities,
)
programs = st.builds(
    Program,
    st.sampled_from(ProgramType),
    st.lists(insns, max_size=20).map(tuple),
    st.lists(map_specs(), max_size=3).map(tuple),
    st.sampled_from(AttachType),
    st.none(),
    TEXT,
    st.integers(0, 255).map(LoadFlag),
    st.none() | st.binary(min_size=1, max_size=9),
    st.none() | st.binary(min_size=1, max_size=9),
    st.lists(st.tuples(U32, TEXT), max_size=3).map(tuple),
)
inputs = st.builds(Input, BYTES, BYTES)
jobs = st.builds(
    Job,
    st.builds(Case, programs, st.lists(inputs, max_size=3).map(tuple)),
    st.lists(attempts, max_size=3).map(tuple),
)


@st.composite
def contents(draw: st.DrawFn) -> tuple[tuple[bytes, bytes], ...] | None:
    """What a map holds after a run: None, or pairs of one size."""
    if draw(st.booleans()):
        return None
    key, value = draw(st.integers(0, 8)), draw(st.integers(1, 16))
    pairs = draw(
        st.lists(
            st.tuples(st.binary(min_size=key, max_size=key), st.binary(min_size=value, max_size=value)),
            max_size=4,
        )
    )
    return tuple(sorted(pairs) if key else pairs)


@st.composite
def answers(draw: st.DrawFn) -> KernelAnswer:
    """As an agent gives them: every run of an attempt has the same number of maps."""
    return KernelAnswer(
        tuple([draw(_loaded()) for _ in range(draw(st.integers(0, 3)))]),
        draw(st.none() | st.tuples(st.integers(-1, 63), st.integers(1, 600))),
        tuple(draw(st.lists(TEXT, max_size=2))),
        draw(st.none() | TEXT.filter(bool)),
    )


@st.composite
def _loaded(draw: st.DrawFn) -> Loaded:
    count = draw(st.integers(0, 2))
    runs = [
        RunResult(
            draw(U32),
            draw(U32),
            draw(BYTES),
            draw(BYTES),
            tuple([draw(contents()) for _ in range(count)]),
            draw(U64),
        )
        for _ in range(draw(st.integers(0, 3)))
    ]
    verified = draw(st.none() | st.integers(1, 1 << 20))
    translated = draw(st.none() | st.binary(min_size=1, max_size=16))
    return Loaded(
        draw(U32), draw(TEXT), draw(st.booleans()), draw(U32), draw(U64), verified, translated, tuple(runs)
    )


_NAMES = {
    PlaceKind.TRACEPOINT: st.from_regex(r"[a-z]{1,20}/\w{1,40}", fullmatch=True),
    PlaceKind.KPROBE: st.from_regex(r"[\w.]{1,60}", fullmatch=True),
    PlaceKind.KRETPROBE: st.from_regex(r"[\w.]{1,60}", fullmatch=True),
    PlaceKind.RAW_TRACEPOINT: st.from_regex(r"\w{1,40}", fullmatch=True),
    PlaceKind.CGROUP: st.sampled_from(["ingress", "egress"]),
}


@st.composite
def attach_jobs(draw: st.DrawFn) -> AttachJob:
    """Every place with every way it has."""
    kind = draw(st.sampled_from(PlaceKind))
    name = draw(_NAMES[kind].filter(str.isascii)) if kind in _NAMES else ""
    where = kind.name.lower() + (f":{name}" if name else "")
    case = Case(draw(programs), tuple(draw(st.lists(inputs, max_size=2))))
    way, trigger = draw(st.sampled_from(WAYS[kind])), draw(st.sampled_from(Trigger))
    return AttachJob(case, where, way, trigger, draw(st.integers(0, MAX_TIMES)), draw(attempts))


reached = st.builds(Reached, st.sampled_from(AttachStage), U32, U64)
attached_answers = st.builds(
    Attached,
    st.lists(reached, max_size=9).map(tuple),
    TEXT,
    BYTES,
    st.booleans(),
    st.lists(contents(), max_size=3).map(tuple),
    answers(),
)
