"""The turns of ELF objects in a worker: generated, put to every peer, and what they disagree on pursued."""

from __future__ import annotations

import random

from conformance.campaign.assignment import Assignment
from conformance.campaign.pursuit import Pursuit
from conformance.campaign.subjects import ObjectSubject
from conformance.campaign.tally import Tally
from conformance.kernel.peer import PEERS
from conformance.observing.door import Door, ObjectSighting, judge_object
from conformance.properties.judgement import Disagreement
from conformance.properties.property import Property
from generators.recipes import draw_object

PROGRAMS_PER_TURN, OBJECTS_PER_TURN = 1024, 8
"""So many programs, and then so many objects, each of which costs as much as a dozen programs."""


class ObjectTurns:
    """``number`` counts objects made."""

    def __init__(self, task: Assignment, rows: tuple[Property, ...], door: Door, pursuit: Pursuit) -> None:
        self.task = task
        self.rows = tuple(row for row in rows if row.judge_object is not None)
        self.any = any(row.judge is None for row in self.rows)
        """Whether objects are put at all: some property is about nothing else."""
        self.alone = all(row.judge is None for row in rows)
        """Whether no property is about programs."""
        self.door = door
        self.pursuit = pursuit
        self.number = task.objects

    def is_next(self, programs: int) -> bool:
        """Whether objects, which leave no room for anything else in flight, come after so many programs."""
        if not self.any:
            return False
        return self.alone or self.number < OBJECTS_PER_TURN * (1 + programs // PROGRAMS_PER_TURN)

    def put(self, tally: Tally) -> None:
        """The next object, to each peer; not while jobs are in flight."""
        task = self.task
        rng = random.Random(f"{task.seed}/{task.image.name}/{task.worker}/object {self.number}")
        self.number += 1
        recipe = draw_object(rng)
        file = recipe.make()
        tally.counts["objects"] += 1
        tally.counts["objects broken"] += bool(file.broken)
        subject = ObjectSubject(self.door, recipe)
        for peer in PEERS:
            observation = self.door.observe_object(peer, file)
            tally.counts["objects put to a peer"] += 1
            for row in self.rows:
                judgements = judge_object(observation, row)
                if row.judge is None:
                    # What is also asked of programs is counted by program.
                    tally.judgements(row.kind, judgements)
                for judgement in judgements:
                    if isinstance(judgement, Disagreement):
                        self.pursuit.pursue(subject, ObjectSighting(observation, judgement))
