"""Pages of an agent in a browser: the phone while an agent operates it, and a trajectory step by step."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent_parts import at_work, make_pictures_quick, some_task
from browsing import chromium, errors, narrow, outside, wait_for, wait_for_script
from edgewise.agent.showing import page_of
from edgewise.agent.trajectory import Recorder, Trajectory, read_trajectory

FITS = "document.documentElement.scrollWidth <= window.innerWidth"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def wide(browser: Any) -> Any:
    """The browser, as wide as a computer's, with nothing on its console."""
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.get("about:blank")
    browser.get_log("browser")
    return browser


def test_the_page_of_a_run_shows_the_phone_move(wide: Any) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    words = ["agent", "run", "--task", "send-message", "--seed", "3", "--language", "en", "--page", port]
    with subprocess.Popen([sys.executable, "-m", "edgewise", *words], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address == f"http://127.0.0.1:{port}"
            wide.get(address)
            shown: dict[str, str] = {}

            def at_the_end() -> bool:
                page = "[document.body.innerText, document.querySelector('.phone img')?.src]"
                text, picture = wide.execute_script(f"return {page}")
                place = next((line for line in text.splitlines() if line.endswith(" gestures")), "")
                shown.setdefault(place, picture)
                return place == "messages: chat · 5 gestures"

            wait_for(at_the_end)
            assert len(set(shown.values())) >= 3, "the picture of the phone is another after a step"
            said = ""
            while "the page stays" not in said:
                said = process.stdout.readline()
                assert said, "the command has ended"
            wait_for_script(wide, "document.querySelector('.said').innerText.includes('end: success')", True)
            assert outside(wide, address) == []
            assert errors(wide) == []
            assert wide.execute_script(f"return {FITS}")
            narrow(wide)
            wait_for_script(wide, FITS, True)
            assert wide.execute_script("return document.querySelector('.phone img').clientWidth") > 300
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture(scope="module")
def trajectory(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trajectory, Path]:
    """A run that looks something up and writes it, and its page."""
    folder = tmp_path_factory.mktemp("shown")
    with pytest.MonkeyPatch.context() as patch:
        make_pictures_quick(patch)
        at_work(some_task("send-place"), "rules", watchers=[Recorder(folder / "run")])
    found = read_trajectory(folder / "run")
    page = folder / "page.html"
    page.write_text(page_of(found, folder / "run"))
    return found, page


def test_a_trajectory_is_gone_through_by_keys_and_buttons(wide: Any, trajectory: tuple[Trajectory, Path]) -> None:
    from selenium.webdriver.common.keys import Keys

    found, page = trajectory
    last = len(found.steps) - 1
    wide.get(page.as_uri())
    body = wide.find_element("tag name", "body")

    def at(step: int) -> None:
        wait_for_script(wide, "document.querySelector('output').textContent", f"step {step} of {last}", 5)
        boxes = len(found.steps[step].screen.items)
        assert wide.execute_script("return document.querySelectorAll('#phone .box').length") == boxes

    at(0)
    for key, step in (
        (Keys.ARROW_LEFT, 0),
        (Keys.ARROW_RIGHT, 1),
        (Keys.PAGE_DOWN, 2),
        (Keys.END, last),
        (Keys.ARROW_RIGHT, last),
        (Keys.PAGE_UP, last - 1),
        (Keys.HOME, 0),
    ):
        body.send_keys(key)
        at(step)
    for button, step in (("on", 1), ("on", 2), ("back", 1)):
        wide.find_element("id", button).click()
        at(step)
    wide.find_element("id", "boxes").click()
    assert wide.find_elements("css selector", "#phone .box") == []
    assert wide.find_elements("css selector", "#phone image")
    body.send_keys(Keys.END)
    assert found.steps[-1].facts[0].text in wide.find_element("id", "rest").text
    assert outside(wide) == []
    assert errors(wide) == []


def test_the_page_of_a_trajectory_is_read_on_a_phone_and_in_the_dark(
    wide: Any, trajectory: tuple[Trajectory, Path]
) -> None:
    found, page = trajectory
    wide.get(page.as_uri())
    narrow(wide)
    colours = []
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        wide.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        colours.append(wide.execute_script("return getComputedStyle(document.body).backgroundColor"))
    wide.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert colours[0] != colours[1]
    for _ in found.steps:
        assert wide.execute_script(f"return {FITS}")
        wide.find_element("id", "on").click()
    assert errors(wide) == []
