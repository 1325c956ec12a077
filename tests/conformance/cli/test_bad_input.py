"""Bad input: one clear line on standard error and exit status 2, never a traceback.

Each row is a command line that needs no virtual machine; FILES lie in the directory it is run from.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from conformance.cli import main
from ebpf.assembly import parse
from ebpf.objects.parts import Part
from ebpf.objects.writer import write_object
from ebpf.program import Program
from ebpf.program_types import ProgramType

BOOT_HEADER = (b"\0" * 510 + b"\x55\xaa" + b"\0\0HdrS" + b"\0" * 8 + (0x100).to_bytes(2, "little")).ljust(
    0x300, b"\0"
) + b"6.12.0 (x)\0"
"""As much of a bzImage as says which kernel it is."""

OBJECT = write_object([Part("f", Program(ProgramType.XDP, parse(["r0 = 0", "exit"])))])

FILES = {
    "cut.hex": b"b70000000000",
    "odd.hex": b"b700000000000000 9",
    "letters.hex": b"hello, world",
    "empty.hex": b"",
    "binary.s": b"\xff\xfe",
    "bad.s": b"r0 = 0\nfrobnicate\nexit\n",
    "cut.log": b"processed 2 insns (limit 1000000)\n",
    "part.log": b"0: (b7) r0 = 0\n2: (95) exit\nprocessed 2 insns (limit 1000000)\n",
    "cut.json": b'{"format": ',
    "version.json": b'{"format": "veridiff-case/9", "program": {}}',
    "type.json": b'{"format": "veridiff-case/1", "program": {"type": "nope", "instructions": ["r0 = 0", "exit"]}}',
    "null.json": b"null",
    "key.json": b'{"format": "veridiff-case/1", "programme": {}}',
    "short.bzimage": b"hi\n",
    "zeros.bzimage": bytes(4096),
    "header.bzimage": BOOT_HEADER.ljust(4096, b"\0"),
    "notes.txt": b"not a program",
    "text.o": b"#!/bin/sh",
    "cut.o": OBJECT[:300],
    "other.o": OBJECT[:18] + b"\x3e" + OBJECT[19:],
    "unnamed.o": write_object([Part("f", Program(ProgramType.XDP, parse(["r0 = 0", "exit"])), "mine")]),
    "finding.json": b'{"format": "veridiff-finding/9"}',
}

ROWS = [
    (["check", "missing.hex"], "missing.hex: No such file"),
    (["check", "cut.hex"], "cut.hex: instructions are 8 bytes each"),
    (["check", "odd.hex"], "odd number of digits: truncated?"),
    (["check", "letters.hex"], "letters.hex: not hexadecimal"),
    (["check", "cut.log"], "cut.log: the log shows no instruction: it needs log level 2"),
    (["check", "part.log"], "part.log: the log does not show instruction 1"),
    (["check", "empty.hex"], "empty.hex: no instructions"),
    (["check", "binary.s"], "binary.s: byte 0 is not text"),
    (["check", "bad.s"], "bad.s: line 2: 'frobnicate'"),
    (["check", "cut.json"], "cut.json: not JSON"),
    (
        ["check", "version.json"],
        "version.json: $.format: expected 'veridiff-case/1', found 'veridiff-case/9'",
    ),
    (["check", "type.json"], "type.json: $.program.type: unknown ProgramType 'nope'"),
    (["check", "null.json"], "null.json: $.format"),
    (["check", "key.json"], "key.json: Object contains unknown field `programme`"),
    (["check", "text.o"], "text.o: elf init: ELF header: no ELF magic"),
    (["check", "cut.o"], "cut.o: elf init: ELF header, e_shoff: "),
    (["check", "other.o"], "other.o: elf init: ELF header, e_machine: 62 is not EM_BPF (247)"),
    (
        ["check", "unnamed.o"],
        "unnamed.o: load: program 'mine/f': section name 'mine' stands for no program type",
    ),
    (["check", "notes.txt"], "notes.txt: expected a"),
    (["check", "empty"], "empty: holds no"),
    (["check"], "Missing argument"),
    (["check", "--kernel", "nonsense", "good.s"], "nonsense: unknown kernel name"),
    (["run", "--kernel", "nonsense"], "nonsense: unknown kernel name"),
    (["run", "--kernel", "./short.bzimage"], "short.bzimage: not a bzImage"),
    (["run", "--kernel", "./zeros.bzimage"], "zeros.bzimage: not a bzImage"),
    (["run", "--kernel", "./missing.bzimage"], "missing.bzimage"),
    (["run", "--kernel", "./header.bzimage", "--out", "notes.txt"], "notes.txt: File exists"),
    (
        ["run", "--kernel", "./header.bzimage", "--out", "notes.txt/results"],
        "notes.txt/results: Not a directory",
    ),
    (["run", "--kernel", "./header.bzimage", "--out", "done"], "done: already holds a run"),
    (["run", "--minutes", "soon"], "'soon' is not a valid float"),
    (["run", "--minutes", "0"], "--minutes"),
    (["run", "--minutes", "1", "--examples", "1"], "exclude each other"),
    (["run", "--property", "beauty"], "'beauty' is not one of"),
    (["kernels", "fetch", "nonsense"], "nonsense: unknown kernel name"),
    (["replay", "missing"], "missing: no such run's directory, finding's directory, or finding.json"),
    (["replay", "cut.json"], "cut.json"),
    (["replay", "finding.json"], "finding.json"),
    (["report", "missing"], "missing: no such directory"),
    (["report", "empty"], "empty: not a run's directory"),
    (["compare", "empty", "missing"], "empty: not a run's directory"),
    (["frobnicate"], "No such command 'frobnicate'"),
]


@dataclass(frozen=True, slots=True)
class Done:
    """How a command line ended."""

    status: object
    stdout: str
    stderr: str


class CommandLine(Protocol):
    """The fixture's function."""

    def __call__(self, arguments: list[str], stdin: str = "") -> Done: ...


@pytest.fixture
def veridiff(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    """Runs a command line in this process: anything but an exit fails the test, as the traceback that it
    would be."""

    def run(arguments: list[str], stdin: str = "") -> Done:
        monkeypatch.chdir(directory)
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        return Done(ended.value.code, *capsys.readouterr())

    return run


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bad")
    for name, content in FILES.items():
        (path / name).write_bytes(content)
    (path / "good.s").write_text("r0 = 0\nexit\n")
    (path / "empty").mkdir()
    (path / "done").mkdir()
    (path / "done" / "run.json").write_bytes(b"{}")
    return path


@pytest.mark.parametrize(
    ("arguments", "said"), ROWS, ids=lambda value: " ".join(value) if isinstance(value, list) else None
)
def test_one_line_and_status_2(veridiff: CommandLine, arguments: list[str], said: str) -> None:
    done = veridiff(arguments)
    lines = done.stderr.splitlines()
    assert done.status == 2, done.stderr
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("veridiff")
    assert said in lines[0]
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("program", "memory", "said"),
    [
        ("b70000000000", "", "8 bytes each"),
        ("", "", "program: empty"),
        ("xyz", "", "not hexadecimal"),
        ("b7000000000000009500000000000000", "0", "memory"),
    ],
)
def test_a_plug_in_given_bad_hex(veridiff: CommandLine, program: str, memory: str, said: str) -> None:
    done = veridiff(["plugin", "interpreter", memory], program)
    assert (done.status, done.stdout) == (2, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
