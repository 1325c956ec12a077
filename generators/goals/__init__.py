"""Goals: a callee is picked, and what it needs is produced by callees that give it, recursively.

A socket helper wants a socket, which a lookup gives, which wants the context and a tuple in memory; a lookup
in a map of maps gives a map, which another lookup wants.  Afterwards what was acquired is released, at once
or on every exit.
"""
