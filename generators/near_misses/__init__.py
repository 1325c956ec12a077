"""Near misses: programs valid but for one instruction that breaks one named rule.

Each row appends the breaking instruction at a place every path reaches, and says which it is.  What its rule
says, and where the kernel checks it, is in :mod:`ebpf.rules`.
"""

from __future__ import annotations

from ebpf import rules
from generators.near_misses import (
    fundamental,
    helpers,
    kernel_functions,
    memory,
    paths,
    resources,
    sections,
    stack_objects,
)  # fmt: skip
from generators.near_misses.table import NearMiss

NEAR_MISSES: tuple[NearMiss, ...] = (
    NearMiss(rules.UNINITIALISED_REGISTER, fundamental.uninitialised, first=True),
    NearMiss(rules.SCRATCHED_REGISTER, fundamental.scratched),
    NearMiss(rules.SCRATCHED_REGISTER, fundamental.scratched_by_packet_load),
    NearMiss(rules.FRAME_POINTER_WRITTEN, fundamental.frame_pointer),
    NearMiss(rules.STACK_BOUNDS, memory.stack_bounds),
    NearMiss(rules.UNINITIALISED_STACK, memory.untouched_stack),
    NearMiss(rules.MISALIGNED, memory.misaligned_stack),
    NearMiss(rules.MAP_VALUE_BOUNDS, memory.value_bounds),
    NearMiss(rules.NULL_DEREFERENCE, memory.unchecked_null),
    NearMiss(rules.NULL_DEREFERENCE, memory.half_checked_null),
    NearMiss(rules.POINTER_ARITHMETIC, memory.null_arithmetic),
    NearMiss(rules.SCALAR_DEREFERENCE, memory.number_dereferenced),
    NearMiss(rules.CONTEXT_BOUNDS, memory.context_access),
    NearMiss(rules.POINTER_ARITHMETIC, fundamental.pointer_arithmetic),
    NearMiss(rules.HELPER_ARGUMENT, helpers.wrong_argument),
    NearMiss(rules.HELPER_UNKNOWN, helpers.unknown_helper),
    NearMiss(rules.HELPER_GPL, helpers.gpl_helper, license="Proprietary"),
    NearMiss(rules.POINTER_LEAK, memory.leak),
    NearMiss(rules.POINTER_COMPARISON, fundamental.pointer_compared),
    NearMiss(rules.JUMP_OUT_OF_RANGE, fundamental.far_jump),
    NearMiss(rules.JUMP_INTO_IMMEDIATE, fundamental.jump_into_immediate),
    NearMiss(rules.UNREACHABLE, fundamental.unreachable),
    NearMiss(rules.BACK_EDGE, fundamental.back_edge),
    NearMiss(rules.INFINITE_LOOP, fundamental.endless),
    NearMiss(rules.UNKNOWN_OPCODE, fundamental.opcode),
    NearMiss(rules.RESERVED_FIELD, fundamental.reserved),
    NearMiss(rules.DIVISION_BY_ZERO, fundamental.zero_divisor),
    NearMiss(rules.INVALID_SHIFT, fundamental.shift),
    NearMiss(rules.ATOMIC_TARGET, memory.atomic_context),
    NearMiss(rules.PACKET_BOUNDS, memory.packet_beyond),
    NearMiss(rules.NULL_DEREFERENCE, memory.key_out_of_range),
    NearMiss(rules.UNINITIALISED_STACK, helpers.uninitialised_key),
    NearMiss(rules.POINTER_LEAK, memory.leak_by_atomic),
    *(NearMiss(rules.MAP_VALUE_BOUNDS, paths.offset_by_path) for _ in range(6)),
    NearMiss(rules.MAP_VALUE_BOUNDS, paths.offset_too_large),
    NearMiss(rules.PACKET_BOUNDS, paths.packet_range_by_path),
    NearMiss(rules.REFERENCE_LEAK, resources.leaked_record),
    NearMiss(rules.ZERO_SIZE, resources.size_may_be_zero),
    NearMiss(rules.HELPER_ARGUMENT, helpers.number_for_pointer),
    NearMiss(rules.STACK_BOUNDS, helpers.beyond_the_frame),
    NearMiss(rules.STACK_BOUNDS, helpers.too_much),
    NearMiss(rules.HELPER_SIZE, helpers.unbounded_size),
    NearMiss(rules.HELPER_UNKNOWN, helpers.not_of_this_type),
    NearMiss(rules.REFERENCE_LEAK, kernel_functions.leaked_object),
    NearMiss(rules.USE_AFTER_RELEASE, kernel_functions.released_twice),
    NearMiss(rules.USE_AFTER_RELEASE, kernel_functions.used_after_release),
    NearMiss(rules.HELPER_ARGUMENT, kernel_functions.other_structure),
    NearMiss(rules.HELPER_ARGUMENT, kernel_functions.moved_object),
    NearMiss(rules.NULL_CHECK, kernel_functions.unchecked_object),
    NearMiss(rules.HELPER_SLEEPS, kernel_functions.sleeping_function),
    NearMiss(rules.HELPER_GPL, kernel_functions.without_licence, license="Proprietary"),
    NearMiss(rules.PRIVILEGED_CALL, kernel_functions.without_privilege),
    NearMiss(rules.SECTION_AT_EXIT, sections.exit_in_section),
    NearMiss(rules.SECTION_UNMATCHED, sections.end_without_beginning),
    NearMiss(rules.SECTION_NESTED, sections.nested_section),
    NearMiss(rules.SLEEPS_IN_SECTION, sections.sleep_in_section),
    NearMiss(rules.REFERENCE_LEAK, stack_objects.left_iterator),
    NearMiss(rules.HELPER_ARGUMENT, stack_objects.absent_iterator),
    NearMiss(rules.HELPER_ARGUMENT, stack_objects.iterator_made_twice),
    NearMiss(rules.HELPER_ARGUMENT, stack_objects.other_iterator),
    NearMiss(rules.STACK_OBJECT, stack_objects.iterator_read),
    NearMiss(rules.HELPER_ARGUMENT, stack_objects.iterator_overwritten),
    NearMiss(rules.NULL_DEREFERENCE, stack_objects.number_unchecked),
    NearMiss(rules.USE_AFTER_RELEASE, stack_objects.number_kept),
    NearMiss(rules.SECTION_UNMATCHED, stack_objects.flags_out_of_order),
)
"""One of these is chosen at random; what depends on the path has many forms, and more of the choices."""

UNPRIVILEGED: tuple[NearMiss, ...] = tuple(miss for miss in NEAR_MISSES if miss.rule.unprivileged)
"""Those that only programs without privilege can commit."""
