"""Phones as an agent uses them: points and their spaces, damaged pictures, adb with the faults that users report."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator

import pytest
from PIL import Image

from edgewise.agent.device.adb import Adb, connected, find_adb
from edgewise.agent.device.adb_device import AdbDevice
from edgewise.agent.device.coordinates import Frame, Point
from edgewise.agent.device.device import Device
from edgewise.agent.device.doctor import examine
from edgewise.agent.device.elements import read_tree
from edgewise.agent.device.errors import (
    AdbMissing,
    BlackFrame,
    CommandFailed,
    DeviceMissing,
    DeviceUnauthorised,
    TreeNotIdle,
    TruncatedImage,
    TypingFailed,
)
from edgewise.agent.device.images import check_not_black, whole_png
from edgewise.agent.device.keyboard import shell_text
from edgewise.agent.phone.core import Open, Press, Tap, view
from edgewise.agent.phone.faults import read_faults
from edgewise.agent.phone.in_process import SimulatedDevice
from edgewise.agent.phone.server.server import serving
from edgewise.agent.phone.session import KEYBOARDS, Session, draw_session
from edgewise.common.errors import ConfigurationError

HARD = 'it\'s 100%s "sure" & $HOME `ls` \\ <b> | ; # * ~'
"""ASCII that a shell, or Android's own `input`, would take for something else."""


def some_png(colour: tuple[int, int, int] = (200, 30, 30)) -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", (30, 20), colour).save(kept, "PNG")
    return kept.getvalue()


def test_a_point_is_the_same_place_in_every_space() -> None:
    frame = Frame((1080, 2400), (540, 1200))
    middle = Point(270, 300, "image")
    assert frame.convert(middle, "device") == Point(540, 600, "device")
    assert frame.convert(middle, "relative") == Point(500, 250, "relative")
    for space in ("device", "image", "relative"):
        assert frame.convert(frame.convert(middle, space), "image") == middle
    assert frame.pixel(Point(1000, 1000, "relative")) == (1079, 2399)


@pytest.mark.parametrize("point", [(600.0, 10.0, "image"), (-1.0, 0.0, "device"), (10.0, 1001.0, "relative")])
def test_a_point_outside_of_its_space_is_refused(point: tuple[float, float, str]) -> None:
    with pytest.raises(ConfigurationError, match="point"):
        Frame((1080, 2400), (540, 1200)).convert(Point(*point), "device")


