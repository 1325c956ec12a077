"""docs/pipeline.md shows what the commands print (rows 8 to 10)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.kernel.image import Image
from tests.pipeline.sources import COUNTER, compile_c

pytestmark = pytest.mark.vm

TEXT = (Path(__file__).parents[2] / "docs" / "pipeline.md").read_text()
README = (Path(__file__).parents[2] / "README.md").read_text()


def shown(command: str) -> str:
    """The block that the document gives as the command's output; a line's end may be left out ("…")."""
    found = re.search(rf"<!-- {re.escape(command)} -->\n```\n(.*?)```", TEXT, re.S)
    assert found
    return "\n".join(re.escape(line).replace("…", ".*") for line in found[1].splitlines())


@pytest.mark.parametrize("command", ["check", "libbpf"])
def test_rows_08_and_09_the_document_shows_what_is_printed(
    image: Image,
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "counter.o").write_bytes(compile_c(COUNTER, tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main([command, "--kernel", image.name, "counter.o"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert re.match(shown(f"{command} counter.o") + r"\n", printed), printed


def test_the_readme_shows_what_check_prints(
    image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not image.name.startswith("debian:6.12."):
        pytest.skip("the sample is of 6.12")
    sample = re.search(r"^    \$ printf '(.*?)' >div\.s .*\n((    .*\n)+)", README, re.M)
    assert sample
    (tmp_path / "div.s").write_text(sample[1].replace("\\n", "\n"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["check", "--kernel", image.name, "div.s"])
    assert ended.value.code == 0
    expected = re.sub(r"^    ", "", sample[2], flags=re.M).replace("debian:6.12.117-1", image.name)
    assert capsys.readouterr().out == expected
