"""Files that a user hands in, as named cases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from conformance.cli.objects import object_cases
from conformance.objects.opening import DEFAULT_INPUT, open_any
from conformance.plugin.plugin import parse_hex
from ebpf import casefile
from ebpf.assembly import parse
from ebpf.errors import InputError
from ebpf.isa.insn import decode
from ebpf.isa.table import form_of
from ebpf.objects import Object
from ebpf.program import Case, Program
from ebpf.program_types import ProgramType

SUFFIXES = (".json", ".hex", ".s", ".asm", ".o")


def load(paths: tuple[Path, ...]) -> Iterator[tuple[str, Case]]:
    """(name, case) of every file, directories in order of name.  Raises :class:`InputError` naming the file,
    the place and the reason."""
    for file in files_of(paths):
        yield from _file(file)


def objects(paths: tuple[Path, ...]) -> Iterator[Object]:
    """The ELF objects among the files, opened."""
    return (open_any(file.read_bytes(), str(file)) for file in files_of(paths) if file.suffix == ".o")


def files_of(paths: tuple[Path, ...], suffixes: tuple[str, ...] = SUFFIXES) -> Iterator[Path]:
    """The files named, and those in the directories named.  Raises :class:`InputError` for a directory
    without any."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        files = sorted(file for file in path.rglob("*") if file.suffix in suffixes and file.is_file())
        if not files:
            raise InputError(f"{path}: holds no {', '.join(suffixes)} file")
        yield from files


def _file(path: Path) -> Iterator[tuple[str, Case]]:
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: expected a {', '.join(SUFFIXES)} file")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    if path.suffix in READERS:
        yield from READERS[path.suffix](path, content)
        return
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not text") from None
    yield str(path), _plain(path, text)


def _json(path: Path, content: bytes) -> Iterator[tuple[str, Case]]:
    """A case, a finding, or a list of cases."""
    try:
        raw = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise InputError(f"{path}: not JSON: {error}") from None
    if isinstance(raw, list):
        for number, item in enumerate(raw):
            case = casefile.from_plain(item, f"{path}[{number}]")
            yield case.name or f"{path}[{number}]", _checked(case, f"{path}[{number}]")
        return
    if isinstance(raw, dict) and raw.get("format") == "veridiff-finding/1":
        raw = raw.get("case")
    case = casefile.from_plain(raw, str(path))
    yield case.name or str(path), _checked(case, str(path))


READERS = {".json": _json, ".o": object_cases}


def _plain(path: Path, text: str) -> Case:
    try:
        insns = decode(parse_hex(text, str(path))) if path.suffix == ".hex" else parse(text.splitlines())
    except InputError as error:
        message = str(error)
        raise InputError(message if message.startswith(str(path)) else f"{path}: {message}") from None
    if not insns:
        raise InputError(f"{path}: no instructions")
    return _checked(
        Case(Program(ProgramType.SOCKET_FILTER, insns), (DEFAULT_INPUT,), name=path.stem), str(path)
    )


def _checked(case: Case, source: str) -> Case:
    """The case, once every opcode in it is one that some kernel knows; other illegal fields are the kernel's
    to refuse."""
    insns = case.program.instructions
    at = 0
    while at < len(insns):
        try:
            slots = form_of(insns[at], at).slots
        except InputError as error:
            if getattr(error, "field", "") == "opcode":
                raise InputError(f"{source}: {error}") from None
            slots = 1
        at += slots
    return case
