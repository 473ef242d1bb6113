"""Instructions as people speak: a person by the first name, a place by what it is, where that is enough to know which."""

from __future__ import annotations

import random
import re
from dataclasses import replace

from edgewise.agent.phone.tasks.task import Task

QUOTES = re.compile(r'("[^"]*")')


def spoken(task: Task, rng: random.Random) -> Task:
    """A task whose instruction calls people and places by parts of their names; quoted texts stay as they are.

    Args:
        task: it.
        rng: chooses the part.
    """
    world = task.start.world
    people, spots = [each.name for each in world.contacts], [each.name for each in world.spots]
    said = {
        name: name.split()[0] for name in people if [each.split()[0] for each in people].count(name.split()[0]) == 1
    }
    for name in spots:
        words = [word for word in name.split() if sum(word in each.split() for each in spots) == 1]
        if len(name.split()) > 1 and words:
            said[name] = f"the {rng.choice(words).lower()}"
    parts = [part if part.startswith('"') else _called(part, said) for part in QUOTES.split(task.instruction)]
    return replace(task, instruction="".join(parts))


def _called(text: str, said: dict[str, str]) -> str:
    for name, short in said.items():
        text = re.sub(rf"(?:the place )?\b{re.escape(name)}\b", short, text)
    return text
