"""A server as a process of its own, and load for it: what `serving.py` measures with."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

Result = TypeVar("Result")
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
SESSIONS = "/v1/agent-migration/sessions"


def slot(number: int, vehicles: int, units: int) -> dict[str, Any]:
    """The request of a slot: vehicles that drive eastward, and what the last one has brought."""
    there = [
        {"id": f"v{i}", "position_m": [100.0 + (240 * i + 90 * number) % 1800, 100.0 + (410 * i) % 1800]}
        for i in range(vehicles)
    ]
    if number == 0:
        return {"vehicles": there}
    packets = {"received": 140, "not_received": 3 + number % 7, "forwarded": 140, "not_forwarded": 3}
    latency = {f"v{i}": 30.0 + (7 * i + number) % 11 for i in range(vehicles)}
    return {"vehicles": there, "report": {"latency_s": latency, "packets": {f"u{k}": packets for k in range(units)}}}


def places(units: int) -> list[dict[str, Any]]:
    """Units on a grid."""
    side = int(np.ceil(np.sqrt(units)))
    step = 2000 / side
    return [
        {
            "id": f"u{k}",
            "position_m": [(k % side + 0.5) * step, (k // side + 0.5) * step],
            "link_rate_mbps": 200,
            "cpu_mhz": 200,
        }
        for k in range(units)
    ]


class Running:
    """`edgewise serve` as a process."""

    def __init__(self, words: list[str], folder: Path, cache: Path | None = None) -> None:
        self.words, self.log = words, folder / "server.log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.variables = {**os.environ, **({} if cache is None else {"EDGEWISE_CACHE": str(cache)})}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start; seconds until it is ready."""
        began = time.perf_counter()
        command = [sys.executable, "-m", "edgewise", "serve", *self.words, "--port", str(self.port), "--log", "warning"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=self.variables)
        while True:
            with contextlib.suppress(OSError):
                if self.get("/v2/health/ready")[0] == 200:
                    return time.perf_counter() - began
            if self.process.poll() is not None:
                raise SystemExit(self.log.read_text())
            time.sleep(0.05)

    def settle(self) -> None:
        """Wait until it does nothing: programs for many questions at a time are compiled when it is ready already."""
        assert self.process is not None
        place, used = Path(f"/proc/{self.process.pid}/stat"), -100
        while (now := sum(map(int, place.read_text().rsplit(")", 1)[1].split()[11:13]))) > used + 10:
            used = now
            time.sleep(1.0)

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of an address."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def post(self, path: str, content: Any = None) -> Any:
        """The answer to a request."""
        body = json.dumps({} if content is None else content).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", body, {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.loads(answer.read())

    def memory_mib(self) -> float:
        """Resident memory, MiB."""
        assert self.process is not None
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS")) / 1024

    def kill(self) -> None:
        """End it without a warning."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __enter__(self) -> Running:
        self.start()
        self.settle()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()


class Answers(asyncio.Protocol):
    """Reads the answers on a connection, one at a time."""

    def __init__(self) -> None:
        self._told = b""
        self._waiting: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()

    async def next(self) -> tuple[int, bytes]:
        """Status and body of the next one."""
        answer = await self._waiting
        self._waiting = asyncio.get_running_loop().create_future()
        return answer

    def data_received(self, data: bytes) -> None:
        self._told += data
        head, end, body = self._told.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if end and length is not None and len(body) >= int(length[1]):
            self._told = b""
            self._waiting.set_result((int(head.split(b" ", 2)[1]), body))

    def connection_lost(self, error: Exception | None) -> None:
        if not self._waiting.done():
            self._waiting.set_exception(error or ConnectionError("the server has closed the connection"))


@dataclass
class Session:
    """A session with a connection of its own. What it tells next is written out before its turn has come."""

    name: str
    vehicles: int
    units: int
    number: int = 0
    answers: Any = None
    transport: Any = None
    following: bytes = b""

    async def open(self, port: int) -> None:
        """Connect, and open the session."""
        loop = asyncio.get_running_loop()
        self.transport, self.answers = await loop.create_connection(Answers, "127.0.0.1", port)
        self.transport.write(request(f"{SESSIONS}?session={self.name}", {"units": places(self.units)}))
        status, body = await self.answers.next()
        if status != 201:
            raise SystemExit(f"{status}: {body!r}")
        self._prepare()

    async def step(self) -> tuple[int, bytes, float]:
        """Tell the next slot; status and body of the answer, and when it had come, by `time.perf_counter`, s."""
        self.transport.write(self.following)
        status, body = await self.answers.next()
        came = time.perf_counter()
        self.number += 1
        self._prepare()
        return status, body, came

    def _prepare(self) -> None:
        self.following = request(f"{SESSIONS}/{self.name}/slots", slot(self.number, self.vehicles, self.units))


def request(path: str, content: Any) -> bytes:
    """A request of HTTP."""
    body = json.dumps(content).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@dataclass
class Load:
    """What came of a load.

    Attributes:
        seconds: of each answer, from when it was due.
        failed: answers of another status than 200.
        degraded: answers of the reference rule.
        policies: answers by the digest that they name.
        late_s: of each request, from when it was due to when it was sent.
        took_s: of the whole.
    """

    seconds: list[float] = field(default_factory=list)
    failed: int = 0
    degraded: int = 0
    policies: dict[str, int] = field(default_factory=dict)
    late_s: list[float] = field(default_factory=list)
    took_s: float = 0.0

    def count(self, seconds: float, status: int, body: bytes) -> None:
        """Count an answer."""
        self.seconds.append(seconds)
        if status != 200:
            self.failed += 1
            return
        told = json.loads(body)
        self.degraded += told["degraded"]
        self.policies[told["policy_sha256"]] = self.policies.get(told["policy_sha256"], 0) + 1

    def figures(self) -> dict[str, Any]:
        """Percentiles in ms, and counts."""
        median, high = np.percentile(self.seconds, [50, 99]) * 1000
        return {
            "requests": len(self.seconds),
            "requests_per_s": len(self.seconds) / self.took_s,
            "median_ms": float(median),
            "p99_ms": float(high),
            **({"sent_late_ms": float(1000 * np.median(self.late_s))} if self.late_s else {}),
            "failed": self.failed,
            "degraded": self.degraded,
        }


def carried_out(load: Coroutine[Any, Any, Result]) -> Result:
    """The result of a load. Its timers are those of `select`, late by microseconds, where those of epoll are by a millisecond."""
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        return runner.run(load)


async def open_sessions(port: int, count: int, vehicles: int, units: int, start: str) -> list[Session]:
    """Sessions that have told a first slot."""
    sessions = [Session(f"{start}{i}", vehicles, units) for i in range(count)]
    for session in sessions:
        await session.open(port)
        await session.step()
    return sessions


async def at_rate(sessions: list[Session], rate: float, seconds: float) -> Load:
    """Requests at even times, whether or not earlier ones are answered; each session waits for its own last answer."""
    load, began = Load(), time.perf_counter()
    turns = [asyncio.Lock() for _ in sessions]

    async def one(place: int, due: float) -> None:
        async with turns[place]:
            load.late_s.append(time.perf_counter() - due)
            status, body, came = await sessions[place].step()
        load.count(came - due, status, body)

    tasks = []
    for number in range(int(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.ensure_future(one(number % len(sessions), due)))
    await asyncio.gather(*tasks)
    load.took_s = time.perf_counter() - began
    return load


async def as_fast_as_can_be(sessions: list[Session], seconds: float) -> Load:
    """Every session tells a slot as soon as the last one is answered."""
    load, began = Load(), time.perf_counter()

    async def one(session: Session) -> None:
        while (now := time.perf_counter()) < began + seconds:
            status, body, came = await session.step()
            load.count(came - now, status, body)

    await asyncio.gather(*map(one, sessions))
    load.took_s = time.perf_counter() - began
    return load
