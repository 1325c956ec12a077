"""The needs by family, each a table of what kernels say (kernel/bpf/verifier.c, cfg.c and log.c, Linux 6.1 to
7.3)."""

from conformance.checking.explanation.needs import calls, form, limits, memory, pointers, resources

NEEDS = (
    *memory.NEEDS, *pointers.NEEDS, *resources.NEEDS, *calls.NEEDS, *limits.NEEDS, *form.NEEDS,
)  # fmt: skip
"""Every one; the first that fits counts."""
