"""Flower's processes: a SuperLink beside the cloud server, a SuperNode at each edge server.

Nothing leaves a machine but what they say to each other.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from edgewise.common.errors import EdgewiseError
from edgewise.common.files import make_folder, replace_file

LOOPBACK = "127.0.0.1"
ANY = ("0.0.0.0", "")
"""Hosts that stand for all addresses of a machine."""
CONNECTION = "here"
"""Name of the SuperLink in the configuration that Flower's commands read."""
STARTED_S = 90.0
"""How long a SuperLink may take to answer, s."""
ENDED_S = 8.0
"""How long a process may take to end when it is asked to, s."""
POLL_S = 0.1
"""Time between two looks at a process, s."""
SUPEREXEC_POLL_S = "0.2"
"""How often Flower looks for a task to be started, s; its default is 1."""
BUNDLE = """[project]
name = "construction"
version = "1.0.0"
license = "Apache-2.0"
description = "Agents built by edge servers under a contract"
dependencies = []

[tool.flwr.app]
publisher = "edgewise"

[tool.flwr.app.components]
serverapp = "edgewise.construction.cloud_app:app"
clientapp = "edgewise.construction.edge_app:app"

[tool.flwr.app.config]
folder = ""
construction = ""
"""
"""The app that Flower runs; it names what is installed and holds no code of its own."""


@dataclass(frozen=True)
class Security:
    """What protects the connection.

    Attributes:
        ca: certificate of the authority that both sides trust, PEM.
        certificate, key: of the SuperLink, PEM; None on the side of an edge server.
        node_key: private key by which a SuperNode is known, PEM; None on the side of the cloud server.
    """

    ca: Path
    certificate: Path | None = None
    key: Path | None = None
    node_key: Path | None = None


def free_port() -> int:
    """A port of the loopback that nobody listens at."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


class Running:
    """A process of Flower, which ends with this one.

    Args:
        name: in errors.
        command: words.
        home: folder of Flower's own files for it, and of its log.
        address: HOST:PORT by which its own processes, which it detaches from itself, are known.
    """

    def __init__(self, name: str, command: Sequence[str], home: Path, address: str = "") -> None:
        make_folder(home)
        self._address = address
        self.name, self.log = name, home / f"{name}.log"
        wrapped = [sys.executable, "-m", "edgewise.construction.child", str(os.getpid()), *command]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                wrapped, env=environment(home), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def told(self) -> str:
        """The last line of its log that says something."""
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1][-300:] if lines else "without a word"

    def ask_to_stop(self) -> None:
        """Ask it to end, without waiting for it."""
        self._signal(signal.SIGTERM)

    def stop(self) -> None:
        """End it and what it has started, by force if it takes too long."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            end = time.monotonic() + ENDED_S
            if self._signal(number):
                while time.monotonic() < end and (self.alive or self._signal(0)):
                    time.sleep(POLL_S)
        for process in served_by(self._address) if self._address else ():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)

    def _signal(self, number: int) -> bool:
        """Send a signal to its process group, which is its own; whether anybody is left in it."""
        self._process.poll()
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return False
        return True


def served_by(address: str) -> list[int]:
    """Processes of Flower that serve a SuperLink or SuperNode at an address; none where /proc does not tell.

    Flower detaches them, and where nobody reaps orphans they do not see that their parent has ended.
    """
    found, mark = [], b"--runtime-api-address\0" + address.encode() + b"\0"
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if mark in path.read_bytes() + b"\0":
                found.append(int(path.parent.name))
    return found


def environment(home: Path) -> dict[str, str]:
    """Variables of a process of Flower: no telemetry, no look for newer versions, commands of this installation."""
    return {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "FLWR_HOME": str(home),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "FLWR_SUPEREXEC_TASK_POLL_INTERVAL": SUPEREXEC_POLL_S,
    }


