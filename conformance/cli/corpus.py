"""``veridiff corpus``: programs that nobody here wrote, with what kernels say of them, against both
oracles."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import click
import msgspec

from conformance.cli.options import images, json_option
from conformance.corpus.judging import CorpusSubject, Judged, judge_all, subjects
from conformance.corpus.records import Record, read_known
from conformance.corpus.table import as_text, tabulate
from conformance.corpus.writing import write_records
from conformance.kernel.debian import PREFIX
from conformance.kernel.images import fetch


@click.command("corpus")
@click.argument("what", metavar="FILE|DIR|debian:VERSION")
@click.option(
    "--mutants",
    "count",
    type=click.IntRange(1),
    help="Judge so many programs with one field changed instead.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the mutants.")
@click.option(
    "--kernel",
    "kernels",
    multiple=True,
    metavar="NAME|PATH",
    help="Ask this kernel, not the record. Repeatable.",
)
@click.option(
    "--workers", type=click.IntRange(1), default=os.cpu_count() or 1, show_default=True, help="Processes."
)
@click.option(
    "--save",
    type=click.Path(path_type=Path),
    metavar="FILE.json.gz",
    help="Write programs and verdicts as records.",
)
@json_option
def corpus(
    what: str,
    count: int | None,
    seed: int,
    kernels: tuple[str, ...],
    workers: int,
    save: Path | None,
    as_json: bool,
) -> int:
    """Judge programs that nobody here wrote, by kernels and by both oracles.

    FILE is a gzipped JSON list of records, programs with the verdicts that were measured.  debian:VERSION
    stands for the selftests of that kernel's own source package (progs/verifier_*.c, tagged since Linux 6.4):
    they are compiled, loaded on that kernel in both modes, and compared with what their tags expect; needs
    clang 18 or newer.  DIR holds compiled objects (*.o), whose programs are loaded as they are.

    Exit status: 1 when a kernel accepts what an oracle objects to, or when kernel and expectation disagree.
    """
    if what.startswith(PREFIX):
        return _selftests(what, workers, save, as_json)
    path = Path(what)
    if path.is_dir():
        return _directory(path, kernels, workers, as_json)
    records, unreadable = read_known(path)
    for reason in unreadable:
        click.echo(f"left out: {reason}", err=True)
    every = _mutated(records, count, seed) if count else list(subjects(records))
    if kernels or count:
        every = _asked(every, kernels)
    if save is not None:
        write_records(save, every)
    judged = _with_progress(every, workers)
    table = tabulate(judged)
    click.echo(msgspec.json.encode(table) if as_json else "\n".join(as_text(table)))
    return 1 if any(part["accusations"] for part in table.values()) else 0


def _selftests(name: str, workers: int, save: Path | None, as_json: bool) -> int:
    from conformance.corpus.selftests import table as selftests
    from conformance.corpus.selftests.run import run_selftests

    image = fetch(name)
    ran = run_selftests(image, workers, _Progress())
    if save is not None:
        write_records(save, [each.subject for each in ran.outcomes if each.subject is not None])
    table = selftests.tabulate(f"{image.name} ({ran.release})", ran.files, ran.outcomes, ran.judged)
    click.echo(msgspec.json.encode(table) if as_json else "\n".join(selftests.as_text(table)))
    accused = any(part["accusations"] for part in table["oracles"].values())
    return 1 if accused or table["disagreements"] else 0


def _directory(path: Path, kernels: tuple[str, ...], workers: int, as_json: bool) -> int:
    from conformance.corpus import directory

    table = directory.judge_directory(path, images(kernels), workers, _Progress())
    click.echo(msgspec.json.encode(table) if as_json else "\n".join(directory.as_text(table)))
    return 1 if any(part["accusations"] for part in table["oracles"].values()) else 0


class _Progress:
    """A line on standard error every five seconds."""

    def __init__(self) -> None:
        self._shown = time.monotonic()

    def __call__(self, what: str, done: int, total: int) -> None:
        if time.monotonic() - self._shown > 5:
            self._shown = time.monotonic()
            print(f"{done} of {total} {what}" if total else f"{done} {what}", file=sys.stderr)


def _mutated(records: tuple[Record, ...], count: int, seed: int) -> list[CorpusSubject]:
    from conformance.corpus.mutants import mutants

    return [
        CorpusSubject(each.id, each.change, each.case, each.case.capabilities is None, ())
        for each in mutants(records, count, seed)
    ]


def _asked(every: list[CorpusSubject], kernels: tuple[str, ...]) -> list[CorpusSubject]:
    """The same with what these kernels say now."""
    from conformance.corpus.asking import ask

    return ask(every, images(kernels))


def _with_progress(every: list[CorpusSubject], workers: int) -> list[Judged]:
    judged: list[Judged] = []
    progress = _Progress()
    for each in judge_all(every, workers):
        judged.append(each)
        progress("programs", len(judged), len(every))
    return judged
