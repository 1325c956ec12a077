"""``veridiff vm`` runs a program of one's own in a kernel's virtual machine, and passes on what it says and how it ends."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.kernel.image import Image
from conformance.kernel.images import fetch

pytestmark = [pytest.mark.vm, pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")]

SAYS = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <fcntl.h>

int main(int argc, char **argv)
{
	struct utsname name;

	setvbuf(stdout, NULL, _IONBF, 0);
	uname(&name);
	printf("%s\n", name.release);
	for (int i = 1; i < argc; i++)
		printf("<%s>\n", argv[i]);
	fprintf(stderr, "uid %d\n", getuid());
	if (argc > 1 && !strcmp(argv[1], "abort"))
		abort();
	if (argc > 1 && !strcmp(argv[1], "sleep"))
		sleep(30);
	if (argc > 1 && !strcmp(argv[1], "panic")) {
		int fd = open("/proc/sysrq-trigger", O_WRONLY);
		sleep(write(fd, "c", 1) == 1 ? 30 : 0);
	}
	return argc > 1 ? atoi(argv[1]) : 0;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("program") / "says.c"
    source.write_text(SAYS)
    for how in ((), ("-static",)):
        made = source.with_suffix(".static" if how else ".shared")
        subprocess.run(["gcc", *how, "-o", made, source], check=True)
    return source.with_suffix(".static")


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["vm", *map(str, arguments)])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_what_it_says_and_its_status(
    image: Image, program: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert run("--kernel", image.name, "--", program, "7", "--kernel", "two words", "") == 7
    said = capfdbinary.readouterr()
    assert said.out.decode() == f"{image.version}\n<7>\n<--kernel>\n<two words>\n<>\n"
    assert said.err == b"uid 0\n"
    assert run("--kernel", image.name, program) == 0


@pytest.mark.parametrize(("argument", "status", "says"), [("abort", 134, ""), ("sleep", 125, "timed out")])
def test_other_ends(
    image: Image, program: Path, capfd: pytest.CaptureFixture[str], argument: str, status: int, says: str
) -> None:
    assert run("--kernel", image.name, "--seconds", "3", "--", program, argument) == status
    said = capfd.readouterr()
    assert f"<{argument}>" in said.out
    assert says in said.err


def test_a_panic_is_not_asked_for_twice(
    image: Image, program: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run("--kernel", image.name, "--", program, "panic") == 125
    said = capfd.readouterr().err
    assert "the virtual machine was lost (panic); its console:" in said
    assert "Kernel panic" in said


@pytest.mark.shared
def test_boot_arguments_reach_the_kernel(bugbench: Path, program: Path) -> None:
    """And a bzImage by its path."""
    assert run("--kernel", bugbench / "bzImage-clean", "--boot-arg", "quiet", "--", program, "3") == 3


def test_what_cannot_be_run_there(
    image: Image, program: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """With the status that a bisection skips."""
    script = tmp_path / "script.sh"
    script.write_text("#!/bin/sh\n")
    for path, why in (
        (program.with_suffix(".shared"), "link it with -static"),
        (script, "not an ELF executable"),
        (tmp_path / "none", "No such file"),
    ):
        assert run("--kernel", image.name, path) == 125
        assert why in capfd.readouterr().err
    assert run("--kernel", tmp_path / "bzImage", program) == 125
    assert "unknown kernel name" in capfd.readouterr().err


def test_a_bisection_runs_it(image: Image, program: Path) -> None:
    """The status of one command is what `git bisect run` goes by: good, bad, skipped."""
    assert fetch(image.name) == image
    assert [run("--kernel", image.name, program, word) for word in ("0", "1")] == [0, 1]
