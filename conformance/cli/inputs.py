"""Files that a user hands in, as programs under their names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from conformance.checking.brought import BroughtObject, BroughtProgram, programs_of
from conformance.objects.opening import DEFAULT_INPUT
from conformance.plugin.plugin import parse_hex
from ebpf import casefile
from ebpf.assembly import Assembled
from ebpf.assembly.source import parse_source
from ebpf.errors import InputError
from ebpf.isa.insn import decode
from ebpf.program import Case, Program
from ebpf.program_types import ProgramType
from ebpf.verifier_log.program import is_log, program_of
from reports.reproducers import hex_file


def read(file: Path) -> tuple[BroughtProgram, ...]:
    """The programs of a file.  Raises :class:`InputError` naming it, the place and the reason."""
    reader = READERS.get(file.suffix)
    if reader is None:
        raise InputError(f"{file}: expected a {', '.join(READERS)} file")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
    try:
        return tuple(reader(file, content))
    except InputError as error:
        message = str(error)
        raise InputError(message if message.startswith(str(file)) else f"{file}: {message}") from None


def files_of(paths: tuple[Path, ...], suffixes: Iterable[str] = ()) -> Iterator[Path]:
    """The files named, and those in the directories named that end in one of ``suffixes`` (of none: in any
    that can be read).  Raises :class:`InputError` for a directory without any."""
    wanted = tuple(suffixes or READERS)
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        files = sorted(file for file in path.rglob("*") if file.suffix in wanted and file.is_file())
        if not files:
            raise InputError(f"{path}: holds no {', '.join(wanted)} file")
        yield from files


def _json(path: Path, content: bytes) -> Iterator[BroughtProgram]:
    """A case, a finding, or a list of cases."""
    try:
        raw = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise InputError(f"not JSON: {error}") from None
    if isinstance(raw, list):
        for number, item in enumerate(raw):
            case = casefile.from_plain(item, f"{path}[{number}]")
            yield BroughtProgram(case.name or f"{path}[{number}]", case)
        return
    if isinstance(raw, dict) and raw.get("format") == "veridiff-finding/1":
        raw = raw.get("case")
    case = casefile.from_plain(raw, str(path))
    yield BroughtProgram(case.name or str(path), case)


def _object(path: Path, content: bytes) -> tuple[BroughtProgram, ...]:
    return programs_of(BroughtObject(path, content))


def _hex(path: Path, content: bytes) -> Iterator[BroughtProgram]:
    """Hex, and what else a case has where a reproducer says it in a comment."""
    text = _text(content)
    case = hex_file.case_of(text, str(path))
    if case is not None:
        yield BroughtProgram(str(path), case)
        return
    yield _bare(path, Assembled(tuple(decode(parse_hex(hex_file.without_comments(text), str(path))))))


def _assembly(path: Path, content: bytes) -> Iterator[BroughtProgram]:
    """A listing; or a log under a listing's name."""
    text = _text(content)
    yield _bare(path, program_of(text) if is_log(text) else parse_source(text))


def _log(path: Path, content: bytes) -> Iterator[BroughtProgram]:
    yield _bare(path, program_of(_text(content)))


READERS: dict[str, Callable[[Path, bytes], Iterable[BroughtProgram]]] = {
    ".json": _json, ".hex": _hex, ".s": _assembly, ".asm": _assembly, ".log": _log, ".o": _object,
}  # fmt: skip
"""By the end of a file's name.  A bare program is a socket filter, the type that everybody may load."""


def _text(content: bytes, encoding: str = "utf-8") -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"byte {error.start} is not text") from None


def _bare(path: Path, code: Assembled) -> BroughtProgram:
    if not code.instructions:
        raise InputError("no instructions")
    program = Program(ProgramType.SOCKET_FILTER, code.instructions, kfuncs=code.kfuncs)
    return BroughtProgram(str(path), Case(program, (DEFAULT_INPUT,), name=path.stem))
