"""`edgewise evaluate` and `compare`: any policy in any environment of a system, from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from edgewise.cli.evaluate import parse
from edgewise.cli.main import main
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.plain import to_plain
from edgewise.environments import registry
from edgewise.environments.description import Description
from edgewise.policies.artefact import PolicyArtefact, save_policy
from edgewise.policies.deterministic import DeterministicPolicy
from edgewise.policies.matching import MatchingPolicy, Sets
from edgewise.policies.shipped import find_policy
from edgewise.systems.agent_migration import features
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.files import load_scenario, save_scenario
from edgewise.systems.agent_migration.mobility.prepare import Preparation, prepare_scenario
from edgewise.systems.agent_migration.mobility.trace import read_trace
from edgewise.systems.agent_migration.system import AGENT_MIGRATION
from edgewise.training.sources import Candidate, candidate, find_source
from pictures import shows_something

SYSTEM = "shipping-migration"
TINY = ["--vehicles", "2", "--rsus", "2", "--slots", "4"]
PLAY = ["--episodes", "2", "--against", "stay"]


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy of fixed size: two vehicles, two units."""
    folder = tmp_path_factory.mktemp("policy") / "steady"
    fresh = DeterministicPolicy.create(14, 8, (4,), jax.random.key(0))
    config = AgentMigrationConfig(vehicles=2, rsus=2, slots=4)
    save_policy(folder, PolicyArtefact(fresh, "agent-migration", to_plain(config), "td3", 100))
    return folder


