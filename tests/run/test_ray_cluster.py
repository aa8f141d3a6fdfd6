"""Cells on a Ray cluster of two nodes on loopback: the same dvc.lock, whatever happens to cells, nodes and driver."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import yaml

from pipeline.errors import UserError
from pipeline.run import worker
from pipeline.run.interrupt import EXIT, Interrupt
from pipeline.run.progress import Lines
from pipeline.run.step import Result, Step
from pipeline.run.where import Where

if TYPE_CHECKING:
    from tests.run.conftest import Toy

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
ROOT, HERE = Path(__file__).parents[2], Path(__file__).parent
GAN = ["evaluate ring-gan-0", "train ring-gan-0"]
WIDER = ("gan: {family: gan, width: 1}", "gan: {family: gan, width: 2}")
RAY = Where(ray=True)
WITHIN_A_MINUTE = {
    "RAY_grpc_client_keepalive_time_ms": "10000",
    "RAY_grpc_client_keepalive_timeout_ms": "10000",
    "RAY_health_check_timeout_ms": "5000",
}
"""As docs/scale.md says: else a node that answers no more is given up after seven minutes."""
ADDRESS = "127.0.0.2"
"""Of all nodes. Ray replaces 127.0.0.1 by the address that others reach the machine at."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A head without CPUs and two nodes of one CPU, whose commands are those of the toy."""
    if find_spec("ray") is None:
        pytest.skip("Ray is not installed")
    folder = tmp_path_factory.mktemp("cluster")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT), str(HERE))))
        patch.setenv("TOY_POINTER", str(folder / "toy"))
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_worker_niceness", "0")
        for name, value in WITHIN_A_MINUTE.items():
            patch.setenv(name, value)
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(16))
        patch.setenv("TMPDIR", str(folder))
        from pipeline.run.cluster import ray_connection

        assert ray_connection.SETTINGS.items() <= os.environ.items()  # before Ray, which reads them when it is imported
        from ray.cluster_utils import Cluster

        nodes = Cluster(initialize_head=True, head_node_args=_node(0))
        for _ in range(2):
            nodes.add_node(**_node(1))
        patch.setenv("RAY_ADDRESS", nodes.address)
        nodes.pointer = folder / "toy"
        yield nodes
        nodes.shutdown()


DRIVER = """
    import sys
    from pipeline.run import driver, worker
    from pipeline.run.where import Where

    worker.COMMAND, worker.PRELOAD, worker.LIGHT = "command:main", ["command"], frozenset()
    driver._checker = lambda *_: worker.warm_up

    if __name__ == "__main__":
        sys.exit(driver.main(driver.Request(), Where(ray=True), track=False))
"""


def _node(cpus: int) -> dict[str, Any]:
    return {"num_cpus": cpus, "node_ip_address": ADDRESS, "include_dashboard": False}


@pytest.fixture
def remote(toy: Toy, cluster: Any) -> Toy:
    """The toy, with a cluster that runs its commands."""
    cluster.pointer.write_text(str(Path.cwd()))
    return toy


def _raylet_of(cluster: Any, pid: int) -> Any:
    """The node that a process runs on."""
    ancestors = {parent.pid for parent in psutil.Process(pid).parents()}
    return next(n for n in cluster.worker_nodes if n.all_processes["raylet"][0].process.pid in ancestors)


def _tree(node: Any) -> list[psutil.Process]:
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    return [raylet, *raylet.children(recursive=True)]


