"""The command `input`: fingers, keys and text."""

from __future__ import annotations

from collections.abc import Sequence

from edgewise.agent.phone.core import Gesture, Press, Swipe, Tap, Type
from edgewise.agent.phone.server.served import Served
from edgewise.agent.phone.server.shell import Done, failed, said

KEYS: dict[str, Gesture] = {
    "BACK": Press("back"),
    "HOME": Press("home"),
    "APP_SWITCH": Press("recents"),
    "ENTER": Press("enter"),
    "NUMPAD_ENTER": Press("enter"),
    "DEL": Press("delete"),
    "POWER": Press("power"),
    "SPACE": Type(" "),
}
CODES = {3: "HOME", 4: "BACK", 26: "POWER", 62: "SPACE", 66: "ENTER", 67: "DEL", 160: "NUMPAD_ENTER", 187: "APP_SWITCH"}
"""Numbers of Android's keys that the phone knows."""
PASTE, WAKE, SLEEP, MOVE_END = 279, 224, 223, 123
"""Numbers of keys that are no gesture of the display."""
NAMES = {"PASTE": PASTE, "WAKEUP": WAKE, "SLEEP": SLEEP, "MOVE_END": MOVE_END}
USAGE = "Usage: input [<source>] <command> [<arg>...]\n"
TEXT_FAULT = (
    "Exception occurred while executing 'text':\n"
    "java.lang.NullPointerException: Attempt to get length of null array\n"
    "\tat com.android.server.input.InputShellCommand.sendText(InputShellCommand.java:298)\n"
)
"""What Android says to text that its virtual key map cannot write."""
SOURCES = ("touchscreen", "keyboard", "mouse", "touchpad", "stylus", "dpad")


def put_in(session: Served, words: Sequence[str], pipe: bytes) -> Done:
    """Carry out `input ...`."""
    rest = list(words[1:] if words[:1] and words[0] in SOURCES else words)
    if rest[:1] == ["-d"]:
        rest = rest[2:]
    if not rest:
        return failed(USAGE, 255)
    name, *given = rest
    try:
        if name == "text":
            return _text(session, " ".join(given))
        if name == "keyevent":
            return _keys(session, [each for each in given if not each.startswith("--")])
        if name == "tap":
            x, y = (round(float(each)) for each in given)
            session.make(Tap(x, y))
            return Done()
        if name in ("swipe", "draganddrop"):
            x, y, to_x, to_y = (round(float(each)) for each in given[:4])
            session.make(Swipe(x, y, to_x, to_y, float(given[4]) / 1000 if given[4:] else 0.3))
            return Done()
    except ValueError:
        return failed(f"Error: Invalid arguments for command: {name}\n{USAGE}", 255)
    return failed(f"Error: Unknown command: {name}\n{USAGE}", 255)


def _text(session: Served, text: str) -> Done:
    if not text.isascii():
        return Done(b"", TEXT_FAULT.encode(), 255)
    session.make(Type(text.replace("%s", " ")))
    return Done()


def _keys(session: Served, given: list[str]) -> Done:
    if not given:
        return failed(USAGE, 255)
    for each in given:
        name = each.upper().removeprefix("KEYCODE_")
        code = int(name) if name.isdigit() else NAMES.get(name, -1)
        if code == PASTE:
            session.make(Type(session.clipboard))
        elif code in (WAKE, SLEEP):
            if session.shows().awake != (code == WAKE):
                session.make(Press("power"))
        elif CODES.get(code, name) in KEYS:
            session.make(KEYS[CODES.get(code, name)])
        elif code < 0:
            return said(f"Error: Unknown keycode: {each}\n", 255)
    return Done()
