"""Maps during a run: a value region per key."""

from __future__ import annotations

from errno import E2BIG, EEXIST, EINVAL, ENOENT

from ebpf import rules
from ebpf.byte_order import ByteOrderWord
from ebpf.helpers.script import ARRAYS, QUEUES, is_followed
from ebpf.maps import MapSpec, MapType
from ebpf.program import Program
from oracles.interpreter.arena import ArenaRegion
from oracles.interpreter.environment import DOUBLE_WORD, Environment
from oracles.interpreter.memory import Pointer, Region
from oracles.interpreter.outcome import MapContents
from oracles.interpreter.signals import Abstain

EVICTING = {MapType.LRU_HASH, MapType.LRU_PERCPU_HASH}
READ_ONLY_PROGRAM, WRITE_ONLY_PROGRAM = 1 << 7, 1 << 8
"""BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG, include/uapi/linux/bpf.h."""

ANY, NOEXIST, EXIST = 0, 1, 2


MAX_INSN_ARRAY = 1_000_000
"""As many entries as a program may have instructions; no more are followed."""


class MapHandle(Region):
    """What a map pointer points to: the kernel's ``struct bpf_map``, of which nothing is modelled."""

    __slots__ = ()


class JumpTable(Region):
    """The addresses in an instruction array: read-only, eight bytes each; an entry's value starts with
    ``orig_off``, its slot."""

    __slots__ = ()

    def __init__(
        self, name: str, targets: list[int], code: Region, environment: Environment, word: ByteOrderWord
    ) -> None:
        size = 8 * len(targets)
        super().__init__(name, bytearray(size), environment.base(size, DOUBLE_WORD), rules.MAP_VALUE_BOUNDS)
        for index, slot in enumerate(targets):
            self.store_pointer(8 * index, Pointer(code, slot), word)
        self.writable = False


