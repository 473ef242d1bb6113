"""The server on Ray Serve."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

import served
from edgewise.common.client import Client
from edgewise.common.errors import ConfigurationError
from edgewise.serving.replicas import serve_on_ray
from edgewise.serving.settings import Settings


def test_replicas_need_a_database_that_they_can_share() -> None:
    with pytest.raises(ConfigurationError, match=r"database = 'sqlite:.*PostgreSQL"):
        serve_on_ray(Settings(ray=True, replicas=2))


@pytest.mark.slow
def test_ray_serves_the_same_application(tmp_path: Path) -> None:
    pytest.importorskip("ray.serve", reason="Ray Serve is not installed (extra ray)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    model = str(served.save_small_policy(tmp_path / "small"))
    database = f"sqlite:///{tmp_path / 'store.sqlite'}"
    words = [
        "serve",
        model,
        "--ray",
        "--replicas",
        "1",
        "--port",
        port,
        "--database",
        database,
        "--deadline-ms",
        "60000",
    ]
    log = (tmp_path / "log").open("w")
    process = subprocess.Popen([sys.executable, "-m", "edgewise", *words], stdout=log, stderr=log)
    try:
        with Client(f"http://127.0.0.1:{port}", patience_s=120) as client:
            name = client.post(served.SESSIONS, {"units": served.UNITS})["session"]
            told = client.post(f"{served.SESSIONS}/{name}/slots", served.slot(0))
        assert set(told["answer"]["vehicles"]) == set("abc")
        assert not told["degraded"]
        process.terminate()
        assert process.wait(60) == 0, (tmp_path / "log").read_text()
    finally:
        process.kill()
        process.wait()
