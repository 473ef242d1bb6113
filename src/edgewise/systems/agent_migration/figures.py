"""Figures of an agent-migration run: map, reputations, and where the seconds go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from edgewise.drawing.picture import Picture
from edgewise.drawing.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, YELLOW, new_figure, styled
from edgewise.environments.episode import record_episode
from edgewise.statistics.judgement import Judgement
from edgewise.systems.agent_migration.entities import DEFENCE, TARGET, EntityMigration
from edgewise.systems.agent_migration.environment import AgentMigration
from edgewise.systems.agent_migration.map import plot_scene, scene_of
from edgewise.systems.agent_migration.reputation_figure import plot_reputations

TERMS = {
    "data_upload": ("data upload", BLUE),
    "processing": ("processing", SKY),
    "download": ("download", GREEN),
    "migration": ("migration beyond processing", YELLOW),
    "agent_upload": ("agent upload", ORANGE),
    "deployment": ("deployment", VERMILION),
    "defence": ("defence", PURPLE),
}


@dataclass(frozen=True)
class Episode:
    """One recorded episode, slots first.

    Attributes:
        positions: the positions of the vehicles, m, [T, V, 2].
        entered: where a vehicle has taken over another's place [T, V].
        serving: RSU of each vehicle [T, V].
        target: RSU to which each agent is sent [T, V].
        attacked: RSUs under attack [T, S].
        defended: RSUs that run a defence [T, S].
        reputation: the reputation of each RSU for each user [T, V, S].
    """

    positions: np.ndarray
    entered: np.ndarray
    serving: np.ndarray
    target: np.ndarray
    attacked: np.ndarray
    defended: np.ndarray
    reputation: np.ndarray

    @classmethod
    def of(cls, environment: AgentMigration, states: Any, targets: Any, defences: Any) -> Episode:
        """What `record_episode` returned, as arrays."""
        return cls(
            positions=np.asarray(jax.vmap(environment.mobility.positions)(states.mobility)),
            entered=np.asarray(jax.vmap(environment.mobility.entered)(states.mobility)),
            serving=np.asarray(states.serving),
            target=np.asarray(targets),
            attacked=np.asarray(states.attacked),
            defended=np.asarray(defences),
            reputation=np.asarray(states.reputation),
        )


@styled()
def plot_migrations(environment: AgentMigration, episode: Episode) -> tuple[Figure, pd.DataFrame]:
    """The map at the end of an episode, how often agents moved between RSUs, and how long these were attacked.

    Returns:
        The figure, and its data: one row per pair of RSUs with the number of migrations.
    """
    figure, grid = new_figure(6.4, 6.4)
    axes: Axes = grid[0, 0]
    slots = len(episode.positions)
    plot_scene(axes, scene_of(environment, (episode.positions, episode.entered)), slots - 1)
    axes.set_title("")
    units = np.asarray(environment.parameters.rsu_positions)
    moves = pd.crosstab(episode.serving.ravel(), episode.target.ravel()).stack().reset_index()
    moves.columns = pd.Index(["from", "to", "migrations"])
    moves = moves[(moves["from"] != moves["to"]) & (moves["migrations"] > 0)].reset_index(drop=True)
    most = max(moves["migrations"].max(), 1) if len(moves) else 1
    for start, end, count in moves.itertuples(index=False):
        axes.annotate(
            "", units[end], units[start], zorder=7,
            arrowprops={
                "arrowstyle": "-|>", "color": VERMILION, "linewidth": 0.5 + 3 * count / most, "alpha": 0.75,
                "connectionstyle": "arc3,rad=0.18", "shrinkA": 12, "shrinkB": 12,
            },
        )  # fmt: skip
        middle = (units[start] + units[end]) / 2
        side = np.array([units[end][1] - units[start][1], units[start][0] - units[end][0]])
        axes.annotate(
            str(count), middle + 0.12 * side, fontsize=8, color=VERMILION, ha="center", va="center", zorder=8,
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"},
        )  # fmt: skip
    for unit, share in zip(units, episode.attacked.mean(0), strict=True):
        if share > 0:
            axes.annotate(
                f"attacked {share:.0%} of slots", unit, (0, -14), textcoords="offset points", ha="center", fontsize=7,
                color=BLACK, zorder=6,
            )  # fmt: skip
    axes.plot([], [], color=VERMILION, linewidth=2, label="migrations of agents (number)")
    figure.legend(loc="outside lower center", ncols=2)
    return figure, moves


def reputation_table(episode: Episode) -> pd.DataFrame:
    """One row per RSU and slot: lowest, mean and highest reputation over users, and whether there was attack or defence."""
    slots, rsus = episode.attacked.shape
    of_unit = [episode.reputation[:, :, unit] for unit in range(rsus)]
    columns = {
        "slot": np.tile(np.arange(slots), rsus),
        "rsu": np.repeat(np.arange(rsus), slots),
        "lowest": np.concatenate([users.min(1) for users in of_unit]),
        "mean": np.concatenate([users.mean(1) for users in of_unit]),
        "highest": np.concatenate([users.max(1) for users in of_unit]),
        "attacked": episode.attacked.T.ravel(),
        "defence": episode.defended.T.ravel(),
    }
    return pd.DataFrame(columns)


@styled()
def plot_latency(rows: Sequence[Judgement]) -> tuple[Figure, pd.DataFrame]:
    """Mean latency of each policy, split into its terms.

    Returns:
        The figure, and its data: one row per policy, one column per term in s per slot.
    """
    ordered = sorted(rows, key=lambda row: row.mean("latency"))
    figure, grid = new_figure(7.2, 1.5 + 0.34 * len(ordered))
    axes: Axes = grid[0, 0]
    left = np.zeros(len(ordered))
    table: dict[str, Any] = {"policy": [row.name for row in ordered]}
    for term, (label, colour) in TERMS.items():
        width = np.array([row.mean(f"latency/{term}") for row in ordered])
        table[term] = width
        axes.barh(range(len(ordered)), width, left=left, color=colour, edgecolor="white", linewidth=0.6, label=label)
        left += width
    for place, total in enumerate(left):
        axes.annotate(f"{total:.0f}", (total, place), (4, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_yticks(range(len(ordered)), [row.name for row in ordered])
    axes.invert_yaxis()
    axes.set_xlabel("total latency (s per slot)")
    figure.legend(loc="outside lower center", ncols=4)
    return figure, pd.DataFrame(table)


def recorded(environment: AgentMigration | EntityMigration, states: Any, actions: Any) -> Episode:
    """What `record_episode` returned, in either form of the system, as arrays."""
    if isinstance(environment, EntityMigration):
        return Episode.of(environment.system, states.system, actions[TARGET], actions[DEFENCE])
    v, s = environment.vehicles, environment.rsus
    vectors = np.asarray(actions)
    return Episode.of(
        environment, states, vectors[:, : v * s].reshape(-1, v, s).argmax(-1), vectors[:, v * s + v :] > 0
    )


def pictures(
    environment: AgentMigration | EntityMigration, policy: Any, rows: Sequence[Judgement], seed: int
) -> list[Picture]:
    """Map, reputations and latency terms for the report of a run; the first two show the policy's episode of that seed."""
    states, _, actions = eqx.filter_jit(record_episode)(environment, policy, jax.random.key(seed))
    episode = recorded(environment, states, actions)
    environment = environment.system if isinstance(environment, EntityMigration) else environment
    reputations = reputation_table(episode)
    threshold = float(environment.parameters.reputation_threshold)
    drawn = {
        "map": (
            plot_migrations(environment, episode),
            "One episode of the learned policy, at its end. Discs show the reach of each road-side unit (RSU); the width of an "
            "arrow grows with the number of agents that moved that way.",
        ),
        "reputation": (
            (plot_reputations(reputations, threshold), reputations),
            "Reputation of each RSU over the same episode. The policy does not see the attacks (shaded), only the reputations.",
        ),
        "latency": (
            plot_latency(rows),
            "Where the seconds go: each term of the latency, mean per slot, for the learned policy and the references.",
        ),
    }
    return [Picture(name, caption, figure, data) for name, ((figure, data), caption) in drawn.items()]
