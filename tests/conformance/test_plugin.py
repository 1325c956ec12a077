"""bpf_conformance's plug-in protocol by example: hex in, R0 in hex out, errors on standard error with another
status than 0."""

from __future__ import annotations

import io
import struct

import pytest
from click.testing import CliRunner, Result

from conformance.cli.plugin import plugin
from conformance.plugin.plugin import parse_hex, program_of_elf, result, wrap
from ebpf.assembly import parse
from ebpf.errors import InputError
from ebpf.isa.insn import Insn, encode
from oracles.interpreter import Returned, run
from oracles.interpreter.runs import STEP_LIMIT


def instructions(text: str) -> tuple[Insn, ...]:
    """A program written ``a; b; c`` in the kernel's dialect."""
    return tuple(parse([line.strip() for line in text.split(";")]))


def code(text: str) -> bytes:
    """The same as bytes."""
    return encode(instructions(text))


def ask(program: str, *arguments: str) -> Result:
    return CliRunner().invoke(plugin, ["interpreter", *arguments], input=program)


def r0(text: str, memory: str = "") -> int:
    case = wrap(instructions(text), parse_hex(memory, "memory")).case
    outcome = run(case, case.inputs[0], limit=STEP_LIMIT)
    assert isinstance(outcome, Returned), outcome
    return result(outcome.maps)


SEVEN = "b7000000070000009500000000000000"


@pytest.mark.parametrize(
    "program",
    [
        SEVEN,
        SEVEN + "\n",
        "b7 00 00 00 07 00 00 00 95 00 00 00 00 00 00 00",
        f"{SEVEN[:16]}\n{SEVEN[16:]}\n",
        SEVEN.upper(),
    ],
    ids=["plain", "newline", "spaces", "a line each", "upper case"],
)
@pytest.mark.parametrize("arguments", [(), ("",), ("", ""), ("00 01", ""), ("--debug",)], ids=repr)
def test_white_space_and_arguments_that_mean_nothing(program: str, arguments: list[str]) -> None:
    done = ask(program, *arguments)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "7\n", "")


def test_all_64_bits_of_r0_are_printed() -> None:
    assert ask(code("r0 = -2; exit").hex()).stdout == "fffffffffffffffe\n"


def test_memory_is_at_r1_and_its_length_in_r2() -> None:
    program = code("r0 = *(u16 *)(r1 +2); r0 <<= 8; r0 |= r2; exit").hex()
    assert ask(program, "aa bb cc dd").stdout == "ddcc04\n"


def test_without_memory_the_length_is_zero() -> None:
    assert ask(code("r0 = r2; exit").hex(), "").stdout == "0\n"


@pytest.mark.parametrize(
    ("text", "memory", "expected"),
    [
        ("r0 = *(u8 *)(r1 +2); exit", "112233", "unsupported"),
        ("r0 = *(u8 *)(r1 +3); exit", "112233", "error"),
        ("r0 = *(u8 *)(r1 +0); exit", "", "error"),
        ("r0 = r5; exit", "", "error"),
    ],
)
def test_a_run_that_traps_prints_no_result(text: str, memory: str, expected: str) -> None:
    done = ask(code(text).hex(), memory)
    if expected == "error":
        assert done.exit_code == 1
        assert done.stdout == ""
        assert done.stderr.startswith("unsupported: at instruction ")
    else:
        assert (done.exit_code, done.stdout) == (0, "33\n")


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("2f4242424242452a", "at instruction 0: off not allowed with opcode 0x2f: 16962"),
        ("85100000ffffff7f 9500000000000000", "at instruction 0: goes on at instruction 2147483648 of 2"),
        ("620100800000 1f91", "at instruction 0: "),
        ("b7020000ffffffff 9500000000000000", "at instruction 1: R0 was never written"),
        ("b700000001000000", "at instruction 0: goes on at instruction 1 of 1"),
        ("0500feff00000000", "at instruction 0: goes on at instruction -1 of 1"),
        (code("r0 = *(u8 *)(r1 +0); exit").hex(), "at instruction 0: "),
    ],
    ids=["illegal", "far call", "store", "no result", "no exit", "back", "load"],
)
def test_instructions_are_numbered_as_the_user_numbers_them(program: str, said: str) -> None:
    assert ask(program, "").stderr.startswith(f"unsupported: {said}")


