"""Records of a corpus file: a gzipped JSON list, one object per program, with verdicts measured on real
kernels."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import msgspec

from conformance.corpus.programs import CorpusProgram, RunRecord, build_case
from ebpf.errors import InputError
from ebpf.program import Case

MODES: dict[str, bool] = {"priv": True, "unpriv": False}


@dataclass(frozen=True, slots=True)
class Measured:
    """What one kernel series said of one program in one mode.

    ``message`` is its last word on a refusal; ``retvals`` has one value per input (None: the test run
    failed), () where none was made. ``environment`` names what made the verdict meaningless (a map that could
    not be created, a module missing), or is empty.
    """

    kernel: str
    privileged: bool
    accepted: bool
    errno: int
    message: str
    retvals: tuple[int | None, ...]
    environment: str
    processed: int


@dataclass(frozen=True, slots=True)
class Record:
    """One program of the corpus.  ``unprivileged`` is the same case without capabilities, or None where it
    was not measured so."""

    id: str
    name: str
    privileged: Case
    unprivileged: Case | None
    measured: tuple[Measured, ...]

    def on(self, kernel: str, privileged: bool = True) -> Measured | None:
        """What ``kernel`` ("6.1", "6.12", "7.3") said; None where it was not asked, or its environment spoilt
        the answer."""
        for one in self.measured:
            if (one.kernel, one.privileged) == (kernel, privileged):
                return None if one.environment else one
        return None


class _Measured(msgspec.Struct):
    verdict: Literal["ACCEPT", "REJECT"]
    errno: int = 0
    msg: str = ""
    retvals: list[int | None] = []
    env: str = ""
    insns_processed: int = 0


class _Record(CorpusProgram, kw_only=True):
    id: str
    name: str
    measured: dict[str, dict[Literal["priv", "unpriv"], _Measured]]
    runs: list[RunRecord] = msgspec.field(default_factory=list)


def read_records(path: Path) -> tuple[Record, ...]:
    """All records of ``path``.  Raises :class:`InputError` naming the file, the record and the reason."""
    records, unreadable = read_known(path)
    if unreadable:
        raise InputError(unreadable[0])
    return records


def read_known(path: Path) -> tuple[tuple[Record, ...], tuple[str, ...]]:
    """The records that can be read, and why others cannot: a corpus may know map types or special fields that
    came later.

    Raises :class:`InputError` naming the file and the reason where there is no list of records, or none can
    be read.
    """
    records, unreadable = [], []
    for number, raw in enumerate(_every(path)):
        try:
            records.append(_record(raw, f"{path}: record {number}"))
        except InputError as error:
            unreadable.append(str(error))
    if unreadable and not records:
        raise InputError(unreadable[0])
    return tuple(records), tuple(unreadable)


def _every(path: Path) -> list[Any]:
    try:
        with gzip.open(path) as file:
            every = msgspec.json.decode(file.read())
    except (OSError, EOFError, msgspec.DecodeError) as error:
        raise InputError(f"{path}: {error}") from None
    if not isinstance(every, list):
        raise InputError(f"{path}: expected a list of records, found {type(every).__name__}")
    return every


def _record(raw: Any, at: str) -> Record:
    try:
        record = msgspec.convert(raw, _Record)
    except msgspec.ValidationError as error:
        raise InputError(f"{at}: {error}") from None
    at = f"{at} ({record.id})"
    case = build_case(record, record.runs, record.name, at)
    measured = tuple(_measured(record))
    without = replace(case, capabilities=())
    return Record(
        record.id, record.name, case, None if all(m.privileged for m in measured) else without, measured
    )


def _measured(record: _Record) -> Iterator[Measured]:
    for kernel, modes in sorted(record.measured.items()):
        for mode, one in sorted(modes.items()):
            retvals = tuple(None if value is None else value & 0xFFFF_FFFF for value in one.retvals)
            yield Measured(
                kernel,
                MODES[mode],
                one.verdict == "ACCEPT",
                one.errno,
                one.msg,
                retvals,
                one.env,
                one.insns_processed,
            )
