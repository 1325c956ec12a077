"""The one root of every error that is the user's to mend."""

from __future__ import annotations


class VeridiffError(Exception):
    """Something outside veridiff's code is wrong: a file, an argument, the machine.

    The message names the file or argument, the place in it and the reason, in one line; the command line
    prints it and exits with status 2 (usage) or 3 (:class:`InfrastructureError`).
    """


class InputError(VeridiffError):
    """Bad input: a file, an argument or a value in one.  Exit status 2."""


class InfrastructureError(VeridiffError):
    """The machine cannot do what was asked: no QEMU, no compiler, no kernel image, no disk.  Exit status 3.

    Where the user can mend it by choosing other arguments, raise :class:`InputError` instead.
    """
