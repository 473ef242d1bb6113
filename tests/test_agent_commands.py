"""The commands `edgewise agent ...`, in this process and, slowly, on the simulated phone behind the genuine adb."""

from __future__ import annotations

import io
import json
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from agent_parts import make_pictures_quick, some_task
from edgewise.agent.agents import AGENTS, Setting, make_modules, read_options
from edgewise.agent.commands.run import changes
from edgewise.agent.device.adb import Output, find_adb
from edgewise.agent.device.adb_device import AdbDevice
from edgewise.agent.device.errors import AdbMissing
from edgewise.agent.phone.faults import read_faults
from edgewise.agent.phone.server.server import serving
from edgewise.agent.phone.session import Session
from edgewise.agent.phone.tasks.task import Task
from edgewise.agent.trajectory import read_trajectory
from edgewise.agent.truth import Truth
from edgewise.cli.main import main
from edgewise.common.errors import ConfigurationError, EdgewiseError


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    make_pictures_quick(monkeypatch)


@pytest.mark.usefixtures("quick")
def test_a_task_of_the_simulated_phone_is_done_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    words = ["agent", "run", "--task", "start-timer", "--seed", "2", "--language", "fr", "--out", str(out)]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "Start a timer of 5 minutes" in said
    assert "shown: clock, timer" in said
    assert "timer: 5 instead of 0" in said
    assert "task: done" in said
    assert read_trajectory(out).succeeded is True
    assert main(words) == 1
    assert "is not empty" in capsys.readouterr().err
    assert main(["agent", "show", str(out)]) == 0
    assert (out / "trajectory.html").exists()


@pytest.mark.usefixtures("quick")
def test_an_instruction_of_ones_own_is_done_on_a_phone_that_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agent", "run", "Set a new alarm at 07:05", "--seed", "4", "--modules", "rules"]) == 0
    assert "alarms: with Alarm(number=" in capsys.readouterr().out
    assert main(["agent", "run", "Paint the ceiling"]) == 1
    assert "end: infeasible" in capsys.readouterr().out


@pytest.mark.usefixtures("quick")
def test_what_cannot_be_undone_is_asked_on_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["agent", "run", "--task", "delete-alarm", "--seed", "2", "--language", "de", "--ask"]
    for answer, code in (("n\n", 1), ("", 1), ("y\n", 0)):
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        assert main(words) == code
        said = capsys.readouterr().out
        assert "may not be undone: deleting" in said
        assert ("end: refused" in said) == (code == 1)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run"], "instruction, task = 'none'"),
        (["run", "Turn Wi-Fi off", "--task", "turn-setting"], "instruction, task = 'both'"),
        (["run", "--task", "send-plaice"], "did you mean send-place?"),
        (["run", "x", "--modules", "no-such"], "an agent's folder"),
        (["run", "x", "--modules", "oracle"], "give --task"),
        (["run", "x", "--faults", "rain"], "faults = 'rain'"),
        (["run", "x", "--max-steps", "0"], "steps = 0"),
        (["run", "x", "--yes", "--ask"], "yes, ask"),
        (["run", "x", "--device", "127.0.0.1:1", "--task", "turn-setting"], "instruction, task"),
        (["run", "x", "--device", "127.0.0.1:1", "--page", "8085"], "page = 8085"),
        (["run", "x" * 600], "1 to 500 characters"),
        (["run", "x", "--option", "model"], "NAME=VALUE"),
        (["evaluate", "--episodes", "0"], "episodes = 0"),
        (["evaluate", "--kinds", "send-plaice", "--suite", "complex"], "did you mean send-place?"),
        (["evaluate", "--suite", "miniwob", "--forced"], "left out for pages"),
        (["evaluate", "--labels", "no-such-folder"], "holds no trajectory"),
        (["show", "no-such-folder"], "No such file"),
        (["frobnicate"], "agent = 'frobnicate'"),
    ],
)
def test_what_is_not_allowed_is_told_in_one_line(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["agent", *words]) in (1, 2)
    error = capsys.readouterr().err
    assert told in error
    assert len(error.strip().splitlines()) == 1