class Map:
    """``handle`` is what a program's map pointer points to; ``values`` holds the regions made so far,
    ``untouched`` the rest."""

    __slots__ = ("arena", "environment", "handle", "jumps", "queue", "spec", "untouched", "values", "word")

    def __init__(self, spec: MapSpec, number: int, environment: Environment, word: ByteOrderWord) -> None:
        self.spec = spec
        self.word = word
        self.environment = environment
        self.handle = MapHandle(
            f"map{number}", bytearray(), environment.base(64), rules.MEMORY_BOUNDS, writable=False
        )
        self.values: dict[bytes, Region] = {}
        self.untouched: dict[bytes, bytes] = dict(spec.contents)
        self.arena: ArenaRegion | None = None
        self.jumps: JumpTable | None = None
        self.queue: list[bytes] = [value for _, value in spec.contents] if spec.type in QUEUES else []

    def modelled(self) -> bool:
        """Whether lookups and contents are followed for this type."""
        return is_followed(self.spec) and self.spec.type not in QUEUES

    def is_array(self) -> bool:
        """Whether every index is there, in order."""
        return self.spec.type in ARRAYS

    def lookup(self, key: bytes) -> Region | None:
        """The value's region, or None for a key that is not there."""
        if self.spec.type in ARRAYS:
            if int.from_bytes(key, self.word) >= self.spec.max_entries:
                return None
            if key not in self.values:
                self._insert(key, self.untouched.get(key) or bytes(self.spec.value_size))
        elif key in self.untouched:
            self._insert(key, self.untouched.pop(key))
        return self.values.get(key)

    def jump_table(self, code: Region) -> JumpTable:
        """An instruction array as a program sees it: an address of an instruction per entry
        (kernel/bpf/bpf_insn_array.c)."""
        if self.jumps is None:
            targets = [
                int.from_bytes(self.untouched.get(index.to_bytes(4, self.word), bytes(4))[:4], self.word)
                for index in range(min(self.spec.max_entries, MAX_INSN_ARRAY))
            ]
            self.jumps = JumpTable(self.handle.name, targets, code, self.environment, self.word)
        return self.jumps

    def update(self, key: bytes, value: bytes, flags: int) -> int:
        """bpf_map_update_elem: 0 or a negative errno (kernel/bpf/arraymap.c, hashtab.c; Linux 6.12)."""
        if flags > EXIST:
            # BPF_F_LOCK and what came after it: the errno differs between versions and map types.
            raise Abstain("map update flags beyond BPF_EXIST")
        if self.spec.type in ARRAYS:
            if int.from_bytes(key, self.word) >= self.spec.max_entries:
                return -E2BIG
            if flags == NOEXIST:
                return -EEXIST
            region = self.lookup(key)
            assert region is not None
            _overwrite(region, value)
            return 0
        present = key in self.values or key in self.untouched
        if flags == NOEXIST and present:
            return -EEXIST
        if flags == EXIST and not present:
            return -ENOENT
        if not present and len(self.values) + len(self.untouched) >= self.spec.max_entries:
            if self.spec.type in EVICTING:
                raise Abstain("a full LRU map, which forgets an element of its own choice")
            return -E2BIG
        self.untouched.pop(key, None)
        self._insert(key, value)
        return 0

    def delete(self, key: bytes) -> int:
        """bpf_map_delete_elem: 0 or a negative errno."""
        if self.spec.type in ARRAYS:
            return -EINVAL
        gone = self.untouched.pop(key, None) is not None or self.values.pop(key, None) is not None
        return 0 if gone else -ENOENT

    def contents(self) -> MapContents | None:
        """All (key, value) pairs sorted by key; an array has every index."""
        present = {key: bytes(region.data) for key, region in self.values.items()}
        if not self.modelled():
            return None
        if self.spec.type in ARRAYS:
            zero = bytes(self.spec.value_size)
            keys = sorted(index.to_bytes(4, self.word) for index in range(self.spec.max_entries))
            return tuple((key, present.get(key) or self.untouched.get(key, zero)) for key in keys)
        return tuple(sorted({**self.untouched, **present}.items()))

    def elements(self) -> list[tuple[Region, Region]]:
        """A region with each key, and its value's."""
        keys = [key for key, _ in self.contents() or ()]
        found = [(key, self.lookup(key)) for key in keys]
        base = self.environment.base
        return [
            (Region("key", bytearray(key), base(len(key)), rules.MEMORY_BOUNDS, writable=False), region)
            for key, region in found
            if region is not None
        ]

    def fresh(self) -> Region:
        """A value of which nothing is known but its size."""
        return self._value("value", bytes(self.spec.value_size), defined=False)

    def storage(self) -> Region:
        """The one value of a control group's storage."""
        if b"" not in self.values:
            self._insert(b"", bytes(self.spec.value_size))
        return self.values[b""]

    def _value(self, name: str, value: bytes, *, defined: bool = True) -> Region:
        region = Region(
            name,
            bytearray(value),
            self.environment.base(len(value), DOUBLE_WORD),
            rules.MAP_VALUE_BOUNDS,
            writable=not self.spec.flags & READ_ONLY_PROGRAM,
            defined=defined,
        )
        region.special = self.spec.fields
        _blank(region)
        region.readable = not self.spec.flags & WRITE_ONLY_PROGRAM
        return region

    def _insert(self, key: bytes, value: bytes) -> None:
        # A hash map's update makes a new element: pointers into the old one stay valid until the program
        # ends.
        self.values[key] = self._value(f"{self.spec.name or 'map'}[{int.from_bytes(key, self.word)}]", value)


def _blank(region: Region) -> None:
    """Special fields begin as zeros, whatever value was given (kernel/bpf: check_and_init_map_value)."""
    for field in region.special:
        region.data[field.offset : field.offset + field.kind.size] = bytes(field.kind.size)


def _overwrite(region: Region, value: bytes) -> None:
    """Special fields keep their bytes; what they held is given back (copy_map_value,
    bpf_obj_free_fields)."""
    data = bytearray(value)
    for field in region.special:
        place = slice(field.offset, field.offset + field.kind.size)
        data[place] = region.data[place]
    region.store(0, bytes(data))
    region.kept = dict.fromkeys(region.kept)


def build_maps(program: Program, environment: Environment) -> list[Map]:
    """The program's maps with their initial contents."""
    word = program.byte_order.word
    return [Map(spec, number, environment, word) for number, spec in enumerate(program.maps)]
