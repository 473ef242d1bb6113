"""The genuine adb, called with lists of arguments: always one phone, always with a limit of time."""

from __future__ import annotations

import importlib.util
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from edgewise.agent.device.errors import (
    AdbMissing,
    CommandFailed,
    DeviceMissing,
    DeviceOffline,
    DeviceTimeout,
    DeviceUnauthorised,
    SeveralDevices,
)

TIMEOUT_S = 15.0
"""Seconds that a command may take if nothing else is said."""
STATES = {"offline": DeviceOffline, "unauthorized": DeviceUnauthorised, "authorizing": DeviceUnauthorised}


def find_adb() -> str:
    """The adb program: that of the wheel of adbutils, else the one on PATH.

    Raises:
        AdbMissing: if there is none.
    """
    found = importlib.util.find_spec("adbutils")
    if found is not None and found.origin is not None:
        for name in ("adb", "adb.exe"):
            bundled = Path(found.origin).parent / "binaries" / name
            if bundled.is_file():
                return str(bundled)
    program = shutil.which("adb")
    if program is None:
        raise AdbMissing("there is no adb program")
    return program


@dataclass(frozen=True)
class Output:
    """What a command wrote."""

    out: bytes
    err: bytes
    code: int

    @property
    def text(self) -> str:
        """Both, as text."""
        return (self.out + self.err).decode(errors="replace")


@dataclass(frozen=True)
class Adb:
    """An adb program and a phone.

    Attributes:
        program: path of adb.
        serial: of the phone; empty for commands that need none.
        port: of the adb server. If None, the usual one.
    """

    program: str
    serial: str = ""
    port: int | None = None

    def run(self, *words: str, timeout: float = TIMEOUT_S) -> Output:
        """Carry out `adb -s SERIAL WORDS`.

        Raises:
            DeviceTimeout, DeviceOffline, DeviceUnauthorised, DeviceMissing: for what adb says of the phone.
        """
        server = [] if self.port is None else ["-P", str(self.port)]
        phone = ["-s", self.serial] if self.serial else []
        try:
            done = subprocess.run(
                [self.program, *server, *phone, *words], capture_output=True, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired:
            raise DeviceTimeout(f"adb {' '.join(words[:2])} took more than {timeout:g} s") from None
        except OSError as error:
            raise AdbMissing(f"{self.program} cannot be started ({error.strerror})") from None
        output = Output(done.stdout, done.stderr, done.returncode)
        if output.code:
            self._check(output)
        return output

    def _check(self, output: Output) -> None:
        said = output.err.decode(errors="replace").strip()
        last = said.splitlines()[-1] if said else ""
        if last.startswith("adb: device offline") or last in ("error: device offline", "error: closed"):
            raise DeviceOffline(f"{self.serial} is offline")
        if "device unauthorized" in said or "device still authorizing" in said:
            raise DeviceUnauthorised(f"{self.serial} has not allowed this computer")
        if ("device" in last and "not found" in last) or "no devices/emulators found" in last:
            raise DeviceMissing(f"{self.serial or 'a phone'} is not connected")
        if "more than one device" in last:
            raise SeveralDevices("several phones are connected")

    def shell(self, *words: str, timeout: float = TIMEOUT_S) -> Output:
        """Carry out a command on the phone; each word reaches it as it is, whatever it holds.

        adb puts the words of its command line together with spaces, and the phone's shell takes them apart: so each is
        quoted for that shell.
        """
        return self.run("shell", *(shlex.quote(each) for each in words), timeout=timeout)

    def checked(self, *words: str, timeout: float = TIMEOUT_S) -> str:
        """As `shell`, but what it wrote.

        Raises:
            CommandFailed: if it ends with an error.
        """
        output = self.shell(*words, timeout=timeout)
        if output.code:
            said = output.text.strip().splitlines()
            raise CommandFailed(f"{words[0]} on the phone: {said[0] if said else f'exit code {output.code}'}")
        return output.text

    def devices(self) -> dict[str, str]:
        """The state of every phone that the server knows, by its serial number."""
        lines = Adb(self.program, "", self.port).run("devices").out.decode(errors="replace").splitlines()[1:]
        return dict(line.split("\t", 1) for line in lines if "\t" in line)


def connected(program: str, serial: str = "", port: int | None = None) -> Adb:
    """The phone of a serial number, once it is ready; an address `HOST:PORT` is connected to first.

    Args:
        program: path of adb.
        serial: of the phone; empty for the only one that is connected.
        port: of the adb server. If None, the usual one.

    Raises:
        DeviceMissing, DeviceOffline, DeviceUnauthorised, SeveralDevices: if it is not ready.
    """
    adb = Adb(program, "", port)
    if ":" in serial and serial not in adb.devices():
        adb.run("connect", serial)
    known = adb.devices()
    if not serial:
        if len(known) > 1:
            raise SeveralDevices("several phones are connected: " + ", ".join(known))
        serial = next(iter(known), "")
    state = known.get(serial)
    if state is None:
        raise DeviceMissing(f"{serial or 'a phone'} is not connected")
    if state in STATES:
        raise STATES[state](f"{serial} is {state}")
    return Adb(program, serial, port)
