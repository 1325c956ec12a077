"""The kernels of the tests in tests/vm, for the pipeline's rows that need one."""

from tests.vm.conftest import image, kernel

__all__ = ["image", "kernel"]
