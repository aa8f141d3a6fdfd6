"""A page as a reader works through it: block after block, in one workspace.

Its fenced blocks by kind:

    sh        is run, each block in a shell of its own; a server is asked for its page, and stopped
    yaml      is merged into params.yaml
    python    is the file that its first line names
    diff      is applied
    toml      is part of an example's pyproject.toml, word for word
    text      is output; a line of it that starts with `coverseek: ` is what the block before it said
    mermaid   is a picture
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from clone import ROOT, call, environment

DOCS = ROOT / "docs"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SERVERS = ("mlflow ui",)
PATIENCE = 120
"""Seconds that a server may take to answer."""


class Block(NamedTuple):
    kind: str
    text: str


def blocks(page: str) -> list[Block]:
    return [Block(*found) for found in FENCE.findall((DOCS / page).read_text())]


def work_through(page: str, folder: Path) -> None:
    """Do in `folder` what the page says. Raises AssertionError where it cannot be done."""
    said = ""
    for kind, text in blocks(page):
        match kind:
            case "sh":
                said = _serve(folder, text) if _server(text) else call(folder, "bash", "-euo", "pipefail", "-c", text)
            case "yaml":
                _merge(folder / "params.yaml", yaml.safe_load(text))
            case "python":
                _write(folder, text)
            case "diff":
                patch = folder / "page.diff"
                patch.write_text(text)
                call(folder, "git", "apply", "-C1", patch.name)
            case "toml":
                assert any(text in path.read_text() for path in ROOT.glob("examples/*/pyproject.toml")), text
            case "text":
                refusals = [line for line in text.splitlines() if line.startswith("coverseek: ")]
                assert all(line in said.splitlines() for line in refusals), said


def _server(text: str) -> bool:
    return any(line.startswith(SERVERS) for line in text.splitlines())


def _serve(folder: Path, text: str) -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    env = environment(folder) | {"MLFLOW_PORT": port}
    log = folder / "server.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            ["bash", "-euc", text], cwd=folder, env=env, stdout=out, stderr=out, start_new_session=True
        )
        try:
            _await(f"http://127.0.0.1:{port}/", server, log)
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()
    return log.read_text()


def _await(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                assert answer.status == 200
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)


def _merge(path: Path, changes: dict[str, Any]) -> None:
    params = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(_merged(params, changes), sort_keys=False))


def _merged(old: Any, new: Any) -> Any:
    """Mappings key by key; everything else is replaced."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    return old | {key: _merged(old.get(key), value) for key, value in new.items()}


def _write(folder: Path, text: str) -> None:
    head, _, body = text.partition("\n")
    path = folder / head.removeprefix("# ")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body)
