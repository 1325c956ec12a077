"""Programs without their types, as libbpf loads them where a kernel takes none."""

from __future__ import annotations

from dataclasses import replace

from conformance.kernel.jobs import KernelAnswer, Lost
from ebpf.maps import MapSpec
from ebpf.program import Program


def untyped(program: Program) -> Program:
    """As libbpf loads it where the kernel takes no types (libbpf.c, bpf_object__sanitize_and_load_btf)."""
    return replace(program, btf=None, func_info=None, maps=tuple(map(_untyped_map, program.maps)))


def _untyped_map(spec: MapSpec) -> MapSpec:
    inner = None if spec.inner is None else _untyped_map(spec.inner)
    return replace(spec, btf_key=0, btf_value=0, inner=inner)


def types_refused(answer: KernelAnswer | Lost) -> bool:
    """Whether BPF_BTF_LOAD failed, and nothing else was tried."""
    return isinstance(answer, KernelAnswer) and answer.map_errno is not None and answer.map_errno[0] < 0
