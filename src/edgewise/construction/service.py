"""A construction as a service: processes that are begun again when they end, until the books are closed."""

from __future__ import annotations

import fcntl
import json
import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from edgewise.common.errors import EdgewiseError
from edgewise.common.files import make_folder, replace_file
from edgewise.construction.books import Books
from edgewise.construction.layout import ALLOWED, LOCK, OUTCOME, WORKING
from edgewise.construction.processes import (
    ANY,
    LOOPBACK,
    Running,
    Security,
    flower,
    start_run,
    start_superlink,
    start_supernode,
)
from edgewise.construction.terms import PERIODS

POLL_S = 0.5
"""Time between two looks at books and processes, s."""
GRACE_S = 120.0
"""How long a ServerApp may take to begin, s."""
ATTEMPTS = 20
"""How often processes are begun again before a construction is given up."""
FREED_S = 20.0
"""How long the port of a SuperLink that was killed is waited for, s."""
LOOK_S = 5.0
"""Time between two looks at a SuperNode's log, s."""
STUCK_S = 45.0
"""How long a ClientApp may take from its message to the begin of its work, s."""
RECEIVED, SENT = b"Receiving: ", b"Sending: "
"""What a SuperNode's log says of a message and of its answer."""
STEPS = 3
"""Of a server in a period: chosen, delivered, told."""
Report = Callable[[int, str], None]


def steps_done(books: Books, name: str) -> int:
    """Steps of a construction that stand in the books, of `STEPS` for each server and period."""
    rows = books.rows(name)
    return sum(1 + (row["digest"] is not None or row["verdict"] is not None) + bool(row["told"]) for row in rows)


