"""A scripted model: other modules answer what a model is asked, so that the whole way over the wire can be shown without one."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tyro
from PIL import Image

from edgewise.agent.actions import Action
from edgewise.agent.agents import Setting, make_modules
from edgewise.agent.device.coordinates import RELATIVE
from edgewise.agent.model.chat import MODEL_SPACES, ModelSpace
from edgewise.agent.model.stub import Asked, Brain, StubServer, read_stub_faults
from edgewise.agent.modules.interfaces import SUBGOALS, Change, Decision, Intent, Modules, Situation
from edgewise.agent.modules.vlm.decision import TOUCHES
from edgewise.agent.modules.vlm.telling import read_lines, read_screen, read_situation
from edgewise.common.errors import check_choice, check_integer

HIGHEST_PORT = 65535
"""The largest number of a port."""


def scripted(modules: Modules, space: ModelSpace = "image", pointing: bool = False) -> Brain:
    """What answers in the place of a model.

    Args:
        modules: that know the answers.
        space: of the points that it names.
        pointing: whether it names points and not numbers of items.
    """

    def brain(asked: Asked) -> Mapping[str, Any]:
        if asked.name == "locate":
            return _point(*red_middle(asked.pictures[0]), asked, space, names=True)
        if asked.name in ("name", "list"):
            return {"names": []} if asked.name == "name" else {"items": []}
        instruction, data = read_lines(asked.text)
        if asked.name == "reflect":
            situation = read_situation(instruction, {**data, "screen": data["before"]})
            after = read_screen(data["after"])
            change = Change(
                before=situation, action=Action.model_validate(data["action"]), after=after, changed=data["changed"]
            )
            return {"outcome": modules.reflection(change).outcome}
        situation = read_situation(instruction, data)
        if asked.name in ("plan", "progress"):
            return _plan(modules, situation, data.get("subgoals"))
        if asked.name == "remember":
            return modules.memory(situation).model_dump(mode="json", exclude={"confidence"})
        if asked.name == "decide":
            return _decision(modules.decision(situation), situation, asked, space if pointing else None)
        intent = Intent(situation=situation, decision=Decision.model_validate(data["decision"]))
        return modules.action(intent).model_dump(mode="json", exclude_defaults=True)

    return brain


def _plan(modules: Modules, situation: Situation, subgoals: list[str] | None) -> dict[str, Any]:
    """A plan with as many subgoals as it needs, where the modules have no words for them."""
    plan = modules.planning(situation)
    told = subgoals or list(plan.subgoals) or [f"part {number}" for number in range(1, SUBGOALS + 1)]
    finished = len(told) if plan.done else min(plan.finished, len(told))
    return {"subgoals": told, "finished": finished, "done": plan.done, "next": plan.next}


def _decision(decision: Decision, situation: Situation, asked: Asked, space: ModelSpace | None) -> dict[str, Any]:
    plain = decision.model_dump(mode="json", exclude_defaults=True, exclude={"confidence"})
    if space is not None and asked.pictures and decision.kind in TOUCHES and decision.item is not None:
        x, y = situation.screen.items[plain.pop("item")].middle
        plain |= _point(x / situation.screen.width, y / situation.screen.height, asked, space)
    return plain


def _point(x: float, y: float, asked: Asked, space: ModelSpace, names: bool = False) -> dict[str, Any]:
    """A point given as shares of the sides, in a space."""
    wide, high = {"image": _image(asked.pictures[0]).size, "relative": (RELATIVE, RELATIVE), "unit": (1, 1)}[space]
    return {"x": x * wide, "y": y * high} if names else {"point": [x * wide, y * high]}


def red_middle(address: str) -> tuple[float, float]:
    """Middle of what is red in a picture, as shares of its sides."""
    image = _image(address)
    pixels = np.asarray(image.convert("RGB")).astype(int)
    down, across = np.nonzero((pixels[..., 0] > 180) & (pixels[..., 1] < 90) & (pixels[..., 2] < 90))
    return float(across.mean()) / image.width, float(down.mean()) / image.height


def _image(address: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(address.split(",", 1)[1])))


@dataclass(frozen=True)
class Stub:
    """A scripted model as an endpoint on this machine, until Ctrl-C: set EDGEWISE_MODEL_URL to the address that it prints.

    Attributes:
        port: 0 for a free one.
        modules: that know the answers, by name.
        space: of the points that it names.
        pointing: whether it names points and not numbers of items.
        faults: what goes wrong, as NAME[@FIRST[-LAST]] separated by commas, requests counted from 0, such as 500@3-3. Names: 429,
            500, hang, drip, cut, fenced, thinking, invalid, error-body, html, 401, no-tools, no-schema, no-object.
    """

    port: int = 8099
    modules: str = "rules"
    space: ModelSpace = "image"
    pointing: bool = False
    faults: str = ""

    def __post_init__(self) -> None:
        check_integer("port", self.port, 0, HIGHEST_PORT)
        check_choice("space", self.space, MODEL_SPACES)


def main() -> None:
    """Serve until Ctrl-C."""
    options = tyro.cli(Stub, prog="python -m edgewise.agent.modules.vlm.scripted")
    modules = make_modules(options.modules, Setting())
    brain = scripted(modules, options.space, options.pointing)
    with StubServer(brain, read_stub_faults(options.faults), port=options.port) as server:
        print(server.url, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
