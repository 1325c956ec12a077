"""The kernel's own verifier selftests: C programs that carry in BTF tags what a kernel is expected to say of
them.

They are compiled here from the source package of the very kernel that is asked, so expectation and kernel are
of one version.
"""
