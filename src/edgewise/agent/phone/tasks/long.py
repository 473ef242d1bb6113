"""Long tasks: two or three complex ones after one another, on one phone."""

from __future__ import annotations

import random
from dataclasses import replace

from edgewise.agent.phone.state import State
from edgewise.agent.phone.tasks import several
from edgewise.agent.phone.tasks.simple import Template
from edgewise.agent.phone.tasks.task import Task
from edgewise.common.errors import EdgewiseError

DRAWS = 100
"""Times that a part is drawn until it looks up nothing that another part does."""


def joined(*parts: Template) -> Template:
    """What draws a task of several parts, each on the phone as the part before leaves it."""

    def template(state: State, rng: random.Random) -> Task:
        now, tasks = state, list[Task]()
        for part in parts:
            tasks.append(_another(part, now, rng, {each for task in tasks for each in _looked_up(task)}))
            now = replace(now, world=tasks[-1].goal)
        told = [tasks[0].instruction, *(f"{each.instruction[0].lower()}{each.instruction[1:]}" for each in tasks[1:])]
        subgoals = tuple(subgoal for each in tasks for subgoal in each.subgoals)
        return Task("+".join(each.name for each in tasks), "long", ", then ".join(told), state, subgoals)

    return template


def _looked_up(task: Task) -> set[tuple[str, tuple[str, ...]]]:
    """Apps and things that a task learns something from."""
    return {(each.app, each.arguments) for each in task.subgoals if each.fact}


def _another(part: Template, state: State, rng: random.Random, taken: set[tuple[str, tuple[str, ...]]]) -> Task:
    """A task that looks up nothing that was before: whoever remembers it need not look again."""
    for _ in range(DRAWS):
        task = part(state, rng)
        if not taken & _looked_up(task):
            return task
    raise EdgewiseError(f"{task.name}: the phone has too little to draw another task from")


LONG: tuple[Template, ...] = (
    joined(several.send_place, several.order_to_contact),
    joined(several.send_number, several.set_alarm),
    joined(several.send_note, several.note_price),
    joined(several.send_time, several.note_address),
    joined(several.order_to_place, several.send_number),
    joined(several.order_two, several.add_appointment),
    joined(several.add_contact, several.send_time),
    joined(several.move_contact, several.note_price),
    joined(several.forget_contact, several.set_alarm),
    joined(several.four_settings, several.send_note),
    joined(several.send_place, several.send_number, several.send_note),
    joined(several.note_address, several.send_time, several.move_contact),
)
