"""Trajectories: written step by step, read back, played again, shown as a page; keys never stand in them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from agent_parts import QUICK, Seeing, at_work, make_pictures_quick, scripted, some_task
from edgewise.agent.agents import Setting, make_modules
from edgewise.agent.device.device import Device
from edgewise.agent.device.elements import Element, read_tree, write_tree
from edgewise.agent.device.errors import NullRoot
from edgewise.agent.loop import run_agent
from edgewise.agent.modules.interfaces import Decision, Look
from edgewise.agent.perception.plain import PlainPerception
from edgewise.agent.phone.apps.catalogue import packages
from edgewise.agent.showing import page_of, print_summary, told
from edgewise.agent.steps import Step, Watcher
from edgewise.agent.trajectory import (
    FILE,
    HIDDEN,
    Recorder,
    ReplayDevice,
    picture_of,
    read_trajectory,
    replay,
    without_keys,
)
from edgewise.cli.main import main
from edgewise.common.errors import ConfigurationError, EdgewiseError

KEY = "sk-proj-0123456789abcdefghij"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        make_pictures_quick(patch)
        place = tmp_path_factory.mktemp("run") / "trajectory"
        recorder = Recorder(place, "send-message", 3)
        end, truth = at_work(some_task("send-message"), "rules", watchers=[recorder])
        recorder.judged(truth.succeeded)
        assert end.reason == "success"
    return place


def test_a_trajectory_is_read_back_as_it_was(folder: Path) -> None:
    found = read_trajectory(folder)
    task = some_task("send-message")
    assert (found.instruction, found.task, found.seed, found.succeeded) == (task.instruction, task.name, 3, True)
    assert found.reason == "success"
    assert found.modules["decision"] == "rules"
    assert [each.number for each in found.steps] == list(range(len(found.steps)))
    acting = [each for each in found.steps if each.by == "modules"]
    assert [each.reflected.outcome for each in acting if each.reflected] == ["A"] * len(acting)
    assert all(each.latency["decision"] > 0 and each.plan and each.decision for each in acting)
    assert all(each.points for each in acting if each.action and each.action.kind == "tap")
    assert [step for step, _ in replay(folder)] == list(found.steps)
    assert picture_of(folder, found.steps[0]).startswith(b"\x89PNG")


def test_a_device_plays_it_again_with_its_trees(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_pictures_quick(monkeypatch)
    device, recorded = ReplayDevice(folder), read_trajectory(folder)
    assert isinstance(device, Device)
    first = device.screenshot()
    look = Look(first, device.tree(), device.foreground(), device.keyboard_shown())
    assert device.recorded(look) == recorded.steps[0].screen == PlainPerception()(look)
    seen = Seeing()
    end = run_agent(
        recorded.instruction, device, make_modules("rules", Setting()), QUICK, apps=packages(), watchers=[seen]
    )
    assert end.reason == recorded.reason == "success"
    assert [each.action for each in seen.steps] == [each.action for each in recorded.steps]
    assert [each.screen for each in seen.steps] == [each.screen for each in recorded.steps]


def test_gestures_go_on_where_looks_and_waits_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_pictures_quick(monkeypatch)
    decisions = [Decision(kind="press", key="recents"), Decision(kind="wait"), Decision(kind="finish")]
    pressing = scripted([*decisions[:2], Decision(kind="press", key="home"), decisions[2]])
    at_work(some_task("send-message"), pressing, watchers=[Recorder(tmp_path)])
    kept = [(step, png) for step, png in replay(tmp_path)]
    assert [step.action.kind if step.action else "" for step, _ in kept] == ["press", "wait", "press", "", "finish"]
    device = ReplayDevice(tmp_path)
    for place in (0, 1, 3, 4, 4):
        assert device.place == place
        device.press("home")


def test_where_no_tree_was_used_the_fault_is_told(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        if path.suffix != ".xml":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(NullRoot, match="no tree of elements was recorded"):
        ReplayDevice(tmp_path).tree()
    (tmp_path / "step-001.xml").write_text("<hierarchy>")
    with pytest.raises(EdgewiseError, match=r"step-001\.xml: the tree of elements is not XML"):
        ReplayDevice(tmp_path)


def test_a_tree_is_written_as_it_is_read() -> None:
    note = Element(
        'a "b" <c>\nd', "", "app:id/x", "Button", "app", (1, 2, 3, 4), True, False, False, True, True, False, False,
        False, "hint", ())  # fmt: skip
    whole = replace(note, text="", kind="List", scrollable=True, children=(note, note))
    assert read_tree(write_tree(whole)) == whole


def test_a_run_that_is_killed_leaves_what_it_has_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_pictures_quick(monkeypatch)

    class Killed(Exception):
        pass

    class Killing(Watcher):
        def acted(self, step: Step, png: bytes) -> None:
            if step.number == 2:
                raise Killed

    with pytest.raises(Killed):
        at_work(some_task("send-message"), "rules", watchers=[Recorder(tmp_path), Killing()])
    found = read_trajectory(tmp_path)
    assert len(found.steps) == 3
    assert found.reason == ""
    assert "goes on, or was killed" in told(found)
    assert len(list(replay(tmp_path))) == 3


def test_a_folder_that_holds_something_is_not_written_into(folder: Path) -> None:
    before = (folder / FILE).read_bytes()
    with pytest.raises(EdgewiseError, match="is not empty"):
        Recorder(folder)
    assert (folder / FILE).read_bytes() == before


def test_what_is_damaged_is_told_by_file_and_field(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(EdgewiseError, match="No such file"):
        read_trajectory(tmp_path)
    content = json.loads((folder / FILE).read_text())
    content["steps"][1]["screen"]["width"] = 0
    (tmp_path / FILE).write_text(json.dumps(content))
    with pytest.raises(ConfigurationError, match=r"trajectory\.json: steps\.1\.screen\.width = '0'"):
        read_trajectory(tmp_path)
    (tmp_path / FILE).write_text((folder / FILE).read_text()[:500])
    with pytest.raises(ConfigurationError, match=r"trajectory\.json"):
        read_trajectory(tmp_path)
    assert main(["agent", "show", str(tmp_path)]) == 2


@pytest.mark.parametrize("text", [KEY, "Authorization: Bearer abcdef0123456789", "ghp_0123456789abcdefghij"])
def test_what_looks_like_a_key_is_hidden(text: str) -> None:
    assert text not in without_keys(f'{{"why": "{text}"}}')
    assert HIDDEN in without_keys(text)


def test_keys_are_never_in_a_trajectory_or_its_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_pictures_quick(monkeypatch)
    monkeypatch.setenv("MY_MODEL_API_KEY", "correct horse battery")
    file = tmp_path.with_suffix(".key")
    file.write_text("staple of another day\n")
    monkeypatch.setenv("MY_MODEL_KEY_FILE", str(file))
    said = Decision(kind="press", key="recents", why=f"correct horse battery and {KEY}, staple of another day")
    at_work(some_task("send-message"), scripted([said, Decision(kind="answer")], "correct horse battery"),
            watchers=[Recorder(tmp_path)])  # fmt: skip
    page = page_of(read_trajectory(tmp_path), tmp_path)
    assert len(list(tmp_path.glob("*.xml"))) == len(read_trajectory(tmp_path).steps)
    for text in ((tmp_path / FILE).read_text(), page):
        assert "correct horse" not in text
        assert KEY not in text
        assert "staple" not in text
        assert HIDDEN in text


def test_the_page_needs_nothing_else(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    assert main(["agent", "show", str(folder), "--output", str(page)]) == 0
    text = page.read_text()
    addresses = set(re.findall(r"https?://[^\"'\s<]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}, "the name of a namespace, which nobody asks for"
    steps = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])  # type: ignore[index]
    trajectory = read_trajectory(folder)
    assert len(steps) == len(trajectory.steps)
    assert all(each["picture"].startswith("data:image/jpeg;base64,") for each in steps)
    assert [len(each["items"]) for each in steps] == [len(each.screen.items) for each in trajectory.steps]
    said = capsys.readouterr().out
    assert trajectory.instruction in said
    assert "the task was done" in said
    assert main(["agent", "show", str(folder), "--output", "page.txt"]) == 2
    print_summary(trajectory.model_copy(update={"steps": (), "reason": "steps"}))
    assert "the budget of steps is used up" in capsys.readouterr().out