@pytest.mark.usefixtures("quick")
def test_evaluate_writes_figures_and_episodes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def few(*given: object) -> list[Task]:
        return [some_task("show-contact"), some_task("show-note")]

    monkeypatch.setattr("edgewise.agent.evaluate.draw_tasks", few)
    file = tmp_path / "found.json"
    words = ["agent", "evaluate", "--suite", "simple", "--modules", "rules", "--forced", "--json", str(file)]
    assert main(words) == 0
    found = json.loads(file.read_text())
    assert found["tasks"] == 2
    assert found["figures"]["success"]["value"] == found["forced"]["decisions"]["value"] == 1.0
    assert set(found["kinds"]) == {"show-contact", "show-note"}
    assert found["episodes"][0]["reason"] == "success"
    said = capsys.readouterr()
    assert "DA, whole actions as good as the oracle's" in said.out
    assert "show-note, seed 0: done" in said.err


def test_agents_are_found_by_name_or_folder(tmp_path: Path) -> None:
    assert {"oracle", "random", "rules", "vlm"} <= set(AGENTS.names())
    with pytest.raises(ConfigurationError, match="an agent's folder"):
        make_modules(str(tmp_path / "none"), Setting())
    with pytest.raises(EdgewiseError):
        make_modules(str(tmp_path), Setting())
    assert read_options(["model=a=b"]) == {"model": "a=b"}


def test_changes_of_the_phone_are_told() -> None:
    task = some_task("turn-setting")
    after = task.subgoals[-1].world
    assert after is not None
    assert len(changes(task.start.world, after)) == 2
    assert changes(after, after) == []


@pytest.mark.parametrize(
    ("said", "code", "found"),
    [
        (
            b"2 activities found:\n  Activity #0:\n    org.a.b/.Main\n    org.c/org.c.Start\n",
            0,
            ("org.a.b", "org.c"),
        ),
        (b"Unknown command: query-activities\n", 255, ("org.x", "org.y")),
    ],
)
def test_apps_that_a_launcher_shows_are_told_else_all(said: bytes, code: int, found: tuple[str, ...]) -> None:
    class Fake:
        def shell(self, *words: str) -> Output:
            return Output(said, b"", code)

        def checked(self, *words: str) -> str:
            return "package:org.y\npackage:org.x\n"

    device = AdbDevice.__new__(AdbDevice)
    device.adb = Fake()  # type: ignore[assignment]
    assert device.packages() == found


def adb_program() -> str | None:
    try:
        return find_adb()
    except AdbMissing:
        return shutil.which("adb")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
@pytest.mark.skipif(adb_program() is None, reason="no adb is installed: the extra `agent`")
@pytest.mark.parametrize("faults", ["", "offline@9-9,slow-transition=0.3,truncated-png=0.1"])
def test_an_agent_does_a_task_behind_the_genuine_adb(faults: str, tmp_path: Path) -> None:
    task, server = some_task("show-contact"), free_port()
    session = Session(task.start, read_faults(faults), seed=1)
    truth = Truth(session, task)
    program = adb_program()
    assert program is not None
    with serving(session) as port:
        words = ["agent", "run", task.instruction, "--device", f"127.0.0.1:{port}", "--server-port", str(server)]
        try:
            assert main([*words, "--yes", "--modules", "rules", "--out", str(tmp_path / "run")]) == 0
        finally:
            subprocess.run([program, "-P", str(server), "kill-server"], check=False, capture_output=True, timeout=30)
    assert truth.succeeded
    assert session.plan.struck["offline"] == bool(faults)
    assert read_trajectory(tmp_path / "run").device == f"127.0.0.1:{port}"


def test_what_a_package_brings_and_cannot_be_loaded_is_told_with_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def find(name: str, more: str = "") -> object:
        try:
            raise ModuleNotFoundError("No module named 'crypto'", name="crypto")
        except ModuleNotFoundError as error:
            raise EdgewiseError("cannot be loaded") from error

    monkeypatch.setattr(AGENTS, "find", find)
    monkeypatch.setattr(AGENTS, "names", lambda: ("trained",))
    assert main(["agent", "run", "Show the contact Ana", "--modules", "trained"]) != 0
    assert "pip install '.[agent]'" in capsys.readouterr().err
