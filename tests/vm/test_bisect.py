"""Where verdicts change, found by asking few kernels: the truth was measured by asking all 47 that apt offered on 2026-11-30."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.corpus.records import read_records
from conformance.replaying.bisection import series
from ebpf import casefile
from tests.vm.conftest import SHARED

pytestmark = [
    pytest.mark.vm,
    pytest.mark.shared,
    pytest.mark.skipif(
        "VERIDIFF_TEST_KERNELS" not in os.environ, reason="for a night: it fetches a dozen kernels"
    ),
]
DEAD_BRANCH = "7.2-dead-branch"
ROWS = [
    (DEAD_BRANCH, False, ["7.1", "7.2", "7.3"], "7.2", "7.3"),
    ("old6.1/265", True, ["7.1", "7.2", "7.3"], "7.2", "7.3"),
    ("old6.1/855", True, ["6.16", "6.17", "6.18"], "6.18", "6.18"),
    ("old6.1/466", False, ["5.10", "6.1", "6.12"], "6.12", "6.12"),
]
"""Which program; whether kernels that accept it are meant, or that refuse it; the series asked; the first and the last
affected."""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The files of the programs."""
    if not SHARED.exists():
        pytest.skip(f"needs the development data in {SHARED}")
    home = tmp_path_factory.mktemp("programs")
    files = {DEAD_BRANCH: SHARED / "public" / f"{DEAD_BRANCH}.json"}
    wanted = {row[0] for row in ROWS}
    for record in read_records(SHARED / "corpus" / "selftests-6.1.json.gz"):
        if record.id in wanted:
            files[record.id] = home / f"{record.id.replace('/', '-')}.json"
            files[record.id].write_text(json.dumps(casefile.to_plain(record.privileged)))
    return files


@pytest.mark.parametrize(
    ("program", "accepted", "among", "first", "last"), ROWS, ids=[row[0] for row in ROWS]
)
def test_the_first_and_the_last_affected(
    programs: dict[str, Path],
    capsys: pytest.CaptureFixture[str],
    program: str,
    accepted: bool,
    among: list[str],
    first: str,
    last: str,
) -> None:
    globs = [f"--among=debian:{each}.*" for each in among]
    with pytest.raises(SystemExit) as ended:
        main(["bisect", str(programs[program]), "--json", *globs, *(["--accepted"] if accepted else [])])
    said = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0
    assert (series(said["first_affected"]), series(said["last_affected"])) == (first, last)
    asked = [each["kernel"] for each in said["kernels"]]
    before = asked[asked.index(said["first_affected"]) - 1]
    assert (series(before) != first, said["kernels"][asked.index(before)]["state"]) == (True, "gone")
    assert len(asked) <= said["offered"]
