"""Typing on a phone: four ways, one after another, each read back; the user's keyboard comes back whatever happens.

ASCII goes through `input text`. Anything else goes through an input method that takes text by broadcast in base64, or
through the clipboard.
"""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Callable, Iterator

from edgewise.agent.device.adb import Adb
from edgewise.agent.device.elements import Element
from edgewise.agent.device.errors import CommandFailed, DeviceError, KeyboardDenied, TypingFailed

BROADCASTING = {
    "com.github.uiautomator/.AdbKeyboard": ("ADB_KEYBOARD_INPUT_TEXT", "text"),
    "com.android.adbkeyboard/.AdbIME": ("ADB_INPUT_B64", "msg"),
}
"""Input methods that take text by broadcast: the broadcast, and the name of the text in it."""
ACCEPTED = re.compile(r"result=-1\b")
"""What `am broadcast` writes when somebody has taken the broadcast."""
DELETE, MOVE_END, PASTE = "67", "123", "279"
"""Numbers of Android's keys."""
AT_ONCE = 40
"""Keys in one command."""


def shell_text(text: str) -> list[str]:
    """ASCII text as arguments of `input text`, which makes a space of `%s`: one that is meant so is typed in two parts."""
    parts = text.replace(" ", "\0").split("%s")
    whole = [part + ("%" if place < len(parts) - 1 else "") for place, part in enumerate(parts)]
    joined = [whole[0], *("s" + part for part in whole[1:])]
    return [each.replace("\0", "%s") for each in joined if each]


def focused_field(root: Element) -> Element | None:
    """The field that has the focus, if there is one."""
    return next((each for each in root.walk() if each.focused and "EditText" in each.kind), None)


def text_of(field: Element) -> str:
    """What was typed into a field; older Androids write its hint there while it is empty."""
    return "" if field.hint and field.text == field.hint else field.text


class Keyboard:
    """Ways of typing on a phone.

    Args:
        adb: the phone.
        read: gives its tree of elements.
    """

    def __init__(self, adb: Adb, read: Callable[[], Element]) -> None:
        self._adb, self._read = adb, read

    def current(self) -> str:
        """The input method that is in use."""
        return self._adb.checked("settings", "get", "secure", "default_input_method").strip()

    def installed(self) -> list[str]:
        """All input methods that are installed."""
        return self._adb.checked("ime", "list", "-s", "-a").split()

    def type(self, text: str) -> str:
        """Type into the field that has the focus.

        Returns:
            The way that worked: `input`, `broadcast` or `clipboard`.

        Raises:
            TypingFailed: if no way put the text there.
            KeyboardDenied: if the only way left needs another keyboard and the phone forbids it.
        """
        before = self._now()
        if before is None:
            raise TypingFailed("no field has the focus")
        ways = (("input", self._input), ("broadcast", self._broadcast), ("clipboard", self._clipboard))
        denied: KeyboardDenied | None = None
        for name, way in ways:
            if name == "input" and not text.isascii():
                continue
            try:
                tried = way(text)
            except KeyboardDenied as error:
                denied, tried = error, False
            except CommandFailed:
                tried = False
            if tried and self._holds(before, text):
                return name
            self._back_to(before)
        raise denied or TypingFailed(f"a text of {len(text)} characters is not in the field after all ways of typing")

    def clear(self) -> None:
        """Empty the field that has the focus."""
        text = self._now()
        if text:
            self._delete(len(text))

    def _now(self) -> str | None:
        field = focused_field(self._read())
        return None if field is None else text_of(field)

    def _holds(self, before: str, text: str) -> bool:
        field = focused_field(self._read())
        if field is None:
            return False
        wanted = before + text
        return len(text_of(field)) == len(wanted) if field.password else text_of(field) == wanted

    def _back_to(self, before: str) -> None:
        """Remove what a way has left half-typed, so that the next begins where this one did."""
        now = self._now()
        if now is not None and now != before and now.startswith(before):
            self._delete(len(now) - len(before))

    def _delete(self, count: int) -> None:
        self._adb.checked("input", "keyevent", MOVE_END)
        for start in range(0, count, AT_ONCE):
            self._adb.checked("input", "keyevent", *[DELETE] * min(AT_ONCE, count - start))

    def _input(self, text: str) -> bool:
        for part in shell_text(text):
            self._adb.checked("input", "text", part)
        return True

    def _broadcast(self, text: str) -> bool:
        name = next((each for each in BROADCASTING if each in self.installed()), None)
        if name is None:
            return False
        action, extra = BROADCASTING[name]
        packed = base64.b64encode(text.encode()).decode()
        with self._using(name):
            return bool(ACCEPTED.search(self._adb.checked("am", "broadcast", "-a", action, "--es", extra, packed)))

    @contextlib.contextmanager
    def _using(self, name: str) -> Iterator[None]:
        """Another input method for a while."""
        users = self.current()
        enabled = name in self._adb.checked("ime", "list", "-s").split()
        try:
            for word in ("enable", "set"):
                output = self._adb.shell("ime", word, name)
                if output.code or "SecurityException" in output.text:
                    raise KeyboardDenied("the phone does not let its keyboard be changed")
            yield
        finally:
            with contextlib.suppress(DeviceError):
                self._adb.shell("ime", "set", users)
                if not enabled and name != users:
                    self._adb.shell("ime", "disable", name)

    def _clipboard(self, text: str) -> bool:
        said = self._adb.checked("am", "broadcast", "-a", "clipper.set", "--es", "text", text)
        if not ACCEPTED.search(said):
            return False
        self._adb.checked("input", "keyevent", PASTE)
        return True
