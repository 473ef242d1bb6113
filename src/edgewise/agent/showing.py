"""Trajectories for readers: a summary in the terminal, and one page that needs nothing else to be looked at."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

from PIL import Image

from edgewise.agent.actions import Action
from edgewise.agent.conduct import ENDS
from edgewise.agent.steps import Step
from edgewise.agent.trajectory import Trajectory, picture_of, without_keys
from edgewise.common.terminal import print_table
from edgewise.reports.page import render

WIDE = 540
"""Width of the pictures on the page, pixels."""
QUALITY = 80
"""Of its JPEG pictures."""
OUTCOMES = {"A": "as expected", "B": "another page than expected", "C": "nothing happened"}
SECOND = 1000.0
"""Milliseconds."""


def said(action: Action | None, step: Step) -> str:
    """An action in a few words."""
    if action is None:
        return "looks again" if step.by == "verification" else "nothing"
    inside = action.item is not None and action.item < len(step.screen.items)
    item = f'{action.item} "{step.screen.items[action.item].label}"' if inside and action.item is not None else ""
    words = {
        "swipe": f"{action.start} to {action.end}",
        "scroll": action.direction or "",
        "type": f'"{action.text}"' + (" instead of what stands there" if action.clear else ""),
        "press": action.key or "",
        "open_app": action.text,
        "wait": f"{action.seconds:g} s",
        "answer": f'"{action.text}"',
        "ask_user": f'"{action.text}"',
        "finish": action.outcome or "",
    }
    return f"{action.kind.replace('_', ' ')} {words.get(action.kind, item)}".strip()


def print_summary(trajectory: Trajectory) -> None:
    """Print what an agent did, a line for each step, and how it ended."""
    rows = []
    for each in trajectory.steps:
        plan = "" if each.plan is None else f"{each.plan.finished}" + (" done" if each.plan.done else "")
        outcome = "" if each.reflected is None else each.reflected.outcome
        took = f"{SECOND * sum(each.latency.values()):.0f}"
        page = each.screen.title or each.screen.app.rsplit(".", 1)[-1]
        rows.append([str(each.number), page, plan, said(each.action, each), outcome, took])
    print_table(
        trajectory.instruction, ("step", "page", "finished", "action", "outcome", "ms"), rows, words=("page", "action")
    )
    print(told(trajectory))


def told(trajectory: Trajectory) -> str:
    """How a run ended, in a line."""
    why = trajectory.reason or "not ended: it goes on, or was killed"
    more = trajectory.told or ENDS.get(trajectory.reason, "")
    truth = {None: "", True: "; the task was done", False: "; the task was not done"}[trajectory.succeeded]
    spent = f"{len(trajectory.steps)} steps, {trajectory.calls} calls, {trajectory.seconds:.1f} s"
    return f"end: {why}{f' ({more})' if more else ''}{truth}; {spent}"


def _small(png: bytes) -> str:
    """A picture as an address that holds it, smaller."""
    kept = io.BytesIO()
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.resize((WIDE, max(1, round(WIDE * image.height / image.width)))).save(kept, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(kept.getvalue()).decode()


def _shown(step: Step, png: bytes) -> dict[str, Any]:
    """What the page knows of a step."""
    plan, decision, screen = step.plan, step.decision, step.screen
    return {
        "picture": _small(png),
        "size": [screen.width, screen.height],
        "items": [[*each.box, each.number, each.label[:80], each.role] for each in screen.items],
        "item": step.action.item if step.action is not None else None,
        "points": step.points,
        "hold": step.action is not None and step.action.kind == "long_press",
        "page": screen.title or screen.app,
        "by": step.by,
        "plan": "" if plan is None else _planned(step),
        "subgoals": [] if plan is None else [[each, place < plan.finished] for place, each in enumerate(plan.subgoals)],
        "why": "" if decision is None else decision.why,
        "action": said(step.action, step),
        "outcome": "" if step.reflected is None else step.reflected.outcome,
        "meaning": "" if step.reflected is None else _reflected(step),
        "facts": [f"{each.text} ({each.source})" if each.source else each.text for each in step.facts],
        "latency": [[place, round(SECOND * seconds, 1)] for place, seconds in step.latency.items()],
        "trouble": list(step.trouble),
        "notes": list(step.notes),
    }


def _planned(step: Step) -> str:
    assert step.plan is not None
    following = f"; next: {step.plan.next}" if step.plan.next else ""
    return f"{step.plan.finished} finished{', all done' if step.plan.done else ''}{following}"


def _reflected(step: Step) -> str:
    assert step.reflected is not None
    whose = "the reflection module" if step.asked else "the pictures are the same"
    return f"{OUTCOMES[step.reflected.outcome]} ({whose})"


def page_of(trajectory: Trajectory, folder: Path) -> str:
    """A trajectory as one HTML page.

    Args:
        trajectory: as it was read.
        folder: that its pictures are in.

    Raises:
        EdgewiseError: if a picture is missing.
    """
    steps = [_shown(each, picture_of(folder, each)) for each in trajectory.steps]
    names = ", ".join(f"{place} {name}" for place, name in trajectory.modules.items())
    return render(
        "trajectory.html",
        title=trajectory.instruction,
        about=f"{trajectory.device}; {trajectory.began}; {names}",
        end=told(trajectory),
        last=max(0, len(steps) - 1),
        data=without_keys(json.dumps(steps, separators=(",", ":"))).replace("<", "\\u003c"),
    )
