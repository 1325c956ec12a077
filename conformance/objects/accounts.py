"""What each party made of an object, in lines of the same form, for people to lay side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.kernel.errnos import errno_name
from conformance.kernel.jobs import Lost
from conformance.kernel.peer.answers import PeerAnswer
from conformance.objects.reading import Reading
from conformance.properties.objects import is_probe, words
from ebpf.maps import MapType
from ebpf.program_types import ProgramType

_TYPES = {int(each): each.name.lower() for each in ProgramType}
_MAP_TYPES = {int(each): each.name.lower() for each in MapType}
_LIBBPF_ERRNOS = (
    "LIBELF", "FORMAT", "KVERSION", "ENDIAN", "INTERNAL", "RELOC", "LOAD", "VERIFY", "PROG2BIG", "KVER",
    "PROGTYPE", "WRNGPID",
    "INVSEQ", "NLPARSE",
)  # fmt: skip
"""LIBBPF_ERRNO__… from 4000 on (libbpf.h, 0.3 and 1.5)."""


def of_reading(reading: Reading) -> str:
    """Ours."""
    return "\n".join(_of_reading(reading))


def _of_reading(reading: Reading) -> Iterator[str]:
    if reading.opened is None:
        yield f"refused: {reading.refusal}"
        return
    for program in reading.opened.programs:
        yield _program(
            program.name, program.section, int(program.type), int(program.attach_type or 0), program.autoload
        )
    for each in reading.opened.maps:
        yield _map(each.spec.name, words(each.spec), each.pinned)
    for program, made, why in reading.programs:
        yield f"load of {program.name}: " + (f"{len(program.instructions)} slots" if made else why)


def of_peer(answer: PeerAnswer | Lost) -> str:
    """The peer's."""
    if isinstance(answer, Lost):
        return f"the virtual machine was lost ({answer.reason.value})"
    return "\n".join(_of_peer(answer))


def _of_peer(answer: PeerAnswer) -> Iterator[str]:
    if answer.opened:
        yield f"refused: {_error(answer.opened)}"
    for program in answer.programs:
        yield _program(program.name, program.section, program.type, program.attach_type, program.autoload)
    for each in answer.maps:
        yield _map(each.name, each.words, each.pinned)
    for create in answer.creates:
        if not is_probe(create.name, answer):
            yield f"BPF_MAP_CREATE {create.name!r}: {_error(create.errno)}"
    for load in answer.loads:
        if not is_probe(load.name, answer):
            yield f"BPF_PROG_LOAD {load.name!r}: {len(load.instructions)} slots, {_error(load.errno)}"
    if answer.loaded:
        yield f"load: {_error(answer.loaded)}"
    if answer.died:
        yield f"died: {answer.died}"
    yield from (f"says: {warning}" for warning in answer.warnings)


def _error(number: int) -> str:
    """The kernel's or libbpf's name of it."""
    number = abs(number)
    if not number:
        return "ok"
    if 4000 <= number < 4000 + len(_LIBBPF_ERRNOS):
        return f"LIBBPF_ERRNO__{_LIBBPF_ERRNOS[number - 4000]}"
    return errno_name(number)


def _program(name: str, section: str, kind: int, attach: int, autoload: bool) -> str:
    load = "" if autoload else ", not loaded unless asked for"
    return f"program {name!r} of {section!r}: {_TYPES.get(kind, kind)}, attach type {attach}{load}"


def _map(name: str, numbers: Sequence[int], pinned: bool) -> str:
    kind, key, value, entries, flags, btf_key, btf_value = numbers
    known = _MAP_TYPES.get(kind, f"type {kind}")
    sizes = f"{known}, key {key}, value {value}, {entries} entries, flags {flags:#x}"
    sizes += f", BTF {btf_key} and {btf_value}"
    return f"map {name!r}: {sizes}" + (", pinned" if pinned else "")
