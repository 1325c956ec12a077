"""The rota: who works on which kernel when, so that all kernels get equal time and no more machines run at
once than are wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from conformance.kernel.image import Image

TURN_SECONDS = 300.0
"""How long one works where others wait: a run that is cut short has then asked all kernels alike.  A turn
begins with a boot, some seconds."""
CRASHES = 3
"""Times that what crashes is started again."""
SKIPPED = 64
"""Programs passed over after a crash: those in flight may have caused it."""
ENOUGH = 0.5
"""Seconds that are not worth a turn."""


@dataclass(slots=True)
class Post:
    """The work of one worker after the other on one kernel."""

    image: Image
    worker: int
    """Which of its kernel: programs are drawn by it."""
    seconds: float | None
    """In all; None where ``examples`` are counted."""
    examples: int | None
    spent: float = 0.0
    programs: int = 0
    """Programs and objects made so far: where the next worker goes on."""
    objects: int = 0
    crashes: int = 0
    is_closed: bool = False
    """Whether nobody is to work on it any more, done or not."""

    @property
    def left(self) -> float:
        """Seconds to work."""
        return float("inf") if self.seconds is None else self.seconds - self.spent

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        made = max(self.programs, self.objects)
        return self.is_closed or self.left < ENOUGH or (self.examples is not None and made >= self.examples)


class Rota:
    """Posts, of which at most ``workers`` are held at once."""

    def __init__(self, posts: Sequence[Post], workers: int) -> None:
        self.posts = tuple(posts)
        self.workers = workers
        self._held: list[Post] = []

    def next(self) -> Post | None:
        """The post that was worked on least, now held; None where as many are held as may be, or none is
        left."""
        waiting = list(self._waiting())
        if len(self._held) >= self.workers or not waiting:
            return None
        post = min(waiting, key=lambda each: each.spent)
        self._held.append(post)
        return post

    def turn(self, post: Post) -> float | None:
        """How many seconds to work on a post that is held: a turn where others wait, else all that is
        left."""
        if post.seconds is None:
            return None
        waits = len(self._held) + sum(1 for _ in self._waiting()) > self.workers
        return TURN_SECONDS if waits and post.left >= 1.5 * TURN_SECONDS else post.left

    def leave(self, post: Post) -> None:
        """Nobody holds the post any more."""
        self._held.remove(post)

    @property
    def seconds_left(self) -> float | None:
        """Until all is done; None where that is not known."""
        if any(post.seconds is None for post in self.posts):
            return None
        left = [post.left for post in self.posts if not post.is_done]
        return max([*left, sum(left) / self.workers], default=0.0)

    def _waiting(self) -> Iterator[Post]:
        return (post for post in self.posts if not post.is_done and post not in self._held)


def posts_of(
    images: Sequence[Image], workers: int, seconds: float | None, examples: int | None
) -> tuple[Post, ...]:
    """As many for each kernel as can be held at once, at least one; ``seconds`` and ``examples`` are per
    kernel."""
    each = max(1, workers // len(images))
    share = None if examples is None else -(-examples // each)
    return tuple(Post(image, number, seconds, share) for image in images for number in range(each))
