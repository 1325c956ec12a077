"""BTF: the types of an object and of a kernel, as a compiler wrote them.

A :class:`Btf` is the bytes of a ``.BTF`` section and where each type begins in them; types are decoded when
asked for, so that a large or broken section costs no memory.  Layouts and numbers: Documentation/bpf/btf.rst
and include/uapi/linux/btf.h (Linux 6.12).
"""

from ebpf.btf.builder import BtfBuilder
from ebpf.btf.reader import Btf, BtfError
from ebpf.btf.types import BtfKind, BtfType

__all__ = ["Btf", "BtfBuilder", "BtfError", "BtfKind", "BtfType"]
