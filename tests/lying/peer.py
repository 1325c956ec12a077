"""A peer without libbpf: our own reading of an object, told as the peer tells it, for lies to be told
about."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.kernel.children import Child, Ended
from conformance.kernel.peer import PEERS
from conformance.objects.reading import read
from conformance.properties.objects import words
from ebpf.isa.insn import encode
from ebpf.objects import Generation
from ebpf.objects.object import creatable


def honest(child: Child) -> Ended:
    """What a libbpf that agrees with us answers; the slot says which."""
    return Ended(0, 0, told(child.input, next(peer.generation for peer in PEERS if peer.slot == child.slot)))


def told(data: bytes, generation: Generation) -> bytes:
    """Our reading as the peer's lines."""
    return ("\n".join([*_lines(data, generation), "end"]) + "\n").encode()


def _lines(data: bytes, generation: Generation) -> Iterator[str]:
    reading = read(data, generation)
    if reading.opened is None:
        yield f"warning {_x('libbpf: no')}"
        yield "open -22"
        return
    yield "open 0"
    for p in reading.opened.programs:
        yield f"program {_x(p.name)} {_x(p.section)} {int(p.type)} {int(p.attach_type or 0)} {int(p.autoload)}"
    for m in reading.opened.maps:
        yield f"map {_x(m.spec.name)} {_numbers(words(m.spec))} {int(m.pinned)}"
    if any(made is None for _, made, _ in reading.programs):
        yield "loaded -95"
        return
    for m in reading.opened.maps:
        yield f"create {_x(m.spec.name[:15])} {_numbers(words(creatable(m.spec)))} 0"
    descriptors = "".join(f" {n}:{n}" for n in range(len(reading.opened.maps)))
    for each, made, _ in reading.programs:
        assert made is not None
        numbers = f"{int(made.type)} {int(made.attach_type or 0)} {int(made.flags)} 0 0"
        code, info = encode(each.instructions).hex(), (made.func_info or b"").hex()
        yield f"load {_x(each.name[:15])} {numbers} {_x(made.license[:128])} x{code} x{info} 0{descriptors}"
    yield "loaded 0"


def _x(text: str) -> str:
    return "x" + text.encode().hex()


def _numbers(values: tuple[int, ...]) -> str:
    return " ".join(map(str, values))
