"""An item of a page while the page is being understood."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise.agent.screen import Box, Role


@dataclass
class Draft:
    """An item before it has a number; attributes as of `screen.Item`."""

    box: Box
    role: Role
    text: str = ""
    detail: str = ""
    description: str = ""
    sign: str = ""
    touchable: bool = False
    holdable: bool = False
    checked: bool | None = None
    focused: bool = False
    scrollable: bool = False
