"""ELF objects: what a compiler leaves for a loader, and what libbpf makes of it before any kernel is asked.

An object holds programs by section, maps, a licence, and relocations between them; opening it, stage by stage
and by libbpf's names for them, gives programs whose instructions name maps by index.  Everything here is
bytes in, values out.
"""

from ebpf.objects.errors import ObjectError, OpenStage
from ebpf.objects.generation import Generation
from ebpf.objects.loader import open_object
from ebpf.objects.object import Object, ObjectMap, ObjectProgram

__all__ = ["Generation", "Object", "ObjectError", "ObjectMap", "ObjectProgram", "OpenStage", "open_object"]
