"""Commands of the phone's shell about the system: apps, windows, keyboards, settings."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence

from edgewise.agent.phone.apps.settings import MODEL, VERSION
from edgewise.agent.phone.core import Press, Type
from edgewise.agent.phone.server.served import Served
from edgewise.agent.phone.server.shell import Command, Done, failed, said

ACTIVITY = "MainActivity"
API = "34"
"""Level of Android's programming interface."""
DISPLAYS = ("4619827259835644672", "4619827551948147201")
"""Identifiers of the display and, where a fault adds it, of a second one."""
BROADCASTS = {
    "ADB_KEYBOARD_INPUT_TEXT": "text",
    "ADB_INPUT_B64": "msg",
    "ADB_KEYBOARD_SET_TEXT": "text",
    "ADB_KEYBOARD_CLEAR_TEXT": "",
    "ADB_CLEAR_TEXT": "",
}
"""Broadcasts that keyboards take, with the name of the text that comes with them."""
DENIED = "java.lang.SecurityException: Permission denial: not allowed to set the input method\n"


def properties() -> dict[str, str]:
    """What `getprop` lists."""
    return {
        "ro.build.version.release": VERSION,
        "ro.build.version.sdk": API,
        "ro.product.brand": "Edgewise",
        "ro.product.device": "simulated",
        "ro.product.manufacturer": "Edgewise",
        "ro.product.model": MODEL,
        "ro.product.name": "edgewise_simulated",
        "ro.product.cpu.abi": "x86_64",
        "ro.serialno": "EDGEWISE",
        "sys.boot_completed": "1",
        "persist.sys.locale": "en-GB",
    }


def property_of(name: str) -> str:
    """One of them; empty where there is none."""
    return properties().get(name, "")


def component(package: str) -> str:
    """An app and its activity, as Android writes them."""
    return f"{package}/{package}.{ACTIVITY}"


def _am(session: Served, words: Sequence[str], pipe: bytes) -> Done:
    name, rest = (words[0] if words else ""), list(words[1:])
    if name in ("start", "start-activity"):
        return _start(session, rest)
    if name == "force-stop" and rest:
        if rest[-1] in session.packages():
            session.stop_app(rest[-1])
        return Done()
    if name == "broadcast":
        return _broadcast(session, rest)
    return failed(f"Unknown command: {name}\n", 255)


def _start(session: Served, words: list[str]) -> Done:
    target = words[words.index("-n") + 1] if "-n" in words[:-1] else ""
    known = session.packages()
    package = target.split("/")[0] or next((each for each in words if each in known), "")
    if "android.intent.category.HOME" in words:
        package = known[0]
    if "android.settings.SETTINGS" in words:
        package = "org.edgewise.settings"
    if package not in known:
        shown = target or " ".join(words)
        return Done(
            f"Starting: Intent {{ cmp={shown} }}\n".encode(),
            f"Error type 3\nError: Activity class {{{shown}}} does not exist.\n".encode(),
            1,
        )
    session.open_app(package)
    return said(f"Starting: Intent {{ cmp={component(package)} }}\n")


