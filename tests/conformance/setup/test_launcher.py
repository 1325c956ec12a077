"""First use, as far as it goes without installing anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conformance.campaign.versions import version
from conformance.cli import cli
from conformance.setup import environment as environment_module
from conformance.setup import launcher
from conformance.setup.environment import PythonEnvironment
from conformance.setup.launcher import prepare
from conformance.setup.logged import error_line, run_logged
from conformance.setup.needs import Need
from conformance.setup.system import Requirement, advice, requirements
from conformance.setup.usage import COMMANDS
from ebpf.errors import InfrastructureError, InputError

CHECKOUT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("VERIDIFF_VENV", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    path = tmp_path / "checkout"
    path.mkdir()
    (path / "pyproject.toml").write_text("[project]\n")
    return path


def stamp(environment: PythonEnvironment, needs: Need) -> None:
    path = environment._stamp(development=Need.DEVELOPMENT in needs)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{environment.checkout}\n")


def test_it_needs_the_standard_library_only() -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import conformance.setup.launcher, conformance.setup.packages"
    subprocess.run([sys.executable, "-I", "-S", "-c", code, str(CHECKOUT)], check=True)


@pytest.mark.parametrize(
    ("kernels", "packages"),
    [
        ((), "python3-venv gcc libc6-dev qemu-system-x86"),
        (
            ("--kernel", "debian:6.12@riscv64"),
            "python3-venv gcc-riscv64-linux-gnu libc6-dev-riscv64-cross qemu-system-riscv opensbi",
        ),
        (
            ("--kernel=debian:6.12@s390x", "--kernel", "debian:6.12"),
            "python3-venv gcc-s390x-linux-gnu libc6-dev-s390x-cross gcc libc6-dev qemu-system-s390x "
            "qemu-system-x86",
        ),
    ],
)
def test_without_root_the_message_names_exactly_what_to_install(
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kernels: tuple[str, ...],
    packages: str,
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr(
        launcher, "missing", lambda needs, rows, _: [one for one in requirements(rows) if one.need in needs]
    )
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.delenv("CC", raising=False)
    assert prepare(str(checkout), ["run", *kernels])[1] == 2
    captured = capsys.readouterr()
    assert f"    apt-get update && apt-get install --no-install-recommends {packages}\n" in captured.err
    assert f"    {checkout}/veridiff setup\n" in captured.err
    assert captured.out == ""


def test_an_optional_requirement_stops_nobody(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr(launcher, "missing", lambda *_: [one for one in requirements() if one.optional])
    stamp(PythonEnvironment.of(checkout, Need.ENVIRONMENT), Need.DEVELOPMENT)
    assert prepare(str(checkout), ["test"])[1] is None


def test_a_compiler_the_user_chose_is_the_users_to_mend(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CC", "/nonexistent/cc")
    assert prepare(str(checkout), ["run"])[1] == 2
    assert "CC=/nonexistent/cc: no such program" in capsys.readouterr().err


def test_ready_is_told_from_stamps(checkout: Path) -> None:
    environment = PythonEnvironment.of(checkout, Need.ENVIRONMENT)
    assert environment.directory == checkout / ".venv"
    assert not environment.ready(Need.ENVIRONMENT)
    stamp(environment, Need.ENVIRONMENT)
    assert environment.ready(Need.ENVIRONMENT)
    assert not environment.ready(Need.ENVIRONMENT | Need.DEVELOPMENT)
    (checkout / "pyproject.toml").write_text('[project]\ndependencies = ["new"]\n')
    assert not environment.ready(Need.ENVIRONMENT)


def test_another_checkout_in_the_same_directory_is_told_and_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each checkout's command line runs that checkout's code, however often they take turns."""
    monkeypatch.setenv("VERIDIFF_VENV", str(tmp_path / "shared"))
    commands: list[list[str]] = []
    monkeypatch.setattr(environment_module, "run_logged", lambda command, **_: commands.append(command))
    monkeypatch.setattr(PythonEnvironment, "_usable", lambda _: True)
    packages = tmp_path / "shared" / "lib" / "python3" / "site-packages"
    (packages / "veridiff-0.1.0.dist-info").mkdir(parents=True)
    environments = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pyproject.toml").write_text("[project]\n")
        environments.append(PythonEnvironment.of(tmp_path / name, Need.ENVIRONMENT))
    first, second = environments
    first.set_up(Need.ENVIRONMENT)
    assert first.ready(Need.ENVIRONMENT)
    assert not second.ready(Need.ENVIRONMENT)
    assert "in its place" not in capsys.readouterr().err
    (packages / "veridiff-checkout.pth").write_text(f"{first.checkout}\n")
    second.set_up(Need.ENVIRONMENT)
    assert (first.ready(Need.ENVIRONMENT), second.ready(Need.ENVIRONMENT)) == (False, True)
    assert f"holds the checkout {first.checkout}: installing {second.checkout}" in capsys.readouterr().err
    assert not (packages / "veridiff-checkout.pth").exists()
    assert [command[3] for command in commands] == ["install", "uninstall", "install"]
    first.set_up(Need.ENVIRONMENT)
    assert (first.ready(Need.ENVIRONMENT), second.ready(Need.ENVIRONMENT)) == (True, False)


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [(["--version"], f"veridiff, version {version()}\n"), (["--help"], "  run "), ([], "  check ")],
)
def test_the_version_and_the_commands_need_no_set_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], answer: str
) -> None:
    monkeypatch.setenv("VERIDIFF_VENV", str(tmp_path / "none"))
    done = subprocess.run(
        [sys.executable, CHECKOUT / "veridiff", *arguments], capture_output=True, text=True, check=True
    )
    assert answer in done.stdout
    assert not (tmp_path / "none").exists()


def test_the_usage_names_every_command() -> None:
    assert set(COMMANDS) == {*cli.commands, "setup"}


def test_a_file_in_its_place_is_left_alone(checkout: Path, cache: Path) -> None:
    (checkout / ".venv").write_text(".tox/unit\n")
    assert cache in PythonEnvironment.of(checkout, Need.ENVIRONMENT).directory.parents


def test_a_directory_full_of_something_else_is_left_alone(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERIDIFF_VENV", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letters.txt").touch()
    with pytest.raises(InputError, match="not a virtual environment, and not empty"):
        PythonEnvironment.of(checkout, Need.ENVIRONMENT).set_up(Need.ENVIRONMENT)
    assert (tmp_path / "home" / "letters.txt").exists()


def test_advice_without_apt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    text = advice([Requirement(Need.EMULATOR, "QEMU", ("qemu-system-x86",), lambda: False)], "./veridiff")
    assert "no apt-get here" in text
    assert "qemu-system-x86" in text


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("Reading lists\nE: Unable to locate package x\nmore\n", "E: Unable to locate package x"),
        (
            "Collecting\nERROR: No matching distribution\nnote: this error\n",
            "ERROR: No matching distribution",
        ),
        ("Traceback\nValueError: bad\n", "ValueError: bad"),
        ("all fine\nand yet\n", "and yet"),
        ("", ""),
    ],
)
def test_the_line_that_says_what_went_wrong(output: str, line: str) -> None:
    assert error_line(output) == line


def test_a_failing_program_names_its_reason_and_the_log(cache: Path) -> None:
    with pytest.raises(InfrastructureError, match=rf"error: née.*{cache}/veridiff/setup\.log"):
        run_logged(["sh", "-c", "echo ünrelated; echo error: née; exit 3"], dies_with_us=True)
