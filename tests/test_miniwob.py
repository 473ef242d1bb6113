"""Pages of MiniWoB++ as a device, and behind the adb of others: one browser for all of it."""

from __future__ import annotations

import contextlib
import io
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from edgewise.agent.agents import Setting
from edgewise.agent.device.adb_device import AdbDevice
from edgewise.agent.device.coordinates import Point
from edgewise.agent.device.device import Device
from edgewise.agent.device.elements import Element
from edgewise.agent.device.errors import DeviceOffline, TypingFailed
from edgewise.agent.miniwob.browser import VARIABLE, Browser, BrowserMissing, find_chromium
from edgewise.agent.miniwob.device import PACKAGE, PageDevice
from edgewise.agent.miniwob.episode import begin, result
from edgewise.agent.miniwob.evaluate import CONDUCT, PageEpisode, evaluate_miniwob, play
from edgewise.agent.miniwob.learned import learned, moment_of
from edgewise.agent.miniwob.lessons import FIRST_SEED, Lesson, lessons, read_lessons, write_lessons
from edgewise.agent.miniwob.session import PageSession
from edgewise.agent.miniwob.tasks import TASKS, page
from edgewise.agent.miniwob.teacher import TEACHERS, Page
from edgewise.agent.modules.chance import chance
from edgewise.agent.modules.interfaces import Decision, Situation
from edgewise.agent.modules.learned.choices import decision_of
from edgewise.agent.modules.learned.texts import candidates
from edgewise.agent.phone.server.server import serving
from edgewise.agent.screen import Item, Screen
from edgewise.common.errors import ConfigurationError, EdgewiseError

pytest.importorskip("miniwob", reason="miniwob is not installed: the extra `miniwob`")
CHROMIUM = any(shutil.which(each) for each in ("chromium", "chromium-browser", "google-chrome"))
needs_browser = pytest.mark.skipif(not CHROMIUM, reason="no Chromium on PATH")


def test_every_task_has_a_page() -> None:
    assert len(set(TASKS)) == 91
    assert all(page(each).is_file() for each in TASKS)
    with pytest.raises(ConfigurationError, match="task = '\\.\\./core'"):
        page("../core")


def test_without_a_browser_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "/no/such/chromium")
    with pytest.raises(BrowserMissing, match="there is no /no/such/chromium: install Chromium"):
        find_chromium()


@pytest.fixture(scope="module")
def device() -> Iterator[PageDevice]:
    with Browser() as browser:
        yield PageDevice(browser)


def found(device: PageDevice, **wanted: object) -> Element:
    """The one element with these attributes."""
    (each,) = [
        one for one in device.tree().walk() if all(getattr(one, name) == value for name, value in wanted.items())
    ]
    return each


