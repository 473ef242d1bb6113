"""What a phone needs so that an agent can use it, checked one after another, each with its mend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from edgewise.agent.device.adb import Adb, find_adb
from edgewise.agent.device.adb_device import AdbDevice
from edgewise.agent.device.errors import DeviceError
from edgewise.agent.device.images import picture_size
from edgewise.agent.device.keyboard import BROADCASTING

ANIMATIONS = ("window_animation_scale", "transition_animation_scale", "animator_duration_scale")
NO_KEY = "0"
"""A key that does nothing: whether the phone takes keys at all."""


@dataclass(frozen=True)
class Finding:
    """What a check has found.

    Attributes:
        name: of the check.
        good: whether an agent can work so.
        told: what was found.
        mend: what to do if it is not good, or could be better.
    """

    name: str
    good: bool
    told: str
    mend: str = ""


def examine(serial: str = "", program: str | None = None, server_port: int | None = None) -> Iterator[Finding]:
    """Check adb, the phone, its picture, tree, keys, keyboard and animations; nothing on the phone is changed.

    Args:
        serial: of the phone, or `HOST:PORT`; empty for the only one.
        program: path of adb. If None, the one that an agent would take.
        server_port: of the adb server. If None, the usual one.
    """
    try:
        adb = program or find_adb()
        version = Adb(adb, "", server_port).run("version").text.splitlines()[0]
        yield Finding("adb", True, f"{version}, {adb}")
        device = AdbDevice(serial, adb, server_port)
    except DeviceError as error:
        yield Finding("adb" if error.name == "no-adb" else "connection", False, str(error), error.mend)
        return
    yield Finding("connection", True, device.serial)
    checks: tuple[tuple[str, Callable[[AdbDevice], Finding]], ...] = (
        ("system", _system),
        ("display", _display),
        ("picture", _picture),
        ("tree", _tree),
        ("keys", _keys),
        ("keyboard", _keyboard),
        ("animations", _animations),
    )
    for name, check in checks:
        try:
            yield check(device)
        except DeviceError as error:
            yield Finding(name, False, str(error), error.mend)


def _system(device: AdbDevice) -> Finding:
    model, version = (
        device.adb.checked("getprop", name).strip() for name in ("ro.product.model", "ro.build.version.release")
    )
    return Finding("system", bool(version), f"{model}, Android {version}")


def _display(device: AdbDevice) -> Finding:
    awake = "mWakefulness=Awake" in device.adb.checked("dumpsys", "power")
    return Finding("display", awake, "on" if awake else "off", "" if awake else "wake and unlock the phone")


def _picture(device: AdbDevice) -> Finding:
    wide, high = picture_size(device.screenshot())
    return Finding("picture", True, f"{wide} x {high} pixels")


def _tree(device: AdbDevice) -> Finding:
    count = sum(1 for _ in device.tree().walk())
    return Finding("tree", True, f"{count} elements")


def _keys(device: AdbDevice) -> Finding:
    said = device.adb.shell("input", "keyevent", NO_KEY).text
    denied = "SecurityException" in said or "INJECT_EVENTS" in said
    mend = "allow 'USB debugging (security settings)' in the developer options" if denied else ""
    return Finding("keys", not denied, "the phone forbids touches" if denied else "touches and keys are taken", mend)


def _keyboard(device: AdbDevice) -> Finding:
    present = next((each for each in BROADCASTING if each in device.keyboard.installed()), None)
    if present is None:
        mend = "install ADBKeyboard for text that is not ASCII; without it only ASCII can be typed"
        return Finding("keyboard", True, f"{device.keyboard.current()}; ASCII alone", mend)
    return Finding("keyboard", True, f"{device.keyboard.current()}; {present} for what is not ASCII")


def _animations(device: AdbDevice) -> Finding:
    values = {name: device.adb.checked("settings", "get", "global", name).strip() for name in ANIMATIONS}
    on = [name for name, value in values.items() if value not in ("0", "0.0")]
    if not on:
        return Finding("animations", True, "off")
    return Finding(
        "animations",
        True,
        f"{len(on)} of {len(values)} on",
        "turn them off in the developer options: pages rest sooner",
    )
