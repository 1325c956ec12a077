"""Productions: each appends a few instructions when what it needs is there.

A production takes the builder and the dice, and returns False, leaving no trace, when it does not fit for a
reason that its row does not say.  :mod:`generators.choices` lists them all.
"""
