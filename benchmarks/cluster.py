"""Cells on two Ray nodes of one CPU each, on loopback, against two processes of this machine.

    python benchmarks/cluster.py [--frozen] [--cells 40]

Prints, with cells that compute nothing or keep one CPU busy for a given time:

overhead      seconds a cell that a node of one CPU takes more than one process here, at one cell at a time
efficiency    wall time of two processes here / wall time of two nodes, the same busy cells
recovery      seconds from kill -9 of a node with all its processes until its cell runs on the other node; with --frozen
              from SIGSTOP as well, which takes a minute

On 2 cores of an AMD EPYC, otherwise idle: overhead 0.008 s (goal 0.050), efficiency 0.98 (0.95), killed 13.3 s (5; it
was 0.2 in another run), frozen 39.8 s (60). After 13 s Ray had missed the heartbeats of the killed node.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from pipeline.params import load
from pipeline.run import worker
from pipeline.run.cluster.config import ClusterConfig
from pipeline.run.place import Place, Work
from pipeline.run.step import Step
from pipeline.run.this_machine import ThisMachine

HERE = Path(__file__).parent
GOALS = {"overhead": "<= 0.050 s", "efficiency": ">= 0.95", "killed": "<= 5 s", "frozen": "<= 60 s"}


def command(words: Sequence[str]) -> None:
    """A cell: keeps one CPU busy for `--busy` seconds, or waits while the file `--hold` exists; writes `--out`."""
    options = dict(zip(words[1::2], words[2::2], strict=True))
    end = time.monotonic() + float(options["--busy"])
    while time.monotonic() < end:
        pass
    if hold := options["--hold"]:
        Path(f"{hold}.{os.getpid()}").touch()
        while Path(hold).exists():
            time.sleep(0.01)
    Path(options["--out"]).write_text("done", encoding="utf-8")


def cells(count: int, busy: float = 0.0, hold: str = "") -> list[Work]:
    """Steps of the first cell of params.yaml, so that cluster.yaml may name what they need."""
    first, found = load().cells[0], []
    for number in range(count):
        out = f"out-{number}"
        words = f"train --task {first.task} --model {first.model} --busy {busy} --out {out} --hold".split()
        found.append(Work(Step(f"train@{number}", (*words, hold), frozenset()), {}, (out,)))
    return found


def seconds(place: Place, works: Sequence[Work]) -> float:
    """Wall time of cells, each started when the place has room. Raises SystemExit where one fails."""
    start, waiting, left = time.perf_counter(), [*works], len(works)
    while left:
        while waiting and place.room() > 0:
            place.start(waiting.pop(0))
        for ended in place.wait(0.2):
            left -= 1
            if ended.why:
                sys.exit(f"{ended.name}: {ended.why}")
    return time.perf_counter() - start


def recovery(place: Place, cluster: Any, strike: Callable[[psutil.Process], None], folder: Path) -> float:
    """Seconds from `strike` on all processes of the node that runs a cell until the cell runs again."""
    hold = folder / f"hold-{time.monotonic_ns()}"
    hold.touch()
    thread = threading.Thread(target=seconds, args=(place, cells(1, hold=str(hold))))
    thread.start()
    while not (started := [*folder.glob(f"{hold.name}.*")]):
        time.sleep(0.01)
    parents = {process.pid for process in psutil.Process(int(started[0].suffix[1:])).parents()}
    raylets = [node.all_processes["raylet"][0].process.pid for node in cluster.worker_nodes]
    raylet = psutil.Process(next(pid for pid in raylets if pid in parents))
    start = time.perf_counter()
    struck = [raylet, *raylet.children(recursive=True)]
    for process in struck:
        strike(process)
    while len([*folder.glob(f"{hold.name}.*")]) < 2:
        time.sleep(0.01)
    found = time.perf_counter() - start
    hold.unlink()
    thread.join()
    for process in struck:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    return found


def show(name: str, value: float) -> None:
    print(f"{name:12}{value:8.3f}   goal {GOALS[name]}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=40)
    parser.add_argument("--busy", type=float, default=5.0, help="seconds of each cell of the measure of efficiency")
    parser.add_argument("--frozen", action="store_true")
    chosen = parser.parse_args()
    worker.COMMAND, worker.PRELOAD = "cluster:command", ["cluster"]
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16)}
    os.environ |= {"RAY_grpc_client_keepalive_time_ms": "10000", "RAY_grpc_client_keepalive_timeout_ms": "10000"}
    os.environ |= {"RAY_health_check_timeout_ms": "5000"}
    os.environ |= {"RAY_worker_niceness": "0"}  # as processes here; Ray's default is 15
    os.environ["PYTHONPATH"] = f"{HERE}{os.pathsep}{HERE.parent}"
    config = ClusterConfig.load(load())
    from ray.cluster_utils import Cluster

    from pipeline.run.cluster.ray_cluster import RayCluster  # WHY here: Ray reads the variables when it is imported

    common = {"node_ip_address": "127.0.0.2", "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **common})
    cluster.add_node(num_cpus=1, **common)
    os.environ["RAY_ADDRESS"] = cluster.address
    worker.warm_up()
    params = Path("params.yaml").read_bytes()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chdir(folder)
        Path("params.yaml").write_bytes(params)
        one, here, both = RayCluster(config, folder / "cache", 1), ThisMachine(1), ThisMachine(2)
        for place in (one, here):
            seconds(place, cells(2))  # the servers of processes have started
        spent = [seconds(place, cells(chosen.cells)) for place in (one, here)]
        show("overhead", (spent[0] - spent[1]) / chosen.cells)
        one.stop()
        cluster.add_node(num_cpus=1, **common)
        two = RayCluster(config, folder / "cache", None)
        seconds(two, cells(8, busy=0.5))  # the servers of both nodes have started
        busy = cells(chosen.cells, busy=chosen.busy)
        show("efficiency", seconds(both, busy) / seconds(two, busy))
        show("killed", recovery(two, cluster, psutil.Process.kill, folder))
        if chosen.frozen:
            cluster.add_node(num_cpus=1, **common)
            show("frozen", recovery(two, cluster, psutil.Process.suspend, folder))
        two.stop()
    cluster.shutdown()


if __name__ == "__main__":
    main()
