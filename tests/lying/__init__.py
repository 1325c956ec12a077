"""The lying kernel: a stand-in behind a real kernel session that answers as real kernels did, and lies where
a test says so.

Its honest answers are recorded ones (:mod:`.recorded`, from stock 6.12 and a 7.3 without planted bugs) or,
for other programs, those of a small model (:mod:`.model`).  A lie (:mod:`.lies`) changes an answer; every
detector fires on the one that fits it.
"""
