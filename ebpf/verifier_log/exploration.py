"""What the verifier explored, as a tree: every visit of an instruction, below the visit it came from.

The verifier walks depth-first: at a conditional jump it goes on with one branch and pushes the other on a
stack; ``from A to B`` opens the branch popped last.  The log shows visits and pops, not pushes, so a pop is
matched with a visit of A on the path being walked that may have pushed it.  Where several may have, none is
chosen: those visits remember that the pop may be theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from ebpf.isa.insn import Insn
from ebpf.verifier_log.claims import ClaimedState
from ebpf.verifier_log.effects import is_conditional, is_indirect, is_may_goto, operands
from ebpf.verifier_log.events import (
    Branch,
    CallEnter,
    CallReturn,
    Cut,
    GlobalFunction,
    PruneLine,
    StateLine,
    SubprogramLine,
    Visit,
)
from ebpf.verifier_log.known import Known, constant_of, disagree
from ebpf.verifier_log.log import Log
from ebpf.verifier_log.nodes import Node
from ebpf.verifier_log.pushes import always_pushing, decided_visits

_MANY = 64
"""Visits beyond which a pop is called ambiguous without a look at each: every look costs, and a loop has one
per turn and pop."""


class Exploration:
    """The tree of one level-2 log of ``instructions``; built once, walked for every trace.

    ``accepted``: the kernel accepted the program, so that a log without gaps shows all it explored.
    """

    def __init__(self, log: Log, instructions: Sequence[Insn], *, accepted: bool = False) -> None:
        self.log = log
        self.instructions = instructions
        self.root: Node | None = None
        self.cut = False
        """The log has a gap, at its head or within."""
        self.orphans: set[tuple[int, int]] = set()
        """(source, target) of pops for which no visit was found, or too many."""
        self.strange: str | None = None
        """Something about the walk that should not be: no accusation is built on such a tree."""
        self._on_path: list[Node] = []
        self._by_insn: dict[int, list[Node]] = {}
        self._cursor: Node | None = None
        self._pending: list[str] = []
        self._frame = 0
        self._arriving: Node | None = None
        """The node split in two whose second half begins with the next visit."""
        self._returning: int | None = None
        self._speculative = False
        self._decided = decided_visits(log)
        self._all_push = always_pushing(log, self._decided)
        self.whole = log.whole and accepted
        self._build()

    @property
    def last(self) -> Node | None:
        """The visit that the log ends in: where the kernel refused, of a refused program.  None where it ends
        in none, or in one whose way there is not known."""
        return self._cursor

    def _build(self) -> None:
        if not any(isinstance(event, SubprogramLine) for event in self.log.events):
            # The head is missing, or this is a level-1 log, which drops what it has finished; or nothing was
            # walked at all.
            self.cut = self.log.truncated or any(isinstance(event, Visit) for event in self.log.events)
            return
        for index, event in enumerate(self.log.events):
            if isinstance(event, Visit):
                self._visit(event, index)
            elif isinstance(event, StateLine):
                self._pending.append(event.state)
            elif isinstance(event, Branch):
                self._branch(event)
            elif isinstance(event, PruneLine):
                self._pruned(event)
            elif isinstance(event, CallEnter):
                self._frame += 1
                self._pending += [event.caller, event.callee]
            elif isinstance(event, CallReturn):
                self._frame = max(0, self._frame - 1)
                self._pending = [event.caller]
                self._returning = event.target
            elif isinstance(event, GlobalFunction) and event.what != "assumed":
                self._leave()  # another function has its own walk, before main's (6.1) or after it
                self._frame = 0
                self._on_path, self._by_insn = [], {}
            elif isinstance(event, Cut):
                self.cut = True
                self._leave()
                if self.root is None:
                    return
                self._on_path, self._by_insn = [], {}

    def _leave(self) -> None:
        self._cursor = self._arriving = None
        self._pending = []
        self._returning = None

    def _visit(self, event: Visit, index: int) -> None:
        self._returning = None
        if event.insn >= len(self.instructions):
            self.strange, self.cut = f"the program has no insn {event.insn}", True
            self._leave()
            return
        cursor, arriving = self._cursor, self._arriving
        node = Node(
            event.insn,
            self._frame,
            cursor,
            tuple(dict.fromkeys(self._pending)),
            len(self._on_path),
            self._speculative,
        )
        node.decided = index in self._decided
        if arriving is not None:
            arriving.branches.append(node)
        elif cursor is not None:
            if (self._frame, event.insn) in cursor.children:
                self.strange = f"insn {cursor.insn} is left for insn {event.insn} twice"
            cursor.children[self._frame, event.insn] = node
        elif self.root is None and event.insn == 0 and self._pending:
            self.root = node
        self._on_path.append(node)
        self._by_insn.setdefault(event.insn, []).append(node)
        self._cursor, self._arriving = node, None
        self._pending = [event.state] if event.state is not None else []

    def _branch(self, event: Branch) -> None:
        if self._returning == event.target:
            self._pending.append(event.state)  # no pop: the walk goes on after a call
            self._returning = None
            return
        self._pop(event.source, event.target, event.speculative, event.state)
        self._frame = _frame_of(event.state)
        self._pending = [event.state]

    def _pruned(self, event: PruneLine) -> None:
        if event.source is None or self._returning == event.target:
            if self._cursor is not None:
                self._cursor.children.setdefault((self._frame, event.target), None)
        else:
            self._pop(event.source, event.target, event.speculative, None)
            if self._arriving is not None:
                self._arriving.branches.append(None)
            elif self._cursor is not None:
                self._cursor.children.setdefault((self._cursor.frame, event.target), None)
        self._leave()

    def _pop(self, source: int, target: int, speculative: bool, state: str | None) -> None:
        """Move to the visit of ``source`` that pushed this branch, or to nowhere when that is not certain."""
        self._leave()
        self._speculative = speculative
        if speculative:
            # Never matched with a run.  What lies above the visit is finished; with several visits it is not
            # known which.
            visits = list(self._visits(source))
            if len(visits) == 1:
                self._forget_above(visits[0].position)
            return
        candidates = self._candidates(source, target, state)
        if not candidates:
            self.orphans.add((source, target))
            return
        self._forget_above(candidates[0].position)
        if len(candidates) > _MANY:
            self.orphans.add((source, target))
            return
        if len(candidates) > 1:
            for node in candidates:
                node.unsure.add(target)
            return
        node = candidates[0]
        node.popped = True
        self._cursor = node
        insn = self.instructions[source]
        if not is_conditional(insn):
            # Other targets are a callback's, or one of an indirect jump's.
            if target in (source, source + 1) and not is_indirect(insn):
                self._arriving = node
        elif target not in (source + 1, source + 1 + insn.off):
            self.strange = f"insn {source} has no way to insn {target}"
        elif (node.frame, target) in node.children:
            self._arriving = node  # both ways of the jump lead to the same place

    def _visits(self, insn: int) -> Iterator[Node]:
        """Visits of ``insn`` on the path being walked, latest first."""
        path, visits = self._on_path, self._by_insn.get(insn, [])
        for index in range(len(visits) - 1, -1, -1):
            node = visits[index]
            if node.position < len(path) and path[node.position] is node:
                yield node
            else:
                del visits[index]

    def _forget_above(self, position: int) -> None:
        del self._on_path[position + 1 :]

    def _candidates(self, source: int, target: int, state: str | None) -> list[Node]:
        """Visits of ``source`` that may have pushed this branch, latest first; one when it is certain."""
        insn = self.instructions[source] if source < len(self.instructions) else None
        jump = insn is not None and is_conditional(insn)
        # A visit pushes one state at most, an indirect jump's excepted.
        once = insn is not None and not is_indirect(insn)
        frame = _frame_of(state) if jump and state is not None else None
        may_push = (
            node
            for node in self._visits(source)
            if not (node.speculative or (once and node.popped))
            and not (jump and (node.decided or (frame is not None and frame != node.frame)))
        )
        found = list(islice(may_push, 1 if once and source in self._all_push else _MANY + 1))
        if len(found) > _MANY:
            return found
        if len(found) > 1 and jump and insn is not None:
            found = [node for node in found if not self._is_decided(node, insn)]
        if len(found) > 1 and insn is not None and state is not None:
            opened = self.log.read(state)
            found = [node for node in found if not disagree(self.known(node), opened, operands(insn))]
        return found

    def _is_decided(self, node: Node, insn: Insn) -> bool:
        """Whether both sides of the comparison are constants: then the verifier follows one branch only."""
        known = self.known(node)
        return not is_may_goto(insn) and all(
            constant_of(known, node.frame, register) is not None for register in operands(insn)
        )

    def states(self, node: Node) -> tuple[ClaimedState, ...]:
        """What was printed when ``node`` was about to run."""
        if node.states is None:
            node.states = tuple([self.log.read(text) for text in node.entry])
        return node.states

    def known(self, node: Node) -> Known:
        """All claims that hold when ``node`` is about to run, those printed long ago included."""
        chain = []
        at: Node | None = node
        while at is not None and at.known is None:
            chain.append(at)
            at = at.parent
        for each in reversed(chain):
            parent = each.parent
            before = parent.known if parent is not None and parent.known is not None else Known()
            # A state split in two may begin at the instruction itself, before it has written anything.
            if parent is not None and each.insn != parent.insn:
                before = before.after(self.instructions[parent.insn], parent.frame, each.frame)
            for state in self.states(each):
                before = before.with_state(state)
            each.known = before
        assert node.known is not None
        return node.known


def _frame_of(state: str) -> int:
    """The frame a state's text is about; the main program's is not printed."""
    opening = state.lstrip()
    return int(opening[5 : opening.index(":")]) if opening.startswith("frame") else 0
