"""How an agent makes a step: perceive, plan, decide, remember, act; and after it reflect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from edgewise.construction.agent import Agent, answers
from edgewise.construction.modules.perception import Pixels
from edgewise.construction.modules.planning import STEPS, SUBGOALS, Past
from edgewise.construction.modules.reflection import OutcomeName
from edgewise.construction.modules.wishes import ELEMENTS, STORED
from edgewise.construction.modules.words import Text


class Subgoal(BaseModel):
    """A part of a task."""

    model_config = ConfigDict(extra="forbid")
    wish: Text = Field(description="what shall be done")
    question: Text = Field(default="", description="what must be remembered for it; empty for nothing")


class Seen(BaseModel):
    """An element of the screen."""

    model_config = ConfigDict(extra="forbid")
    label: Text = Field(default="", description="what stands on it")
    picture: Pixels | None = Field(default=None, description="rows of brightness, 16 of 16; null if there is none")


class View(BaseModel):
    """A task, how far it has come, and what is on the screen."""

    model_config = ConfigDict(extra="forbid")
    subgoals: Annotated[list[Subgoal], Field(min_length=1, max_length=SUBGOALS)]
    elements: Annotated[list[Seen], Field(min_length=1, max_length=ELEMENTS)]
    facts: Annotated[list[Text], Field(max_length=STORED)] = Field(default_factory=list)
    history: Annotated[list[Past], Field(max_length=STEPS)] = Field(default_factory=list)


class Move(BaseModel):
    """What the agent does next."""

    done: bool = Field(description="whether the task is finished; then the rest says nothing")
    finished: list[bool] = Field(description="which subgoals are")
    subgoal: int | None = Field(default=None, description="place of the one that it pursues")
    element: int | None = Field(default=None, description="place of the one that it uses")
    gesture: str = ""
    text: str = Field(default="", description="what it types: the fact that it remembers")
    label: str = Field(default="", description="what it calls the element, for its history")


class After(BaseModel):
    """What a move has led to."""

    model_config = ConfigDict(extra="forbid")
    label: Text
    before: Text = Field(description="title of the page before")
    after: Text = Field(description="title of the page after")
    change: float = Field(ge=0, le=1, description="part of the picture that has changed")


class Outcome(BaseModel):
    """How it went."""

    outcome: OutcomeName = Field(description="A as expected, B another page, C nothing happened")


def moves(agent: Agent, views: Sequence[View]) -> list[Move]:
    """What an agent does next in each of several views."""
    plans = answers(agent, "planning", [_course(view) for view in views], _plan)
    going = [place for place, plan in enumerate(plans) if plan["next"] is not None]
    wishes = [views[place].subgoals[plans[place]["next"]] for place in going]
    shown = _perceive(agent, [views[place] for place in going])
    choices = answers(
        agent,
        "decision",
        [{"wish": wish.wish, "elements": elements} for wish, elements in zip(wishes, shown, strict=True)],
        lambda request: {"element": 0},
    )
    uses = answers(agent, "action", [{"wish": wish.wish} for wish in wishes], lambda request: {"gesture": "tap"})
    texts = _remember(agent, [(wish, views[place].facts) for wish, place in zip(wishes, going, strict=True)])
    made = [Move(done=True, finished=plan["finished"]) for plan in plans]
    for row, place in enumerate(going):
        chosen = min(choices[row]["element"], len(shown[row]) - 1)
        element = shown[row][chosen]
        made[place] = Move(
            done=False,
            finished=plans[place]["finished"],
            subgoal=plans[place]["next"],
            element=chosen,
            gesture=uses[row]["gesture"],
            text=texts[row] if uses[row]["gesture"] == "type" else "",
            label=element["label"] or element["function"],
        )
    return made


def reflect(agent: Agent, steps: Sequence[After]) -> list[Outcome]:
    """How several moves went."""
    given = answers(agent, "reflection", [step.model_dump() for step in steps], lambda request: {"outcome": "A"})
    return [Outcome(outcome=each["outcome"]) for each in given]


def _course(view: View) -> dict[str, Any]:
    history = [past.model_dump() for past in view.history]
    return {"subgoals": [each.wish for each in view.subgoals], "history": history}


def _plan(course: Mapping[str, Any]) -> dict[str, Any]:
    """The rule where no module plans: every step has finished a subgoal."""
    made = len(course["history"])
    finished = [place < made for place in range(len(course["subgoals"]))]
    return {"finished": finished, "next": None if all(finished) else made}


def _perceive(agent: Agent, views: Sequence[View]) -> list[list[dict[str, Any]]]:
    """The elements of each view as decision takes them."""
    places = [
        (row, place) for row, view in enumerate(views) for place, each in enumerate(view.elements) if each.picture
    ]
    pictures = [{"picture": views[row].elements[place].picture} for row, place in places]
    seen = answers(agent, "perception", pictures, lambda request: {"function": ""})
    shown = [[{"label": each.label, "function": ""} for each in view.elements] for view in views]
    for (row, place), answer in zip(places, seen, strict=True):
        shown[row][place]["function"] = answer["function"]
    return shown


def _remember(agent: Agent, asked: Sequence[tuple[Subgoal, Sequence[str]]]) -> list[str]:
    """The value, which is the last word, of the fact that answers each subgoal's question; nothing where none is asked."""
    texts = [""] * len(asked)
    rows = [row for row, (goal, facts) in enumerate(asked) if goal.question and facts]
    requests = [{"question": asked[row][0].question, "facts": list(asked[row][1])} for row in rows]
    for row, answer in zip(rows, answers(agent, "memory", requests, lambda request: {"fact": 0}), strict=True):
        facts = asked[row][1]
        texts[row] = next(iter(facts[min(answer["fact"], len(facts) - 1)].split()[-1:]), "")
    return texts
