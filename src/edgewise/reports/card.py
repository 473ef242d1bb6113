"""The card of a policy: what it decides, what it was trained on, what it reaches, where it is untested, how to use it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import numpy as np

from edgewise.common.errors import EdgewiseError
from edgewise.common.files import replace_file
from edgewise.common.plain import from_plain, to_plain
from edgewise.environments import registry
from edgewise.environments.bipartite import Bipartite
from edgewise.environments.system import System
from edgewise.policies.artefact import PolicyArtefact, load_policy
from edgewise.policies.description_file import DESCRIPTION_FILE, WEIGHTS_FILE, read_description_file
from edgewise.policies.protocol import takes_any_size
from edgewise.training.run_folder import RunConfig

CARD = "card.json"
TEXT = "card.md"
FIGURE_FIELDS = ("changes", "episodes", "seed", "policies", "sha256")


@dataclass(frozen=True)
class Figures:
    """What a policy and references did in one environment, as `edgewise evaluate --json` tells it.

    Attributes:
        changes: fields of the system's configuration that were other than in training, or than the defaults.
        episodes: episodes that all played.
        seed: their randomness.
        policies: a `Judgement` in plain values for each.
        sha256: digests of the learned policies.
    """

    changes: Mapping[str, Any]
    episodes: int
    seed: int
    policies: Sequence[Mapping[str, Any]]
    sha256: Sequence[str]


def read_figures(path: Path) -> Figures:
    """Figures from a file that `edgewise evaluate --json` wrote.

    Raises:
        EdgewiseError: if it is no such file.
    """
    try:
        values = json.loads(path.read_bytes())
    except OSError as error:
        raise EdgewiseError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise EdgewiseError(f"{path}: is not JSON: must be what edgewise evaluate --json prints") from None
    if not isinstance(values, dict) or any(name not in values for name in FIGURE_FIELDS):
        raise EdgewiseError(f"{path}: must hold {', '.join(FIGURE_FIELDS)}, as edgewise evaluate --json prints them")
    return Figures(**{name: values[name] for name in FIGURE_FIELDS})


def make_card(
    folder: Path, figures: Sequence[Figures] = (), run: RunConfig | None = None, name: str | None = None
) -> dict[str, Any]:
    """The card of a policy in plain values, from nothing but its artefact and what is measured.

    Args:
        folder: the folder of the policy, of a single agent.
        figures: of evaluations.
        run: the run that trained it. If None, what the artefact itself tells of training.
        name: the name under which it comes with its system. If None, its folder is shown in commands.

    Raises:
        EdgewiseError: if the policy cannot be read, or figures are of another one.
    """
    artefact, description = load_policy(folder), read_description_file(folder)
    for each in figures:
        if description["sha256"] not in each.sha256:
            raise EdgewiseError(f"figures of seed {each.seed}: are those of another policy than {folder}")
    system = registry.find(artefact.environment)
    config = from_plain(system.config, artefact.environment_config)
    data = system.data_facts(config)
    return {
        "name": name or folder.resolve().name,
        "system": system.name,
        "decides": system.summary,
        "action": [field.name for field in artefact.action.fields] if artefact.action else [],
        "kind": description["kind"],
        "architecture": description["architecture"],
        "numbers": sum(leaf.size for leaf in jax.tree.leaves(artefact.policy)),
        "sizes": _sizes(artefact, system, config),
        "training": _training(artefact, run, _departures(config)),
        "data": data,
        "figures": [_table(each, system) for each in figures],
        "limits": _limits(artefact, system, config, data, figures),
        "sha256": description["sha256"],
        "weights_sha256": description["weights_sha256"],
        "bytes": sum((folder / file).stat().st_size for file in (DESCRIPTION_FILE, WEIGHTS_FILE)),
        "saved_with": dict(artefact.versions or {}),
        "licence": metadata.metadata("edgewise")["License-Expression"],
        "use": _commands(system, name, folder),
    }


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write a card into a folder, for machines and for people.

    Raises:
        OSError: if it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / CARD, json.dumps(card, indent=2).encode() + b"\n")
    replace_file(folder / TEXT, markdown(card).encode())


def read_card(folder: Path) -> dict[str, Any] | None:
    """The card in the folder of a policy; None if there is none, or it is that of another policy."""
    path = folder / CARD
    if not path.is_file():
        return None
    try:
        card: dict[str, Any] = json.loads(path.read_bytes())
    except ValueError:
        raise EdgewiseError(f"{path}: is not JSON: damaged") from None
    return card if card.get("sha256") == read_description_file(folder)["sha256"] else None


def markdown(card: Mapping[str, Any]) -> str:
    """A card as a page of text."""
    facts = {
        "decides": card["decides"],
        "sizes": card["sizes"],
        "policy": f"{card['kind']}, {card['numbers']:,} numbers, {card['bytes']:,} bytes",
        "licence": card["licence"],
        "sha256": f"`{card['sha256']}`",
        "weights": f"`{card['weights_sha256']}`",
        "saved with": ", ".join(f"{name} {version}" for name, version in card["saved_with"].items()),
    }
    parts = [f"# {card['name']}: a policy for {card['system']}", _listed(facts)]
    parts += ["## Training", _listed(card["training"])]
    if card["data"]:
        parts += ["## What it was trained on", _listed({name: _range(value) for name, value in card["data"].items()})]
    parts += ["## Figures", *(_figures_text(each) for each in card["figures"])]
    if not card["figures"]:
        parts.append("None: it has not been evaluated.")
    parts += ["## Limits", "\n".join(f"- {limit}" for limit in card["limits"])]
    parts += ["## Use", "```sh\n" + "\n".join(card["use"]) + "\n```"]
    return "\n\n".join(parts) + "\n"


def _listed(facts: Mapping[str, Any]) -> str:
    return "\n".join(f"- {name}: {_words(value)}" for name, value in facts.items())


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        shown = {name: f"({_words(each)})" if isinstance(each, list) else _words(each) for name, each in value.items()}
        return ", ".join(f"{name} = {each}" for name, each in shown.items()) or "the defaults"
    if isinstance(value, list | tuple):
        return ", ".join(map(_words, value)) if all(map(np.isscalar, value)) else str(list(value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _range(value: Any) -> Any:
    """A range of numbers in words; anything else as it is."""
    numbers = isinstance(value, list | tuple) and len(value) == 2 and not any(isinstance(each, str) for each in value)
    return f"{value[0]} to {value[1]}" if numbers else value


def _figures_text(table: Mapping[str, Any]) -> str:
    head = f"{table['metric']}, {table['unit']}: {table['episodes']} episodes of seed {table['seed']}"
    where = f", with {_words(table['changes'])}" if table["changes"] else ""
    rows = [
        f"| {'**' if row['learned'] else ''}{row['policy']}{'**' if row['learned'] else ''} | {row['value']:.6g} "
        f"| {row['interval'][0]:.6g} to {row['interval'][1]:.6g} |"
        for row in table["rows"]
    ]
    return "\n".join([f"{head}{where}.", "", "| policy | value | 95% interval |", "|---|---|---|", *rows])


def _table(figures: Figures, system: System) -> dict[str, Any]:
    headline = system.headline
    rows = [
        {
            "policy": row["policy"],
            "learned": not row["reference"],
            "value": row["metrics"][headline.metric]["value"],
            "interval": row["metrics"][headline.metric]["interval"],
        }
        for row in figures.policies
    ]
    return {
        "metric": headline.label,
        "unit": headline.unit,
        "changes": dict(figures.changes),
        "episodes": figures.episodes,
        "seed": figures.seed,
        "rows": sorted(rows, key=lambda row: headline.best_first(row["value"])),
    }


def _departures(config: Any) -> dict[str, Any]:
    """Fields of a configuration that are not at their defaults, in plain values."""
    usual, plain = to_plain(type(config)()), to_plain(config)
    return {name: value for name, value in plain.items() if value != usual.get(name)}


def _training(artefact: PolicyArtefact, run: RunConfig | None, departures: Mapping[str, Any]) -> dict[str, Any]:
    facts = {"learner": artefact.algorithm, "environment steps": artefact.steps, "system": dict(departures)}
    if run is None:
        return facts
    training = run.training
    checks = f"{training.evaluations} evaluations of {training.evaluation_episodes} episodes"
    facts |= {
        "learner's settings": _departures(run.algorithm_config),
        "copies": training.environments,
        "updates": training.total_updates,
        "seeds": training.seeds,
        "seed of training": training.seed,
        "chosen by": f"{checks} of seed {training.evaluation_seed}",
    }
    return (
        facts if run.origin is None else facts | {"started with": f"{run.origin.source} (sha256 {run.origin.sha256})"}
    )


def _sizes(artefact: PolicyArtefact, system: System, config: Any) -> str:
    space = artefact.described.space
    if takes_any_size(artefact.policy) and isinstance(space, Bipartite):
        return f"any number of {space.rows} and of {space.columns}"
    served = [f"{name} = {getattr(config, name)}" for name in system.sizes]
    return f"{' and '.join(served)} alone" if served else "one"


def _limits(
    artefact: PolicyArtefact, system: System, config: Any, data: Mapping[str, Any], figures: Sequence[Figures]
) -> list[str]:
    limits = [f"It serves {_sizes(artefact, system, config)}."]
    if takes_any_size(artefact.policy):
        limits.append("Sizes beyond those that it was trained on and those of the figures are untested.")
    if data:
        limits.append("Values outside of the ranges that it was trained on are untested, but for those of the figures.")
    else:
        limits.append("It was trained on one instance; other ones are untested, but for those of the figures.")
    tested = sorted({name for each in figures for name in each.changes})
    if tested:
        limits.append(f"The figures vary {', '.join(tested)}; nothing else was varied.")
    limits.append("It is learned: figures are means, and nothing is promised for a single decision.")
    return limits


def _commands(system: System, name: str | None, folder: Path) -> list[str]:
    if name is not None:
        return [
            f"edgewise evaluate {system.name} --policy {name}",
            f"edgewise train {system.name} --from {name}",
            f"python -c \"from edgewise.policies.shipped import find_policy; find_policy('{system.name}', '{name}')\"",
        ]
    place = shlex.quote(str(folder))
    return [f"edgewise evaluate {place}", f"edgewise train {system.name} --from {place}"]
