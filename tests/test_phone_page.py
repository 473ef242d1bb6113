"""The command that simulates a phone, and its page in a browser: a person taps and types."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from browsing import chromium, wait_for
from edgewise.agent.phone.core import Open, Tap, draw_phone, step, view
from edgewise.cli.main import main

START = draw_phone(3, "en")
pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def page() -> Iterator[tuple[str, int]]:
    """Address of the page of a phone that a command simulates, and the port for adb."""
    web, port = free_port(), free_port()
    words = ["phone", "simulate", "--port", str(port), "--page", str(web), "--seed", "3", "--language", "en"]
    with subprocess.Popen([sys.executable, "-m", "edgewise", *words], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == f"adb connect 127.0.0.1:{port}\n"
            address = process.stdout.readline().strip()
            wait_for(lambda: reachable(web))
            yield address, port
        finally:
            process.terminate()
            process.wait(20)


def reachable(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def chrome(page: tuple[str, int]) -> Iterator[Any]:
    with chromium(1000, 1100) as browser:
        browser.get(page[0])
        yield browser


def click(browser: Any, x: int, y: int) -> None:
    """Click the pixel of the phone on the page."""
    from selenium.webdriver.common.action_chains import ActionChains

    image = browser.find_element("css selector", ".phone img")
    wide, high = image.size["width"], image.size["height"]
    right, down = round(x / 1080 * wide - wide / 2), round(y / 2400 * high - high / 2)
    ActionChains(browser).move_to_element_with_offset(image, right, down).click().perform()


def test_a_person_taps_and_types_on_the_page(chrome: Any) -> None:
    wait_for(lambda: "launcher: home" in chrome.page_source)
    wait_for(lambda: (chrome.find_element("css selector", ".phone img").size["height"]) > 500)
    tile = next(each for each in view(START).widgets if each.event is not None and each.event.name == "notes")
    click(chrome, *tile.middle)
    wait_for(lambda: "notes: list · 1 gestures" in chrome.page_source)
    opened = step(START, Open("notes"))
    field = next(each for each in view(opened).widgets if each.part.kind == "field")
    before = chrome.find_element("css selector", ".phone img").get_attribute("src")
    click(chrome, *field.middle)
    wait_for(lambda: chrome.find_element("css selector", ".phone img").get_attribute("src") != before)
    chrome.find_element("css selector", "input").send_keys("zzz")
    next(each for each in chrome.find_elements("css selector", "button") if each.text == "Type").click()
    wait_for(lambda: "3 gestures" in chrome.page_source)
    assert step(opened, Tap(*field.middle)).focus


def test_a_port_that_is_taken_is_told(page: tuple[str, int], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["phone", "simulate", "--port", str(page[1]), "--page", "0"]) == 1
    assert f"port {page[1]} of 127.0.0.1 cannot be used" in capsys.readouterr().err
    assert main(["phone", "simulate", "--faults", "no-such-fault"]) == 2
    assert main(["phone", "frobnicate"]) == 2
