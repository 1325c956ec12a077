"""Assembly text: printed and parsed back, in the words of the kernel's log and of LLVM."""

from __future__ import annotations

import json
import lzma
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf.assembly import AssemblyDialect, listing, parse, text
from ebpf.errors import InputError
from ebpf.isa import Insn, decode, encode
from ebpf.isa.forms import Form
from ebpf.isa.table import FORMS, IllegalInsn
from tests.ebpf.instructions import legal

LOGS = Path(__file__).parents[1] / "data" / "logs"


@given(legal())
def test_print_then_parse(chosen: tuple[Form, tuple[Insn, ...]]) -> None:
    _, slots = chosen
    [(_, line)] = listing(slots)
    assert parse([line]) == slots


@given(st.lists(legal(), max_size=6))
def test_a_whole_program(chosen: list[tuple[Form, tuple[Insn, ...]]]) -> None:
    slots = tuple(insn for _, each in chosen for insn in each)
    lines = listing(slots)
    assert parse([line for _, line in lines]) == slots
    assert [at for at, _ in lines] == [
        at for at, insn in enumerate(slots) if at == 0 or slots[at - 1].opcode != 0x18
    ]


@given(legal())
def test_every_form_can_be_printed_for_llvm(chosen: tuple[Form, tuple[Insn, ...]]) -> None:
    _, slots = chosen
    line = text(slots[0], slots[1] if len(slots) > 1 else None, AssemblyDialect.LLVM)
    assert "{" not in line
    assert line == line.strip()


def test_two_forms_are_never_written_alike() -> None:
    """With the same fields, each form's text is its own."""
    lines = [text(_example(form), Insn(0, imm=3)) for form in FORMS]
    assert len(set(lines)) == len(FORMS)


def _example(form: Form) -> Insn:
    values = [getattr(form, name) for name in ("dst", "src", "off", "imm")]
    return Insn(form.opcode, *[value[0] if isinstance(value, tuple) else 2 for value in values])


@pytest.mark.parametrize(
    ("code", "kernel", "llvm"),
    [
        ("6b1af8ff00000000", "*(u16 *)(r10 -8) = r1", "*(u16 *)(r10 - 8) = r1"),
        ("1801000050462057000000006f726c64", "r1 = 0x646c726f57204650", "r1 = 7236284523806213712 ll"),
        ("8500000006000000", "call bpf_trace_printk#6", "call 6"),
        ("9500000000000000", "exit", "exit"),
        ("b701000021000000", "r1 = 33", "r1 = 33"),
        ("b4010000ffffffff", "w1 = -1", "w1 = -1"),
        ("bfa1000000000000", "r1 = r10", "r1 = r10"),
        ("07010000f0ffffff", "r1 += -16", "r1 += -16"),
        ("1500020000000000", "if r0 == 0x0 goto pc+2", "if r0 == 0 goto +2"),
        ("a50101000a000000", "if r1 < 0xa goto pc+1", "if r1 < 10 goto +1"),
        ("d5010100ffffffff", "if r1 s<= 0xffffffff goto pc+1", "if r1 s<= -1 goto +1"),
        ("6621fcff05000000", None, None),
        ("0500fdff00000000", "goto pc-3", "goto -3"),
        ("0600000003000000", "gotol pc+3", "gotol +3"),
        ("85100000ffffffff", "call pc-1", "call -1"),
        ("7921080000000000", "r1 = *(u64 *)(r2 +8)", "r1 = *(u64 *)(r2 + 8)"),
        ("9121ffff00000000", "r1 = *(s8 *)(r2 -1)", "r1 = *(s8 *)(r2 - 1)"),
        ("7a0af8ff05000000", "*(u64 *)(r10 -8) = 5", "*(u64 *)(r10 - 8) = 5"),
        ("dc01000010000000", "r1 = be16 r1", "r1 = be16 r1"),
        ("d701000040000000", "r1 = bswap64 r1", "r1 = bswap64 r1"),
        ("bf21080000000000", "r1 = (s8)r2", "r1 = (s8)r2"),
        ("3f21010000000000", "r1 s/= r2", "r1 s/= r2"),
        (
            "db1af8ff01000000",
            "r1 = atomic64_fetch_add((u64 *)(r10 -8), r1)",
            "r1 = atomic_fetch_add((u64 *)(r10 - 8), r1)",
        ),
        ("c31af8ff00000000", "lock *(u32 *)(r10 -8) += r1", "lock *(u32 *)(r10 - 8) += w1"),
        (
            "db1af8fff1000000",
            "r0 = atomic64_cmpxchg((u64 *)(r10 -8), r0, r1)",
            "r0 = cmpxchg_64(r10 - 8, r0, r1)",
        ),
        ("c31afcffe1000000", "r1 = atomic_xchg((u32 *)(r10 -4), r1)", "w1 = xchg32_32(r10 - 4, w1)"),
        ("3000000005000000", "r0 = *(u8 *)skb[5]", "r0 = *(u8 *)skb[5]"),
    ],
)
def test_examples(code: str, kernel: str | None, llvm: str | None) -> None:
    raw = bytes.fromhex(code)
    if kernel is None:
        with pytest.raises(IllegalInsn, match="src not allowed"):
            text(decode(raw)[0])
        return
    slots = decode(raw)
    following = slots[1] if len(slots) > 1 else None
    assert text(slots[0], following) == kernel
    assert text(slots[0], following, AssemblyDialect.LLVM) == llvm
    assert parse([kernel]) == slots