def elf(code: bytes, *more: tuple[int, int, bytes], machine: int = 247) -> bytes:
    """A relocatable file: header, then the sections' bytes, then their headers, each (type, flags, bytes)."""
    sections = ((0, 0, b""), (3, 0, b"\0.text\0"), (1, 6, code), *more)
    starts = [64 + sum(len(body) for _, _, body in sections[:number]) for number in range(len(sections))]
    bodies = b"".join(body for _, _, body in sections)
    header = struct.pack(
        "<4sBBBB8xHHIQQQIHHHHHH",
        b"\x7fELF",
        2,
        1,
        1,
        0,
        1,
        machine,
        1,
        0,
        0,
        64 + len(bodies),
        0,
        64,
        0,
        0,
        64,
        len(sections),
        1,
    )
    table = [
        struct.pack("<IIQQQQIIQQ", 0, kind, flags, 0, start, len(body), 0, 0, 4, 16 if kind == 9 else 0)
        for (kind, flags, body), start in zip(sections, starts, strict=True)
    ]
    return header + bodies + b"".join(table)


ADD_LENGTH = code("r0 = *(u8 *)(r1 +0); r0 += r2; exit")


def test_an_elf_file_around_the_program() -> None:
    assert ask(elf(ADD_LENGTH).hex(), "05 06", "--elf").stdout == "7\n"
    assert ask(elf(bytes.fromhex(SEVEN)).hex(), "--elf").stdout == "7\n"


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (b"", "truncated"),
        (elf(ADD_LENGTH)[:-1], "truncated"),
        (elf(ADD_LENGTH)[:40] + b"\xff" * 8 + elf(ADD_LENGTH)[48:], "truncated"),
        (bytes(64), "not a 64-bit BPF file"),
        (elf(ADD_LENGTH, machine=62), "not a 64-bit BPF file"),
        (elf(b""), "0 sections with code"),
        (elf(ADD_LENGTH, (1, 6, ADD_LENGTH)), "2 sections with code"),
        (elf(ADD_LENGTH, (9, 0, bytes(16))), "needs relocation"),
    ],
    ids=[
        "empty",
        "cut",
        "sections at no offset",
        "no magic",
        "other machine",
        "no code",
        "two programs",
        "maps",
    ],
)
def test_an_elf_file_that_is_not_one_program(file: bytes, why: str) -> None:
    with pytest.raises(InputError, match=why):
        program_of_elf(file)
    done = ask(file.hex(), "--elf")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"unsupported: ELF: {why}")


XDP_PROLOG = "r0 = -1; r6 = r1; r1 = *(u32 *)(r6 +0); r2 = *(u32 *)(r6 +4); r3 = r1; r3 += {size}; if r3 <= r2 goto pc+1; exit; r2 = {size}"


def test_the_prolog_that_makes_an_xdp_program_comes_off() -> None:
    whole = code(XDP_PROLOG.format(size=2)) + ADD_LENGTH
    assert ask(whole.hex(), "05 06").stdout == "7\n"
    assert ask(elf(whole).hex(), "05 06", "--elf").stdout == "7\n"


def test_a_program_that_only_resembles_the_prolog_runs_as_it_is() -> None:
    assert ask((code(XDP_PROLOG.format(size=3)) + ADD_LENGTH).hex(), "05 06").exit_code == 1


@pytest.mark.parametrize(
    ("dst", "imm"), [(2, 0), (0, 2)], ids=["register in dst", "in imm, as LLVM before 19"]
)
def test_a_call_by_register_calls_the_helper_of_that_number(dst: int, imm: int) -> None:
    call = bytes([0x8D, dst, 0, 0, imm, 0, 0, 0])
    assert ask((code("r1 = -1; r2 = 5") + call + code("r0 = 2; exit")).hex()).stdout == "2\n"


