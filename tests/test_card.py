"""Cards of policies: made of artefact, run and evaluations, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jax
import pytest

import test_on_policy
from edgewise.cli.main import main
from edgewise.common.errors import EdgewiseError
from edgewise.common.plain import to_plain
from edgewise.environments.description import Description
from edgewise.policies.artefact import PolicyArtefact, save_policy
from edgewise.policies.folders import policy_folder
from edgewise.policies.matching import MatchingPolicy, Sets
from edgewise.reports.card import Figures, make_card, markdown, read_card, read_figures, write_card
from edgewise.systems.agent_migration import features
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.training.run_folder import Origin, RunConfig, read_config

ROW = {"policy": "general", "reference": False, "metrics": {"latency": {"value": 311.25, "interval": [310.0, 312.5]}}}
REFERENCE = {
    "policy": "oracle",
    "reference": True,
    "metrics": {"latency": {"value": 294.0, "interval": [293.0, 295.0]}},
}


@pytest.fixture(scope="module")
def general(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("general") / "general"
    sizes = (len(features.VEHICLE_FIELDS), len(features.UNIT_FIELDS), len(features.PAIR_FIELDS))
    fresh = MatchingPolicy.create(Sets("vehicles", "units", "target", "defence"), sizes, 4, 0, jax.random.key(0))
    config = to_plain(AgentMigrationConfig(observation="entities", instances="drawn", shapes=("4x3", "6x2")))
    described = Description.of(features.space(4, 3), "observation", ())
    save_policy(folder, PolicyArtefact(fresh, "agent-migration", config, "entity-ppo", 1_600_000, described))
    return folder


def figures(folder: Path, **changes: object) -> Figures:
    digest = json.loads((folder / "policy.json").read_text())["sha256"]
    return Figures(changes, 200, 2, [ROW, REFERENCE], [digest])


def test_a_card_tells_what_is_known(general: Path) -> None:
    card = make_card(general, [figures(general, vehicles=12)], name="general")
    assert card["sizes"] == "any number of vehicles and of units"
    assert card["training"]["environment steps"] == 1_600_000
    assert card["data"]["vehicles x units"] == ["4x3", "6x2"]
    assert card["data"]["area_m"] == [1200.0, 3000.0]
    assert card["sha256"] == json.loads((general / "policy.json").read_text())["sha256"]
    assert card["bytes"] == sum(path.stat().st_size for path in general.iterdir())
    assert card["licence"] == "Apache-2.0"
    assert [row["policy"] for row in card["figures"][0]["rows"]] == ["oracle", "general"]
    assert any("vehicles" in limit and "nothing else was varied" in limit for limit in card["limits"])
    assert json.loads(json.dumps(card)) == card
    text = markdown(card)
    for said in (
        "| **general** | 311.25 | 310 to 312.5 |",
        "200 episodes of seed 2, with vehicles = 12",
        "area_m: 1200.0 to 3000.0",
    ):
        assert said in text
    assert "edgewise evaluate agent-migration --policy general" in text


def test_a_card_says_what_nobody_has_measured(general: Path) -> None:
    assert "None: it has not been evaluated." in markdown(make_card(general))


def test_figures_of_another_policy_are_refused(general: Path) -> None:
    other = replace(figures(general), sha256=["0" * 64])
    with pytest.raises(EdgewiseError, match="those of another policy"):
        make_card(general, [other])


def test_a_card_is_kept_beside_its_policy_alone(general: Path, tmp_path: Path) -> None:
    card = make_card(general, [figures(general)])
    save = tmp_path / "policy"
    save.mkdir()
    assert read_card(general) is None
    for name in ("policy.json", "weights.safetensors"):
        (save / name).write_bytes((general / name).read_bytes())
    write_card(save, card)
    assert read_card(save) == card
    assert (save / "card.md").read_text() == markdown(card)
    write_card(save, {**card, "sha256": "another"})
    assert read_card(save) is None


def test_a_run_tells_of_its_budget(trained: Callable[[RunConfig], Path], tmp_path: Path) -> None:
    folder = trained(test_on_policy.RUN)
    run = replace(read_config(folder), origin=Origin("general", "abc"))
    card = make_card(policy_folder(folder, "best", 0), run=run)
    training = card["training"]
    assert (training["seeds"], training["copies"], training["learner"]) == (2, 4, "ppo")
    assert training["learner's settings"] == {"hidden": [8], "epochs": 2, "minibatches": 2}
    text = markdown(card)
    assert "learner's settings: hidden = (8), epochs = 2, minibatches = 2" in text
    assert "None: it" in text
    assert training["started with"] == "general (sha256 abc)"
    assert card["limits"][-2].startswith("It was trained on one instance")


def test_the_command_line_makes_cards_from_its_own_figures(
    general: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", str(general), "--vehicles", "2", "--rsus", "2", "--slots", "3", "--episodes", "2"]
    assert main([*words, "--against", "stay", "--json"]) == 0
    (tmp_path / "figures.json").write_text(capsys.readouterr().out)
    assert read_figures(tmp_path / "figures.json").changes == {"vehicles": 2, "rsus": 2, "slots": 3}
    made = ["card", str(general), "--figures", str(tmp_path / "figures.json"), "--output", str(tmp_path / "card")]
    assert main(made) == 0
    text = capsys.readouterr().out
    assert "| **entity-ppo** |" in text
    assert "| stay |" in text
    assert (tmp_path / "card/card.md").read_text() == text
    (tmp_path / "figures.json").write_text("{}")
    assert main(made) == 1
    assert "must hold changes, episodes" in capsys.readouterr().err
    assert main(["card", "pendulum"]) == 2
    assert "none comes with pendulum" in capsys.readouterr().err
