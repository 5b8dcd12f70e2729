"""A coordinator that is killed, at whatever line, is replaced by the next one, and nothing is lost
or done twice."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Callable, Iterator

import pytest

from coordinator.cluster.records import Order
from study.registry import Registry
from tests.cluster.coordinating import Killer, coordinate_until_killed, coordinating
from tests.cluster.fake.fake_cluster import FakeCluster
from tests.cluster.story import Story

Start = Callable[[], subprocess.Popen[bytes]]


@pytest.mark.usefixtures("quick")
def test_killed_before_any_write_the_story_ends_the_same(
    cluster: FakeCluster, registry: Registry
) -> None:
    """One coordinator after the other is killed before its second write, its third, ... and stories
    are told until each kind of write, to the cluster, the database and the volumes, was one that
    did not happen. Two reads have nothing between them that could be lost."""
    missing = {
        *("create configmaps", "patch configmaps", "create jobs", "patch pods"),
        *("COMMIT", "rename", "replace"),
    }
    for number in range(20):
        story = Story(cluster, registry, f"birds-{number}")
        story.ask(trials=3)
        missing -= set(_lives(story, number))
        with coordinating(cluster):
            story.has_ended(trials=3)
        story.is_forgotten()
        if not missing:
            return
    raise AssertionError(f"never killed before {missing}")


@pytest.mark.usefixtures("quick")
def test_killed_before_any_write_a_rollback_goes_back_once(
    story: Story, cluster: FakeCluster
) -> None:
    with coordinating(cluster):
        for trials in (4, 5, 6):
            story.ask(trials=trials)
            story.reaches("done")
    story.ask(again=False, order=Order(verb="rollback"))
    for writes in range(4):
        coordinate_until_killed(cluster, Killer(writes), lambda: bool(story.phase()))
    with coordinating(cluster):
        assert "as version 2" in story.answer()[0]


def _lives(story: Story, number: int) -> Iterator[str]:
    """Coordinators live one after the other until the study is done; gives what killed each of
    them."""
    for life in itertools.count(number):
        if story.phase() == "done":
            return
        killer = Killer(life % 9)
        coordinate_until_killed(story.cluster, killer, lambda: story.phase() == "done")
        yield killer.killed_at
