"""Which of the three ways of writing a log this one is, and what decides it."""

from __future__ import annotations

import re
from enum import Enum


class LogDialect(Enum):
    """Named after the stock kernel each was sampled from.

    LINUX_6_1 also stands for the mixed kernels up to 6.7: reading omitted bounds and widths of spills weakly
    is right there too.
    """

    LINUX_5_10 = "5.10"
    LINUX_6_1 = "6.1"
    LINUX_6_12 = "6.12"
    LINUX_7_3 = "7.3"

    @property
    def abstains(self) -> str | None:
        """Why no claim can be taken from such a log, or None."""
        return "claims in the 5.10 dialect are not read" if self is LogDialect.LINUX_5_10 else None


class _Mark:
    """What shows a dialect: the pattern, tried only where one of the words is that it cannot do without.

    Logs are long, and to look for the words costs a third to an eighth of what the pattern does.
    """

    def __init__(self, pattern: str, *words: str) -> None:
        self._pattern = re.compile(pattern, re.M)
        self._words = words

    def is_in(self, text: str) -> bool:
        return any(word in text for word in self._words) and self._pattern.search(text) is not None


# Values named inv and bounds named umax_value went away in 5.19 (kernel/bpf/verifier.c).
_BEFORE_5_19 = _Mark(r"=inv(?:P|\(|-?\d)|u(?:min|max)_value=", "=inv", "_value=")
# Only 7.x prints its static analysis and per-subprogram statistics.
_SINCE_7 = _Mark(
    r"^(?:topo_order\[|Live regs before insn|stack depth max |subprog \d+ \()",
    "\ntopo_order[", "\nLive regs before insn", "\nstack depth max ", "\nsubprog ",
)  # fmt: skip
# Until 6.7 every pointer shows its offset even when it is 0; 32-bit bounds had an underscore, and precision
# walks (6.1) no prefix.
_UNTIL_6_7 = _Mark(
    r"=[a-z]\w*\((?:[^()\s]*,)?off=0[,)]|^(?:last_idx |regs=)|[su]32_m(?:in|ax)=",
    "off=0", "\nlast_idx ", "\nregs=", "32_min=", "32_max=",
)  # fmt: skip


def detect(text: str) -> LogDialect:
    """The dialect of a log.  A log that shows no state at all reads the same in every dialect, and is called
    6.12."""
    text = "\n" + text
    if _SINCE_7.is_in(text):
        return LogDialect.LINUX_7_3
    if _BEFORE_5_19.is_in(text):
        return LogDialect.LINUX_5_10
    # The first state shows the context pointer, so that any log with states tells.
    return LogDialect.LINUX_6_1 if _UNTIL_6_7.is_in(text) else LogDialect.LINUX_6_12
