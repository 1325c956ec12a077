"""The evidence of a finding about an ELF object."""

from __future__ import annotations

import msgspec


class ObjectEvidence(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An object, and what two readers made of it.

    ``file`` is the object (base64 in JSON), ``peer`` the other reader: "libbpf 1".  ``broken`` says which
    field of a well-formed object was changed, and how, ``field`` the same without place and values; both are
    empty where none was.  ``ours`` and ``theirs`` are the two accounts, in lines of the same form.
    """

    file: bytes
    peer: str
    broken: str = ""
    field: str = ""
    ours: str = ""
    theirs: str = ""
