"""ELF objects opened by the newest of libbpf's rules that take them."""

from __future__ import annotations

from functools import lru_cache

from conformance.kernel.image import Image
from conformance.kernel.kernel_types import kernel_btf
from ebpf.btf import Btf
from ebpf.btf.core import KernelTypes
from ebpf.errors import InputError
from ebpf.objects import Generation, Object, ObjectError, open_object
from ebpf.program import Input
from ebpf.program_types import ProgramType

DEFAULT_INPUT = Input(packet=bytes(64))
"""What the programs of an object are run on, which names no input."""


@lru_cache(maxsize=4)
def types_of(image: Image) -> KernelTypes | None:
    """What CO-RE relocations are done for; None for a kernel without types, where they are unsupported."""
    try:
        return KernelTypes(Btf(kernel_btf(image.vmlinuz, image.architecture.image_format)))
    except InputError:
        return None


def open_any(data: bytes, name: str, kernel: KernelTypes | None = None) -> Object:
    """The object by the newest rules that take it: libbpf 0.3 only for what libbpf 1 refuses or gives no
    program type.  ``kernel`` as in :func:`ebpf.objects.open_object`.

    Raises :class:`ObjectError`, that of libbpf 1 where both refuse.
    """
    try:
        opened = open_object(data, name, kernel=kernel)
    except ObjectError as error:
        return _older(data, name) or _raise(error)
    if any(program.type is ProgramType.UNSPEC for program in opened.programs):
        return _older(data, name) or opened
    return opened


def _older(data: bytes, name: str) -> Object | None:
    try:
        opened = open_object(data, name, Generation.LIBBPF_0_3)
    except ObjectError:
        return None
    return None if any(program.type is ProgramType.UNSPEC for program in opened.programs) else opened


def _raise(error: ObjectError) -> Object:
    raise error
