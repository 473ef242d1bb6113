"""`edgewise phone doctor`."""

from __future__ import annotations

from dataclasses import dataclass

import tyro

from edgewise.agent.device.doctor import examine
from edgewise.common.errors import check_integer


@dataclass(frozen=True)
class Doctor:
    """Check whether an agent can use a phone: adb, picture, tree of elements, keys, keyboard. Nothing on it is changed.

    Attributes:
        serial: of the phone, or HOST:PORT; empty for the only one that is connected.
        adb: path of the adb program. If None, that of the wheel of adbutils, else the one on PATH.
        server_port: of the adb server. If None, the usual one.
    """

    serial: str = ""
    adb: str | None = None
    server_port: int | None = None

    def __post_init__(self) -> None:
        if self.server_port is not None:
            check_integer("server_port", self.server_port, 1, 65535)


def run(words: list[str]) -> int:
    """Carry the command out; 1 if something is not as an agent needs it."""
    options = tyro.cli(Doctor, args=words, prog="edgewise phone doctor")
    found = list(examine(options.serial, options.adb, options.server_port))
    for each in found:
        print(f"{'good' if each.good else 'bad':4}  {each.name:10}  {each.told}")
        if each.mend and each.mend not in each.told:
            print(f"{'':18}{each.mend}")
    return 0 if all(each.good for each in found) else 1
