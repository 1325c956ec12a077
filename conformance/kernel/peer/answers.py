"""What a peer's program wrote, as values.  The other half is peer.c."""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.kernel.protocol.frames import ProtocolError
from ebpf.byte_order import OBJECT_ORDER
from ebpf.errors import InputError
from ebpf.isa.insn import Insn, decode
from ebpf.map_references import is_map_load


@dataclass(frozen=True, slots=True)
class OpenedProgram:
    """A program after open; numbers as libbpf has them."""

    name: str
    section: str
    type: int
    attach_type: int
    autoload: bool


@dataclass(frozen=True, slots=True)
class OpenedMap:
    """A map after open: type, key size, value size, entries, flags, BTF ids of key and value."""

    name: str
    words: tuple[int, ...]
    pinned: bool


@dataclass(frozen=True, slots=True)
class CreatedMap:
    """A BPF_MAP_CREATE, libbpf's own probes among them.  ``name`` is cut at 15 bytes; ``words`` as of
    :class:`OpenedMap`."""

    name: str
    words: tuple[int, ...]
    errno: int


@dataclass(frozen=True, slots=True)
class LoadedProgram:
    """A BPF_PROG_LOAD, libbpf's own probes among them.

    In ``instructions`` loads of map addresses hold the number of the :class:`CreatedMap`, -1 for a descriptor
    that is none's.
    """

    name: str
    type: int
    attach_type: int
    flags: int
    kern_version: int
    errno: int
    license: str
    instructions: tuple[Insn, ...]
    func_info: bytes
    lines: int


BTF_REFUSED = ("Error loading .BTF into kernel", "BTF loading error")
"""What libbpf warns of then (0.3 and 1); the BTF of its own probes, which older kernels refuse, it says
nothing of."""


@dataclass(frozen=True, slots=True)
class PeerAnswer:
    """All of it.  ``opened`` and ``loaded`` are 0 or libbpf's error, negative; ``loaded`` None: it was not
    opened, or died.

    ``died`` says how the program ended where it did not come to its end: "SIGSEGV".  ``splats`` are the
    kernel's.
    """

    opened: int | None = None
    loaded: int | None = None
    programs: tuple[OpenedProgram, ...] = ()
    maps: tuple[OpenedMap, ...] = ()
    creates: tuple[CreatedMap, ...] = ()
    loads: tuple[LoadedProgram, ...] = ()
    warnings: tuple[str, ...] = ()
    died: str = ""
    splats: tuple[str, ...] = ()

    @property
    def untyped(self) -> bool:
        """Whether the kernel refused the object's BTF, and libbpf went on without."""
        return any(words in warning for warning in self.warnings for words in BTF_REFUSED)


@dataclass(slots=True)
class _Draft:
    opened: int | None = None
    loaded: int | None = None
    ended: bool = False
    programs: list[OpenedProgram] = field(default_factory=list)
    maps: list[OpenedMap] = field(default_factory=list)
    creates: list[CreatedMap] = field(default_factory=list)
    loads: list[LoadedProgram] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_answer(output: bytes, died: str = "") -> PeerAnswer:
    """The answer to an object.  ``died``: how the program ended where it did not exit with 0; what it wrote
    until then counts.

    Raises :class:`ProtocolError` for what the peer does not write.
    """
    draft = _Draft()
    lines = output.split(b"\n")
    # The last line of one that died may be cut anywhere.
    for line in lines[:-1]:
        try:
            _read(line.decode("ascii"), draft)
        except (ValueError, IndexError, InputError) as error:
            raise ProtocolError(f"the peer wrote {line[:80]!r}: {error}") from None
    if not draft.ended and not died:
        raise ProtocolError("the peer ended before its answer did")
    return PeerAnswer(
        draft.opened,
        draft.loaded,
        tuple(draft.programs),
        tuple(draft.maps),
        tuple(draft.creates),
        tuple(draft.loads),
        tuple(draft.warnings),
        died,
    )


def read_names(output: bytes) -> dict[str, tuple[int, int] | None]:
    """Section name → (program type, expected attach type), None where libbpf knows it not.  Raises
    :class:`ProtocolError`."""
    found: dict[str, tuple[int, int] | None] = {}
    lines = output.splitlines()
    if not lines or lines[-1] != b"end":
        raise ProtocolError("the peer ended before its answer did")
    for line in lines[:-1]:
        try:
            _, name, error, kind, attach = line.decode("ascii").split(" ")
            found[_text(name)] = None if int(error) else (int(kind), int(attach))
        except ValueError as bad:
            raise ProtocolError(f"the peer wrote {line[:80]!r}: {bad}") from None
    return found


def _read(line: str, draft: _Draft) -> None:
    word, *parts = line.split(" ")
    match word:
        case "open":
            draft.opened = int(parts[0])
        case "loaded":
            draft.loaded = int(parts[0])
        case "end":
            draft.ended = True
        case "warning":
            draft.warnings.append(_text(parts[0]).strip())
        case "program":
            draft.programs.append(
                OpenedProgram(_text(parts[0]), _text(parts[1]), int(parts[2]), int(parts[3]), parts[4] == "1")
            )
        case "map":
            draft.maps.append(OpenedMap(_text(parts[0]), tuple(map(int, parts[1:8])), parts[8] == "1"))
        case "create":
            draft.creates.append(CreatedMap(_text(parts[0]), tuple(map(int, parts[1:8])), int(parts[8])))
        case "load":
            kind, attach, flags, version, errno = map(int, parts[1:6])
            descriptors = {int(fd): int(number) for fd, number in (pair.split(":") for pair in parts[10:])}
            draft.loads.append(
                LoadedProgram(
                    _text(parts[0]),
                    kind,
                    attach,
                    flags,
                    version,
                    errno,
                    _text(parts[6]),
                    tuple(_numbered(insn, descriptors) for insn in decode(_bytes(parts[7]), OBJECT_ORDER)),
                    _bytes(parts[8]),
                    int(parts[9]),
                )
            )
        case _:
            raise ValueError("unknown line")


def _numbered(insn: Insn, descriptors: dict[int, int]) -> Insn:
    if not is_map_load(insn):
        return insn
    return Insn(insn.opcode, insn.dst, insn.src, insn.off, descriptors.get(insn.imm, -1))


def _bytes(word: str) -> bytes:
    if not word.startswith("x"):
        raise ValueError("no hexadecimal")
    return bytes.fromhex(word[1:])


def _text(word: str) -> str:
    return _bytes(word).decode("utf-8", "backslashreplace")
