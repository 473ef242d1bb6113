"""Recorded requests for a policy server: what is told of them, in which order, and what becomes of them."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.cli.main import main
from edgewise.common.client import Client
from edgewise.systems.service_selection.drive.day import Day, Log, Task
from edgewise.systems.service_selection.sampling import running_time

CAPACITY = {"large": 300.0, "small": 200.0}
LASTING = float(running_time(jnp.asarray(200.0)))


class Server(Client):
    """Puts tasks wherever there is room, and holds whoever asks to the clock."""

    def __init__(self) -> None:
        self.running: dict[str, tuple[str, float]] = {}
        self.told: list[tuple[str, dict[str, Any]]] = []

    def post(self, path: str, content: Any, **query: str) -> dict[str, Any]:
        word = path.rsplit("/", 1)[1]
        assert path == f"/v1/service-selection/sessions/day/{word}"
        assert not self.told or content["time_s"] >= self.told[-1][1]["time_s"]
        self.told.append((word, content))
        return {"answer": getattr(self, word)(content), "degraded": len(self.told) == 1}

    def assign(self, content: dict[str, Any]) -> dict[str, Any]:
        for name, capacity in CAPACITY.items():
            used = sum(steps for place, steps in self.running.values() if place == name)
            if used + content["steps"] <= capacity:
                self.running[content["task"]] = name, content["steps"]
                return {"provider": name}
        return {"provider": None}

    def complete(self, content: dict[str, Any]) -> dict[str, Any]:
        self.running.pop(content["task"])
        return {}


class Curves:
    def observed(self, provider: int, steps: float) -> float:
        return (0.5, 0.25)[provider]

    def best(self, steps: float) -> float:
        return 0.5


def quiet(done: int, log: Log) -> None:
    pass


def test_tasks_wait_for_room_in_turn_and_are_told_of_when_they_end() -> None:
    server = Server()
    tasks = [Task(f"t{number}", 10.0 * number, 200.0) for number in range(4)]
    log = Day(server, "day", list(CAPACITY), Curves()).run(tasks, quiet)
    done = [(content["task"], content["time_s"]) for word, content in server.told if word == "complete"]
    assert done == [("t0", LASTING), ("t1", LASTING + 10), ("t2", 2 * LASTING), ("t3", 2 * LASTING + 10)]
    np.testing.assert_allclose(log.waited_s, [0, 0, LASTING - 20, LASTING - 20])
    assert log.quality == [0.5, 0.25, 0.5, 0.25]
    assert log.done_at == {"large": 2, "small": 2}
    assert log.best == [0.5] * 4
    assert log.degraded == 1
    assert not server.running


def test_mistakes_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drive", "requests", "nowhere.csv"]) != 0
    assert "nowhere.csv" in capsys.readouterr().err
    assert main(["drive", "requests", "bursty", "--tasks", "0"]) == 2
    assert "tasks = 0" in capsys.readouterr().err