@pytest.mark.parametrize(
    ("line", "same_as"),
    [
        ("  12: (b7) r1 = 33 ; R1_w=33", "r1 = 33"),
        ("0: (85) call bpf_map_lookup_elem#1", "call map_lookup_elem#1"),
        ("if r1 != 5 goto +3", "if r1 != 0x5 goto pc+3"),
        ("w1 = *(u8 *)(r2 +0)", "r1 = *(u8 *)(r2 +0)"),
        ("*(u8 *)(r10 -1) = w3", "*(u8 *)(r10 -1) = r3"),
        ("r1 = 0x10 ll", "r1 = 0x10"),
        ("r1 = 16 ll", "r1 = 0x10"),
        ("r1  =  *(u64*)(r2+8)", "r1 = *(u64 *)(r2 +8)"),
        ("if r1 > 0xffffffff goto pc+1", "if r1 > -1 goto pc+1"),
    ],
)
def test_other_ways_to_write(line: str, same_as: str) -> None:
    assert parse([line]) == parse([same_as]) != ()


def test_empty_lines_and_comments_give_nothing() -> None:
    assert parse(["", "   ", "; a comment", "exit ; and one more"]) == (Insn(0x95),)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("r1 = = 5", "not an instruction"),
        ("r11 = 5", r"dst = 11 is not in 0\.\.10"),
        ("r1 = r12", r"src = 12 is not in 0\.\.10"),
        ("r1 = 4294967296", r"imm = 4294967296 is not in"),
        ("r1 = 0x10000000000000000", r"imm64 = 18446744073709551616 is not in"),
        ("goto pc+32768", r"off = 32768 is not in"),
        ("r1 = be24 r1", "not an instruction"),
        ("r1 = be16 r2", "not an instruction"),
        ("call bpf_map_lookup_elem#2", "helper bpf_map_lookup_elem is number 1, not 2"),
        (".8byte 12", "eight bytes"),
        (".8byte zz00000000000000", "eight bytes"),
    ],
)
def test_errors_name_line_and_reason(line: str, reason: str) -> None:
    with pytest.raises(InputError, match=f"^line 2: {re.escape(repr(line))}: .*{reason}"):
        parse(["exit", line])


@pytest.mark.parametrize(
    "slots",
    [
        (Insn(0x18, 1, 1, 0, 5), Insn(0, imm=1)),
        (Insn(0x18, 1, 0, 0, 5), Insn(0, 1, imm=1)),
        (Insn(0x18, 1, 0, 0, 5), Insn(0xB7, 1, imm=1)),
        (Insn(0x95), Insn(0x18, 1, 0, 0, 5)),
    ],
)
def test_a_second_half_that_no_text_shows_is_not_lost(slots: tuple[Insn, ...]) -> None:
    lines = listing(slots)
    assert [at for at, _ in lines] == [0, 1]
    assert parse([line for _, line in lines]) == slots