def _broadcast(session: Served, words: list[str]) -> Done:
    action = words[words.index("-a") + 1] if "-a" in words[:-1] else ""
    extras = {words[n + 1]: words[n + 2] for n, each in enumerate(words[:-2]) if each in ("--es", "-e")}
    start = f"Broadcasting: Intent {{ act={action} flg=0x400000 }}\n"
    if action in BROADCASTS and session.keyboard != session.keyboards[0]:
        try:
            text = base64.b64decode(extras.get(BROADCASTS[action], ""), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return said(start + 'Broadcast completed: result=0, data="not base64"\n')
        if action.endswith(("CLEAR_TEXT", "SET_TEXT")):
            session.empty()
        if text:
            session.make(Type(text))
        return said(start + 'Broadcast completed: result=-1, data="success"\n')
    if action == "clipper.set" and "text" in extras:
        session.clipboard = extras["text"]
        return said(start + 'Broadcast completed: result=-1, data="Text is copied into clipboard."\n')
    return said(start + "Broadcast completed: result=0\n")


def _monkey(session: Served, words: Sequence[str], pipe: bytes) -> Done:
    package = words[list(words).index("-p") + 1] if "-p" in words[:-1] else ""
    if package not in session.packages():
        return said("** No activities found to run, monkey aborted.\n", 252)
    session.open_app(package)
    return said("Events injected: 1\n")


def _cmd(session: Served, words: Sequence[str], pipe: bytes) -> Done:
    if list(words[:2]) == ["package", "resolve-activity"]:
        brief = "--brief" in words
        if words[-1] not in session.packages():
            return said("No activity found\n")
        return said(("priority=0 preferredOrder=0\n" if brief else "Activity:\n") + component(words[-1]) + "\n")
    if list(words[:3]) == ["package", "list", "packages"]:
        return _pm(session, words[1:], pipe)
    return failed(f"cmd: Can't find service: {words[0] if words else ''}\n", 20)


def _pm(session: Served, words: Sequence[str], pipe: bytes) -> Done:
    if list(words[:2]) == ["list", "packages"]:
        wanted = [each for each in words[2:] if not each.startswith("-")]
        names = [*session.packages(), *(each.split("/")[0] for each in session.keyboards)]
        shown = [each for each in sorted(names) if not wanted or wanted[0] in each]
        return said("".join(f"package:{each}\n" for each in shown))
    if list(words[:1]) == ["path"]:
        known = words[-1] in session.packages()
        return said(f"package:/data/app/{words[-1]}/base.apk\n") if known else Done(code=1)
    return failed(f"Unknown command: {' '.join(words)}\n", 255)


def _dumpsys(session: Served, words: Sequence[str], pipe: bytes) -> Done:
    name = words[0] if words else ""
    shown = session.shows()
    front, size = component(shown.package), "{}x{}".format(*shown.size)
    upright = "{}x{}".format(*shown.upright)
    if name == "window":
        window = f"Window{{5a1e5ed u0 {front}}}"
        return said(
            f"  mCurrentFocus={window}\n  mFocusedApp=ActivityRecord{{2b1c3d u0 {front} t7}}\n"
            f"  mRotation={int(shown.turned)}\n  init={upright} 420dpi cur={size} app={size}\n"
            f"  mDreamingLockscreen=false mShowingLockscreen=false\n"
        )
    if name == "activity":
        record = f"ActivityRecord{{2b1c3d u0 {front} t7}}"
        return said(f"    mResumedActivity: {record}\n  topResumedActivity={record}\n  ResumedActivity: {record}\n")
    if name == "input_method":
        visible = str(shown.keys).lower()
        return said(f"  mInputShown={visible}\n  mIsInputViewShown={visible}\n  mCurMethodId={session.keyboard}\n")
    if name == "power":
        awake = "Awake" if shown.awake else "Asleep"
        return said(f"  mWakefulness={awake}\n  mHoldingDisplaySuspendBlocker={str(shown.awake).lower()}\n")
    if name == "display":
        viewport = f"DisplayViewport{{type=INTERNAL, valid=true, displayId=0, orientation={int(shown.turned)}"
        wide, high = shown.size
        return said(f"  mViewports=[{viewport}, deviceWidth={wide}, deviceHeight={high}}}]\n  state=ON\n")
    if name == "SurfaceFlinger" and "--display-id" in words:
        return said(_displays(session))
    if name == "battery":
        return said("Current Battery Service state:\n  AC powered: true\n  level: 83\n  scale: 100\n")
    return failed(f"Can't find service: {name}\n", 0)


def _displays(session: Served) -> str:
    shown = DISPLAYS if session.second_display else DISPLAYS[:1]
    return "".join(
        f'Display {each} (HWC display {n}): port={n} pnpId=EDG displayName="simulated"\n'
        for n, each in enumerate(shown)
    )


def _settings(session: Served, words: Sequence[str], pipe: bytes) -> Done:
    if len(words) < 3 or words[0] not in ("get", "put", "delete"):
        return failed("usage: settings [get|put|delete] namespace key [value]\n", 255)
    place = (words[1], words[2])
    if place == ("secure", "default_input_method"):
        if words[0] == "get":
            return said(session.keyboard + "\n")
        return _set_keyboard(session, words[3] if words[3:] else "")
    if words[0] == "get":
        return said(session.settings.get(place, "null") + "\n")
    if words[0] == "put" and len(words) > 3:
        session.settings[place] = words[3]
    elif words[0] == "delete":
        session.settings.pop(place, None)
    return Done()


def _set_keyboard(session: Served, name: str) -> Done:
    if session.plan.strikes("keyboard-denied"):
        return failed(DENIED, 255)
    if name not in session.keyboards:
        return failed(f"Unknown input method {name} cannot be selected for user #0\n", 255)
    session.keyboard = name
    return said(f"Input method {name} selected for user #0\n")


def _ime(session: Served, words: Sequence[str], pipe: bytes) -> Done:
    name, rest = (words[0] if words else ""), list(words[1:])
    if name == "list":
        shown = session.keyboards if "-a" in rest else session.enabled
        return said("".join(f"{each}\n" if "-s" in rest else f"mId={each}\n" for each in shown))
    if name == "set" and rest:
        return _set_keyboard(session, rest[0])
    if name == "enable" and rest:
        if rest[0] not in session.keyboards:
            return failed(f"Unknown input method {rest[0]} cannot be enabled for user #0\n", 255)
        session.enabled = [*session.enabled, *({rest[0]} - set(session.enabled))]
        return said(f"Input method {rest[0]}: now enabled for user #0\n")
    if name == "disable" and rest:
        session.enabled = [each for each in session.enabled if each != rest[0]]
        session.keyboard = session.keyboards[0] if session.keyboard == rest[0] else session.keyboard
        return said(f"Input method {rest[0]}: now disabled for user #0\n")
    if name == "reset":
        session.keyboard, session.enabled = session.keyboards[0], [session.keyboards[0]]
        return Done()
    return failed(f"Unknown command: {name}\n", 255)


def _svc(session: Served, words: Sequence[str], pipe: bytes) -> Done:
    found = re.fullmatch(r"(wifi|data|bluetooth|power) (enable|disable|stayon)( \w+)?", " ".join(words))
    if found is None:
        return failed("Available commands: wifi, data, bluetooth, power\n", 255)
    if found[1] != "power":
        name = "mobile" if found[1] == "data" else found[1]
        session.switch(name, found[2] == "enable")
    elif not session.shows().awake:
        session.make(Press("power"))
    return Done()


SYSTEM: dict[str, Command] = {
    "am": _am,
    "monkey": _monkey,
    "cmd": _cmd,
    "pm": _pm,
    "dumpsys": _dumpsys,
    "settings": _settings,
    "ime": _ime,
    "svc": _svc,
}
"""By name."""
