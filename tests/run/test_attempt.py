"""What was lost with its node runs again, at most as often as cluster.yaml says; what failed does not."""

from __future__ import annotations

import pytest

from pipeline.run.cluster.attempt import Attempt
from pipeline.run.cluster.remote_call import KILLED, Answer
from pipeline.run.place import Work
from pipeline.run.step import Step

FIRST = Attempt(Work(Step("train@t", ("train",), frozenset())))


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_a_cell_whose_nodes_are_lost_runs_again_as_often_as_is_said(retries: int) -> None:
    attempt, starts = FIRST, 1
    while isinstance(following := attempt.after(Answer(lost="NodeDiedError"), retries), Attempt):
        assert following.because == "lost its node (NodeDiedError): it runs again"
        attempt, starts = following, starts + 1
    assert starts == retries + 1
    assert following == f"its node was lost {retries + 1} times (NodeDiedError)"


def test_a_cell_that_is_killed_runs_once_more_alone_and_then_fails_with_its_peak() -> None:
    killed = Answer(why=KILLED, peak=3 << 29)
    again = FIRST.after(killed, 2)
    assert isinstance(again, Attempt)
    assert again.alone
    assert again.because == "was killed by SIGKILL with 1.50 GiB of memory: it runs again, alone on a node"
    assert again.after(killed, 2) == "killed by SIGKILL alone on a node, with 1.50 GiB of memory"


def test_a_cell_that_failed_is_not_started_again() -> None:
    assert FIRST.after(Answer(why="exit code 2: coverseek: no such task"), 2) == "exit code 2: coverseek: no such task"
    assert FIRST.after(Answer(), 2) == ""


def test_a_node_that_refuses_a_cell_does_not_count() -> None:
    attempt = FIRST
    for _ in range(5):
        following = attempt.after(Answer(refused="torch is 2.13.0, and 2.14.1 where the run was started"), 0)
        assert isinstance(following, Attempt)
        assert (following.lost, following.because) == (0, "")
        attempt = following