@pytest.fixture(scope="module")
def general(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy of any size, trained on many instances."""
    folder = tmp_path_factory.mktemp("general")
    sizes = (len(features.VEHICLE_FIELDS), len(features.UNIT_FIELDS), len(features.PAIR_FIELDS))
    fresh = MatchingPolicy.create(Sets("vehicles", "units", "target", "defence"), sizes, 4, 0, jax.random.key(0))
    config = to_plain(AgentMigrationConfig(observation="entities", instances="drawn", shapes=("4x3", "6x2")))
    described = Description.of(features.space(4, 3), "observation", ())
    save_policy(folder, PolicyArtefact(fresh, "agent-migration", config, "entity-ppo", 100, described))
    return folder


@pytest.fixture
def shipping(policy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system with which that policy comes."""
    system = replace(AGENT_MIGRATION, name=SYSTEM, gymnasium_id=None, shipped={"steady": policy})
    monkeypatch.setitem(registry.SYSTEMS._registered, SYSTEM, system)
    return policy


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trace") / "town.csv"
    rows = [f"{30 * t},c{v},{8 + 150 * t},{-185 + 400 * v}" for t in range(30) for v in range(3)]
    path.write_text("\n".join(["time,id,x,y", *rows]))
    return save_scenario(path.with_suffix(".npz"), prepare_scenario(read_trace(path), Preparation(vehicles=2, rsus=3)))


@pytest.fixture
def output(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[str, str]]:
    def run(*words: str, code: int = 0) -> tuple[str, str]:
        assert main(list(words)) == code
        return capsys.readouterr()

    return run


def test_options_start_from_the_source(policy: Path) -> None:
    options, source, instance = parse([str(policy), "--attack-frequency", "0.5", "--episodes", "7"])
    assert (source.kind, source.system.name, options.episodes) == ("policy", "agent-migration", 7)
    assert instance.config == AgentMigrationConfig(vehicles=2, rsus=2, slots=4, attack_frequency=0.5)
    assert instance.words == "attack_frequency = 0.5"
    _, source, instance = parse(["agent-migration", "--cpu-mhz", "200"])
    assert (source.kind, instance.config) == ("system", AgentMigrationConfig(cpu_mhz=200.0))


def test_the_source_may_stand_behind_its_options(policy: Path) -> None:
    for words in (["--json", str(policy)], ["--json", str(policy), "--slots", "3"]):
        options, source, instance = parse(words)
        assert (options.json, source.name, instance.config.slots) == (True, str(policy), 3 if len(words) > 2 else 4)


def test_a_recording_brings_its_geometry(recording: Path, policy: Path) -> None:
    scenario = load_scenario(recording)
    _, _, instance = parse([str(policy), "--mobility", str(recording)])
    config = instance.config
    assert (config.rsus, config.vehicles, config.coverage_m) == (3, 2, scenario.coverage_m)
    assert config.mobility_sha256 == scenario.sha256
    assert config.slots == 4
    with pytest.raises(ConfigurationError, match="coverage_m = 5"):
        parse([str(policy), "--mobility", str(recording), "--coverage-m", "5"])


def test_episodes_of_usual_length_are_shortened_to_a_recording(
    recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, _, instance = parse(["agent-migration", "--mobility", str(recording), "--vehicles", "2"])
    assert instance.config.slots == 11
    assert "episodes of 11 slots" in capsys.readouterr().err


def test_without_its_recording_a_system_has_its_own_geometry(recording: Path, tmp_path: Path) -> None:
    config = AGENT_MIGRATION.changed(AgentMigrationConfig(vehicles=2), {"mobility": str(recording)})
    back = AGENT_MIGRATION.changed(config, {"mobility": None, "area_m": 1500.0})
    assert back == AgentMigrationConfig(vehicles=2, slots=config.slots, area_m=1500.0)


def test_a_policy_plays_where_it_is_asked_to(policy: Path, output: Callable[..., tuple[str, str]]) -> None:
    words = ["evaluate", str(policy), "--attack-frequency", "0.9", *PLAY]
    plain = json.loads(output(*words, "--json")[0])
    assert plain["changes"] == {"attack_frequency": 0.9}
    assert {row["policy"] for row in plain["policies"]} == {"td3", "stay"}
    text, _ = output(*words)
    assert "policy td3, 2 episodes of seed 2, played with attack_frequency = 0.9" in text


def test_an_episode_can_be_looked_at(policy: Path, tmp_path: Path, output: Callable[..., tuple[str, str]]) -> None:
    _, told = output("evaluate", str(policy), *PLAY, "--pictures", str(tmp_path / "pictures"))
    assert str(tmp_path / "pictures/map.png") in told.splitlines()
    assert shows_something(tmp_path / "pictures/map.png")
    assert (tmp_path / "pictures/map.csv").read_text().startswith("from,to,migrations\n")


def test_sizes_are_checked_before_anything_runs(
    policy: Path, output: Callable[..., tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("something was played")

    monkeypatch.setattr("edgewise.training.judgement.evaluate_seeds", never)
    monkeypatch.setattr("edgewise.training.judgement.player", never)
    printed, error = output("evaluate", str(policy), "--vehicles", "12", *PLAY, code=1)
    assert printed == ""
    assert "observations of 14 numbers" in error
    assert "vehicles = 2 and rsus = 2" in error
    assert error.count("\n") == 1


def test_one_policy_plays_on_any_map(general: Path, recording: Path, output: Callable[..., tuple[str, str]]) -> None:
    options = ["--vehicles", "2", "--mobility", str(recording), "--slots", "4"]
    plain = json.loads(output("evaluate", str(general), *options, *PLAY, "--json")[0])
    assert {row["policy"] for row in plain["policies"]} == {"entity-ppo", "stay"}


def test_one_policy_plays_any_fleet_and_references_the_same_episodes_whatever_it_observes(
    general: Path, policy: Path, output: Callable[..., tuple[str, str]]
) -> None:
    told = []
    for source, options, name in ((general, TINY, "entity-ppo"), (policy, [], "td3")):
        plain = json.loads(output("evaluate", str(source), *options, *PLAY, "--json")[0])
        assert {row["policy"] for row in plain["policies"]} == {name, "stay"}
        told.append(next(row["metrics"]["latency"] for row in plain["policies"] if row["policy"] == "stay"))
    assert told[0]["value"] == pytest.approx(told[1]["value"], rel=1e-6)


def test_what_was_trained_on_many_instances_is_asked_for_one(general: Path) -> None:
    _, _, instance = parse([str(general), "--vehicles", "12"])
    assert instance.config == AgentMigrationConfig(vehicles=12, observation="entities")
    _, source, instance = parse([str(general), "--attack-frequency", "0.5"])
    assert instance.config == replace(source.config, attack_frequency=0.5)
    assert instance.config.instances == "drawn"


def test_a_policy_that_comes_with_a_system_is_found(shipping: Path, output: Callable[..., tuple[str, str]]) -> None:
    text, _ = output("evaluate", SYSTEM, "--policy", "steady", *TINY, *PLAY)
    assert "policy steady, 2 episodes" in text
    loaded = find_policy(SYSTEM, "steady")
    assert loaded.act(np.zeros(14, np.float32)).shape == (8,)
    with pytest.raises(ConfigurationError, match="policy = 'stead': must be one of steady; did you mean steady"):
        find_policy(SYSTEM, "stead")
    with pytest.raises(ConfigurationError, match="none comes with pendulum"):
        find_policy("pendulum", "steady")
    assert "steady" in output("list")[0]
    assert json.loads(output("list", "--json")[0])["environments"][SYSTEM]["policies"] == ["steady"]


def test_the_first_policy_of_a_system_is_meant_unless_named(shipping: Path) -> None:
    chosen = candidate(find_source(SYSTEM), None)
    assert chosen is not None
    assert chosen.folders == (shipping,)
    assert candidate(find_source("pendulum"), None) is None


def test_a_system_without_policies_plays_its_references(output: Callable[..., tuple[str, str]]) -> None:
    text, _ = output("evaluate", "pendulum", "--episodes", "2")
    assert "references, 2 episodes" in text
    assert "random" in text


def test_observations_have_the_form_that_a_policy_was_trained_on() -> None:
    blind = Candidate("blind", (), {"observe_reputation": False, "vehicles": 3})
    config = AgentMigrationConfig(vehicles=5)
    assert blind.form(AGENT_MIGRATION, config) == replace(config, observe_reputation=False)
    assert Candidate("usual", (), {}).form(AGENT_MIGRATION, replace(config, observe_reputation=False)) == config


def test_learned_shipped_and_reference_policies_are_in_one_table(
    shipping: Path, tmp_path: Path, output: Callable[..., tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setitem(
        registry.SYSTEMS._loaded, "agent-migration", replace(AGENT_MIGRATION, shipped={"steady": shipping})
    )
    words = ["compare", str(shipping), "--with", "steady", "--against", "stay", "--episodes", "2"]
    plain = json.loads(output(*words, "--figure", str(tmp_path / "figure.png"), "--json")[0])
    rows = {row["policy"]: row["metrics"]["latency"]["value"] for row in plain["policies"]}
    assert set(rows) == {"td3 steady", "steady", "stay"}
    assert rows["td3 steady"] == rows["steady"]
    _, error = output("compare", str(shipping), "--with", "nobody", code=2)
    assert "nobody" in error
    _, error = output("compare", "agent-migration", code=2)
    assert "folders of runs or of policies" in error


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "nowhere: is neither the folder of a run"),
        (["pendulum", "--policy", "general"], "none comes with pendulum"),
        (["agent-migration", "--vehicles", "0"], "vehicles = 0"),
        (["agent-migration", "--mobility", "missing.npz"], "missing.npz"),
    ],
)
def test_mistakes_get_one_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", *words]) in (1, 2)
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_policy_of_a_folder_has_no_other_name(policy: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="left out"):
        candidate(find_source(str(policy)), "best")
    with pytest.raises(EdgewiseError, match="holds several policies: name one of steady"):
        find_source(str(policy.parent))
