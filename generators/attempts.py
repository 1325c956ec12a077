"""Trying what may turn out not to fit."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Protocol

from generators.state import GenerationState


class _Attempting(Protocol):
    """What can be undone of a program under construction."""

    state: GenerationState

    @property
    def insns(self) -> list[Any]: ...
    @property
    def maps(self) -> list[Any]: ...
    @property
    def open(self) -> list[Any]: ...
    @property
    def exits(self) -> list[Any]: ...
    @property
    def functions(self) -> list[Any]: ...
    @property
    def kfuncs(self) -> list[Any]: ...


class DoesNotFit(Exception):
    """What was begun cannot be finished here."""


class GenerationAttempt:
    """``with builder.attempt() as attempt``: all that is done in it is undone, unless ``attempt.keep()`` was
    called, and :class:`DoesNotFit` ends there.

    Slots that were there before are not patched in an attempt, except by closing a scope that was opened in
    it.
    """

    __slots__ = ("_builder", "_lengths", "_lists", "_state", "kept")

    def __init__(self, builder: _Attempting) -> None:
        self._builder = builder
        self._lists: Sequence[list[Any]] = (
            builder.insns, builder.maps, builder.open, builder.exits, builder.functions,
            builder.kfuncs,
        )  # fmt: skip
        self._lengths = [len(each) for each in self._lists]
        self._state = builder.state.copy()
        self.kept = False

    def keep(self) -> None:
        """What was done stays."""
        self.kept = True

    def __enter__(self) -> GenerationAttempt:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if kind is not None or not self.kept:
            for each, length in zip(self._lists, self._lengths, strict=True):
                del each[length:]
            self._builder.state = self._state
        return kind is not None and issubclass(kind, DoesNotFit)
