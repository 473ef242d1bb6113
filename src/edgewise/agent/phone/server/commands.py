"""All commands of the phone's shell, and those about files and the display."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from edgewise.agent.phone.parts import clock_time
from edgewise.agent.phone.server.input import put_in
from edgewise.agent.phone.server.served import Served
from edgewise.agent.phone.server.shell import Command, Done, failed, path_of, said
from edgewise.agent.phone.server.system import DISPLAYS, SYSTEM, properties, property_of

RAW_HEADER = struct.Struct("<IIII")  # width, height, pixel format, colour space
RGBA_8888, SRGB = 1, 1
"""Numbers of Android's pixel format and colour space."""
DAY = datetime(2026, 3, 2, tzinfo=UTC)
"""The simulated day: the clock of a phone stands still, so that the same gestures give the same pictures."""
DUMP = "/sdcard/window_dump.xml"


def _getprop(session: Served, words: Sequence[str], pipe: bytes) -> Done:
    if words:
        return said(property_of(words[0]) + "\n")
    return said("".join(f"[{name}]: [{value}]\n" for name, value in properties().items()))


def _wm(session: Served, words: Sequence[str], pipe: bytes) -> Done:
    if list(words) == ["size"]:
        wide, high = session.shows().upright
        return said(f"Physical size: {wide}x{high}\n")
    if list(words) == ["density"]:
        return said("Physical density: 420\n")
    return failed("Unknown command: " + " ".join(words) + "\n", 255)


def _screencap(session: Served, words: Sequence[str], pipe: bytes) -> Done:
    chosen = "-d" in words
    names = [each for n, each in enumerate(words) if not each.startswith("-") and (n == 0 or words[n - 1] != "-d")]
    if chosen and words[list(words).index("-d") + 1 :][:1] not in [[each] for each in DISPLAYS]:
        return failed("Display Id is not valid.\n")
    if "-p" in words or any(each.endswith(".png") for each in names):
        data = session.screenshot(warned=not chosen)
    else:
        image = session.image().convert("RGBA")
        data = RAW_HEADER.pack(*image.size, RGBA_8888, SRGB) + image.tobytes()
    if not names:
        return Done(data)
    session.files[path_of(names[0])] = data
    return Done()


def _uiautomator(session: Served, words: Sequence[str], pipe: bytes) -> Done:
    if words[:1] != ["dump"]:
        return failed("Unsupported command: " + " ".join(words) + "\n")
    if session.plan.strikes("tree-not-idle"):
        return Done(b"", b"ERROR: could not get idle state.\n", 0)  # as the genuine one, which ends with 0
    if session.plan.strikes("null-root"):
        return Done(b"", b"ERROR: null root node returned by UiTestAutomationBridge.\n", 0)
    names = [each for each in words[1:] if not each.startswith("-")]
    target = names[0] if names else DUMP
    told = f"UI hierchary dumped to: {target}\n".encode()  # spelt so by Android
    data = session.tree().encode()
    if target == "/dev/tty":
        return Done(data + told)
    session.files[path_of(target)] = data
    return Done(told)


def _cat(session: Served, words: Sequence[str], pipe: bytes) -> Done:
    out, err = b"", ""
    for each in words:
        data = session.files.get(path_of(each))
        out += data or b""
        err += f"cat: {each}: No such file or directory\n" if data is None else ""
    return Done(out if words else pipe, err.encode(), int(bool(err)))


def _rm(session: Served, words: Sequence[str], pipe: bytes) -> Done:
    forced, err = any(each.startswith("-") and "f" in each for each in words), ""
    for each in words:
        if each.startswith("-"):
            continue
        gone = session.files.pop(path_of(each), None)
        err += f"rm: {each}: No such file or directory\n" if gone is None and not forced else ""
    return Done(b"", err.encode(), int(bool(err)))


def listed(session: Served, path: str) -> list[str] | None:
    """Names of what is in a folder; None if there is no such folder."""
    start = path_of(path).rstrip("/") + "/"
    names = {each[len(start) :].split("/")[0] for each in session.files if each.startswith(start)}
    return sorted(names) if names or start in ("/", "/sdcard/", "/data/", "/data/local/", "/data/local/tmp/") else None


def _ls(session: Served, words: Sequence[str], pipe: bytes) -> Done:
    out, err = "", ""
    for each in [word for word in words if not word.startswith("-")] or ["/"]:
        names = listed(session, each)
        if path_of(each) in session.files:
            out += each + "\n"
        elif names is None:
            err += f"ls: {each}: No such file or directory\n"
        else:
            out += "".join(f"{name}\n" for name in names)
    return Done(out.encode(), err.encode(), int(bool(err)))


def _echo(session: Served, words: Sequence[str], pipe: bytes) -> Done:
    plain = list(words[1:]) if words[:1] == ["-n"] else list(words)
    return said(" ".join(plain) + ("" if words[:1] == ["-n"] else "\n"))


def _date(session: Served, words: Sequence[str], pipe: bytes) -> Done:
    minute = session.shows().minute
    now = DAY + timedelta(minutes=minute)
    if words and words[0].startswith("+"):
        return said(now.strftime(words[0][1:].replace("%s", str(int(now.timestamp())))) + "\n")
    return said(f"{now:%a %b} {now.day:2d} {clock_time(minute)}:00 UTC {now.year}\n")


def _grep(session: Served, words: Sequence[str], pipe: bytes) -> Done:
    flags = "".join(each[1:] for each in words if each.startswith("-"))
    plain = [each for each in words if not each.startswith("-")]
    if not plain:
        return failed("grep: no pattern\n", 2)
    try:
        pattern = re.compile(plain[0], re.IGNORECASE if "i" in flags else 0)
    except re.error as fault:
        return failed(f"grep: bad pattern: {fault}\n", 2)
    data = pipe if len(plain) == 1 else _cat(session, plain[1:], b"").out
    found = [
        line for line in data.decode(errors="replace").splitlines() if bool(pattern.search(line)) != ("v" in flags)
    ]
    return said("".join(f"{line}\n" for line in found), int(not found))


def _nothing(code: int) -> Command:
    def command(session: Served, words: Sequence[str], pipe: bytes) -> Done:
        return Done(code=code)

    return command


COMMANDS: dict[str, Command] = {
    **SYSTEM,
    "getprop": _getprop,
    "wm": _wm,
    "screencap": _screencap,
    "uiautomator": _uiautomator,
    "input": put_in,
    "cat": _cat,
    "rm": _rm,
    "ls": _ls,
    "echo": _echo,
    "date": _date,
    "grep": _grep,
    "true": _nothing(0),
    "false": _nothing(1),
    "sleep": _nothing(0),
}
"""By name; `sleep` does not wait, for the phone's own clock stands still."""
