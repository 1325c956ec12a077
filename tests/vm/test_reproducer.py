"""The C reproducer does in a guest what it says: it is the guest's only process."""

from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from conformance.kernel.architecture import X86_64
from conformance.kernel.images import fetch
from conformance.kernel.initramfs import ArchiveEntry, cpio
from conformance.kernel.qemu import cpu_model, find_qemu
from ebpf import casefile
from ebpf.assembly import parse
from ebpf.isa.insn import encode
from reports.reproducers.c_program import c_program
from tests.reports.samples import CASE, finding

pytestmark = [pytest.mark.vm, pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")]

ADDS = [
    "*(u32 *)(r10 -4) = 1",
    "r2 = r10",
    "r2 += -4",
    "r1 = map[0]",
    "call bpf_map_lookup_elem#1",
    "if r0 == 0x0 goto pc+4",
    "r1 = *(u64 *)(r0 +0)",
    "r1 += 1",
    "*(u64 *)(r0 +0) = r1",
    "r0 = r1",
    "exit",
]


def run_as_init(source: str, directory: Path) -> str:
    """Boots a kernel whose init is the reproducer; returns what it printed before the kernel noticed that
    init ended."""
    (directory / "reproducer.c").write_text(source)
    binary = directory / "init"
    subprocess.run(
        ["gcc", "-Wall", "-Werror", "-static", "-o", binary, directory / "reproducer.c"], check=True
    )
    image, qemu = fetch("debian:6.12"), find_qemu(X86_64)
    initrd = directory / "initrd"
    entries = [
        ArchiveEntry("dev", stat.S_IFDIR | 0o755),
        ArchiveEntry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1)),
        ArchiveEntry("init", stat.S_IFREG | 0o755, binary.read_bytes()),
    ]
    initrd.write_bytes(cpio(entries))
    append = "console=ttyS0 loglevel=1 panic=-1 no_timer_check -- --yes-this-is-a-vm"
    command = [
        qemu.path,
        "-nodefaults",
        "-no-user-config",
        "-display",
        "none",
        "-accel",
        "tcg",
        "-cpu",
        cpu_model(qemu, image),
    ]
    command += [
        "-m",
        "512",
        "-no-reboot",
        "-kernel",
        str(image.vmlinuz),
        "-initrd",
        str(initrd),
        "-append",
        append,
    ]
    command += ["-serial", "stdio"]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=180, check=False
    )
    return done.stdout.replace("\r", "").split("Kernel panic")[0]


def test_a_rejected_program_shows_the_kernels_log(tmp_path: Path) -> None:
    output = run_as_init(c_program(finding(), casefile.from_plain(CASE)), tmp_path)
    assert "kernel 6.12." in output
    assert "invalid access to map value" in output or "R7" in output
    assert "rejected: Permission denied" in output


def test_an_accepted_program_is_run_on_the_witness_input(tmp_path: Path) -> None:
    case = CASE | {"program": CASE["program"] | {"instructions": encode(parse(ADDS)).hex()}}
    output = run_as_init(c_program(finding(), casefile.from_plain(case)), tmp_path)
    assert "accepted\nreturned 0x42\n" in output
    assert "map[0] 01000000: 4200000000000000" in output
    assert "map[0] 00000000" not in output