def processes_of(profile: str) -> list[str]:
    """Processes whose command line names a browser's profile."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if profile.encode() in each.read_bytes():
                found.append(each.parent.name)
    return found


@pytest.mark.slow
@needs_browser
class TestPages:
    def test_a_page_is_a_device(self, device: PageDevice) -> None:
        assert isinstance(device, Device)
        begin(device, "click-button", 3)
        assert Image.open(io.BytesIO(device.screenshot())).size == device.size() == (640, 840)
        assert device.wait_until_still()

    def test_the_same_seed_gives_the_same_episode(self, device: PageDevice) -> None:
        first = begin(device, "click-checkboxes", 4), device.tree()
        assert begin(device, "click-checkboxes", 5) != first[0]
        assert (begin(device, "click-checkboxes", 4), device.tree()) == first

    def test_the_right_and_the_wrong_button_are_told_apart(self, device: PageDevice) -> None:
        for wanted, other in (("ONE", False), ("TWO", True)):
            assert begin(device, "click-test-2", 1) == "Click button ONE."
            assert not result(device).done
            device.tap(found(device, text=wanted).middle)
            now = result(device)
            assert (now.done, now.success, now.reward < 0) == (True, not other, other)

    def test_what_is_typed_stands_in_the_field_and_is_hidden_in_a_password(self, device: PageDevice) -> None:
        words = begin(device, "login-user", 3).split('"')
        with pytest.raises(TypingFailed, match="no field has the focus"):
            device.type("nowhere")
        for field, text in (("username", words[1]), ("password", words[3])):
            resource = f"{PACKAGE}:id/{field}"
            device.tap(found(device, resource=resource).middle)
            assert device.keyboard_shown()
            device.type("wrong")
            device.type(text, clear=True)
            assert found(device, resource=resource).text in (text, "•" * len(text))
        device.tap(found(device, text="Login").middle)
        assert result(device).success

    def test_a_touch_that_ends_an_episode_does_not_begin_another(self, device: PageDevice) -> None:
        begin(device, "click-dialog", 3)
        device.tap(found(device, description="Close").middle)
        device.tap(Point(500, 500, "relative"))
        assert result(device).success

    def test_a_list_opens_a_picker_as_on_a_phone(self, device: PageDevice) -> None:
        wanted = (
            begin(device, "choose-list", 3).removeprefix("Select ").removesuffix(" from the list and click Submit.")
        )
        device.tap(found(device, kind="Spinner").middle)
        device.press("back")
        device.tap(found(device, kind="Spinner").middle)
        device.tap(found(device, text=wanted).middle)
        assert found(device, kind="Spinner").text == wanted
        device.tap(found(device, text="Submit").middle)
        assert result(device).success

    def test_a_finger_scrolls(self, device: PageDevice) -> None:
        begin(device, "social-media", 3)
        before = device.tree()
        device.swipe(Point(500, 800, "relative"), Point(500, 400, "relative"))
        device.wait_until_still()
        assert device.tree() != before

    def test_no_network_is_behind_the_page(self, device: PageDevice) -> None:
        begin(device, "click-test", 0)
        for address in ("http://127.0.0.1:22", "http://example.org"):
            assert device.browser.run(f"fetch('{address}').then(() => 'there', () => 'no way')") == "no way"

    def test_the_browser_ends_with_its_user(self) -> None:
        with Browser() as browser:
            profile = browser.profile
            assert browser.run("1 + 1") == 2
            assert processes_of(profile)
        assert not processes_of(profile)
        assert not Path(profile).exists()
        browser.close()
        with pytest.raises(DeviceOffline):
            browser.run("1")

    def test_the_browser_ends_with_a_process_that_is_killed(self) -> None:
        code = (
            "import time; from edgewise.agent.miniwob.browser import Browser\n"
            "browser = Browser(); print(browser.profile, flush=True); time.sleep(60)"
        )
        user = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert user.stdout is not None
        profile = user.stdout.readline().strip()
        assert processes_of(profile)
        user.kill()
        user.communicate()
        end = time.monotonic() + 10
        while processes_of(profile) and time.monotonic() < end:
            time.sleep(0.05)
        assert not processes_of(profile)
        shutil.rmtree(profile, ignore_errors=True)


@pytest.mark.slow
@needs_browser
class TestEpisodes:
    @pytest.mark.parametrize("task", ["click-scroll-list", "click-tab-2", "email-inbox-reply", "navigate-tree"])
    def test_the_teacher_knows_what_is_right(self, device: PageDevice, task: str) -> None:
        way = list(lessons(device, task, FIRST_SEED, stray=0.0))
        assert way[-1].finishes
        assert not any(each.finishes for each in way[:-1])

    def test_an_agent_is_measured_until_the_page_is_done(self) -> None:
        told: list[PageEpisode] = []
        found = evaluate_miniwob(chance, ["click-test", "use-slider"], [0], told=told.append)
        assert found == told
        first, second = found
        assert (first.kind, first.succeeded, first.reason, first.reward) == ("click-test", True, "closed", 1.0)
        assert not second.succeeded
        assert second.actions <= CONDUCT.limits.steps

    def test_the_trained_modules_do_what_they_have_learned(self, device: PageDevice) -> None:
        modules = learned(Setting())
        assert modules.names["decision"].startswith("jax:")
        for task in ("click-option", "login-user"):
            episode = play(lambda setting: modules, device, task, 1)
            assert episode.succeeded, task


def screen(*items: Item) -> Screen:
    return Screen(width=640, height=840, items=items)


def test_a_box_that_was_ticked_wrongly_is_to_be_emptied_before_the_form_is_sent() -> None:
    def box(number: int, text: str, checked: bool) -> Item:
        return Item(
            number=number, box=(0, 40 * number, 90, 40 * number + 40), text=text, touchable=True, checked=checked
        )

    button = Item(number=2, box=(0, 99, 90, 120), role="button", text="Submit", touchable=True)
    page = partial(Page, "Select aB and click Submit.")
    teach = TEACHERS["click-checkboxes"]
    assert [each.decision.item for each in teach(page(screen(box(0, "aB", False), box(1, "cD", True), button)))] == [
        0,
        1,
    ]
    assert [each.decision.item for each in teach(page(screen(box(0, "aB", True), box(1, "cD", False), button)))] == [2]


def test_a_lesson_is_a_moment_with_all_that_is_right() -> None:
    field = Item(number=0, box=(0, 0, 90, 40), role="field", touchable=True, focused=True, text="old")
    situation = Situation(instruction='Enter "new" into the field.', screen=screen(field))
    right = (Decision(kind="type", item=0), Decision(kind="tap", item=0))
    moment = moment_of(Lesson(task="enter-text", seed=1000, situation=situation, right=right, texts=("new",)))
    assert moment is not None
    assert {decision_of(place, 32, situation, 1.0).kind for place in moment.right} == {"type", "tap"}
    (place,) = moment.texts
    assert (candidates(situation)[place // 2], place % 2) == ("new", 1)  # what stands there is removed first
    nothing = Lesson(task="enter-text", seed=1000, situation=situation, right=(Decision(kind="answer"),))
    assert moment_of(nothing) is None


def test_lessons_come_back_from_their_file(tmp_path: Path) -> None:
    situation = Situation(instruction="Click the button.", screen=screen())
    lesson = Lesson(task="click-test", seed=1000, situation=situation, right=(Decision(kind="press", key="back"),))
    write_lessons(tmp_path / "some.jsonl.gz", [lesson, lesson])
    assert read_lessons(tmp_path / "some.jsonl.gz") == [lesson, lesson]
    (tmp_path / "none").write_bytes(b"none")
    with pytest.raises(EdgewiseError, match="none: cannot be read"):
        read_lessons(tmp_path / "none")


@pytest.mark.slow
@needs_browser
def test_the_genuine_adb_operates_a_page(device: PageDevice) -> None:
    adbutils = pytest.importorskip("adbutils", reason="adbutils is not installed: the extra `agent`")
    program = str(Path(adbutils.__file__).parent / "binaries" / "adb")
    wanted = begin(device, "enter-text", 3).split('"')[1]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        own = probe.getsockname()[1]
    with serving(PageSession(device)) as port:
        try:
            phone = AdbDevice(f"127.0.0.1:{port}", program, own)
            assert Image.open(io.BytesIO(phone.screenshot())).size == phone.size() == (640, 840)
            assert phone.tree() == device.tree()
            assert phone.foreground() == PACKAGE
            phone.tap(found(device, kind="EditText").middle)
            assert phone.keyboard_shown()
            phone.type("it's")
            phone.type(wanted, clear=True)
            assert found(device, kind="EditText").text == wanted
            phone.tap(found(device, text="Submit").middle)
            assert result(device).success
        finally:
            subprocess.run([program, "-P", str(own), "kill-server"], capture_output=True, timeout=30, check=False)
