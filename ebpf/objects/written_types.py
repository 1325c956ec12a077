"""BTF of a written object: map definitions, functions and lines."""

from __future__ import annotations

from dataclasses import replace

from ebpf.btf import BtfBuilder
from ebpf.btf.extension import COLUMN_BITS, build_extension
from ebpf.btf.map_types import MapTypes
from ebpf.btf.types import Linkage
from ebpf.maps import MapSpec, MapType
from ebpf.objects.object import SourceLine

_POINTER = 8
_INTEGERS = {1: "__u8", 2: "__u16", 4: "__u32", 8: "__u64"}
_NESTED = (MapType.ARRAY_OF_MAPS, MapType.HASH_OF_MAPS)


class WrittenTypes:
    """Collects what the writer declares; ``used`` says whether there is anything."""

    def __init__(self) -> None:
        self._builder = BtfBuilder()
        self._map_types = MapTypes(self._builder)
        self._integers: dict[int, int] = {}
        self._int = self._builder.integer("int", 4, signed=True)
        self._prototype = 0
        self._variables: list[tuple[int, int, int]] = []
        self._functions: dict[str, list[tuple[int, int]]] = {}
        self._lines: dict[str, list[tuple[int, int, int, int]]] = {}
        self.used = False

    def map(self, spec: MapSpec, typed: bool) -> int:
        """Declares a map in ``.maps``; gives the size of its variable."""
        self.used = True
        struct, size = self._definition(spec, typed)
        variable = self._builder.variable(spec.name, struct)
        offset = self._variables[-1][1] + self._variables[-1][2] if self._variables else 0
        self._variables.append((variable, offset, size))
        return size

    def _definition(self, spec: MapSpec, typed: bool) -> tuple[int, int]:
        words = {"type": int(spec.type), "max_entries": spec.max_entries, "map_flags": spec.flags}
        members: list[tuple[str, int]] = []
        # A program's own BTF is not the object's.
        own = self._map_types.declare(replace(spec, btf_key=0, btf_value=0, inner=None))
        for name, size, declared in (
            ("key", spec.key_size, own.btf_key),
            ("value", spec.value_size, own.btf_value),
        ):
            if declared:
                members.append((name, self._builder.pointer(declared)))
            elif typed and size and not (spec.inner is not None and name == "value"):
                members.append((name, self._builder.pointer(self._sized(size))))
            elif not (spec.inner is not None and name == "value"):
                words[f"{name}_size"] = size
        members = [(name, self._uint(value)) for name, value in words.items() if value] + members
        total = _POINTER * len(members)
        if spec.inner is not None and spec.type in _NESTED:
            inner, _ = self._definition(replace(spec.inner, inner=None), typed)
            members.append(("values", self._builder.array(self._builder.pointer(inner), self._int, 0)))
        return self._builder.struct(
            "", total, [(name, kind, _POINTER * n) for n, (name, kind) in enumerate(members)]
        ), total

    def _uint(self, value: int) -> int:
        return self._builder.pointer(self._builder.array(self._int, self._int, value))

    def _sized(self, size: int) -> int:
        """A type of this size: an integer, or an array of bytes."""
        if size not in self._integers:
            known = _INTEGERS.get(size)
            self._integers[size] = (
                self._builder.integer(known, size)
                if known
                else self._builder.array(self._sized(1), self._int, size)
            )
        return self._integers[size]

    def maps_done(self) -> None:
        """Closes the ``.maps`` section."""
        size = self._variables[-1][1] + self._variables[-1][2]
        self._builder.section(".maps", size, self._variables)

    def function(
        self, name: str, section: str, start: int, lines: list[tuple[int, SourceLine]], is_global: bool
    ) -> None:
        """Declares a function at byte ``start`` of a section, with the source of its instructions."""
        self.used = True
        self._prototype = self._prototype or self._builder.prototype(self._int)
        linkage = Linkage.GLOBAL if is_global else Linkage.STATIC
        self._functions.setdefault(section, []).append(
            (start, self._builder.function(name, self._prototype, linkage))
        )
        text = self._builder.string
        self._lines.setdefault(section, []).extend(
            (at, text(line.file), text(line.text), line.line << COLUMN_BITS | line.column)
            for at, line in lines
        )

    def btf(self) -> bytes:
        """``.BTF``; the strings of ``.BTF.ext`` are in it."""
        for section in self._functions:
            self._builder.string(section)
        return self._builder.build()

    def extension(self) -> bytes:
        """``.BTF.ext``."""
        name = self._builder.string
        return build_extension(
            [(name(section), rows) for section, rows in self._functions.items()],
            [(name(section), sorted(rows)) for section, rows in self._lines.items()],
        )
