"""The corpus: programs that nobody here wrote, each with what kernels were measured to say of it and to
return.

Development data only, read from a file outside the checkout; nothing at run time needs it.
"""

from conformance.corpus.records import Measured, Record, read_records

__all__ = ["Measured", "Record", "read_records"]
