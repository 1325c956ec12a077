"""Answers that need no set-up: the version, and the names of the commands."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

COMMANDS = {
    "run": "look for disagreements on one or more kernels",
    "check": "put programs to kernels and oracles, and say where they disagree",
    "replay": "ask whether findings still show",
    "bisect": "find the first and the last affected kernel",
    "kernels": "list, fetch and probe kernel images",
    "report": "write every report of a run again",
    "compare": "compare the findings of two runs",
    "counts": "add up what many runs judged",
    "reach": "say what a run's programs had in them",
    "corpus": "judge programs that nobody here wrote",
    "libbpf": "have libbpf open and load ELF objects",
    "vm": "run a program of your own in a kernel's virtual machine",
    "bench": "measure what a judged program costs",
    "test": "run the project's own tests",
    "plugin": "run one program for bpf_conformance",
    "setup": "install the system packages that are missing, as root",
}


def answer_without_set_up(checkout: Path, arguments: Sequence[str], *, ready: bool) -> str | None:
    """The whole output of a command line that asks for the version or for help; None for any other.

    A command line that is ready gives its own, longer help.
    """
    if list(arguments) == ["--version"]:
        project = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]
        return f"veridiff, version {project['version']}"
    if not ready and (not arguments or list(arguments) in (["--help"], ["-h"])):
        return _usage()
    return None


def _usage() -> str:
    rows = [f"  {name:<10}{sentence}" for name, sentence in COMMANDS.items()]
    return "\n".join([
        "Usage: veridiff [OPTIONS] COMMAND [ARGS]...",
        "",
        "  Tell whether the Linux eBPF verifier is right.",
        "",
        "Commands:",
        *rows,
        "",
        "The first use of a command sets up what it needs; veridiff COMMAND --help then tells its options.",
    ])  # fmt: skip
