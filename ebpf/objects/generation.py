"""Generations of loaders: what an object means depends on who opens it."""

from __future__ import annotations

from enum import Enum


class Generation(Enum):
    """Whose rules.

    ``SAMPLES``: the prototype of Linux 5.10's samples/bpf/bpf_load.c (``load_bpf_file``); ``LIBBPF_0_3``:
    Debian 11's, which still takes ``SEC("maps")`` and sloppy section names; ``LIBBPF_1``: 1.0 and later,
    which refuses both (libbpf.c, bpf_object__elf_collect and sec_def_matches).
    """

    SAMPLES = "samples"
    LIBBPF_0_3 = "libbpf 0.3"
    LIBBPF_1 = "libbpf 1"

    @property
    def legacy_maps(self) -> bool:
        """Whether a ``maps`` section is read (libbpf.c, bpf_object__elf_collect: refused since 1.0)."""
        return self is not Generation.LIBBPF_1

    @property
    def maps_by_offset(self) -> bool:
        """Whether maps of a ``maps`` section come by their offsets (bpf_load.c, load_elf_maps_section);
        libbpf goes by symbols."""
        return self is Generation.SAMPLES

    @property
    def named_data(self) -> bool:
        """Whether ``.data.*``, ``.rodata.*`` and ``.bss.*`` become maps (since libbpf 0.6; before, exact
        names only)."""
        return self is Generation.LIBBPF_1

    @property
    def all_data_mapped(self) -> bool:
        """Whether user space may map every data section (BPF_F_MMAPABLE); since 1.0 those with a variable to
        show."""
        return self is Generation.LIBBPF_0_3

    @property
    def function_addresses(self) -> bool:
        """Whether a function's address can be loaded (BPF_PSEUDO_FUNC, since libbpf 0.4); before, src is not
        looked at."""
        return self is Generation.LIBBPF_1

    @property
    def function_externs(self) -> bool:
        """Whether an extern may be a kernel function (since libbpf 0.4; before, find_extern_btf_id knows
        variables only)."""
        return self is Generation.LIBBPF_1

    @property
    def programs_by_symbol(self) -> bool:
        """Whether each function's symbol makes a program (since libbpf 0.6); before, a section is cut up from
        its start."""
        return self is not Generation.LIBBPF_0_3

    @property
    def strict_sections(self) -> bool:
        """Whether an empty licence, or broken .BTF.ext beside maps defined by BTF, is refused (0.3 passes
        over both)."""
        return self is Generation.LIBBPF_1

    @property
    def strict_names(self) -> bool:
        """Whether section names must match whole (since 1.0), and may begin with "?" (not loaded by itself;
        since 0.7)."""
        return self is Generation.LIBBPF_1
