"""How each kind of line looks, in all dialects (kernel/bpf/verifier.c, log.c, states.c; Linux 6.1, 6.12 and
7.3)."""

from __future__ import annotations

import re

VISIT = re.compile(r"(\d+): (\([0-9a-f]{2}\) [^;:]*?) *(?:;(.*))?\Z")
# At level 1 a dropped branch takes its newline with it, and the next state continues the line.
GLUED = re.compile(r"(\d+): (\([0-9a-f]{2}\) [^;:]*?) *(?:;.*?)? (\d+):((?: frame\d+:)? R\d.*)\Z")
STATE = re.compile(r"(\d+):((?: frame\d+:)?(?: (?:R\d+|fp-\d+)(?:_[rwD]+)?=.*| refs=.*| cb| async_cb)?)\Z")
SAFE = re.compile(r"(\d+): safe\Z")
FROM = re.compile(r"from (\d+) to (\d+)( \(speculative execution\))?:(.*)\Z")
FUNCTION = re.compile(r"func#(\d+) @(\d+)\Z")
RETURN = re.compile(r"to caller at (\d+):\Z")
GLOBAL = re.compile(
    r"Func#(\d+) \('.*'\) is (global and assumed valid|safe for any args).*|Validating .*\(\) "
    r"func#(\d+)\.\.\.\Z"
)
PRECISION = re.compile(
    r"mark_precise: frame\d+: |last_idx -?\d+ first_idx |regs=[0-9a-f]+ stack=[0-9a-f]+ before \d"
    r"|parent (?:didn't have|already had) regs=|frame \d+: propagating [rf]"
)
NOTE = re.compile(r"SCC (?:enter|exit|backedge) \(|(?:cur|old) state:|from \d+ to \d+ is |hit \d+ insn")
ALARM = re.compile(r"verifier (?:bug|internal error)|REG INVARIANTS VIOLATION|BUG ", re.I)
DUMP = re.compile(r"topo_order\[|subprog#\d+|stack use/def |Live regs before insn:|arg JOIN insn ")
FIRST_STATE = re.compile(r"^\d+:(?: frame\d+:)?(?: R\d+=| frame\d+:$)", re.M)
DUMPED = re.compile(r" *(?:\d+ +)?\d+: (?:\([0-9a-f]{2}\) |[.0-9]{10} \()")
# Said in passing while the walk goes on; the same words at the end are the refusal.
REMARK = re.compile(
    r"func '.*' arg\d+ has btf_id |reg type unsupported for arg#|invalid kernel function btf_id |variable "
    r"\? access var_off="
)
MARKER = re.compile(r"\[\[\.\.\.\d+ bytes cut\.\.\.\]\]")
