"""Counts of runs are added up, and a file that is none is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.campaign.counts import RunCount, add_up, append, as_markdown, counts_of, load
from ebpf.errors import InputError
from tests.reports.samples import finding, hostile, summary


def count(kernel: str, programs: int, new: tuple[str, ...] = ()) -> RunCount:
    return RunCount(
        date="2026-01-01T00:00:00Z", git="abc", kernel=kernel, release="6.12.1", seed=1, seconds=2.0,
        programs=programs, judged={"health": programs, "bounds": programs // 2}, new=new,
    )  # fmt: skip


def test_runs_add_up_by_kernel(tmp_path: Path) -> None:
    path = tmp_path / "counts.jsonl"
    append(path, [count("a", 1000), count("b", 10)])
    append(path, [count("a", 500, ("bounds:umax:or64_k",))])
    totals = add_up(load(path))
    assert (totals["a"].programs, totals["a"].judged["bounds"], totals["b"].programs) == (1500, 750, 10)
    assert as_markdown(totals).splitlines() == [
        "| kernel | programs | bounds | health | new | known |",
        "|---|---|---|---|---|---|",
        "| a | 1,500 | 750 | 1,500 | 1 | 0 |",
        "| b | 10 | 5 | 10 | 0 | 0 |",
        "- a: `bounds:umax:or64_k` in 1 run",
    ]


def test_a_run_gives_a_line_per_kernel() -> None:
    run = summary()
    lines = list(counts_of(run, (finding(), hostile())))
    assert [line.kernel for line in lines] == [kernel.name for kernel in run.kernels]
    assert sum(line.programs for line in lines) == sum(kernel.programs for kernel in run.kernels)
    assert [line.new for line in lines if line.kernel == finding().kernel] == [(finding().signature,)]


def test_what_is_no_count_is_named(tmp_path: Path) -> None:
    path = tmp_path / "counts.jsonl"
    append(path, [count("a", 1)])
    path.write_bytes(path.read_bytes() + b"{}\n")
    with pytest.raises(InputError, match=r"counts.jsonl:2: "):
        load(path)
    with pytest.raises(InputError, match="No such file"):
        load(tmp_path / "nothing")
