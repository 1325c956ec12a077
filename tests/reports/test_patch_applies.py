"""The patch of every kind goes onto the selftests of two kernels with git am, and what it adds compiles there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from conformance.corpus.selftests.build import compiling
from conformance.corpus.selftests.compiler import find_clang
from conformance.corpus.selftests.source import RUNNER
from conformance.kernel.cache import cache_directory
from ebpf import casefile
from ebpf.errors import InputError
from reports.records import Accepts, AloneReturns, Finding, Holds, Refuses, Returns, Right, StaysQuiet
from reports.reproducers import write
from tests.reports.samples import CASE, finding

PROGS = "tools/testing/selftests/bpf/progs"
KINDS: dict[str, Right] = {
    "soundness": Refuses(),
    "rule": Refuses(message="R0 leaks addr as return value"),
    "bounds": Holds(CASE, (), 0, Refuses(CASE, "invalid read from stack")),
    "transfer": Holds(CASE, (), None, Refuses(CASE)),
    "embedding": Refuses(CASE, "invalid read from stack"),
    "execution": Returns(1, ("JIT",), alone=AloneReturns(CASE, 0x5EED)),
    "precision": Accepts("math between map_value pointer and register with unbounded min value"),
    "health": StaysQuiet(),
}
"""By kind, what a right kernel does; of objects there is no stanza."""


def homes() -> list[Path]:
    """The cached sources that hold the runner, a version each."""
    return [
        each for each in sorted((cache_directory() / "sources").glob("[0-9]*")) if (each / RUNNER).exists()
    ]


def git(tree: Path, *arguments: str | Path) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false")
    result = subprocess.run(
        ["git", *identity, *arguments], cwd=tree, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(scope="module", params=homes(), ids=lambda home: str(home.name))
def tree(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(the source, a repository of its runner and one of its programs)."""
    source: Path = request.param
    tree = tmp_path_factory.mktemp("tree")
    for name in (RUNNER, f"{PROGS}/verifier_xadd.c"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / name, tree / name)
    git(tree, "init", "-q")
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", "selftests")
    return source, tree


def sample(kind: str) -> Finding:
    return finding(kind=kind, signature=f"{kind}:sample", right=KINDS[kind], verdicts=finding().verdicts[1:2])


@pytest.mark.parametrize("kind", KINDS)
def test_it_applies_and_compiles(tree: tuple[Path, Path], kind: str, tmp_path: Path) -> None:
    source, repository = tree
    files = write(sample(kind), tmp_path).files
    git(repository, "am", "-q", tmp_path / files["patch"])
    try:
        added = repository / PROGS / "verifier_veridiff.c"
        assert added.read_bytes() == (tmp_path / files["selftest"]).read_bytes()
        runner = (repository / RUNNER).read_text()
        assert runner.count('#include "verifier_veridiff.skel.h"') == 1
        assert runner.count("RUN(verifier_veridiff);") == 1
        assert runner.count("RUN(") > 50
        compile_there(source, added, tmp_path / "stanza.o")
    finally:
        git(repository, "reset", "-q", "--hard", "HEAD~1")


def compile_there(source: Path, stanza: Path, made: Path) -> None:
    """With the newest clang that there is, where there is one, and the types of that version."""
    headers = sorted((cache_directory() / "headers").glob(f"{source.name.partition('-')[0]}*"))
    try:
        clang = find_clang()
    except InputError:
        return
    if headers:
        result = subprocess.run(
            compiling(clang, source, headers[-1], stanza, made), capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr
        assert casefile.from_plain(CASE).program.instructions[0].encode() in made.read_bytes()
