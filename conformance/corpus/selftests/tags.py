"""What a selftest expects, read from its BTF tags (tools/testing/selftests/bpf/test_loader.c,
parse_test_spec; Linux 6.4 to 7.3).

A tag is ``comment:N:name=value`` since Linux 6.18, where N gives the order in the source; before,
``comment:name=value``, and messages since 6.12 had their N after the name:
``comment:test_expect_msg=N=value``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from conformance.corpus.selftests.messages import ExpectedMessage
from conformance.kernel.protocol.capabilities import NAMES
from ebpf.btf import Btf, BtfKind
from ebpf.btf import types as t
from ebpf.errors import InputError
from ebpf.program import NO_FLAGS, LoadFlag

ARCHITECTURE = "X86_64"
"""Of our machines, as tags write it."""
_TAG = re.compile(r"comment:(?:(?P<order>\d+):)?(?P<name>\w+)(?:=(?P<value>.*))?", re.DOTALL)
_LATE_ORDER = re.compile(r"(\d+)=(.*)", re.DOTALL)
_MESSAGES = {
    "test_expect_msg": (False, False, True), "test_expect_msg_unpriv": (False, False, False),
    "test_expect_not_msg": (True, False, True), "test_expect_not_msg_unpriv": (True, False, False),
    "test_expect_regex": (False, True, True), "test_expect_regex_unpriv": (False, True, False),
}  # fmt: skip
"""(absent, whole, privileged)."""
_LISTINGS = ("test_jited", "test_expect_xlated", "test_expect_stderr", "test_expect_stdout")
_ORDERED = (*_MESSAGES, *_LISTINGS, *[f"{name}_unpriv" for name in _LISTINGS])
POINTER_VALUE = 0xBADCAFE
"""A result of that number stands for any address (bpf_misc.h)."""
_NAMED = {"_INT_MIN": -(1 << 31), "INT_MIN": -(1 << 31), "POINTER_VALUE": POINTER_VALUE, "TEST_DATA_LEN": 64}
"""Results by name: the preprocessor leaves these to test_loader.c (parse_retval, Linux 6.12)."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Of one program in one mode.  ``retval``: of a test run, None where none is to be made; ``capabilities``
    that the unprivileged mode keeps.  ``unread``: tags about what is not looked at here (translated or native
    code, streams)."""

    success: bool = True
    messages: tuple[ExpectedMessage, ...] = ()
    retval: int | None = None
    capabilities: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the tags of one function say.  ``skip``: why the selftests' runner would not run it on our
    machines ("": it would). ``cleared``: flags that the runner's own defaults must not set."""

    description: str = ""
    privileged: Expected | None = None
    unprivileged: Expected | None = None
    auxiliary: bool = False
    log_level: int = 0
    flags: LoadFlag = NO_FLAGS
    cleared: LoadFlag = NO_FLAGS
    linear_size: int = 0
    skip: str = ""


def tagged(btf: Btf) -> dict[str, Expectation]:
    """By function, of those that have a tag of the test runner's.  Raises :class:`InputError` naming function
    and tag."""
    functions = {each.id: each.name for each in btf if each.kind is BtfKind.FUNC}
    tags: dict[str, list[str]] = {}
    for each in btf:
        # component_idx -1: of the function itself, not of an argument.
        if each.kind is not BtfKind.DECL_TAG or each.size_or_type not in functions:
            continue
        if t.WORD.unpack_from(btf.raw, each.at)[0] == 0xFFFFFFFF and each.name.startswith("comment:"):
            tags.setdefault(functions[each.size_or_type], []).append(each.name)
    return {name: read_tags(found, name) for name, found in tags.items()}


def read_tags(tags: list[str], at: str) -> Expectation:
    """The tags of one function, in whatever order.  Raises :class:`InputError` that starts with ``at``."""
    spec = _Reader()
    for name, value in ordered(tags):
        try:
            spec.read(name, value)
        except (ValueError, KeyError, IndexError):
            raise InputError(f"{at}: tag {name}={value!r}: a value that is not understood") from None
    return spec.result()


def ordered(tags: list[str]) -> list[tuple[str, str]]:
    """(name, value), as the source has them."""
    rows = []
    for number, tag in enumerate(tags):
        parts = _TAG.fullmatch(tag)
        if parts is None:
            continue
        name, value, order = parts["name"], parts["value"] or "", parts["order"]
        if order is None and name in _ORDERED and (late := _LATE_ORDER.fullmatch(value)):
            order, value = late[1], late[2]
        rows.append((int(order) if order is not None else -1, number, name, value))
    return [(name, value) for _, _, name, value in sorted(rows)]


