"""All kernels get equal time, and no more machines run at once than are wanted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.campaign.rota import CRASHES, TURN_SECONDS, Post, Rota, posts_of
from tests.lying.campaign import IMAGE


def rota_of(kernels: int, workers: int, seconds: float) -> Rota:
    images = [replace(IMAGE, name=f"debian:6.{number}") for number in range(kernels)]
    return Rota(posts_of(images, workers, seconds, None), workers)


@settings(deadline=None)
@given(st.integers(1, 30), st.integers(1, 8), st.floats(1, 20_000))
def test_every_kernel_gets_its_time_and_never_too_many_run(
    kernels: int, workers: int, seconds: float
) -> None:
    rota = rota_of(kernels, workers, seconds)
    clock, running, worked = 0.0, list[tuple[float, float, Post]](), Counter[str]()
    while True:
        while (post := rota.next()) is not None:
            turn = rota.turn(post)
            assert turn is not None
            running.append((clock + turn, turn, post))
        if not running:
            break
        assert len(running) <= workers
        running.sort(key=lambda each: each[0])
        clock, turn, post = running.pop(0)
        worked[post.image.name] += 1
        post.spent += turn
        rota.leave(post)
    for post in rota.posts:
        assert post.spent == pytest.approx(seconds, abs=0.6)
    assert len(worked) == kernels
    assert rota.seconds_left == 0.0


def test_thirty_kernels_on_two_workers_take_turns() -> None:
    rota = rota_of(30, 2, 3600.0)
    first = [rota.next(), rota.next(), rota.next()]
    assert [post.image.name if post else None for post in first] == ["debian:6.0", "debian:6.1", None]
    assert [rota.turn(post) for post in first if post] == [TURN_SECONDS, TURN_SECONDS]
    for post in first:
        if post:
            post.spent += TURN_SECONDS
            rota.leave(post)
    following = rota.next()
    assert following is not None
    assert following.image.name == "debian:6.2"


def test_alone_there_are_no_turns() -> None:
    rota = rota_of(2, 4, 3600.0)
    posts = [rota.next() for _ in range(5)]
    assert [post and (post.image.name, post.worker) for post in posts] == [
        ("debian:6.0", 0),
        ("debian:6.0", 1),
        ("debian:6.1", 0),
        ("debian:6.1", 1),
        None,
    ]
    assert {rota.turn(post) for post in posts if post} == {3600.0}


def test_examples_are_shared_and_made_once() -> None:
    posts = posts_of([IMAGE], 3, None, 100)
    assert [post.examples for post in posts] == [34, 34, 34]
    posts[0].programs = 34
    rota = Rota(posts, 3)
    assert [rota.next(), rota.next(), rota.next()] == [posts[1], posts[2], None]


def test_who_crashes_too_often_is_given_up() -> None:
    assert CRASHES > 1
    rota = rota_of(1, 1, 100.0)
    post = rota.next()
    assert post is not None
    rota.leave(post)
    assert rota.next() is post
    rota.leave(post)
    post.is_closed = True
    assert rota.next() is None
