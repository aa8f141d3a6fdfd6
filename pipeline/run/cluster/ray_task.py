"""One cell as one task of Ray, without retries of Ray's own."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from pipeline.run.cluster import remote_cell
from pipeline.run.cluster.config import Needs
from pipeline.run.cluster.ray_connection import ray
from pipeline.run.cluster.remote_call import KILLED, Answer, Call, LostError


def submit(call: Call, needs: Needs, excluded: Collection[str]) -> Any:
    """Start a cell where there is room for it.

    Args:
        needs: what the cell takes of a node.
        excluded: the ids of nodes that take no cells.

    Returns:
        Ray's reference to the answer.
    """
    options: dict[str, Any] = {"num_cpus": needs.cpus, "num_gpus": needs.gpus, "max_retries": 0}
    options |= {"memory": needs.memory} if needs.memory else {}
    options |= {"accelerator_type": needs.accelerator} if needs.accelerator else {}
    if excluded:
        options["label_selector"] = {"ray.io/node-id": f"!in({','.join(sorted(excluded))})"}
    return _TASK.options(name=call.step.name, **options).remote(call)


def answer(ref: Any) -> Answer:
    """What a task returned; an answer for it where it was lost."""
    try:
        found: Answer = ray.get(ref)
        return found
    except ray.exceptions.OutOfMemoryError:
        return Answer(why=KILLED)
    except ray.exceptions.RayError as error:  # also where a node that joined cannot import coverseek
        return Answer(lost=type(error).__name__)


def _run_cell(call: Call) -> Answer:
    """The task of Ray: it returns, whatever happens to the cell."""
    return remote_cell.run(call, ray.get_runtime_context().get_node_id(), _load)


def _load(handles: Sequence[Any]) -> list[bytes]:
    try:
        return list(ray.get([*handles]))
    except ray.exceptions.RayError as error:
        raise LostError(type(error).__name__) from None


_TASK: Any = ray.remote(_run_cell)
