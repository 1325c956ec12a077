"""Contexts: what R1 points to when a program starts, field by field, and which accesses each program type
allows."""

from ebpf.contexts.access import AS_IT_IS, FREE_CONTEXT, AccessRefusal, ctx_access, effective_attach_type
from ebpf.contexts.field import Context, ContextField, ContextFieldKind
from ebpf.contexts.sk_buff import HALF_WORDS
from ebpf.contexts.tables import CONTEXTS

__all__ = [
    "AS_IT_IS",
    "CONTEXTS",
    "FREE_CONTEXT",
    "HALF_WORDS",
    "AccessRefusal",
    "Context",
    "ContextField",
    "ContextFieldKind",
    "ctx_access",
    "effective_attach_type",
]  # fmt: skip
