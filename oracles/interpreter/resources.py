"""What a run holds and must give back: references to objects, a lock, and sections of code
(kernel/bpf/verifier.c: acquire_reference_state, release_reference, process_spin_lock; Linux 6.12)."""

from __future__ import annotations

from ebpf import rules
from ebpf.kfuncs import CodeSection
from oracles.interpreter.memory import Region
from oracles.interpreter.objects import BorrowedRegion
from oracles.interpreter.signals import Trap


class Resources:
    """``held``: by reference, the regions that are valid as long as it is.  ``lock``: the region and offset
    of the lock taken.  ``sections``: those that the program is in, oldest first.  ``borrowed``: what
    was loaded from map values, and RCU keeps.  ``lent``: what is in a list or tree whose lock is held."""

    __slots__ = ("_next", "borrowed", "held", "lent", "lock", "sections")

    def __init__(self) -> None:
        self.held: dict[int, list[Region]] = {}
        self.lock: tuple[Region, int] | None = None
        self.sections: list[CodeSection] = []
        self.borrowed: list[BorrowedRegion] = []
        self.lent: list[Region] = []
        self._next = 1

    def acquire(self, region: Region) -> None:
        """Hold ``region`` from now on."""
        self.held[self._next] = [region]
        self._next += 1

    def reference_of(self, region: Region) -> int | None:
        """The reference that keeps ``region`` alive, if one does."""
        return next((reference for reference, regions in self.held.items() if region in regions), None)

    def share(self, source: Region, region: Region) -> None:
        """``region`` is another view of ``source`` and lives as long (is_ptr_cast_function)."""
        reference = self.reference_of(source)
        if reference is not None:
            self.held[reference].append(region)

    def release(self, region: Region) -> None:
        """Give the reference back: nothing that it kept alive may be used any more."""
        reference = self.reference_of(region)
        if reference is None:
            raise Trap(rules.RELEASE_UNREFERENCED, f"{region.name} is not held")
        for view in self.held.pop(reference):
            view.gone = rules.USE_AFTER_RELEASE

    def lend(self, region: Region) -> None:
        """What was held is in a list or tree, and may be looked at until the lock is given back."""
        reference = self.reference_of(region)
        if reference is None:
            raise Trap(rules.RELEASE_UNREFERENCED, f"{region.name} is not held")
        self.lent += self.held.pop(reference)

    def borrow(self, region: Region) -> None:
        """What is in a tree may be looked at until the lock is given back."""
        self.lent.append(region)

    def take(self, region: Region, offset: int) -> None:
        """Lock: one at a time."""
        if self.lock is not None:
            raise Trap(rules.LOCK_TWICE, "a lock is taken while another is held")
        self.lock = (region, offset)

    def drop(self, region: Region, offset: int) -> None:
        """Unlock what was locked."""
        if self.lock is None or self.lock[0] is not region or self.lock[1] != offset:
            raise Trap(rules.UNLOCK_UNHELD, "a lock is released that is not held")
        self.lock = None
        for lent in self.lent:
            lent.gone = rules.USE_AFTER_RELEASE
        self.lent.clear()

    def begin(self, section: CodeSection) -> None:
        """Enter a section, perhaps once more."""
        self.sections.append(section)

    def without_interrupts(self) -> int:
        """How many sections without interrupts the program is in."""
        return self.sections.count(CodeSection.INTERRUPTS)

    def end(self, section: CodeSection) -> None:
        """Leave the section that was entered last, of that kind."""
        if section not in self.sections:
            raise Trap(rules.SECTION_UNMATCHED, f"no {section.value} was begun")
        at = len(self.sections) - 1 - self.sections[::-1].index(section)
        del self.sections[at]

    def protect(self, protected: bool) -> None:
        """Where nothing protects any more what is borrowed, it is not there for sure from now on."""
        if not protected:
            for region in self.borrowed:
                region.protected = False

    def check_exit(self) -> None:
        """Trap where the program ends with something still held."""
        if self.lock is not None:
            raise Trap(rules.LOCK_HELD_AT_EXIT, "a lock is held at exit")
        if self.sections:
            raise Trap(rules.SECTION_AT_EXIT, f"inside a {self.sections[-1].value}")
        if self.held:
            names = ", ".join(regions[0].name for regions in self.held.values())
            raise Trap(rules.REFERENCE_LEAK, f"not released: {names}")

    def check_call(self, name: str) -> None:
        """Trap where a call is made under a lock."""
        if self.lock is not None:
            raise Trap(rules.CALL_UNDER_LOCK, f"{name} is called while a lock is held")