TRICKY = [
    ("division by zero is zero", "r0 = 9; r1 = 0; r0 /= r1; exit", "", 0),
    ("modulo zero keeps the dividend", "r0 = 9; r1 = 0; r0 %= r1; exit", "", 9),
    ("32-bit modulo zero keeps the low half", "r0 = -1; w1 = 0; w0 %= w1; exit", "", 0xFFFFFFFF),
    ("a divisor whose low half is zero", "r0 = 9; r1 = 0x100000000 ll; w0 /= w1; exit", "", 0),
    ("signed division rounds towards zero", "r0 = -7; r1 = 2; r0 s/= r1; exit", "", (1 << 64) - 3),
    ("the least number divided by -1", "r0 = 0x8000000000000000 ll; r0 s/= -1; exit", "", 1 << 63),
    ("signed 32-bit modulo", "r0 = -7; w0 s%= 4; exit", "", 0xFFFFFFFD),
    ("movsx 8", "r1 = 0x180; r0 = (s8)r1; exit", "", (1 << 64) - 128),
    ("movsx 8 to 32", "r1 = 0x80; w0 = (s8)w1; exit", "", 0xFFFFFF80),
    ("a sign-extending load", "r0 = *(s16 *)(r1 +0); exit", "feff", (1 << 64) - 2),
    ("an unsigned load of the same", "r0 = *(u16 *)(r1 +0); exit", "feff", 0xFFFE),
    ("32-bit jumps see the low half", "r0 = 1; r1 = 0x100000000 ll; if w1 == 0x0 goto pc+1; r0 = 2; exit", "",
     1),
    ("64-bit jumps sign-extend their immediate", "r0 = 1; r1 = -1; if r1 == -1 goto pc+1; r0 = 2; exit", "",
     1),
    ("unsigned comparison with -1", "r0 = 1; r1 = 5; if r1 < -1 goto pc+1; r0 = 2; exit", "", 1),
    ("a 64-bit immediate", "r0 = 0x8000000000000001 ll; exit", "", 0x8000000000000001),
    ("shifts mask their count", "r0 = 1; r1 = 65; r0 <<= r1; exit", "", 2),
    ("32-bit arithmetic shift", "r0 = 0x80000000 ll; w0 s>>= 31; exit", "", 0xFFFFFFFF),
    ("a local function has a stack of its own",
     "r6 = 3; r1 = 4; call pc+2; r0 += r6; exit; r6 = 9; r0 = r1; r0 += r6; exit", "",
        16),
    ("fetch-add returns the old value", "r2 = 3; r2 = atomic_fetch_add((u32 *)(r1 +0), r2); r0 = r2; exit",
     "0500000000000000", 5),
    ("exchange of 64 bits",
     "r2 = 3; r2 = atomic64_xchg((u64 *)(r1 +0), r2); r0 = *(u64 *)(r1 +0); r0 += r2; exit",
        "0900000000000000", 12),
    ("cmpxchg that fails leaves memory",
     "r0 = 1; r2 = 3; r0 = atomic_cmpxchg((u32 *)(r1 +0), r0, r2); r0 = *(u32 *)(r1 +0); exit",
     "0900000000000000", 9),
    ("a byte swap of 32 bits", "r0 = 0x1122334455667788 ll; r0 = bswap32 r0; exit", "", 0x88776655),
    ("to big endian, 16 bits", "r0 = 0x11223344; r0 = be16 r0; exit", "", 0x4433),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "memory", "expected"), [row[1:] for row in TRICKY], ids=[row[0] for row in TRICKY]
)
def test_what_implementations_get_wrong(text: str, memory: str, expected: int) -> None:
    assert r0(text, memory) == expected


@pytest.mark.vm
def test_a_kernel_prints_the_same() -> None:
    for text, memory, expected in (TRICKY[0][1:], TRICKY[10][1:], TRICKY[14][1:]):
        done = CliRunner().invoke(plugin, ["kernel", memory], input=io.StringIO(code(text).hex()).read())
        assert (done.exit_code, done.stdout) == (0, f"{expected:x}\n"), done.stderr


@pytest.mark.vm
def test_a_kernel_that_lacks_an_instruction_says_so() -> None:
    done = CliRunner().invoke(
        plugin, ["kernel", "--kernel", "debian:6.1"], input=code("r1 = 1; r0 = (s8)r1; exit").hex()
    )
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("unsupported: ")
