"""Section names against libbpf itself, and what only older loaders know."""

from __future__ import annotations

import pytest

from ebpf.objects import Generation
from ebpf.objects.section_names import SECTION_NAMES, resolve
from ebpf.program import LoadFlag
from ebpf.program_types import AttachType, ProgramType
from tests.ebpf.objects.libbpf import library, type_by_name

ROWS = [
    (
        "tracepoint/syscalls/sys_enter_execve",
        Generation.LIBBPF_1,
        ProgramType.TRACEPOINT,
        None,
        "syscalls/sys_enter_execve",
    ),
    ("tp/sched/sched_switch", Generation.LIBBPF_1, ProgramType.TRACEPOINT, None, "sched/sched_switch"),
    ("kprobe/kfree_skb", Generation.SAMPLES, ProgramType.KPROBE, None, "kfree_skb"),
    ("kprobe", Generation.LIBBPF_1, ProgramType.KPROBE, None, ""),
    ("kprobe", Generation.LIBBPF_0_3, None, None, ""),
    ("socket_mine", Generation.LIBBPF_0_3, ProgramType.SOCKET_FILTER, None, "_mine"),
    ("socket_mine", Generation.LIBBPF_1, None, None, ""),
    ("tc", Generation.LIBBPF_0_3, None, None, ""),
    ("tp/x", Generation.SAMPLES, None, None, ""),
    ("cgroup_skb/ingress", Generation.LIBBPF_1, ProgramType.CGROUP_SKB, AttachType.CGROUP_INET_INGRESS, ""),
    ("lsm.s/bpf", Generation.LIBBPF_1, ProgramType.LSM, AttachType.LSM_MAC, "bpf"),
    ("xdp.frags", Generation.LIBBPF_1, ProgramType.XDP, AttachType.XDP, ""),
    ("?xdp", Generation.LIBBPF_1, ProgramType.XDP, AttachType.XDP, ""),
    ("?xdp", Generation.LIBBPF_0_3, None, None, ""),
]


@pytest.mark.parametrize(("name", "generation", "kind", "attach", "target"), ROWS)
def test_rows(
    name: str, generation: Generation, kind: ProgramType | None, attach: AttachType | None, target: str | None
) -> None:
    found = resolve(name, generation)
    assert (found.row and found.row.type, found.row and found.row.attach_type, found.target) == (
        kind,
        attach,
        target,
    )


def test_flags_and_autoload() -> None:
    rows = [resolve(name).row for name in ("fentry.s/x", "xdp.frags/cpumap")]
    assert [row and row.flags for row in rows] == [LoadFlag.SLEEPABLE, LoadFlag.XDP_HAS_FRAGS]
    assert not resolve("?tc").autoload
    assert resolve("tc").autoload


def test_every_name_as_libbpf_has_it() -> None:
    libbpf = library()
    if libbpf is None:
        pytest.skip("libbpf.so.1 is missing")
    release = (libbpf.libbpf_major_version(), libbpf.libbpf_minor_version())
    stems = {row.name.rstrip("+/") for rows in SECTION_NAMES.values() for row in rows}
    endings = ("", "/", "/x", "x", "/x/y", ".s", ".s/x", "/ingress")
    for name in sorted(stem + ending for stem in stems for ending in endings):
        row = resolve(name).row
        if row is not None and row.since > release:
            continue
        assert (row and (row.type, row.attach_type or 0)) == type_by_name(libbpf, name), name
