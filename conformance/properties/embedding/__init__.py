"""Embedding: what a real run holds at a point, the kernel must think possible there.

Into an accepted program goes, at a point that a run reaches, "if every scalar equals what it holds here, do
something illegal, yet harmless to execute".  A kernel that still accepts it believes that state impossible.
"""

from conformance.properties.embedding.judge import KIND, is_asked, judge, variants

__all__ = ["KIND", "is_asked", "judge", "variants"]
