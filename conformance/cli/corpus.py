"""``veridiff corpus``: programs that nobody here wrote, with what kernels say of them, against both oracles."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import click
import msgspec

from conformance.cli.options import images, json_option
from conformance.corpus.judging import Judged, Subject, judge_all, subjects
from conformance.corpus.records import Record, read_known
from conformance.corpus.table import as_text, tabulate


@click.command("corpus")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--mutants", "count", type=click.IntRange(1), help="Judge so many programs with one field changed instead.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the mutants.")
@click.option("--kernel", "kernels", multiple=True, metavar="NAME|PATH", help="Ask this kernel, not the record. Repeatable.")
@click.option("--workers", type=click.IntRange(1), default=os.cpu_count() or 1, show_default=True, help="Processes.")
@json_option
def corpus(path: Path, count: int | None, seed: int, kernels: tuple[str, ...], workers: int, as_json: bool) -> int:
    """Judge a file of programs whose verdicts were measured.

    PATH is a gzipped JSON list of records. Prints how many programs the reference verifier answers, where it contradicts a kernel,
    and how often each policy rule fired. Exit status: 1 when a kernel accepts what an oracle objects to.
    """
    records, unreadable = read_known(path)
    for reason in unreadable:
        click.echo(f"left out: {reason}", err=True)
    every = _mutated(records, count, seed) if count else list(subjects(records))
    if kernels or count:
        every = _asked(every, kernels)
    judged = _with_progress(every, workers)
    table = tabulate(judged)
    click.echo(msgspec.json.encode(table) if as_json else "\n".join(as_text(table)))
    return 1 if any(part["accusations"] for part in table.values()) else 0


def _mutated(records: tuple[Record, ...], count: int, seed: int) -> list[Subject]:
    from conformance.corpus.mutants import mutants

    return [
        Subject(each.id, each.change, each.case, each.case.capabilities is None, ()) for each in mutants(records, count, seed)
    ]


def _asked(every: list[Subject], kernels: tuple[str, ...]) -> list[Subject]:
    """The same with what these kernels say now."""
    from conformance.corpus.asking import ask

    return ask(every, images(kernels))


def _with_progress(every: list[Subject], workers: int) -> list[Judged]:
    judged: list[Judged] = []
    shown = time.monotonic()
    for each in judge_all(every, workers):
        judged.append(each)
        if time.monotonic() - shown > 5:
            shown = time.monotonic()
            print(f"{len(judged)} of {len(every)} programs", file=sys.stderr)
    return judged
