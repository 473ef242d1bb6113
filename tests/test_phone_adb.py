"""The simulated phone behind its port, asked by clients that others wrote: adb, adbutils, adb-shell."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from edgewise.agent.phone.core import Open, Press, view
from edgewise.agent.phone.faults import read_faults
from edgewise.agent.phone.server.server import serving
from edgewise.agent.phone.session import Session, draw_session

adbutils = pytest.importorskip("adbutils", reason="adbutils is not installed: the extra `agent`")
adb_shell = pytest.importorskip("adb_shell.adb_device", reason="adb-shell is not installed: the extra `test`")
BUNDLED = str(Path(adbutils.__file__).parent / "binaries" / "adb")
SYSTEM = os.environ.get("EDGEWISE_ADB") or shutil.which("adb")
pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Adb:
    """An adb program with a server of its own."""

    def __init__(self, program: str) -> None:
        self.program, self.port, self.serial = program, free_port(), ""

    def __call__(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [self.program, "-P", str(self.port), *words], capture_output=True, timeout=30, check=False
        )

    def device(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return self("-s", self.serial, *words)


@pytest.fixture(scope="module")
def phone() -> Iterator[tuple[Session, int]]:
    session = draw_session(1, "en")
    with serving(session) as port:
        yield session, port


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(BUNDLED, id="adb of adbutils"),
        pytest.param(
            SYSTEM,
            id="adb of the system",
            marks=pytest.mark.skipif(SYSTEM is None, reason="no adb on PATH and none in EDGEWISE_ADB"),
        ),
    ],
)
def adb(request: pytest.FixtureRequest, phone: tuple[Session, int]) -> Iterator[Adb]:
    client = Adb(request.param)
    client.serial = f"127.0.0.1:{phone[1]}"
    try:
        assert b"connected to" in client("connect", client.serial).stdout
        yield client
    finally:
        client("kill-server")


def begin(session: Session) -> None:
    session.become(draw_session(1, "en").state)


def test_adb_lists_the_phone(adb: Adb) -> None:
    lines = adb("devices", "-l").stdout.decode().splitlines()
    (line,) = [each for each in lines if each.startswith(adb.serial)]
    assert "device product:edgewise_simulated model:Edgewise_simulated_phone" in line


def test_adb_takes_the_screenshot_byte_for_byte(adb: Adb, phone: tuple[Session, int]) -> None:
    begin(phone[0])
    data = adb.device("exec-out", "screencap", "-p").stdout
    assert data == phone[0].screenshot()
    assert Image.open(io.BytesIO(data)).size == (1080, 2400)


def test_adb_dumps_the_tree(adb: Adb, phone: tuple[Session, int], tmp_path: Path) -> None:
    assert adb.device("shell", "uiautomator", "dump", "/sdcard/x.xml").returncode == 0
    assert adb.device("exec-out", "cat", "/sdcard/x.xml").stdout.decode() == phone[0].tree()
    assert adb.device("pull", "/sdcard/x.xml", str(tmp_path / "x.xml")).returncode == 0
    assert (tmp_path / "x.xml").read_text() == phone[0].tree()
    (tmp_path / "large").write_bytes(os.urandom(200_000))
    assert adb.device("push", str(tmp_path / "large"), "/sdcard/large").returncode == 0
    assert phone[0].files["/sdcard/large"] == (tmp_path / "large").read_bytes()


def test_adb_taps_types_and_presses(adb: Adb, phone: tuple[Session, int]) -> None:
    session = phone[0]
    begin(session)
    assert adb.device("shell", "am", "start", "-n", "org.edgewise.notes/.MainActivity").returncode == 0
    assert session.state.place.app == "notes"
    (field,) = [each for each in view(session.state).widgets if each.part.kind == "field"]
    x, y = field.middle
    adb.device("shell", "input", "tap", str(x), str(y))
    assert b"mInputShown=true" in adb.device("shell", "dumpsys", "input_method").stdout
    adb.device("shell", "input", "text", "it\\'s%sa\\ \\&\\ b")
    assert session.state.draft("notes.list.find") == "it's a & b"
    fault = adb.device("shell", "input", "text", "'é'")
    assert fault.returncode != 0
    assert b"NullPointerException" in fault.stderr
    adb.device("shell", "input", "keyevent", "KEYCODE_HOME")
    assert session.state.place.app == "launcher"


def test_adb_hears_of_commands_that_do_not_exist(adb: Adb) -> None:
    done = adb.device("shell", "frobnicate", "now")
    assert (done.returncode, done.stderr) == (127, b"/system/bin/sh: frobnicate: inaccessible or not found\n")
    assert adb.device("shell", "false; echo $?").stdout == b"1\n"
    assert adb.device("shell", "dumpsys window | grep -c nothing || echo 'a  b' > /sdcard/t; cat /sdcard/t").stdout
    assert adb.device("install", "no-such.apk").returncode != 0


def test_adbutils_connects_looks_and_acts(phone: tuple[Session, int]) -> None:
    session, port = phone
    begin(session)
    server = Adb(BUNDLED)
    server("start-server")
    try:
        client = adbutils.AdbClient(host="127.0.0.1", port=server.port)
        client.connect(f"127.0.0.1:{port}", timeout=10)
        assert [each.serial for each in client.device_list()] == [f"127.0.0.1:{port}"]
        device = client.device(f"127.0.0.1:{port}")
        assert tuple(device.window_size()) == (1080, 2400)
        assert device.screenshot().tobytes() == session.image().tobytes()
        assert device.dump_hierarchy() == session.tree()
        assert device.prop.model == "Edgewise simulated phone"
        assert device.is_screen_on()
        device.app_start("org.edgewise.contacts")
        assert device.app_current().package == "org.edgewise.contacts"
        device.app_start("org.edgewise.notes")
        (field,) = [each for each in view(session.state).widgets if each.part.kind == "field"]
        device.click(*field.middle)
        device.send_keys("hello there")
        assert session.state.draft("notes.list.find") == "hello there"
        device.keyevent("BACK")
        assert not session.state.focus
        assert device.shell2("nosuch").returncode == 127
        assert "org.edgewise.notes" in device.list_packages()
        session.files["/sdcard/a.txt"] = b"file"
        assert device.sync.read_bytes("/sdcard/a.txt") == b"file"
        assert [each.path for each in device.sync.list("/sdcard") if each.path == "a.txt"] == ["a.txt"]
    finally:
        server("kill-server")


def test_adb_shell_connects_looks_and_acts(phone: tuple[Session, int]) -> None:
    session, port = phone
    begin(session)
    device = adb_shell.AdbDeviceTcp("127.0.0.1", port, default_transport_timeout_s=9.0)
    assert device.connect(auth_timeout_s=1.0)
    try:
        assert device.shell("wm size") == "Physical size: 1080x2400\n"
        assert device.exec_out("screencap -p", decode=False) == session.screenshot()
        device.shell("uiautomator dump /sdcard/y.xml")
        kept = io.BytesIO()
        device.pull("/sdcard/y.xml", kept)
        assert kept.getvalue().decode() == session.tree()
        device.push(io.BytesIO(b"pushed"), "/sdcard/z")
        assert session.files["/sdcard/z"] == b"pushed"
        session.make(Open("notes"))
        (field,) = [each for each in view(session.state).widgets if each.part.kind == "field"]
        device.shell("input tap {} {}".format(*field.middle))
        device.shell("input text 'hi%sthere'")
        assert session.state.draft("notes.list.find") == "hi there"
        session.make(Press("home"))
    finally:
        device.close()


def state_of(client: Adb, serial: str, wanted: str) -> str:
    """What adb says of a device, once it is what is waited for, or after a while."""
    told = ""
    for _ in range(40):
        lines = client("devices").stdout.decode().splitlines()
        told = next((each.split("\t")[1] for each in lines if each.startswith(serial)), "")
        if told == wanted:
            break
        time.sleep(0.25)
    return told


def test_a_phone_that_waits_for_its_owner_is_unauthorised() -> None:
    with serving(Session(draw_session(1).state, read_faults("unauthorised"))) as port:
        client = Adb(BUNDLED)
        try:
            client("connect", f"127.0.0.1:{port}")
            assert state_of(client, f"127.0.0.1:{port}", "unauthorized") == "unauthorized"
        finally:
            client("kill-server")


def test_a_lost_connection_comes_back() -> None:
    with serving(Session(draw_session(1).state, read_faults("offline@1-1"))) as port:
        client = Adb(BUNDLED)
        client.serial = f"127.0.0.1:{port}"
        try:
            client("connect", client.serial)
            assert client.device("shell", "wm", "size").returncode == 0
            assert client.device("shell", "wm", "size").returncode != 0
            time.sleep(0.3)
            assert state_of(client, client.serial, "device") == "device"
            assert client.device("shell", "wm", "size").returncode == 0
        finally:
            client("kill-server")