class _Reader:
    def __init__(self) -> None:
        self.modes = {True: False, False: False}
        self.success: dict[bool, bool] = {}
        self.retval: dict[bool, int] = {}
        self.messages: dict[bool, list[ExpectedMessage]] = {True: [], False: []}
        self.unread: dict[bool, list[str]] = {True: [], False: []}
        self.spec = Expectation()
        self.capabilities: tuple[str, ...] = ()
        self.architectures: list[str] = []

    def read(self, name: str, value: str) -> None:
        privileged = not name.endswith("_unpriv")
        match name.removesuffix("_unpriv"):
            case "test_expect_success" | "test_expect_failure" as verdict:
                self.modes[privileged] = True
                self.success[privileged] = verdict.endswith("success")
            case "test_auxiliary":
                self.modes[privileged] = True
                self.spec = replace(self.spec, auxiliary=True)
            case "test_expect_msg" | "test_expect_not_msg" | "test_expect_regex":
                absent, whole, _ = _MESSAGES[name]
                self.modes[privileged] = True
                self.messages[privileged].append(ExpectedMessage(value, absent, whole))
            case "test_retval":
                self.modes[privileged] = True
                self.retval[privileged] = _NAMED[value] if value in _NAMED else _integer(value)
            case "test_jited" | "test_expect_xlated" | "test_expect_stderr" | "test_expect_stdout" as listing:
                # Native code is compared on the architecture named before only.
                if listing != "test_jited" or self.architectures[-1:] == [ARCHITECTURE]:
                    self.modes[privileged] |= listing in ("test_jited", "test_expect_xlated")
                    self.unread[privileged].append(listing)
            case "test_caps":
                self.modes[False] = True
                self.capabilities = tuple(NAMES[int(number)] for number in value.split("|"))
            case _:
                self._other(name, value)

    def _other(self, name: str, value: str) -> None:
        match name:
            case "test_description":
                self.spec = replace(self.spec, description=value)
            case "test_log_level":
                self.spec = replace(self.spec, log_level=_integer(value))
            case "test_prog_flags":
                flag = _flag(value.removeprefix("!"))
                if value.startswith("!"):
                    self.spec = replace(
                        self.spec, flags=self.spec.flags & ~flag, cleared=self.spec.cleared | flag
                    )
                else:
                    self.spec = replace(
                        self.spec, flags=self.spec.flags | flag, cleared=self.spec.cleared & ~flag
                    )
            case "test_arch":
                self.architectures.append(value)
            case "load_mode" if value == "no_jited":
                self.spec = replace(self.spec, skip="for kernels without JIT only")
            case "test_linear_size":
                self.spec = replace(self.spec, linear_size=_integer(value))
            case "test_btf_path" | "test_btf_func_path":
                self.spec = replace(
                    self.spec, skip=f"types from another file ({value}) that the selftests' build makes"
                )

    def result(self) -> Expectation:
        if not any(self.modes.values()):
            self.modes[True] = True
        skip = self.spec.skip
        if self.architectures and ARCHITECTURE not in self.architectures:
            skip = f"for {', '.join(sorted(set(self.architectures)))} only"
        first = self._expected(True)
        return replace(
            self.spec,
            privileged=first if self.modes[True] else None,
            unprivileged=self._expected(False) if self.modes[False] else None,
            skip=skip,
        )

    def _expected(self, privileged: bool) -> Expected:
        """Without privilege, what is not said is as with it."""
        success = self.success.get(privileged, self.success.get(True, True))
        retval = self.retval.get(privileged, self.retval.get(True))
        messages = tuple(self.messages[privileged] or self.messages[True])
        unread = tuple(dict.fromkeys(self.unread[privileged] or self.unread[True]))
        return Expected(success, messages, retval, () if privileged else self.capabilities, unread)


def _integer(text: str) -> int:
    return int(text, 16) if text.startswith("0x") else int(text, 10)


def _flag(text: str) -> LoadFlag:
    name = text.removeprefix("BPF_F_")
    return LoadFlag[name] if name in LoadFlag.__members__ else LoadFlag(_integer(text))
