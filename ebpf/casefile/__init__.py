"""Case files: ``veridiff-case/1`` JSON, both ways, with every field checked.

Canonical bytes (sorted keys, no white space) give a case its identity: :func:`identity`.
"""

from ebpf.casefile.reading import from_plain, loads
from ebpf.casefile.records import FORMAT
from ebpf.casefile.writing import dumps, identity, to_plain

__all__ = ["FORMAT", "dumps", "from_plain", "identity", "loads", "to_plain"]