def _meanwhile(action: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    return thread


def test_the_lock_is_that_of_this_machine(remote: Toy) -> None:
    before = Path("dvc.lock").read_bytes()
    for folder in ("artifacts", "reports", ".dvc/cache"):
        shutil.rmtree(folder)
    Path("dvc.lock").unlink()
    results = remote.run(where=RAY)
    assert {result.outcome for result in results.values()} == {"ran"}
    assert Path("dvc.lock").read_bytes() == before
    assert len(remote.commands()) == len(results)
    assert not toy_changes(remote)


def toy_changes(toy: Toy) -> list[str]:
    """What a further run on this machine would run."""
    toy.commands()
    toy.run()
    return toy.commands()


def test_files_go_through_a_store_where_one_is_named(remote: Toy, tmp_path: Path) -> None:
    Path("cluster.yaml").write_text(f"store: {tmp_path / 'store'}\n")
    remote.edit("params.yaml", *WIDER)
    assert not remote.outcomes(remote.run(where=RAY), "failed")
    assert remote.commands() == sorted(["plan", *GAN, "report"])
    assert any((tmp_path / "store").rglob("*"))


def test_a_store_that_cannot_be_written_fails_the_cell_and_records_nothing(
    remote: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.run.cluster.content_store.PAUSES", ())
    (tmp_path / "file").touch()
    Path("cluster.yaml").write_text(f"store: {tmp_path / 'file/store'}\n")
    remote.edit("params.yaml", *WIDER)
    results = remote.run(where=RAY)
    assert "is the store reachable" in results["train@ring-gan-0"].reason
    assert remote.outcomes(results, "skipped") == ["evaluate@ring-gan-0"]
    assert not Path("artifacts/train/ring-gan-0").exists()


@pytest.mark.parametrize(
    ("deed", "reason"),
    [("refuse", "exit code 2: coverseek: no such task"), ("raise", "exit code 1: RuntimeError: the sky is falling")],
)
def test_a_cell_that_fails_is_not_run_again(remote: Toy, deed: str, reason: str) -> None:
    remote.edit("params.yaml", *WIDER)
    remote.order(f"train-ring-gan-0 {deed}")
    results = remote.run(where=RAY)
    assert results["train@ring-gan-0"].reason == reason
    assert remote.commands().count("train ring-gan-0") == 1
    assert reason.partition(": ")[2] in Path("logs/train-ring-gan-0.log").read_text()


def test_a_cell_that_was_killed_runs_once_more_alone(remote: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    remote.edit("params.yaml", *WIDER)
    remote.order("train-ring-gan-0 die")
    results = remote.run(where=RAY)
    assert results["train@ring-gan-0"].reason.startswith("killed by SIGKILL alone on a node, with ")
    assert remote.commands().count("train ring-gan-0") == 2
    assert "train ring-gan-0 was killed by SIGKILL with " in capsys.readouterr().out


def test_an_input_that_changes_meanwhile_makes_no_record(remote: Toy) -> None:
    remote.edit("params.yaml", *WIDER)
    remote.order("train-ring-gan-0 edit")
    results = remote.run(where=RAY)
    assert results["train@ring-gan-0"].reason == "its inputs changed while it ran; run again"


def test_what_no_node_has_is_refused_before_the_first_step(remote: Toy) -> None:
    Path("cluster.yaml").write_text("needs: {train.points.gan: {gpus: 2}}\n")
    remote.edit("params.yaml", *WIDER)
    with pytest.raises(UserError, match=r"train ring-gan-0 needs 1 CPUs, 2 GPUs, which no node has \(127\.0\.0\.2"):
        remote.run(where=RAY)
    assert remote.commands() == []


def test_where_no_node_has_this_code_the_run_is_refused(
    remote: Toy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipeline.run.cluster import ray_nodes

    monkeypatch.setattr(ray_nodes, "identity", lambda: {"the code": "0123"})
    with pytest.raises(UserError, match="no node of the Ray cluster can take cells"):
        remote.run(where=RAY)
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if "takes no cells: the code is" in line]) == 3


def test_a_node_with_other_code_that_joins_takes_no_cells(
    remote: Toy, cluster: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ROOT / "pipeline", tmp_path / "other/pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "other/pipeline/errors.py").open("a") as file:
        file.write("# edited\n")
    other = os.pathsep.join((str(tmp_path / "other"), str(HERE)))
    node = cluster.add_node(**_node(4) | {"env_vars": {"PYTHONPATH": other}})
    try:
        remote.edit("params.yaml", "points: {steps: 1", "points: {steps: 2")
        results = remote.run(where=RAY)
    finally:
        cluster.remove_node(node)
    assert not remote.outcomes(results, "failed")
    assert "takes no cells: the code is" in capsys.readouterr().out


def test_a_cell_may_wait_for_a_node_that_has_not_said_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    from pipeline.run.cluster import ray_nodes

    class Ray:
        alive, exceptions = ["first"], ray_nodes.ray.exceptions

        def nodes(self) -> list[dict[str, Any]]:
            entry = {"NodeManagerAddress": "127.0.0.2", "NodeManagerPort": 1, "Resources": {"CPU": 1}, "Alive": True}
            return [{"NodeID": name, **entry} for name in self.alive]

        def wait(self, names: list[str], **_: object) -> tuple[list[str], list[str]]:
            return [name for name in names if name == "first"], []

        def get(self, name: str, **_: object) -> tuple[bool, dict[str, str]]:
            return True, ray_nodes.identity() | ray_nodes.settings()

        def options(self, scheduling_strategy: Any, **_: object) -> Any:
            return SimpleNamespace(remote=lambda: scheduling_strategy.node_id)

    fake = Ray()
    monkeypatch.setattr(ray_nodes, "ray", fake)
    monkeypatch.setattr(ray_nodes, "_TASK", fake)
    monkeypatch.setattr(ray_nodes, "NodeAffinitySchedulingStrategy", lambda name, soft: SimpleNamespace(node_id=name))
    monkeypatch.setattr(ray_nodes, "PERIOD", -1.0)
    nodes = ray_nodes.Nodes(tokens=True)
    fake.alive.append("second")
    assert [node.id for node in nodes.taking()] == ["first"]
    assert nodes.excluded() == set()
    nodes.refuse("second", "torch is missing")
    assert nodes.excluded() == {"second"}


def test_a_cluster_without_tokens_is_refused(remote: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.run.cluster import ray_connection, ray_nodes

    monkeypatch.setattr(ray_connection, "asks_for_tokens", lambda: False)  # of the driver
    with pytest.raises(UserError, match="takes commands without a token, from whoever reaches it"):
        remote.run(where=RAY)
    assert not remote.outcomes(remote.run(where=RAY._replace(trust_network=True)), "failed")
    monkeypatch.setattr(ray_connection, "asks_for_tokens", lambda: True)
    monkeypatch.setattr(ray_nodes, "_TASK", _without_tokens())  # of the nodes
    with pytest.raises(UserError, match="takes commands without a token, from whoever reaches it"):
        remote.run(where=RAY)


def _without_tokens() -> Any:
    from pipeline.run.cluster.node_identity import identity
    from pipeline.run.cluster.ray_connection import ray

    found = identity()
    return ray.remote(lambda: (False, found))


def test_other_settings_of_connections_are_refused(remote: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.run.cluster.ray_connection import KEEPALIVE

    monkeypatch.delenv(KEEPALIVE)
    with pytest.raises(
        UserError, match=f"the head of the Ray cluster: {KEEPALIVE} is 10000, and not set where the run"
    ):
        remote.run(where=RAY)


def test_no_cluster_is_one_line(toy: Toy, cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(UserError, match=r"no Ray cluster at 127\.0\.0\.1:1"):
        toy.run(where=RAY)


def test_a_signal_ends_the_cells_and_keeps_what_is_finished(remote: Toy) -> None:
    class Strike(Lines):
        def tick(self, running: Sequence[Step], done: int, left: float | None) -> None:
            interrupt.came = interrupt.came or pid.exists()

    interrupt, pid = Interrupt(), Path("train-ring-gan-0.pid")
    Path("hold").touch()
    remote.edit("params.yaml", *WIDER)
    remote.order("train-ring-gan-0 hold")
    results = remote.run(where=RAY, interrupt=interrupt, show=Strike(12))
    assert "train@ring-gan-0" not in results
    assert results["plan"].outcome == "ran"
    _ended(int(pid.read_text()))


def _ended(pid: int) -> None:
    assert not psutil.pid_exists(pid) or not psutil.wait_procs([psutil.Process(pid)], timeout=30)[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_cells_end_with_their_driver_and_the_next_run_goes_on(
    remote: Toy, wait: Callable[..., None], number: signal.Signals
) -> None:
    Path("hold").touch()
    remote.edit("params.yaml", *WIDER)
    remote.order("train-ring-gan-0 hold")
    Path("program.py").write_text(textwrap.dedent(DRIVER))
    pid = Path("train-ring-gan-0.pid")
    with subprocess.Popen([sys.executable, "program.py"], stdout=subprocess.PIPE, encoding="utf-8") as process:
        wait(pid.exists)
        process.send_signal(number)
        said, _ = process.communicate(timeout=60)
    _ended(int(pid.read_text()))
    if number == signal.SIGINT:
        assert process.returncode == EXIT
        assert said.endswith("Interrupted: what is finished is recorded, the next run goes on from there.\n")
        recorded = yaml.safe_load(Path("dvc.lock").read_text())["stages"]["plan"]["outs"]
        parameters = hashlib.md5(Path("plan/parameters.json").read_bytes()).hexdigest()
        assert parameters in [out["md5"] for out in recorded]
    Path("hold").unlink()
    remote.commands()
    assert not remote.outcomes(remote.run(where=RAY), "failed")
    assert set(GAN) <= {*remote.commands()}


def test_a_cell_whose_node_dies_runs_again_elsewhere(
    remote: Toy, cluster: Any, wait: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    def kill() -> None:
        wait(pid.exists)
        node = _raylet_of(cluster, int(pid.read_text()))
        for process in _tree(node):
            process.kill()
        Path("hold").unlink()

    pid = Path("train-ring-gan-0.pid")
    results = _held(remote, kill)
    assert results["train@ring-gan-0"].outcome == "ran"
    assert remote.commands().count("train ring-gan-0") == 2
    assert "train ring-gan-0 lost its node" in capsys.readouterr().out
    cluster.add_node(**_node(1))


def test_a_frozen_node_that_comes_back_changes_nothing(remote: Toy, cluster: Any, wait: Callable[..., None]) -> None:
    frozen: list[psutil.Process] = []

    def freeze() -> None:
        wait(pid.exists)
        frozen.extend(_tree(_raylet_of(cluster, int(pid.read_text()))))
        for process in frozen:
            process.suspend()
        Path("hold").unlink()

    pid = Path("train-ring-gan-0.pid")
    results = _held(remote, freeze)
    assert results["train@ring-gan-0"].outcome == "ran"
    lock = Path("dvc.lock").read_bytes()
    for process in frozen:
        process.resume()
    psutil.wait_procs(frozen, timeout=10)  # the node learns that it was given up, and ends
    assert Path("dvc.lock").read_bytes() == lock
    assert not [line for line in toy_changes(remote) if line in GAN]
    cluster.add_node(**_node(1))


def _held(toy: Toy, deed: Callable[[], None]) -> dict[str, Result]:
    """A run whose training of the GAN waits on a node until `deed` is done."""
    Path("hold").touch()
    toy.edit("params.yaml", *WIDER)
    toy.order("train-ring-gan-0 hold")
    thread = _meanwhile(deed)
    results = toy.run(where=RAY, before=worker.warm_up)
    thread.join()
    return results


def test_a_second_driver_is_refused(remote: Toy) -> None:
    from pipeline.run import repository

    with repository.opened(), pytest.raises(UserError, match="another `coverseek run` or DVC command works"):
        remote.run(where=RAY)
