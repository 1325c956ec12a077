"""All contexts in one table."""

from __future__ import annotations

from ebpf.contexts import cgroup, network, sk_buff, tracing
from ebpf.contexts.field import Context
from ebpf.program_types import ProgramType

CONTEXTS: dict[ProgramType, Context] = {
    **sk_buff.CONTEXTS,
    **network.CONTEXTS,
    **cgroup.CONTEXTS,
    **tracing.CONTEXTS,
}
"""By program type; every type but UNSPEC is here."""
