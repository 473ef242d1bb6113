"""What a model is told of a situation, as JSON, and back again: what is left out is what has its default."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from edgewise.agent.device.coordinates import RELATIVE
from edgewise.agent.modules.interfaces import Situation
from edgewise.agent.screen import Box, Screen
from edgewise.common.errors import ConfigurationError

INSTRUCTION, DATA = "INSTRUCTION: ", "DATA: "
"""What the lines begin with that hold the owner's instruction, and what was read from the phone."""
BREAKS = re.compile("[\x7f-\x9f\u2028\u2029]")
"""Characters that JSON lets stand, and that may end a line where they are shown."""
LEFT_OUT = {"picture"}
"""Of a screen: the picture's digest tells a model nothing."""


def told_screen(screen: Screen) -> dict[str, Any]:
    """A screen as plain data; boxes go from 0 to 1000 over the display."""
    plain = screen.model_dump(mode="json", exclude_defaults=True, exclude=LEFT_OUT)
    for item, given in zip(screen.items, plain.get("items", ()), strict=True):
        given["number"], given["box"] = item.number, list(_scaled(item.box, screen, shrink=True))
    return plain


def told(situation: Situation) -> dict[str, Any]:
    """A situation as plain data, without the instruction."""
    plain = situation.model_dump(mode="json", exclude_defaults=True, exclude={"instruction", "screen"})
    return {**plain, "screen": told_screen(situation.screen)}


def lines(instruction: str, data: Mapping[str, Any]) -> str:
    """The instruction and the data, a line each: in JSON, so that no text of the phone can end its line."""
    return f"{INSTRUCTION}{_json(instruction)}\n{DATA}{_json(data)}"


def read_lines(text: str) -> tuple[str, dict[str, Any]]:
    """The instruction and the data in a text that `lines` has made, perhaps with other text around.

    Raises:
        ConfigurationError: if they are not there.
    """
    found = {
        mark: line[len(mark) :] for line in text.split("\n") for mark in (INSTRUCTION, DATA) if line.startswith(mark)
    }
    try:
        return json.loads(found[INSTRUCTION]), json.loads(found[DATA])
    except (KeyError, ValueError):
        raise ConfigurationError("question", text[:80], f"lines that begin with {INSTRUCTION} and {DATA}") from None


def read_screen(plain: Mapping[str, Any]) -> Screen:
    """A screen from plain data; boxes are as exact as thousandths of the display allow.

    Raises:
        ConfigurationError: if it is none.
    """
    try:
        bare = Screen(width=plain["width"], height=plain["height"])
        items = [{**item, "box": _scaled(item["box"], bare, shrink=False)} for item in plain.get("items", ())]
        return Screen.model_validate({**plain, "items": items})
    except (KeyError, TypeError, ValidationError) as error:
        raise ConfigurationError("screen", str(error).splitlines()[0], "a screen as plain data") from None


def read_situation(instruction: str, plain: Mapping[str, Any]) -> Situation:
    """A situation from plain data.

    Raises:
        ConfigurationError: if it is none.
    """
    known = {name: value for name, value in plain.items() if name in Situation.model_fields and name != "screen"}
    try:
        return Situation.model_validate(
            {**known, "instruction": instruction, "screen": read_screen(plain.get("screen", {}))}
        )
    except ValidationError as error:
        raise ConfigurationError("situation", str(error).splitlines()[0], "a situation as plain data") from None


def _scaled(box: Sequence[int], screen: Screen, shrink: bool) -> Box:
    """A box in thousandths, or back in pixels."""
    across, down = (screen.width, screen.height) if shrink else (RELATIVE, RELATIVE)
    to_across, to_down = (RELATIVE, RELATIVE) if shrink else (screen.width, screen.height)
    left, top, right, bottom = box
    return (
        round(left * to_across / across),
        round(top * to_down / down),
        round(right * to_across / across),
        round(bottom * to_down / down),
    )


def _json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return BREAKS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
