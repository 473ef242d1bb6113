"""The live view of the server: what it remembers, and what a browser sees."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn

import served
from browsing import chromium, errors, outside, wait_for_script
from edgewise.serving.application import Server, application
from edgewise.serving.live.earlier import Earlier
from edgewise.serving.live.history import DECISIONS, SESSIONS, STATES, History
from edgewise.serving.live.overview import models_table
from edgewise.serving.settings import Settings
from edgewise.serving.store import Change, DecisionRow, SessionRow

TOWN = ("agent-migration", "town")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, History, httpx.Client]]:
    """A server with its live view, and a client of it."""
    pytest.importorskip("nicegui")
    from edgewise.serving.live.page import mount

    folder = tmp_path_factory.mktemp("live")
    model = served.save_small_policy(folder / "small")
    patch = pytest.MonkeyPatch()
    patch.setattr(
        "edgewise.systems.agent_migration.service.EXPECTED", ()
    )  # programs of other sizes take long to compile
    patch.setattr("edgewise.serving.programs.Programs.make_together", lambda programs, model, size: None)
    database = f"sqlite:///{folder / 'store.sqlite'}"
    server = Server(Settings((str(model),), database=database, deadline_ms=60_000, every_state=True))
    app = application(server)
    history = mount(app, server)
    listening = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", 0, log_level="warning"))
    thread = threading.Thread(target=listening.run, daemon=True)
    thread.start()
    while not (listening.started and server.ready):
        time.sleep(0.05)
        assert thread.is_alive()
    port = listening.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
        opened = client.post(served.SESSIONS, params={"session": "town"}, json={"units": served.UNITS})
        assert opened.status_code == 201, opened.text
        for number in range(3):
            tell(client, number)
        yield server, history, client
    listening.should_exit = True
    thread.join(30)
    patch.undo()


def tell(client: httpx.Client, number: int) -> dict[str, Any]:
    told = client.post(f"{served.SESSIONS}/town/slots", json=served.slot(number))
    assert told.status_code == 200, told.text
    answer: dict[str, Any] = told.json()["answer"]
    return answer


@pytest.mark.slow
def test_a_slot_is_shown_as_it_was_told_and_answered(running: tuple[Server, History, httpx.Client]) -> None:
    server, history, _ = running
    service = server.repository.find("small").service
    assert service is not None
    states = history.states(TOWN)
    assert [each.version for each in states[:4]] == [0, 1, 2, 3]
    assert history.scene(TOWN, 0, service.shown) is None
    scene = history.scene(TOWN, 3, service.shown)
    assert scene is not None
    assert scene.map is not None
    assert scene.time == "slot 3"
    places = {point.key: point.at for point in scene.map.points}
    told = {f"vehicle {each['id']}": tuple(each["position_m"]) for each in served.vehicles(2)}
    assert {key: places[key] for key in told} == told
    assert {f"unit {each['id']}" for each in served.UNITS} <= set(places)
    course = {curve.label: dict(zip(curve.x, curve.y, strict=True)) for curve in scene.curves[0].curves}
    assert course["reported"] == pytest.approx({1.0: 60.0, 2.0: 60.0})
    assert set(course["expected"]) == set(course["expected by the rule"]) == {2.0, 3.0, 4.0}


@pytest.mark.slow
def test_a_server_that_starts_anew_shows_a_session_from_its_beginning(
    running: tuple[Server, History, httpx.Client],
) -> None:
    server, history, _ = running
    service = server.repository.find("small").service
    assert service is not None
    told = history.versions(TOWN)
    again = History(Earlier(server))
    assert again.versions(TOWN) == []
    Earlier(server).remember(again, SESSIONS)
    assert len(again.states(TOWN)) == 1
    assert again.versions(TOWN) == told == list(range(len(told)))
    assert again.scene(TOWN, 2, service.shown) == history.scene(TOWN, 2, service.shown)
    assert again.scene(TOWN, told[-1], service.shown) == history.scene(TOWN, told[-1], service.shown)
    assert again.scene(TOWN, told[-1] + 1, service.shown) is None


@pytest.mark.slow
def test_models_are_told_with_their_versions_and_decisions(running: tuple[Server, History, httpx.Client]) -> None:
    server, history, _ = running
    table = models_table(server, history)
    assert server.repository.find("small").digest[:12] in table
    tally = history.tally("small")
    assert tally is not None
    assert tally.decisions >= 3
    assert f"<td>{tally.decisions}</td>" in table
    assert tally.degraded == 0


def row(name: str, version: int) -> SessionRow:
    return SessionRow(name, "system", "model", version, b"", 0.0)


def decision(degraded: bool, milliseconds: float) -> DecisionRow:
    return DecisionRow("", 0.0, "", "system", "model", "digest", "", "", b"seen", b"done", degraded, "", milliseconds)


def test_what_is_remembered_is_bounded() -> None:
    history = History()
    for version in range(STATES + 5):
        history.add(Change(row("first", version)), version)
    assert [each.version for each in history.states(("system", "first"))] == list(range(5, STATES + 5))
    for number in range(SESSIONS):
        history.add(Change(row(f"other-{number}", 0)), 0)
    assert history.states(("system", "first")) == []
    assert history.sessions()[0] == ("system", f"other-{SESSIONS - 1}")
    assert len(history.sessions()) == SESSIONS
    history.add(Change(row("other-1", 1), removed=True), None)
    assert ("system", "other-1") not in history.sessions()
    for number in range(DECISIONS + 10):
        history.add(Change(row("other-2", number), decision(number % 2 == 0, float(number))), number)
    tally = history.tally("model")
    assert tally is not None
    assert (tally.decisions, tally.degraded) == (DECISIONS, 0.5)
    assert tally.milliseconds == pytest.approx(9.5 + DECISIONS / 2)
    assert history.tally("another") is None


@pytest.fixture
def browser(running: tuple[Server, History, httpx.Client]) -> Iterator[Any]:
    """Headless Chromium on the page, in which a session is seen."""
    with chromium() as chrome:
        chrome.get(f"{running[2].base_url}/")
        yield chrome


@pytest.mark.slow
def test_a_browser_sees_vehicles_move_and_asks_for_nothing_outside(
    running: tuple[Server, History, httpx.Client], browser: Any
) -> None:
    _, _, client = running
    when = "document.querySelector('.when').textContent"
    wait_for_script(browser, when, "slot 3")
    place = "document.querySelector('[data-key=\"vehicle a\"]').getAttribute('transform')"
    before = browser.execute_script(f"return {place}")
    tell(client, 3)
    wait_for_script(browser, when, "slot 4")
    assert browser.execute_script(f"return {place}") != before
    buttons = {button.text: button for button in browser.find_elements("tag name", "button")}
    buttons["◀"].click()
    wait_for_script(browser, when, "slot 3")
    assert browser.execute_script(f"return {place}") == before
    tell(client, 4)
    time.sleep(1.5)
    assert browser.execute_script(f"return {when}") == "slot 3"
    buttons = {button.text: button for button in browser.find_elements("tag name", "button")}
    buttons["Live"].click()
    wait_for_script(browser, when, "slot 5")
    assert browser.execute_script("return performance.getEntriesByType('resource').length")
    assert outside(browser, str(client.base_url)) == []
    assert errors(browser) == []
    browser.set_window_size(390, 844)
    wait_for_script(browser, "document.documentElement.scrollWidth <= window.innerWidth", True)


def test_the_style_and_the_script_come_with_the_package() -> None:
    from edgewise.drawing.scene_svg import SCRIPT, STYLE

    assert "prefers-color-scheme: dark" in STYLE
    assert "prefers-reduced-motion" in SCRIPT
    assert "http" not in STYLE + SCRIPT