class CloudService:
    """A SuperLink, and a ServerApp that it runs, for one construction.

    Args:
        folder: of the cloud server, whose books hold the construction.
        name: of the construction.
        host, port: where edge servers reach it.
        security: TLS and authentication; None on the loopback.
        admitted: public files of the edge servers that may take part; None for all.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        host: str,
        port: int,
        security: Security | None,
        admitted: list[dict[str, str]] | None,
    ) -> None:
        self.folder, self.name, self.host, self.port, self.security = folder, name, host, port, security
        self.admitted = admitted
        self._link: Running | None = None
        self._begun, self._held, self._attempts = 0.0, False, 0

    @property
    def address(self) -> str:
        """HOST:PORT of the SuperLink as this machine reaches it."""
        return f"{LOOPBACK if self.host in ANY else self.host}:{self.port}"

    def start(self) -> None:
        """Start the SuperLink and let edge servers in.

        Raises:
            EdgewiseError: if it does not start.
        """
        (self.folder / OUTCOME).unlink(missing_ok=True)
        if self.admitted is not None:
            replace_file(self.folder / ALLOWED, json.dumps([each["edge"] for each in self.admitted]).encode())
        self._start_link()

    def _start_link(self) -> None:
        await_port(self.host, self.port)
        self._link = start_superlink(self.folder, self.host, self.port, self.security)
        for each in self.admitted or []:
            key = self.folder / "flower" / "node.pub"
            replace_file(key, each["node"].encode())
            try:
                flower(self.folder, self.address, self.security, ["supernode", "register", str(key.absolute()), "here"])
            except EdgewiseError as error:
                if "already" not in str(error):
                    raise

    def run(self, report: Report) -> None:
        """Carry the construction out, whatever is killed on the way.

        Args:
            report: told of the steps that are done.

        Raises:
            EdgewiseError: if it cannot be carried out.
        """
        self._run_app()
        books = Books(self.folder)
        while not (self.folder / OUTCOME).exists():
            report(steps_done(books, self.name), self._where(books))
            self._mend()
            time.sleep(POLL_S)
        outcome = json.loads((self.folder / OUTCOME).read_bytes())
        if outcome["error"] is not None:
            raise EdgewiseError(outcome["error"])
        report(steps_done(books, self.name), "done")
        books.close()

    def ask_to_stop(self) -> None:
        """Ask what was started to end, without waiting for it."""
        if self._link is not None:
            self._link.ask_to_stop()

    def stop(self) -> None:
        """End what was started."""
        if self._link is not None:
            self._link.stop()

    def _where(self, books: Books) -> str:
        if not books.edges(self.name):
            return "waiting for edge servers"
        period = min(len(books.periods(self.name)) + 1, len(PERIODS))
        rows = books.rows(self.name, period)
        awaited = any(row["rounds_promised"] and row["digest"] is None and row["verdict"] is None for row in rows)
        return f"period {period}, {'building' if awaited or not rows else 'judging'}"

    def _mend(self) -> None:
        """Begin again what has ended."""
        assert self._link is not None
        if not self._link.alive:
            self._count("the SuperLink", self._link)
            self._link.stop()
            self._start_link()
            self._run_app()
            return
        held = is_locked(self.folder / LOCK)
        lost = (self._held and not held) or (not held and time.monotonic() - self._begun > GRACE_S)
        self._held = held
        if lost and not (self.folder / OUTCOME).exists():
            self._count("the ServerApp", self._link)
            self._run_app()

    def _count(self, what: str, link: Running) -> None:
        self._attempts += 1
        if self._attempts > ATTEMPTS:
            raise EdgewiseError(f"{what} has ended {ATTEMPTS} times: {link.told()}; see {link.log}")

    def _run_app(self) -> None:
        start_run(self.folder, self.address, self.security, self.name)
        self._begun, self._held = time.monotonic(), False


class EdgeService:
    """A SuperNode that is begun again when it ends, or waits for a ClientApp that is no more.

    Flower's SuperNode answers for a ClientApp that was killed at work, and starts one again that was killed before it had its
    task; but for one that was killed when it had its task and not yet its message it waits for ever, as
    `benchmarks/supernode_waits.py` shows. Beginning it again loses nothing: the cloud server sends the message once more.

    Args:
        folder: of the edge server.
        superlink: HOST:PORT.
        port: of the loopback for its own processes.
        security: as `start_supernode` takes it.
    """

    def __init__(self, folder: Path, superlink: str, port: int, security: Security | None) -> None:
        self.folder = folder
        self._start = partial(start_supernode, folder, superlink, port, security)
        self._node: Running | None = None
        self._attempts = 0
        self._log_start = 0
        self._last_moved = self._next_look = 0.0
        self._seen = (0, 0)

    def check(self) -> None:
        """Start the SuperNode unless it runs and does its work.

        Raises:
            EdgewiseError: if it has ended too often.
        """
        if self._node is not None and self._node.alive and not self._stuck(self._node):
            return
        if self._node is not None:
            self._attempts += 1
            if self._attempts > ATTEMPTS:
                raise EdgewiseError(
                    f"the SuperNode has ended {ATTEMPTS} times: {self._node.told()}; see {self._node.log}"
                )
            self._node.stop()
        self._node = self._start()
        self._log_start = self._node.log.stat().st_size
        self._seen, self._last_moved = (0, 0), time.monotonic()

    def _stuck(self, node: Running) -> bool:
        """Whether it has received a message that nobody works on, for long."""
        now = time.monotonic()
        if now < self._next_look:
            return False
        self._next_look = now + LOOK_S
        with node.log.open("rb") as stream:
            stream.seek(self._log_start)
            said = stream.read()
        seen = said.count(RECEIVED), said.count(SENT)
        if seen != self._seen or seen[0] <= seen[1] or is_locked(self.folder / WORKING):
            self._seen, self._last_moved = seen, now
        return now - self._last_moved > STUCK_S and seen[0] > seen[1]

    def ask_to_stop(self) -> None:
        """Ask the SuperNode to end, without waiting for it."""
        if self._node is not None:
            self._node.ask_to_stop()

    def stop(self) -> None:
        """End the SuperNode."""
        if self._node is not None:
            self._node.stop()


def await_port(host: str, port: int) -> None:
    """Wait until a port is free, for a process that was killed holds it a little longer.

    Raises:
        EdgewiseError: if it stays taken.
    """
    end = time.monotonic() + FREED_S
    while True:
        try:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
                return
        except OSError as error:
            if time.monotonic() > end:
                raise EdgewiseError(f"{host}:{port}: cannot be listened at: {error.strerror}") from None
        time.sleep(POLL_S)


def is_locked(path: Path) -> bool:
    """Whether a living process holds a lock on a file."""
    make_folder(path.parent)
    with path.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(stream, fcntl.LOCK_UN)
        return False
