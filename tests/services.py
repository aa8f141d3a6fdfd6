"""Services on loopback for the length of a test: a database of PostgreSQL, and a bucket of an S3 server."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HOST = "127.0.0.1"
PASSWORD = "of-a-test"


def free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


@contextmanager
def bucket(name: str = "bucket") -> Iterator[str]:
    """The address of a bucket, with the variables that lead clients to its server; skips where it cannot be had."""
    pytest.importorskip("dvc_s3")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(HOST, 0)
    server.start()
    _, port = server.get_host_and_port()
    address = f"http://{HOST}:{port}"
    variables = {"ENDPOINT_URL": address, "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "DEFAULT_REGION": "us-east-1"}
    try:
        with pytest.MonkeyPatch.context() as patch:
            for key, value in variables.items():
                patch.setenv(f"AWS_{key}", value)
            urllib.request.urlopen(urllib.request.Request(f"{address}/{name}", method="PUT")).close()
            yield f"s3://{name}"
    finally:
        server.stop()


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of an empty database; skips where PostgreSQL or its client is not installed."""
    pytest.importorskip("psycopg2")
    found = [path.parent for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))]
    if not found:
        pytest.skip("PostgreSQL is not installed")
    programs, port = found[-1], free_port()
    user = {"user": "postgres"} if os.getuid() == 0 else {}  # it does not run as root
    with tempfile.TemporaryDirectory() as name:
        folder, password, log = Path(name), Path(name) / "password", Path(name) / "log"
        password.write_text(PASSWORD)
        if user:
            shutil.chown(folder, "postgres")
            shutil.chown(password, "postgres")
        words = ["--auth=scram-sha-256", "--username=mlflow", f"--pwfile={password}", "--no-sync"]
        subprocess.run(
            [programs / "initdb", "-D", folder / "data", *words], check=True, cwd="/", stdout=subprocess.DEVNULL, **user
        )
        settings = ("port", port), ("listen_addresses", HOST), ("unix_socket_directories", folder), ("fsync", "off")
        command = [programs / "postgres", "-D", folder / "data", *(f"-c{key}={value}" for key, value in settings)]
        with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=out, cwd="/", **user) as server:
            try:
                _await(port, server, log)
                yield f"postgresql+psycopg2://mlflow:{PASSWORD}@{HOST}:{port}/postgres"
            finally:
                server.send_signal(signal.SIGINT)  # it ends sessions; SIGTERM waits for them


@contextmanager
def mlflow_server(folder: Path, *words: str) -> Iterator[str]:
    """The address of an MLflow server."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1", *words]
    log = folder / "server.log"
    with log.open("w") as out:
        server = subprocess.Popen(command, stdout=out, stderr=out, cwd=folder, start_new_session=True)
    try:
        _await(port, server, log)
        yield f"http://{HOST}:{port}"
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()


def _await(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(480):
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        assert server.poll() is None, log.read_text()
        time.sleep(0.5)
    raise AssertionError(log.read_text())
