"""Both programs in C, and a compiler for them: clang of at least version 18, else the rows that need one are
skipped by name."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

HEAD = """
typedef unsigned int __u32; typedef unsigned long long __u64;
#define SEC(name) __attribute__((section(name), used))
"""
HELLO = (
    HEAD
    + """
static int (*bpf_trace_printk)(const char *format, int size, ...) = (void *)6;
SEC("tracepoint/syscalls/sys_enter_execve")
int bpf_prog(void *ctx)
{
	char msg[] = "Hello, BPF World!";
	bpf_trace_printk(msg, sizeof(msg));
	return 0;
}
char _license[] SEC("license") = "GPL";
"""
)
HELLO_BY_POINTER = HELLO.replace("char msg[]", "const char *msg").replace("sizeof(msg)", "18")
_UPDATE = """
static long (*bpf_map_update_elem)(void *map, const void *key, const void *value, __u64 flags) = (void *)2;
SEC("tracepoint/syscalls/sys_enter_execve")
int bpf_prog(void *ctx)
{
	__u32 key = 0;
	__u64 value = 1;
	bpf_map_update_elem(&my_map, &key, &value, 0);
	return 0;
}
char _license[] SEC("license") = "GPL";
"""
COUNTER = (
    HEAD
    + """
struct bpf_map_def { __u32 type, key_size, value_size, max_entries, map_flags; };
struct bpf_map_def SEC("maps") my_map = { .type = 2, .key_size = 4, .value_size = 8, .max_entries = 256 };
"""
    + _UPDATE
)
COUNTER_BTF = (
    HEAD
    + """
struct { int (*type)[2]; __u32 *key; __u64 *value; int (*max_entries)[256]; } my_map SEC(".maps");
"""
    + _UPDATE
)


def clang() -> str:
    """A clang of at least version 18."""
    for name in ("clang", *(f"clang-{version}" for version in range(25, 17, -1))):
        path = shutil.which(name)
        if path is not None:
            found = re.search(
                r"version (\d+)",
                subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout,
            )
            if found and int(found[1]) >= 18:
                return path
    pytest.skip("clang 18 or newer is missing")


def compile_c(text: str, directory: Path, *flags: str) -> bytes:
    """The object of a program in C: the talk's instructions need -mcpu=v2 (v3 gives ``w1 = 33``)."""
    source, target = directory / "program.c", directory / "program.o"
    source.write_text(text)
    subprocess.run(
        [clang(), "-target", "bpf", "-mcpu=v2", "-O2", *flags, "-c", source, "-o", target],
        check=True,
        timeout=60,
    )
    return target.read_bytes()
