"""libbpf itself, where this machine has it: opens objects in a process of its own, in user space only;
nothing is loaded.

Old libbpfs die of some malformed objects, so each answer comes from a fork; a death is an answer too.
"""

from __future__ import annotations

import ast
import ctypes
import os
import resource
import signal
from dataclasses import dataclass
from typing import Any

_WORDS = (
    "type",
    "key_size",
    "value_size",
    "max_entries",
    "map_flags",
    "btf_key_type_id",
    "btf_value_type_id",
)


@dataclass(frozen=True)
class Opened:
    """``programs``: (name, section, type, attach type); ``maps``: (name, then the words); None when
    refused."""

    programs: tuple[Any, ...] | None = None
    maps: tuple[Any, ...] | None = None
    died: bool = False


def library() -> Any:
    """libbpf.so.1 with its functions declared, or None."""
    try:
        found = ctypes.CDLL("libbpf.so.1")
    except OSError:
        return None
    for name, count, result in (
        ("bpf_object__open_mem", 3, ctypes.c_void_p),
        ("bpf_object__next_program", 2, ctypes.c_void_p),
        ("bpf_object__next_map", 2, ctypes.c_void_p),
        ("bpf_program__name", 1, ctypes.c_char_p),
        ("bpf_program__section_name", 1, ctypes.c_char_p),
        ("bpf_map__name", 1, ctypes.c_char_p),
        ("bpf_program__type", 1, ctypes.c_int),
        ("bpf_program__expected_attach_type", 1, ctypes.c_int),
        *((f"bpf_map__{word}", 1, ctypes.c_uint32) for word in _WORDS),
    ):
        function = getattr(found, name)
        function.restype, function.argtypes = result, [ctypes.c_void_p] * count
    found.bpf_object__open_mem.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
    found.libbpf_set_print(None)
    return found


def type_by_name(library: Any, name: str) -> tuple[int, int] | None:
    """``libbpf_prog_type_by_name``."""
    kind, attach = ctypes.c_int(-1), ctypes.c_int(-1)
    failed = library.libbpf_prog_type_by_name(name.encode(), ctypes.byref(kind), ctypes.byref(attach))
    return None if failed else (kind.value, attach.value)


def open_in_child(library: Any, data: bytes) -> Opened:
    """``bpf_object__open_mem``, for an object named x."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(5)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            os.write(into, repr(_open(library, data)).encode())
        finally:
            os._exit(0)
    os.close(into)
    answer = b""
    while part := os.read(out, 1 << 16):
        answer += part
    os.close(out)
    os.waitpid(child, 0)
    return Opened(*ast.literal_eval(answer.decode())) if answer else Opened(died=True)


def _open(library: Any, data: bytes) -> tuple[Any, Any]:
    class Options(ctypes.Structure):
        _fields_ = (("size", ctypes.c_size_t), ("object_name", ctypes.c_char_p))

    options = Options(ctypes.sizeof(Options), b"x")
    opened = library.bpf_object__open_mem(data, len(data), ctypes.byref(options))
    if not opened:
        return (None, None)
    programs, maps = [], []
    each = library.bpf_object__next_program(opened, None)
    while each:
        kind = library.bpf_program__type(each), library.bpf_program__expected_attach_type(each)
        programs.append(
            (_text(library.bpf_program__name(each)), _text(library.bpf_program__section_name(each)), *kind)
        )
        each = library.bpf_object__next_program(opened, each)
    each = library.bpf_object__next_map(opened, None)
    while each:
        maps.append(
            (
                _text(library.bpf_map__name(each)),
                *(getattr(library, f"bpf_map__{word}")(each) for word in _WORDS),
            )
        )
        each = library.bpf_object__next_map(opened, each)
    return (tuple(programs), tuple(maps))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")
