"""Runs on a real phone, labelled by a person: the same measures, and marked so.

Beside `trajectory.json` stands `labels.json`: whether the task was done, and for each step, by its number, whether its action was
right, how it really went (A, B or C), how many subgoals were finished before it and whether all were. What a person leaves out is
not counted.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edgewise.agent.measures import Episode, Share
from edgewise.agent.modules.interfaces import Outcome
from edgewise.agent.trajectory import FILE, Trajectory, read_trajectory
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.files import told

LABELS = "labels.json"


class Label(BaseModel):
    """What a person says of a step.

    Attributes:
        number: of the step.
        right: whether the action was right. If None, it is not counted.
        outcome: how it really went. If None, it is not counted.
        finished: subgoals that were finished before it. If None, the plan is not counted.
        done: whether all were.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    number: int = Field(ge=0)
    right: bool | None = None
    outcome: Outcome | None = None
    finished: int | None = None
    done: bool = False


class Labels(BaseModel):
    """What a person says of a run.

    Attributes:
        by: who says so.
        succeeded: whether the task was done, and nothing else.
        fewest: actions that a person needs for it. If None, unknown.
        steps: what is said of them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    by: str
    succeeded: bool
    fewest: int | None = Field(default=None, ge=1)
    steps: tuple[Label, ...] = ()


def read_labels(path: Path) -> Labels:
    """Labels of a run.

    Raises:
        EdgewiseError: if the file cannot be read.
        ConfigurationError: naming the first field that is not as it must be.
    """
    try:
        return Labels.model_validate_json(path.read_bytes())
    except OSError as error:
        raise EdgewiseError(told(error)) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(each) for each in first["loc"]) or "content"
        raise ConfigurationError(
            where, str(first.get("input"))[:60], f"as labels have it ({first['msg']})", path
        ) from None


def labelled(trajectory: Trajectory, labels: Labels) -> Episode:
    """A run as its labels judge it.

    Raises:
        EdgewiseError: if a label names a step that there is not.
    """
    steps = {each.number: each for each in trajectory.steps}
    decisions, reflections, asked, plans = Share(), Share(), Share(), Share()
    for label in labels.steps:
        if label.number not in steps:
            raise EdgewiseError(f"{LABELS}: there is no step {label.number} in a run of {len(steps)} steps")
        step = steps[label.number]
        if label.right is not None and step.by == "modules":
            decisions = decisions.add(label.right)
        if label.outcome is not None and step.reflected is not None:
            right = step.reflected.outcome == label.outcome
            reflections = reflections.add(right)
            asked = asked.add(right) if step.asked else asked
        if label.finished is not None and step.plan is not None:
            plans = plans.add(step.plan.finished == label.finished and step.plan.done == label.done)
    places = {place for each in trajectory.steps for place in each.latency}
    times = {place: tuple(s.latency[place] for s in trajectory.steps if place in s.latency) for place in places}
    return Episode(
        kind=trajectory.task or "labelled by a person",
        suite="labelled",
        instruction=trajectory.instruction,
        succeeded=labels.succeeded,
        reason=trajectory.reason,
        told=f"labelled by {labels.by}",
        actions=sum(each.by == "modules" and each.action is not None for each in trajectory.steps),
        oracle=labels.fewest,
        decisions=decisions,
        reflections=reflections,
        asked=asked,
        plans=plans,
        rounds=sum(each.by == "verification" for each in trajectory.steps),
        calls=trajectory.calls,
        tokens=trajectory.tokens,
        money=trajectory.money,
        seconds=trajectory.seconds,
        latency=times,
    )


def labelled_folder(folder: Path) -> list[Episode]:
    """All labelled runs in a folder: the folder itself, or those in it.

    Raises:
        EdgewiseError: if there is none.
    """
    found = sorted(path.parent for path in folder.rglob(LABELS) if (path.parent / FILE).exists())
    if not found:
        raise EdgewiseError(f"{folder}: holds no trajectory with {LABELS} beside its {FILE}")
    return [labelled(read_trajectory(each), read_labels(each / LABELS)) for each in found]
