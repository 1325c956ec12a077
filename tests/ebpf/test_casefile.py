"""Case files: what is written is read back, and each kind of bad input gives one error that names file, place
and reason."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf.byte_order import ByteOrder
from ebpf.casefile import FORMAT, dumps, from_plain, identity, loads, to_plain
from ebpf.errors import InputError
from ebpf.isa import Insn
from ebpf.maps import MapField, MapFieldKind, MapSpec, MapType
from ebpf.program import Case, Input, LoadFlag, Program
from ebpf.program_types import AttachType, ProgramType
from generators.profiles import Profile
from generators.strategies import programs
from tests.ebpf.test_insn import INSNS

WORD = st.integers(0, (1 << 32) - 1)
NAMES = st.text(max_size=12)


@st.composite
def maps(draw: st.DrawFn, depth: int = 1) -> MapSpec:
    key, value = draw(st.integers(0, 6)), draw(st.integers(0, 6))
    pairs = st.tuples(st.binary(min_size=key, max_size=key), st.binary(min_size=value, max_size=value))
    return MapSpec(
        draw(st.sampled_from(MapType)),
        key,
        value,
        draw(WORD),
        draw(WORD),
        draw(NAMES),
        draw(WORD),
        draw(WORD),
        draw(st.none() | maps(depth - 1)) if depth else None,
        tuple(sorted(draw(st.lists(pairs, max_size=3, unique_by=lambda pair: pair[0])))),
        extra=draw(st.integers(0, (1 << 64) - 1)),
    )


PROGRAMS = st.builds(
    Program,
    st.sampled_from(ProgramType),
    st.lists(INSNS, min_size=1, max_size=5).map(tuple),
    st.lists(maps(), max_size=2).map(tuple),
    st.none() | st.sampled_from(AttachType),
    st.none() | NAMES,
    NAMES,
    st.integers(0, 255).map(LoadFlag),
    st.none() | st.binary(max_size=9),
    st.none() | st.binary(max_size=9),
    st.dictionaries(st.integers(0, 99), NAMES, max_size=3).map(lambda kfuncs: tuple(sorted(kfuncs.items()))),
)
INPUTS = st.builds(
    Input,
    st.binary(max_size=9),
    st.binary(max_size=9),
    st.lists(st.integers(-(1 << 63), (1 << 64) - 1), max_size=3).map(tuple),
)
CASES = st.builds(
    Case,
    PROGRAMS,
    st.lists(INPUTS, max_size=3).map(tuple),
    st.none() | st.lists(NAMES, max_size=3).map(tuple),
    NAMES,
)


@given(CASES)
def test_round_trip(case: Case) -> None:
    assert loads(dumps(case)) == case
    assert from_plain(to_plain(case)) == case
    assert from_plain(json.loads(dumps(case))) == case


@given(programs(Profile(inputs=1)))
def test_round_trip_of_generated_programs(generated: Any) -> None:
    assert loads(dumps(generated.case)) == generated.case


@given(CASES, NAMES, CASES)
def test_identity_is_of_everything_but_the_name(case: Case, name: str, other: Case) -> None:
    renamed = Case(case.program, case.inputs, case.capabilities, name)
    assert identity(renamed) == identity(case)
    assert re.fullmatch("[0-9a-f]{16}", identity(case))
    same = (other.program, other.inputs, other.capabilities) == (case.program, case.inputs, case.capabilities)
    assert (identity(other) == identity(case)) == same


def test_canonical_bytes() -> None:
    case = Case(Program(ProgramType.XDP, (Insn(0x95),)), (Input(),), ())
    expected = '{"capabilities":[],"format":"veridiff-case/1","inputs":[{}],"program":{"instructions":"9500000000000000","type":"xdp"}}'
    assert json.loads(dumps(case)) == json.loads(expected)
    assert dumps(case) == json.dumps(json.loads(dumps(case)), sort_keys=True, separators=(",", ":")).encode()


def test_assembly_and_defaults() -> None:
    case = loads(
        '{"format": "veridiff-case/1", "program": {"type": "xdp", "instructions": ["r0 = 1", "exit"]}}'
    )
    assert case == Case(Program(ProgramType.XDP, (Insn(0xB7, 0, 0, 0, 1), Insn(0x95))))
    assert case.capabilities is None
    assert case.inputs == (Input(),)


def plain(**changes: Any) -> dict[str, Any]:
    """A good case, with keys given by dotted path (``program__type``) set, or removed where the value is
    ``...``."""
    made: dict[str, Any] = {
        "format": FORMAT,
        "program": {
            "type": "xdp",
            "instructions": "9500000000000000",
            "maps": [
                {
                    "type": "array",
                    "key_size": 4,
                    "value_size": 2,
                    "max_entries": 1,
                    "contents": {"00000000": "0102"},
                }
            ],
        },
        "inputs": [{"packet": "00"}],
    }
    for path, value in changes.items():
        *parents, last = path.split("__")
        at: Any = made
        for key in parents:
            at = at[int(key) if key.isdecimal() else key]
        if value is ...:
            del at[last]
        else:
            at[last] = value
    return made


def test_the_plain_case_is_good() -> None:
    assert from_plain(plain()).program.maps[0].contents == ((bytes(4), b"\1\2"),)


@pytest.mark.parametrize(
    ("changes", "place", "reason"),
    [
        ({"format": "veridiff-case/2"}, "$.format", "expected 'veridiff-case/1', found 'veridiff-case/2'"),
        ({"format": ...}, "$.format", "found None"),
        ({"program": ...}, "", "missing required field `program`"),
        ({"extra": 1}, "", "unknown field `extra`"),
        ({"byte_order": "middle"}, "$.byte_order", "middle"),
        ({"capabilities": "CAP_BPF"}, "$.capabilities", "Expected `array | null`"),
        ({"program__type": "xpd"}, "$.program.type", "unknown ProgramType 'xpd'"),
        ({"program__attach_type": "nowhere"}, "$.program.attach_type", "unknown AttachType 'nowhere'"),
        ({"program__attach_type": 999}, "$.program.attach_type", "unknown AttachType 999"),
        ({"program__flags": ["fast"]}, "$.program.flags", "unknown load flag 'fast'"),
        (
            {"program__instructions": "950000000000000"},
            "$.program.instructions",
            "odd number of digits: truncated?",
        ),
        ({"program__instructions": "95000000"}, "$.program.instructions", "4 bytes end inside slot 0"),
        ({"program__instructions": "zz"}, "$.program.instructions", "not hexadecimal: 'zz'"),
        ({"program__instructions": ""}, "$.program.instructions", "empty"),
        ({"program__instructions": ["r0 = 0", "leave"]}, "$.program.instructions", "line 2: 'leave'"),
        ({"program__instructions": 5}, "$.program.instructions", "Expected `str | array`"),
        ({"program__btf": "0"}, "$.program.btf", "truncated?"),
        ({"program__func_info": "x0"}, "$.program.func_info", "not hexadecimal"),
        ({"program__kfuncs": {"one": "f"}}, "$.program.kfuncs", "'one' is not an instruction number"),
        ({"program__kfuncs": {"²": "f"}}, "$.program.kfuncs", "is not an instruction number"),
        ({"program__maps__0__type": "aray"}, "$.program.maps[0].type", "unknown MapType 'aray'"),
        ({"program__maps__0__key_size": -1}, "$.program.maps[0].key_size", "-1 is not a 32-bit number"),
        (
            {"program__maps__0__max_entries": 1 << 32},
            "$.program.maps[0].max_entries",
            "is not a 32-bit number",
        ),
        (
            {"program__maps__0__contents": {"00": "0102"}},
            "$.program.maps[0].contents[00]",
            "key has 1 bytes, key_size is 4",
        ),
        (
            {"program__maps__0__contents": {"00000000": "01"}},
            "$.program.maps[0].contents[00000000]",
            "value has 1 bytes, value_size is 2",
        ),
        ({"program__maps__0__contents": {"0000000": "0102"}}, "$.program.maps[0].contents", "truncated?"),
        (
            {"program__maps__0__inner": {"type": "x", "key_size": 1, "value_size": 1, "max_entries": 1}},
            "$.program.maps[0].inner.type",
            "unknown MapType",
        ),
        ({"inputs": [{"packet": "0"}]}, "$.inputs[0].packet", "truncated?"),
        ({"inputs": [{}, {"context": "q"}]}, "$.inputs[1].context", "not hexadecimal"),
        ({"inputs": [{"helpers": ["1"]}]}, "$.inputs[0].helpers[0]", "Expected `int`"),
    ],
)
def test_errors_name_file_place_and_reason(changes: dict[str, Any], place: str, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        from_plain(plain(**changes), "case.json")
    message = str(caught.value)
    assert message.startswith("case.json: ")
    assert place in message
    assert reason in message
    assert "\n" not in message


@pytest.mark.parametrize("value", [None, [], 5, "text", {"format": 1}, {"format": None}])
def test_other_json(value: Any) -> None:
    with pytest.raises(InputError, match=r"^f: \$\.format: expected 'veridiff-case/1'"):
        from_plain(value, "f")


@pytest.mark.parametrize("text", ["", "{", '{"format": "veridiff-case/1"', "\x00", b"\xff"])
def test_no_json(text: str | bytes) -> None:
    with pytest.raises(InputError, match=r"^f: not JSON: "):
        loads(text, "f")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=6),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["format", "program", "type", "maps", "inputs", "instructions"]), inner
            )
        ),
    ),
    st.sampled_from(["program", "inputs"]),
)
def test_any_json_is_a_case_or_one_input_error(value: Any, key: str) -> None:
    message = ""
    try:
        case = from_plain(plain(**{key: value}), "f")
    except InputError as error:
        message = str(error)
    assert message.startswith("f: ") or case.program.instructions


def test_special_fields_of_map_values() -> None:
    raw = plain()
    raw["program"]["maps"][0]["fields"] = [{"offset": 0, "kind": "kptr", "to": "task_struct"}]
    case = from_plain(raw)
    assert case.program.maps[0].fields == (MapField(0, MapFieldKind.KPTR, "task_struct"),)
    assert loads(dumps(case)) == case
    raw["program"]["maps"][0]["fields"][0]["kind"] = "lock"
    with pytest.raises(InputError, match=r"maps\[0\]\.fields\[0\]: unknown kind of field 'lock'"):
        from_plain(raw)


def test_the_byte_order_is_honoured() -> None:
    """A big-endian case's instructions are a big-endian machine's, and it is written as it was read."""
    insns = (Insn(0xB7, 1, 0, 0, 0x12345678), Insn(0xBF, 0, 1), Insn(0x95))
    case = Case(Program(ProgramType.XDP, insns, byte_order=ByteOrder.BIG))
    text = dumps(case)
    assert b'"byte_order": "big"' in text or b'"byte_order":"big"' in text
    assert b"b710000012345678" in text
    assert loads(text) == case