def test_a_picture_is_found_behind_warnings_and_missed_when_cut() -> None:
    file = some_png()
    assert whole_png(b"WARNING: linker\n" + file + b"rest") == file
    for damaged in (b"", b"error: closed", file[:-5], file[: len(file) // 2], file[:40] + b"\0" + file[41:]):
        with pytest.raises(TruncatedImage):
            whole_png(damaged)
    check_not_black(file)
    with pytest.raises(BlackFrame):
        check_not_black(some_png((0, 0, 0)))


def test_a_tree_that_is_none_is_told() -> None:
    for text in ("", "<hierarchy>", "<hierarchy rotation='0'></hierarchy>", "<other/>"):
        with pytest.raises(CommandFailed):
            read_tree(text)


def test_text_for_the_command_input_holds_no_space_and_no_sign_of_one_that_is_not_meant() -> None:
    assert shell_text("a b") == ["a%sb"]
    assert shell_text("100%s") == ["100%", "s"]
    for text in ("a b%sc", "%s%s", "%", "% s"):
        assert "".join(part.replace("%s", " ") for part in shell_text(text)) == text


def test_adb_that_is_not_there_is_told() -> None:
    with pytest.raises(AdbMissing):
        Adb("/no/such/adb").run("version")


def open_field(session: Session) -> None:
    session.become(draw_session(1, "en").state)
    session.make(Open("notes"))
    (field,) = [each for each in view(session.state).widgets if each.part.kind == "field"]
    session.make(Tap(*field.middle))


def test_the_phone_in_this_process_is_a_device() -> None:
    session = draw_session(1, "en")
    device = SimulatedDevice(session)
    assert isinstance(device, Device)
    open_field(session)
    device.type("東京 ß")
    assert session.state.draft("notes.list.find") == "東京 ß"
    device.type("x", clear=True)
    assert [each.text for each in device.tree().walk() if each.focused] == ["x"]
    assert device.foreground() == "org.edgewise.notes"
    assert device.keyboard_shown()
    assert device.wait_until_still()
    device.press("home")
    with pytest.raises(TypingFailed):
        device.type("x")


def test_faults_reach_the_phone_in_this_process_by_name() -> None:
    with pytest.raises(TreeNotIdle):
        SimulatedDevice(draw_session(1, faults=read_faults("tree-not-idle"))).tree()
    with pytest.raises(BlackFrame):
        SimulatedDevice(draw_session(1, faults=read_faults("black-frame"))).screenshot()
    with pytest.raises(TruncatedImage):
        SimulatedDevice(draw_session(1, faults=read_faults("empty-png"))).screenshot()


@pytest.fixture(scope="module")
def server() -> Iterator[Adb]:
    """An adb server of the tests' own."""
    try:
        program = find_adb()
    except AdbMissing:
        pytest.skip("there is no adb: the extra `agent` brings one")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    adb = Adb(program, "", port)
    adb.run("start-server")
    yield adb
    adb.run("kill-server")


def device_of(server: Adb, port: int) -> AdbDevice:
    return AdbDevice(f"127.0.0.1:{port}", server.program, server.port)


@pytest.mark.slow
def test_a_phone_behind_adb_is_looked_at_and_used(server: Adb) -> None:
    session = draw_session(1, "en")
    with serving(session) as port:
        device = device_of(server, port)
        assert isinstance(device, Device)
        assert device.screenshot() == session.screenshot()
        assert device.size() == (1080, 2400)
        assert device.tree() == read_tree(session.tree())
        open_field(session)
        assert device.keyboard_shown()
        device.type(HARD)
        assert session.state.draft("notes.list.find") == HARD
        device.type("Grüße, 東京 😀", clear=True)
        assert session.state.draft("notes.list.find") == "Grüße, 東京 😀"
        assert session.keyboard == KEYBOARDS[0], "the user's keyboard is back"
        assert session.enabled == [KEYBOARDS[0]]
        device.press("back")
        assert not device.keyboard_shown()
        device.open_app("org.edgewise.contacts")
        assert device.foreground() == "org.edgewise.contacts"
        row = next(each for each in device.tree().walk() if each.resource.endswith(":id/contact"))
        device.long_press(row.middle)
        assert session.state.place.page == "remove"
        device.press("home")
        assert device.wait_until_still()
        with pytest.raises(CommandFailed):
            device.open_app("no.such.app")
        with pytest.raises(TypingFailed):
            device.type("x")


@pytest.mark.slow
def test_faults_behind_adb_are_mended_or_told_by_name(server: Adb) -> None:
    plan = "second-display, png-warning, truncated-png@0-0, tree-not-idle@0-0, null-root@1-1"
    session = draw_session(1, "en", faults=read_faults(plan))
    with serving(session) as port:
        device = device_of(server, port)
        assert Image.open(io.BytesIO(device.screenshot())).size == (1080, 2400)
        assert device.tree().package == "org.edgewise.launcher"
    broken = Session(draw_session(1, "en").state, read_faults("tree-not-idle, black-frame, keyboard-denied"))
    with serving(broken) as port:
        device = device_of(server, port)
        with pytest.raises(BlackFrame):
            device.screenshot()
        with pytest.raises(TreeNotIdle, match="animation"):
            device.tree()
        findings = {each.name: each for each in examine(device.serial, server.program, server.port)}
        assert not findings["picture"].good
        assert findings["tree"].mend
        assert findings["keys"].good


@pytest.mark.slow
def test_where_the_keyboard_may_not_be_changed_the_clipboard_is_used_or_the_fault_told(server: Adb) -> None:
    session = Session(draw_session(1, "en").state, read_faults("keyboard-denied"))
    with serving(session) as port:
        device = device_of(server, port)
        open_field(session)
        device.type("Füße")
        assert session.state.draft("notes.list.find") == "Füße"
        assert device.keyboard.current() == KEYBOARDS[0]
        session.make(Press("home"))
        with pytest.raises(TypingFailed):
            device.type("é")


@pytest.mark.slow
def test_phones_that_are_not_ready_are_told_by_name(server: Adb) -> None:
    with pytest.raises(DeviceMissing, match="USB debugging"):
        connected(server.program, "nobody", server.port)
    with serving(Session(draw_session(1).state, read_faults("unauthorised"))) as port:
        server.run("connect", f"127.0.0.1:{port}")
        with pytest.raises(DeviceUnauthorised, match="accept the question"):
            connected(server.program, f"127.0.0.1:{port}", server.port)
