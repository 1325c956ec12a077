"""What the reader must do with any bytes."""

from __future__ import annotations

from ebpf.objects import Generation, ObjectError, open_object


def takes(data: bytes) -> bool:
    """Opens in every generation, and makes programs of what opened; the only exception is an error of ours,
    in one line."""
    opened, refusals = False, []
    for generation in Generation:
        try:
            made = open_object(data, "x.o", generation)
            opened = True
            for program in made.programs:
                made.program(program)
        except ObjectError as error:
            refusals.append(str(error))
    assert not [each for each in refusals if "\n" in each]
    return opened