def start_superlink(folder: Path, host: str, port: int, security: Security | None) -> Running:
    """Start a SuperLink whose database is a file in the folder, and wait until it answers.

    Args:
        folder: of the cloud server.
        host, port: where it listens.
        security: TLS and authentication of nodes. If None, neither, which is for the loopback alone.

    Raises:
        EdgewiseError: if it does not start.
    """
    home = (folder / "flower").absolute()
    command = ["flower-superlink", "--disable-runtime-dependency-installation", "--host", host, "--port", str(port)]
    command += ["--database", str(home / "superlink.db")]
    if security is None:
        command += ["--insecure"]
    else:
        assert security.certificate is not None
        assert security.key is not None
        command += ["--ssl-ca-certfile", str(security.ca), "--ssl-certfile", str(security.certificate)]
        command += ["--ssl-keyfile", str(security.key), "--enable-supernode-auth"]
    running = Running("superlink", command, home, f"{LOOPBACK if host in ANY else host}:{port}")
    try:
        _await(running, host, port, security)
    except BaseException:
        running.stop()
        raise
    return running


def _await(running: Running, host: str, port: int, security: Security | None) -> None:
    scheme, host = "http" if security is None else "https", LOOPBACK if host in ANY else host
    verify = True if security is None else ssl.create_default_context(cafile=str(security.ca))
    end = time.monotonic() + STARTED_S
    while time.monotonic() < end:
        if not running.alive:
            break
        try:
            if httpx.get(f"{scheme}://{host}:{port}/health", verify=verify, timeout=2.0).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(POLL_S)
    raise EdgewiseError(f"the SuperLink at {host}:{port} does not start: {running.told()}; see {running.log}")


def start_supernode(folder: Path, superlink: str, port: int, security: Security | None) -> Running:
    """Start a SuperNode for the edge server in a folder.

    Args:
        folder: of the edge server.
        superlink: HOST:PORT of the SuperLink.
        port: of the loopback, for its own processes.
        security: certificate of the authority and key of the node. If None, the connection is not protected.
    """
    home = (folder / "flower").absolute()
    command = ["flower-supernode", "--superlink", superlink, "--host", LOOPBACK, "--port", str(port)]
    command += ["--node-config", f'folder="{folder.absolute()}"']
    if security is None:
        command += ["--insecure"]
    else:
        assert security.node_key is not None
        command += ["--root-certificates", str(security.ca), "--auth-supernode-private-key", str(security.node_key)]
    return Running("supernode", command, home, f"{LOOPBACK}:{port}")


def flower(folder: Path, address: str, security: Security | None, words: Sequence[str]) -> dict[str, object]:
    """Give a command of Flower to the SuperLink.

    Args:
        folder: of the cloud server.
        address: HOST:PORT of the SuperLink.
        security: certificate of the authority. If None, the connection is not protected.
        words: of the command.

    Returns:
        What it answers.

    Raises:
        EdgewiseError: if it fails.
    """
    home = (folder / "flower").absolute()
    protection = "insecure = true" if security is None else f'root-certificates = "{security.ca.absolute()}"'
    config = f'[superlink]\ndefault = "{CONNECTION}"\n\n[superlink.{CONNECTION}]\naddress = "{address}"\n{protection}\n'
    replace_file(home / "config.toml", config.encode())
    command = ["flwr", *words, "--format", "json"]
    done = subprocess.run(command, env=environment(home), capture_output=True, text=True, cwd=home, check=False)
    try:
        answer = json.loads(done.stdout[done.stdout.index("{") :])
    except ValueError:
        answer = {"error-message": (done.stderr or done.stdout).strip()[-300:]}
    if done.returncode != 0 or not answer.get("success", True):
        raise EdgewiseError(f"flwr {words[0]}: {' '.join(str(answer.get('error-message', answer)).split())}")
    found: dict[str, object] = answer
    return found


def start_run(folder: Path, address: str, security: Security | None, construction: str) -> None:
    """Let the SuperLink run the ServerApp for a construction.

    Raises:
        EdgewiseError: if it does not.
    """
    bundle = folder / "flower" / "construction"
    make_folder(bundle)
    replace_file(bundle / "pyproject.toml", BUNDLE.encode())
    settings = f'folder="{folder.absolute()}" construction="{construction}"'
    flower(folder, address, security, ["run", str(bundle.absolute()), CONNECTION, "--run-config", settings])
