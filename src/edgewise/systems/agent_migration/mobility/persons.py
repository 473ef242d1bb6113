"""Which rows of a table are persons, and no vehicles."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

KINDS = ("type", "tag", "class", "vclass", "category", "agent_type", "object_type", "kind", "road_user")
"""Titles of columns that say what moves, with `vehicle_` before them too."""
PERSON = re.compile(r"pedestrian|(?<![a-z])(ped(?![a-z])|pedtype|person(?!al)|walk|foot|container)", re.IGNORECASE)
"""In such a column: DEFAULT_PEDTYPE, pedestrian, person, ... Containers are carried, not driven, as in SUMO's XML."""
SUMO = ("timestep_time", "vehicle_id")

IsPerson = Callable[[Sequence[str]], bool]


def person_test(titles: Sequence[str]) -> IsPerson | None:
    """A test of rows, given the titles of their columns; None if no column distinguishes persons from vehicles.

    SUMO's CSV of floating car data holds persons among the vehicles: they are on an edge and have no lane.
    """
    place = {title.strip().lower().removeprefix("vehicle_"): at for at, title in reversed(list(enumerate(titles)))}
    lane = place.get("lane") if is_sumo(titles) else None
    edge = place.get("edge")
    kinds = [place[kind] for kind in KINDS if kind in place]
    if lane is None and not kinds:
        return None

    def is_person(fields: Sequence[str]) -> bool:
        if any(PERSON.search(fields[kind]) for kind in kinds):
            return True
        return lane is not None and not fields[lane].strip() and (edge is None or bool(fields[edge].strip()))

    return is_person


def is_sumo(titles: Sequence[str]) -> bool:
    """Whether a table is floating car data of SUMO."""
    return set(SUMO) <= {title.strip().lower() for title in titles}
