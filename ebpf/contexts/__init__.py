"""Contexts: what R1 points to when a program starts, field by field, and which accesses each program type
allows."""

from ebpf.contexts.access import FREE_CONTEXT, Refusal, ctx_access, effective_attach_type
from ebpf.contexts.field import Context, ContextField, FieldKind
from ebpf.contexts.sk_buff import HALF_WORDS
from ebpf.contexts.tables import CONTEXTS

__all__ = [
    "CONTEXTS", "FREE_CONTEXT", "HALF_WORDS", "Context", "ContextField", "FieldKind", "Refusal", "ctx_access",
    "effective_attach_type",
]  # fmt: skip
