"""What goes wrong with a phone, each with the name that reports use."""

from __future__ import annotations

from edgewise.common.errors import EdgewiseError


class DeviceError(EdgewiseError):
    """Something went wrong with a phone.

    Attributes:
        name: of what went wrong, as faults of the simulated phone are named.
        mend: what the owner can do; empty if nothing is known.
    """

    name = "device"
    mend = ""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text}: {self.mend}" if self.mend else text)


class AdbMissing(DeviceError):
    """There is no adb program."""

    name, mend = "no-adb", "pip install '.[agent]' in a checkout of edgewise brings one"


class DeviceMissing(DeviceError):
    """No such phone is connected."""

    name, mend = "missing", "connect it, turn USB debugging on in its developer options, or `adb connect ADDRESS:PORT`"


class DeviceOffline(DeviceError):
    """The connection is lost."""

    name, mend = "offline", "unlock the phone, plug it in again, or `adb reconnect offline`"


class DeviceUnauthorised(DeviceError):
    """The phone's owner has not allowed this computer to debug it."""

    name, mend = "unauthorised", "unlock the phone and accept the question about USB debugging"


class DeviceTimeout(DeviceError):
    """A command took too long."""

    name = "timeout"


class CommandFailed(DeviceError):
    """A command ended with an error that none of the other classes names."""

    name = "command"


class BlackFrame(DeviceError):
    """The picture is black: a secure window forbids pictures, or the display is off."""

    name, mend = "black-frame", "wake the display; pages that forbid screenshots cannot be operated"


class TruncatedImage(DeviceError):
    """The picture is no whole PNG file."""

    name = "truncated-png"


class EmptyImage(TruncatedImage):
    """The phone sends nothing that begins like a picture."""

    name = "empty-png"


class TreeNotIdle(DeviceError):
    """No tree of elements, because the page does not come to rest."""

    name, mend = "tree-not-idle", "turn the three animation scales off in the developer options"


class NullRoot(DeviceError):
    """No tree of elements, because no window gives one."""

    name = "null-root"


class KeyboardDenied(DeviceError):
    """The phone does not let the keyboard be changed."""

    name, mend = "keyboard-denied", "allow 'USB debugging (security settings)' in the developer options"


class TypingFailed(DeviceError):
    """No way of typing put the text into the field."""

    name, mend = "typing", "install a keyboard that takes text by broadcast, such as ADBKeyboard"


class SeveralDevices(DeviceError):
    """Several phones are connected and none was chosen."""

    name, mend = "several", "choose one by its serial number"
