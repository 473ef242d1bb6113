"""Map of a scenario or of an environment: roads, road-side units with their coverage, vehicles."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Circle

from edgewise.common.errors import EdgewiseError, check_integer
from edgewise.drawing.style import new_figure, save_figure, styled
from edgewise.systems.agent_migration.environment import AgentMigration
from edgewise.systems.agent_migration.mobility.base import Mobility
from edgewise.systems.agent_migration.mobility.loops import RectangularLoops
from edgewise.systems.agent_migration.mobility.replay import TraceReplay
from edgewise.systems.agent_migration.mobility.scenario import MobilityScenario

ROAD_COLOUR = "#b4b9c1"
VEHICLE_COLOUR = "#c2410c"
UNIT_COLOURS = ("#1d4ed8", "#047857", "#7e22ce", "#0e7490", "#be185d", "#4d7c0f")
MARGIN = 0.05  # round the area, of its side
TAIL_SLOTS = 2  # of a vehicle's way that are drawn
LOOP_SLOTS = 50  # that are driven to draw the loops

Ways = tuple[Float[np.ndarray, "l p 2"], Bool[np.ndarray, "l p"]]


@dataclass(frozen=True, eq=False)
class Scene:
    """What a map shows.

    Attributes:
        positions: the positions of the vehicles, slot by slot, m.
        handover: slots in which another vehicle has taken the place.
        units: road-side units, m.
        coverage: their radius, m.
        origin: lower left corner of the area, m.
        side: the side of the area, m.
        roads: points on roads, m.
        title: shown above.
    """

    positions: Float[np.ndarray, "l p 2"]
    handover: Bool[np.ndarray, "l p"]
    units: Float[np.ndarray, "s 2"]
    coverage: float
    origin: tuple[float, float]
    side: float
    roads: Float[np.ndarray, "n 2"]
    title: str


def scene_of(subject: MobilityScenario | AgentMigration, ways: Ways | None = None) -> Scene:
    """What a map shows.

    Args:
        subject: a scenario, or an environment.
        ways: positions [slots, vehicles, 2] in m and where another vehicle has taken the place, of an episode. If None, of the
            whole recording; on loops, of some minutes' driving.
    """
    if isinstance(subject, MobilityScenario):
        start, end = subject.window
        return Scene(
            positions=subject.positions,
            handover=subject.handover,
            units=subject.rsu_positions,
            coverage=subject.coverage_m,
            origin=subject.origin_m,
            side=subject.area_m,
            roads=subject.roads if len(subject.roads) else subject.positions.reshape(-1, 2),
            title=f"{subject.source}, {start:g} to {end:g} s: {subject.places} places",
        )
    p, mobility = subject.parameters, subject.mobility
    half = float(p.half_extent)
    x, y = (float(value) - half for value in p.center)
    if isinstance(mobility, TraceReplay):
        recorded = np.asarray(mobility.recording), np.asarray(mobility.handover)
        roads = recorded[0].reshape(-1, 2)
        positions, handover = recorded if ways is None else ways
    else:
        positions, handover = _drive(mobility) if ways is None else ways
        roads = loop_points(mobility) if isinstance(mobility, RectangularLoops) else positions.reshape(-1, 2)
    return Scene(
        positions=positions,
        handover=handover,
        units=np.asarray(p.rsu_positions),
        coverage=float(p.coverage),
        origin=(x, y),
        side=2 * half,
        roads=roads,
        title=f"{subject.vehicles} vehicles, {subject.rsus} road-side units",
    )


def plot_scene(axes: Axes, scene: Scene, slot: int | None = None) -> None:
    """Draw a map: roads in grey, coverage as discs, vehicles of one slot with the way they came.

    Args:
        axes: where to draw.
        scene: what to draw.
        slot: whose vehicles are shown. If None, the middle of the recording.

    Raises:
        ConfigurationError: if there is no such slot.
    """
    slots = len(scene.positions)
    slot = slots // 2 if slot is None else slot
    check_integer("slot", slot, 0, slots - 1)
    dot = 1.2 if len(scene.roads) > 2000 else 3.0
    axes.scatter(
        scene.roads[:, 0], scene.roads[:, 1], s=dot, color=ROAD_COLOUR, linewidths=0, zorder=1, rasterized=True
    )
    for index, (x, y) in enumerate(scene.units):
        colour = UNIT_COLOURS[index % len(UNIT_COLOURS)]
        axes.add_patch(Circle((x, y), scene.coverage, facecolor=(colour, 0.05), edgecolor=(colour, 0.5), zorder=2))
        label = "road-side unit, coverage" if index == 0 else None
        axes.scatter(x, y, s=90, marker="^", color=colour, edgecolors="white", zorder=5, label=label)
        axes.annotate(
            f"RSU {index}", (x, y), xytext=(0, 9), textcoords="offset points", ha="center", fontsize=9, color=colour,
            weight="bold", zorder=6, bbox={"boxstyle": "round,pad=0.15", "facecolor": (1, 1, 1, 0.75), "edgecolor": "none"},
        )  # fmt: skip
    tails = [
        scene.positions[t - 1 : t + 1, place]
        for t in range(max(slot - TAIL_SLOTS, 0) + 1, slot + 1)
        for place in range(scene.positions.shape[1])
        if not scene.handover[t : slot + 1, place].any()
    ]
    axes.add_collection(LineCollection(tails, colors=[(VEHICLE_COLOUR, 0.35)], linewidths=1.0, zorder=3))
    axes.scatter(
        scene.positions[slot, :, 0], scene.positions[slot, :, 1],
        s=18, color=VEHICLE_COLOUR, edgecolors="white", linewidths=0.5, zorder=4,
        label=f"vehicle in slot {slot}, way of {TAIL_SLOTS} slots",
    )  # fmt: skip
    margin = MARGIN * scene.side
    axes.set_xlim(scene.origin[0] - margin, scene.origin[0] + scene.side + margin)
    axes.set_ylim(scene.origin[1] - margin, scene.origin[1] + scene.side + margin)
    axes.set_aspect("equal")
    axes.set_xlabel("x (m)")
    axes.set_ylabel("y (m)")
    axes.set_title(scene.title, fontsize=11)


@styled()
def plot_map(
    subject: MobilityScenario | AgentMigration, path: str | os.PathLike[str], *, slot: int | None = None
) -> Path:
    """Write a map as an image, whole or not at all.

    Args:
        subject: a scenario, or an environment.
        path: the image; the name's ending gives the format (.png, .svg, .pdf).
        slot: as for `plot_scene`.

    Returns:
        The path.

    Raises:
        ConfigurationError: if there is no such slot.
        EdgewiseError: if the image cannot be written.
    """
    path = Path(path)
    figure, grid = new_figure(7.2, 7.6)
    plot_scene(grid[0, 0], scene_of(subject), slot)
    figure.legend(loc="outside lower center", ncols=2)
    kind = path.suffix.removeprefix(".").lower()
    if kind not in figure.canvas.get_supported_filetypes():
        raise EdgewiseError(f"{path}: cannot be written: no image format is called {kind!r}")
    save_figure(figure, path)
    return path


def _drive(mobility: Mobility) -> tuple[Float[np.ndarray, "l p 2"], Bool[np.ndarray, "l p"]]:
    state = mobility.reset(jax.random.uniform(jax.random.key(0), (mobility.start_draws,), float))
    noise = jnp.zeros(mobility.vehicles)

    def step(state: object, _: None) -> tuple[object, tuple[jax.Array, jax.Array]]:
        return mobility.advance(state, noise), (mobility.positions(state), mobility.entered(state))

    _, (positions, handover) = jax.lax.scan(step, state, length=LOOP_SLOTS)
    return np.asarray(positions), np.asarray(handover)


def loop_points(loops: RectangularLoops) -> Float[np.ndarray, "n 2"]:
    """Places on the roads of loops, m."""
    x0, y0, x1, y1 = np.asarray(loops.rectangles).T[:, None]
    part = np.linspace(0, 1, 200)[:, None]
    x, y = x0 + (x1 - x0) * part, y0 + (y1 - y0) * part
    sides = [(x, y0 + 0 * x), (x, y1 + 0 * x), (x0 + 0 * y, y), (x1 + 0 * y, y)]
    return np.concatenate([np.stack(side, axis=-1).reshape(-1, 2) for side in sides])
