"""Mutants that no test can or should kill, each with its reason."""

from __future__ import annotations

R, I, T = "oracles/reference/", "oracles/interpreter/", "oracles/terms/"  # noqa: E741 - as short as the table wants them
SYMMETRIC = "equality is the same both ways round"
EXPLAINED: dict[tuple[str, str, str], str] = {
    (
        R + "context.py",
        "return any(place < at + size and at < place + width for place, width in s.stored)",
        "Add becomes Sub",
    ): "a witness for what was overwritten does not replay, whatever it says was there",
    (
        I + "context.py",
        "METADATA_UNIT, LONGEST_METADATA = 4, 252",
        "252 becomes 253",
    ): "no multiple of four lies between",
    (
        I + "jumps.py",
        "d, s = _addresses(m, d, s) if bits == 64 else (m.number(d), m.number(s))",
        "64 becomes 65",
    ): "the numbers compare alike: all it spares is runs with other addresses, which agree",
    (
        I + "environment.py",
        "gap = (self._next >> 12 ^ self._seed * 0x9E3779B1) * 0x85EBCA6B >> 16",
        "Mult becomes Add",
    ): "any distance between two regions will do",
    (
        R + "snapshots.py",
        "return same_value(a[0], c[0]) and a[1:] == c[1:]",
        "arguments 1 and 2 swapped",
    ): SYMMETRIC,
    (
        I + "environment.py",
        "gap = (self._next >> 12 ^ self._seed * 0x9E3779B1) * 0x85EBCA6B >> 16",
        "RShift becomes LShift",
    ): "any distance between two regions will do",
    (
        I + "alu.py",
        "m.write(insn.dst, operation(m.number(m.read(insn.dst)), 0))",
        "0 becomes 1",
    ): "negation looks at one operand",
    (
        T + "arithmetic.py",
        "return (size if (a >= 0) == (c >= 0) else -size) & mask(bits)",
        "GtE becomes Gt",
    ): "nothing is divided by zero here, and of zero there is no negative",
    (
        I + "jumps.py",
        "if frame.may_goto_left == 0:",
        "0 becomes 1",
    ): "of eight million rounds no run gets near the last",
    (
        I + "jumps.py",
        "frame.may_goto_left -= 1",
        "1 becomes 2",
    ): "of eight million rounds no run gets near the last",
    (
        I + "jumps.py",
        "for register in range(1, 6):",
        "6 becomes 7",
    ): "R6 is the caller's again in the next line",
    (
        I + "accesses.py",
        "if (region.pointers or region.remains) and region.shows_address(at, size):",
        "and becomes or",
    ): "runs with other addresses agree where none was looked at",
    (
        I + "environment.py",
        "return 0x7F00_0000_0000 + (self._seed * 0x9E3779B1 & 0xFF_FFFF) * 4096",
        "2654435761 becomes 2654435762",
    ): "any page of user space will do",
    (
        I + "environment.py",
        "span = (1 + (gap & 3)) << 32 if self._low_half_zero else near",
        "32 becomes 33",
    ): "any distance that leaves the low half zero will do",
    (
        I + "environment.py",
        "return ((place << 29) + 0x1000_0000 + (seed * 0x9E3779B1 & 0x7FFF) * 4096) & 0xFFFF_FFFF",
        "Add becomes Sub",
    ): "any place in each eighth will do",
    (
        I + "maps.py",
        'f"map{number}", bytearray(), environment.base(64), rules.MEMORY_BOUNDS, writable=False',
        "64 becomes 65",
    ): "a map has no bytes to read: any room will do",
    (
        I + "machine.py",
        '"code", bytearray(), environment.base(8), rules.MEMORY_BOUNDS, writable=False',
        "8 becomes 9",
    ): "code has no bytes to read: any room will do",
    (
        I + "outcome.py",
        "predictable: bool = True",
        "True becomes False",
    ): "of an abstention, which holds nobody to anything",
    (I + "machine.py", "LEAVE: Final = -(1 << 40)", "USub dropped"): "any number that is no slot will do",
    (
        R + "argument_kinds.py",
        "if equal(pointer.offset, 0) is not True:",
        "arguments 1 and 2 swapped",
    ): SYMMETRIC,
    (
        R + "argument_kinds.py",
        "if pointer.region.kind is not RegionKind.MAP or equal(pointer.offset, 0) is not True:",
        "arguments 1 and 2 swapped",
    ): SYMMETRIC,
    (
        R + "frames.py",
        "s.registers[6:10] = [UNDEFINED] * 4",
        "4 becomes 5",
    ): "one entry more, behind R10, that nothing reads",
    (
        R + "places.py",
        "return conjunction(z3.ULE(z(offset), 1 << 40), z(region) >= z(offset) + size)",
        "40 becomes 41",
    ): "any bound will do that is far from both a region's size and the end of 64 bits",
    (
        R + "argument_memory.py",
        "near = place <= 1 << 40 if isinstance(place, int) else z3.ULE(place, 1 << 40)",
        "1 becomes 2",
    ): "any bound will do that is far from both a region's size and the end of 64 bits",
    (
        R + "argument_memory.py",
        "near = place <= 1 << 40 if isinstance(place, int) else z3.ULE(place, 1 << 40)",
        "40 becomes 41",
    ): "any bound will do that is far from both a region's size and the end of 64 bits",
    (
        R + "writing.py",
        "s.note(MapWritten(region, pointer.offset, size, None))",
        "dropped",
    ): "without it only the likeliest witness is lost, and the next is tried",
    (
        R + "answer.py",
        "visited: frozenset[int] = field(default=frozenset(), compare=False, repr=False)",
        "False becomes True",
    ): "one program's answers, which are compared, came by the same slots",
    (
        R + "argument_memory.py",
        "if byte is None or is_pointer(byte[0]):",
        "0 becomes 1",
    ): "an address for a key is one that nobody knows, whichever way it is said",
    (
        R + "callbacks.py",
        "argument, flags = found.values[2:4]",
        "4 becomes 5",
    ): "the helper has four arguments",
    (
        T + "intervals.py",
        "self.impossible |= narrowed.empty",
        "dropped",
    ): "a range that is empty makes every later question about it false",
    (
        T + "intervals.py",
        "self.depth = 0",
        "0 becomes 1",
    ): "how deep a term is followed is a matter of time, not of truth",
    (
        T + "ranges.py",
        "smallest = a.value + (b.value if sign > 0 else -(b.value | b.unknown))",
        "Gt becomes GtE",
    ): "the sign is 1 or -1",
    (
        R + "witness.py",
        "conditions.append(z3.Implies(z(other.offset) == z(event.offset), other.value == event.value))",
        "dropped",
    ): "without it only the likeliest witness is lost, and the next is tried",
    (R + "depth.py", "return 0", "0 becomes 1"): "how deep it is: a recursion is refused at any depth",
    (R + "form.py", "state[at] = 2", "2 becomes 3"): "any number that is not 1 will do",
    (
        T + "solver.py",
        "EFFORT = 2_000_000",
        "2000000 becomes 2000001",
    ): "how much effort is enough is measured, not right or wrong",
    (
        R + "witness_input.py",
        "if place not in self._given and 0 <= at + n < len(held):",
        "and becomes or",
    ): "what is noted lies inside, and what is read twice is the same twice",
    (
        R + "witness_input.py",
        "place = (id(held), at + n)",
        "Add becomes Sub",
    ): "what is read twice is the same twice, in a model for a run",
    (
        R + "jumps.py",
        "**dict.fromkeys((o.JEQ, o.JNE, o.JSGT, o.JSGE, o.JSLT, o.JSLE), 0),",
        "0 becomes 1",
    ): "the same number is added to both sides of an equality",
    (
        R + "loops.py",
        "for register, (old, new) in enumerate(zip(earlier.registers, now.registers, strict=True)):",
        "True becomes False",
    ): "both are a path's eleven registers",
    (
        R + "argument_memory.py",
        'x.require(s, _inside(place, size, region.size), rule, f"R{register}: the helper\'s memory")',
        "arguments 1 and 2 swapped",
    ): "only the sum of both counts, and either alone is held to far less than it could hide",
    (
        R + "explorer.py",
        "raise PathEnds  # no input makes it true",
        "dropped",
    ): "no input takes the path that goes on: every later question of it is answered no",
    (
        T + "intervals.py",
        "if kind in (z3.Z3_OP_EQ, z3.Z3_OP_DISTINCT) and z3.is_bv(parts[0]):",
        "0 becomes 1",
    ): "both sides of an equality are of one sort",
    (
        R + "results.py",
        'raise Unmodelled("a lookup in a map that is not known")',
        "dropped",
    ): "every map that gets there has a number: maps out of maps have no model",
    (T + "arithmetic.py", "if equal(d, s, bits) is True:", "arguments 1 and 2 swapped"): SYMMETRIC,
    (
        T + "arithmetic.py",
        "if isinstance(d, int) and isinstance(s, int):",
        "and becomes or",
    ): "Z3's own operators take a number on either side",
    (
        R + "arguments.py",
        "fine = disjunction(fine, equal(value, 0)) if not isinstance(value, int) else fine",
        "arguments 1 and 2 swapped",
    ): SYMMETRIC,
    (
        R + "writing.py",
        'stack.store(at, 1, x.chance(s, "helper", 8))',
        "8 becomes 9",
    ): "of a byte only eight bits are read",
    (
        T + "stack.py",
        "_NUMBER = (0, 0, 0)",
        "0 becomes 1",
    ): "only the value is looked at, and any number is no pointer",
    (I + "machine.py", "self.registers[6:11] = frame.saved", "11 becomes 12"): "there are eleven registers",
    (
        I + "maps.py",
        "int.from_bytes(self.untouched.get(index.to_bytes(4, self.word), bytes(4))[:4], self.word)",
        "4 becomes 5",
    ): "the fields behind are zero, or no kernel takes the entry (kernel/bpf/bpf_insn_array.c: insn_array_update_elem)",
    (
        I + "runs.py",
        "STEP_LIMIT = 200_000",
        "200000 becomes 200001",
    ): "where a run is given up is a matter of time",
    (I + "runs.py", "seed: int = 0,", "0 becomes 1"): "any first seed will do",
    (
        T + "ranges.py",
        "return Range(a.bits, 1, 0, 1, 0, 0, 0)",
        "0 becomes 1",
    ): "of an empty range nobody asks for its bits",
    (
        T + "ranges.py",
        "other = (b.low, b.high) if sign > 0 else (-b.high, -b.low)",
        "Gt becomes GtE",
    ): "the sign is 1 or -1",
    (
        T + "intervals.py",
        "if ranges.meet(a, b).empty",
        "arguments 1 and 2 swapped",
    ): "what is in both is the same both ways round",
}