def test_an_illegal_instruction_is_shown_as_bytes() -> None:
    insn = Insn(0xFF, 1, 2, 3, 4)
    assert listing([insn]) == [(0, ".8byte ff21030004000000")]
    assert parse([".8byte ff21030004000000"]) == (insn,)


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("r0 = 07", "07"),
        ("r0 = 0xzz", "0xzz"),
        ("r0 += 12abc", "12abc"),
        ("r0 = 1_000", "1_000"),
        ("r0 = 007 ll", "007"),
        ("r08 = 1", "08"),
        ("goto +0b11", "+0b11"),
        ("r1 = *(u8 *)(r1 +0x)", "+0x"),
        ("call bpf_map_lookup_elem#01", "01"),
    ],
)
def test_a_malformed_number_is_named(line: str, number: str) -> None:
    with pytest.raises(InputError) as error:
        parse(["exit", line])
    assert str(error.value).startswith(f"line 2: {line!r}: {number} is not a number")


@pytest.mark.parametrize("line", ["r0 = " + "9" * 5000, "r0 = 0x" + "f" * 5000, "r" + "1" * 5000 + " = 0"])
def test_a_number_too_long_for_python_is_an_error_of_the_line(line: str) -> None:
    with pytest.raises(InputError, match=r"^line 1: .*has more than 64 bits$"):
        parse([line])


TOKENS = st.sampled_from(
    [
        *" \t+-*/&|^<>=()[]#:;.,_07x",
        "r",
        "w",
        "0x",
        "u8 *",
        "goto ",
        "if ",
        "call ",
        "ll",
        "pc",
        "s32",
        "lock ",
        "skb",
    ]
)
WORDS = st.lists(TOKENS | st.integers().map(str) | st.characters(), max_size=16).map("".join)


@st.composite
def damaged_lines(draw: st.DrawFn) -> str:
    """A line that was an instruction until a few of its characters were replaced."""
    line = draw(st.sampled_from([text(_example(form), Insn(0, imm=3)) for form in FORMS]))
    start = draw(st.integers(0, len(line)))
    return line[:start] + draw(WORDS) + line[start + draw(st.integers(0, 4)) :]


@given(st.lists(st.text() | WORDS | damaged_lines(), max_size=3))
def test_no_text_raises_anything_but_an_input_error(lines: list[str]) -> None:
    with suppress(InputError):
        encode(parse(lines))


ADDRESSES = re.compile(r"0xf{4}[0-9a-f]{12}|\[map=|map\[id:|<func>|^call kernel-function|^call unknown")


def test_the_words_of_real_kernels() -> None:
    """Each instruction line of our sample logs, printed by the kernel, is what we print of the case's
    instruction and parse back."""
    compared = set()
    for path in sorted(LOGS.glob("*.jsonl.xz")):
        with lzma.open(path, "rt") as file:
            for row in map(json.loads, file):
                code = row["case"]["program"]["instructions"]
                slots = decode(bytes.fromhex(code)) if isinstance(code, str) else parse(code)
                ours = dict(listing(slots))
                for match in re.finditer(
                    r"^(\d+): \(([0-9a-f]{2})\) ([^;\n]+?)\s*(?:;.*)?$", row["log"], re.M
                ):
                    at, line = int(match[1]), match[3]
                    if int(match[2], 16) != slots[at].opcode:
                        assert (row["kernel"], line) == ("7.3", "goto pc+0"), (
                            "a branch that 7.3 has decided and rewritten"
                        )
                    elif not ADDRESSES.search(line):
                        assert line == ours[at], row["kernel"]
                        assert parse([line])[0] == slots[at]
                        compared.add((row["kernel"], slots[at].opcode))
    assert len(compared) > 150
