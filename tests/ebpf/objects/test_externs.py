"""What only a running kernel can answer: kernel functions are called by name, all else is named and
refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ebpf.btf import Btf
from ebpf.btf.core import KernelTypes
from ebpf.objects import Generation, ObjectError, open_object
from ebpf.objects.core_patches import POISON
from ebpf.objects.object import ExternKind
from tests.pipeline.sources import HEAD, compile_c

KFUNC = (
    HEAD
    + """
struct bpf_iter_num { __u64 opaque[1]; };
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __attribute__((section(".ksyms"))) __attribute__((weak));
SEC("socket") int f(void *ctx) { struct bpf_iter_num it; return bpf_iter_num_new(&it, 0, 1); }
char _license[] SEC("license") = "GPL";
"""
)
KCONFIG = (
    HEAD
    + """
extern int CONFIG_HZ __attribute__((section(".kconfig")));
SEC("socket") int f(void *ctx) { return CONFIG_HZ; }
SEC("xdp") int g(void *ctx) { return 2; }
char _license[] SEC("license") = "GPL";
"""
)
CORE = (
    HEAD
    + """
struct task { int pid; int tgid; } __attribute__((preserve_access_index));
SEC("raw_tp/sched_switch") int f(struct task *t) { return t->tgid; }
char _license[] SEC("license") = "GPL";
"""
)


def test_a_kernel_function_is_called_by_name(tmp_path: Path) -> None:
    opened = open_object(compile_c(KFUNC, tmp_path, "-g"), "x.o")
    (extern,) = opened.externs
    assert (extern.name, extern.kind, extern.function, extern.weak) == (
        "bpf_iter_num_new",
        ExternKind.KSYM,
        True,
        True,
    )
    program = opened.program(opened.programs[0])
    ((slot, name),) = program.kfuncs
    assert (name, program.instructions[slot].src) == ("bpf_iter_num_new", 2)


def test_configuration_is_named_and_refused(tmp_path: Path) -> None:
    opened = open_object(compile_c(KCONFIG, tmp_path, "-g"), "x.o")
    assert [(each.name, each.kind) for each in opened.externs] == [("CONFIG_HZ", ExternKind.KCONFIG)]
    first, second = opened.programs
    with pytest.raises(
        ObjectError, match=r"load: program 'socket/f': unsupported: extern 'CONFIG_HZ' of \.kconfig"
    ):
        opened.program(first)
    assert opened.program(second).instructions


def test_core_relocations_are_named_and_refused(tmp_path: Path) -> None:
    opened = open_object(compile_c(CORE, tmp_path, "-g"), "x.o")
    with pytest.raises(ObjectError, match="unsupported: CO-RE relocations"):
        opened.program(opened.programs[0])


def test_libbpf_0_3_knows_no_extern_functions(tmp_path: Path) -> None:
    with pytest.raises(ObjectError, match="failed to find BTF for extern"):
        open_object(compile_c(KFUNC, tmp_path, "-g"), "x.o", Generation.LIBBPF_0_3)


def kernel_with(fields: str, directory: Path) -> KernelTypes:
    """A kernel whose ``struct task`` has these fields."""
    source = HEAD + f'struct task {{ {fields} }}; SEC("xdp") int f(struct task *t) {{ return 2; }}'
    raw = open_object(
        compile_c(source + 'char _license[] SEC("license") = "GPL";', directory, "-g"), "k.o"
    ).btf
    assert raw is not None
    return KernelTypes(Btf(raw))


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ("int state; int pid; int tgid;", ()),
        ("int state; int pid;", ("struct task.tgid",)),
        ("long long pid; struct { int tgid; } ids;", ("struct task.tgid",)),
    ],
)
def test_what_the_kernels_types_do_not_have_is_named(
    tmp_path: Path, fields: str, missing: tuple[str, ...]
) -> None:
    kernel = kernel_with(fields, tmp_path)
    opened = open_object(compile_c(CORE, tmp_path, "-g"), "x.o", kernel=kernel)
    (program,) = opened.programs
    assert tuple(name for _, name in program.missing) == missing
    assert [slot for slot, insn in enumerate(program.instructions) if insn == POISON] == [
        slot for slot, _ in program.missing
    ]
    assert opened.program(program).instructions
