"""A directory of anyone's compiled objects: every program opened as libbpf would, loaded, and judged by both
oracles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from conformance.corpus.asking import NOT_ALONE, ask
from conformance.corpus.judging import CorpusSubject, judge_all
from conformance.corpus.table import as_text as judged_as_text
from conformance.corpus.table import tabulate
from conformance.kernel.image import Image
from conformance.objects.opening import DEFAULT_INPUT, open_any, types_of
from ebpf.btf.core import KernelTypes
from ebpf.errors import InputError
from ebpf.objects import ObjectError
from ebpf.objects.core_patches import POISON
from ebpf.program import Case


def read_directory(
    path: Path, kernel: KernelTypes | None = None
) -> tuple[list[CorpusSubject], dict[str, str], int]:
    """(programs, why others are not among them, how many objects there are).  CO-RE relocations are done for
    ``kernel``.

    Raises :class:`InputError` where there is no object.
    """
    files = sorted(path.rglob("*.o"))
    if not files:
        raise InputError(f"{path}: no *.o in it")
    found: list[CorpusSubject] = []
    unsupported: dict[str, str] = {}
    for file in files:
        name = str(file.relative_to(path))
        try:
            opened = open_any(file.read_bytes(), name, kernel)
        except (ObjectError, OSError) as error:
            unsupported[name] = str(error).removeprefix(f"{name}: ")
            continue
        for program in opened.programs:
            title = f"{name}:{program.section}/{program.name}"
            if program.type in NOT_ALONE:
                unsupported[title] = NOT_ALONE[program.type]
                continue
            try:
                case = Case(opened.program(program), (DEFAULT_INPUT,), name=title)
            except InputError as error:
                unsupported[title] = (
                    error.reason.removeprefix("unsupported: ")
                    if isinstance(error, ObjectError)
                    else str(error)
                )
                continue
            missing = tuple(dict.fromkeys(name for _, name in program.missing))
            found.append(CorpusSubject(title, program.name, case, True, (), missing))
    return found, unsupported, len(files)


def judge_directory(
    path: Path, images: tuple[Image, ...], workers: int, progress: Callable[[str, int, int], None]
) -> dict[str, Any]:
    """Everything counted, and one row for each program."""
    # Programs relocated for one kernel say nothing of another.
    subjects, unsupported, files = read_directory(path, types_of(images[0]) if len(images) == 1 else None)
    asked = ask(subjects, images, types_are_optional=True)
    judged = []
    for each in judge_all(asked, workers):
        judged.append(each)
        progress("programs judged", len(judged), len(asked))
    return {
        "objects": files,
        "unsupported": unsupported,
        "programs": [
            {
                "id": each.subject.id,
                "reference": each.answer.verdict.value,
                "kernels": {
                    m.kernel: "accept" if m.accepted else f"reject: {_refusal(m.message, each.subject)}"
                    for m in each.subject.measured
                },
            }
            for each in judged
        ],
        "oracles": tabulate(judged),
    }


def _refusal(message: str, subject: CorpusSubject) -> str:
    """The kernel's message; where it is about a poisoned relocation, with what that names."""
    if f"#{POISON.imm}" not in message:
        return message
    return f"{message} (not in the kernel's types: {', '.join(subject.missing)})"


def as_text(table: dict[str, Any]) -> Iterator[str]:
    """The same for a reader."""
    opened, unsupported = len(table["programs"]), len(table["unsupported"])
    yield f"{table['objects']} objects: {opened} programs opened, {unsupported} unsupported"
    for reason, count in Counter(table["unsupported"].values()).most_common():
        yield f"  {count:5}  {reason}"
    for row in table["programs"]:
        told = (
            "; ".join(f"{kernel}: {verdict}" for kernel, verdict in row["kernels"].items())
            or "no verdict of any kernel"
        )
        yield f"  {row['id']}: {told}; reference: {row['reference']}"
    yield from judged_as_text(table["oracles"])
