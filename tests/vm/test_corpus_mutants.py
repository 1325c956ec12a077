"""200 programs of the kernel's own tests, each with one field changed: what policy rules foretell, a kernel
says.

``python -m tests.vm.test_corpus_mutants selftests.json.gz`` made the list that is checked in, with seed 1.
"""

from __future__ import annotations

import lzma
import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from conformance.corpus.asking import ask
from conformance.corpus.judging import CorpusSubject, accusations, judge
from conformance.corpus.table import tabulate
from conformance.kernel.images import fetch
from ebpf import casefile

LIST = Path(__file__).parents[1] / "data" / "corpus-mutants-seed-1.jsonl.xz"
SEED, COUNT = 1, 200
KERNEL = "debian:6.12"


def subjects() -> list[CorpusSubject]:
    lines = lzma.decompress(LIST.read_bytes()).splitlines()
    made = []
    for line in lines:
        record = msgspec.json.decode(line)
        case = casefile.from_plain(record["case"], record["id"])
        made.append(CorpusSubject(record["id"], record["change"], case, case.capabilities is None, ()))
    return made


@pytest.mark.vm
def test_every_rule_foretells_what_the_kernel_says() -> None:
    every = subjects()
    assert len(every) == COUNT
    judged = [judge(subject) for subject in ask(every, (fetch(KERNEL),))]
    fired: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for part in tabulate(judged).values():
        for name, counts in part["rules"].items():
            fired[name] += counts["fired"]
            wrong[name] += counts["accepted"]
    assert sum(fired.values()) > 30
    assert {name: wrong[name] for name in fired if wrong[name] > 0.05 * fired[name]} == {}
    assert [what for each in judged for what in accusations(each)] == []


def _write(corpus: Path) -> None:
    from conformance.corpus.mutants import mutants
    from conformance.corpus.records import read_records

    lines = [
        msgspec.json.encode({"id": each.id, "change": each.change, "case": casefile.to_plain(each.case)})
        for each in mutants(read_records(corpus), COUNT, SEED)
    ]
    LIST.write_bytes(lzma.compress(b"\n".join(lines), preset=9))


if __name__ == "__main__":
    _write(Path(sys.argv[1]))
