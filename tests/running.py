"""Servers as processes of their own, and a PostgreSQL for them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Running:
    """`edgewise serve` as a process.

    Args:
        words: of the command line, without the port.
        folder: for its log.
        variables: of the environment, beside those of this process.
    """

    def __init__(self, words: list[str], folder: Path, variables: dict[str, str] | None = None) -> None:
        self.words, self.log, self.port = words, folder / "server.log", free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.variables = {**os.environ, **(variables or {})}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float = 300.0) -> float:
        """Start, and wait until it is ready; the seconds that took."""
        began = time.monotonic()
        command = [sys.executable, "-m", "edgewise", "serve", *self.words, "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=self.variables)
        while True:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.address}/v2/health/ready", timeout=5).status_code in (200, 401):
                    return time.monotonic() - began
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() - began < seconds, self.log.read_text()
            time.sleep(0.1)

    def kill(self) -> None:
        """End it without a warning."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(60)

    def __enter__(self) -> Running:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL server of Debian's in a temporary folder, for the time of a test; its URL."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not places:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    programs, port = places[-1].parent, free_port()
    data = Path(tempfile.mkdtemp())
    user: list[str] = []
    if os.getuid() == 0:  # it refuses to run as root
        user = ["runuser", "-u", "postgres", "--"]
        shutil.chown(data, "postgres")
    subprocess.run(
        [*user, programs / "initdb", "-D", data, "-A", "trust", "-U", "edgewise"], check=True, capture_output=True
    )
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    control = [*user, programs / "pg_ctl", "-D", data, "-w", "-l", data / "log"]
    subprocess.run([*control, "-o", options, "start"], check=True, capture_output=True)
    try:
        yield f"postgresql+psycopg://edgewise@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True)
        shutil.rmtree(data)
