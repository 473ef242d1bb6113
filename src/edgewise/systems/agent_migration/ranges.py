"""What of a fleet lies outside of what a policy was trained on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.fleet import Fleet

SYSTEM = (
    "slot_seconds", "backhaul_mbps", "attack_frequency", "attack_end_probability", "attack_severity",
    "reconnaissance_slots", "copy_loss_probability", "defence_seconds", "defence_success",
)  # fmt: skip
"""Fields of the configuration that are drawn from ranges of the same names."""
SHAPES = "vehicles x units"


def outside(
    facts: Mapping[str, Any], trained: AgentMigrationConfig, config: AgentMigrationConfig, fleet: Fleet
) -> list[str]:
    """A line for each number that training has not seen, with its value and range.

    Args:
        facts: of the training, see `instances.facts`; without ranges it had the one system of `trained`.
        trained: configuration of the training.
        config: what is known of the system.
        fleet: who is there.
    """
    if SHAPES not in facts:
        return list(_other_sizes(trained, fleet))
    return [*_sizes(facts[SHAPES], fleet), *_numbers(facts, config, fleet)]


def _other_sizes(trained: AgentMigrationConfig, fleet: Fleet) -> Iterator[str]:
    for name, count, usual in (
        ("vehicles", len(fleet.vehicles), trained.vehicles),
        ("units", len(fleet.units), trained.rsus),
    ):
        if count != usual:
            yield f"{name} = {count}: trained with {usual}"


def _sizes(shapes: list[str], fleet: Fleet) -> Iterator[str]:
    counts = ("vehicles", len(fleet.vehicles)), ("units", len(fleet.units))
    for (name, count), (low, high) in zip(counts, _ends(tuple(shapes)), strict=True):
        if not low <= count <= high:
            yield f"{name} = {count}: trained with {low} to {high}"


@lru_cache(maxsize=64)
def _ends(shapes: tuple[str, ...]) -> list[tuple[int, int]]:
    """The least and the most of vehicles and of units."""
    columns = zip(*([int(part) for part in shape.split("x")] for shape in shapes), strict=True)
    return [(min(column), max(column)) for column in columns]


def _numbers(facts: Mapping[str, Any], config: AgentMigrationConfig, fleet: Fleet) -> Iterator[str]:
    for name in SYSTEM:
        yield from _one(name, getattr(config, name), facts.get(name))
    for unit in fleet.units:
        for name in ("link_rate_mbps", "cpu_mhz"):
            yield from _one(f"{name} of {unit.name}", getattr(unit, name), facts.get(name))
    least, most = facts.get("least_data_mb"), facts.get("most_data_mb")
    if least is not None and most is not None:
        for vehicle in fleet.vehicles:
            for name in ("raw_data_mb", "agent_data_mb"):
                yield from _one(f"{name} of {vehicle.name}", getattr(vehicle, name), (least, most[1]))


def _one(name: str, value: Any, known: Any) -> Iterator[str]:
    if value is not None and known is not None and not known[0] <= value <= known[1]:
        yield f"{name} = {value:g}: trained with {known[0]:g} to {known[1]:g}"
