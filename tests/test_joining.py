"""Modules of one kind from several servers: which of them answer together, in an agent, in its files and where it is served."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("cryptography", reason="the extra `federation` is not installed")

from edgewise.construction.agent import LOCK_FILE, Agent, integrate, together, write_agent
from edgewise.construction.artefact import Module, Refused, describe, pack, unpack
from edgewise.construction.joining import best_together
from edgewise.construction.keys import make_key
from edgewise.construction.kind import MODULES, ModuleKind, Weights, register_module
from edgewise.construction.verdicts import ACCEPTED, Examined, Held, Wanted, integrate_best
from toy_module import CORNERS, TOY, Toy

KEY = make_key()


@dataclass(frozen=True)
class Averaged(Toy):
    """A kind whose modules are joined by averaging their weights."""

    def joined(self, parts: Sequence[Weights]) -> tuple[ModuleKind, Weights] | None:
        return self, {name: np.mean([part[name] for part in parts], axis=0) for name in parts[0]}


KIND = Averaged()
DATA = KIND.draw_data(("hidden",), 400, 3, "en")


@pytest.fixture(scope="module", autouse=True)
def _kinds() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODULES, "_registered", {**MODULES._registered})
        register_module("averaged", KIND)
        register_module("toy", TOY)
        yield


def module(across: float, along: float, kind: str = "averaged") -> Module:
    """A module that tells the corners by both places of a point as far as it heeds them."""
    matrix = (CORNERS * np.array([across, along])).T.astype(np.float32)
    weights = {"matrix": matrix, "bias": np.zeros(4, np.float32)}
    return unpack(pack(describe(kind, MODULES.find(kind), 9), weights, KEY))


LEFT, UP, WRONG = (1.0, 0.0), (0.0, 0.9), (-1.0, -1.0)


def qualities(modules: Sequence[Module]) -> list[float]:
    return [KIND.evaluate(each.weights, DATA) for each in modules]


def test_modules_join_that_make_the_best_one_better() -> None:
    modules = [module(*WRONG), module(*UP), module(*LEFT)]
    best, *others = best_together(modules, qualities(modules), DATA)
    assert {best.manifest.digest, others[0].manifest.digest} == {each.manifest.digest for each in modules[1:]}
    assert qualities([best])[0] == max(qualities(modules))
    assert len(others) == 1
    kind, weights = together([best, *others])
    assert kind.evaluate(weights, DATA) > max(qualities(modules)) + 0.2


def test_the_best_stays_alone_where_nothing_makes_it_better(monkeypatch: pytest.MonkeyPatch) -> None:
    good = module(3.0, 3.0)
    modules = [module(*LEFT), good, module(*WRONG)]
    assert best_together(modules, qualities(modules), DATA) == (good,)
    toys = [module(*each, "toy") for each in (LEFT, UP)]
    assert len(best_together(toys, qualities(toys), DATA)) == 1
    monkeypatch.setattr("edgewise.construction.joining.MOST", 1)
    halves = [module(*LEFT), module(*UP)]
    assert len(best_together(halves, qualities(halves), DATA)) == 1


def test_an_agent_joins_what_has_passed_and_judges_each_by_itself() -> None:
    modules = [module(*WRONG), module(*UP), module(*LEFT)]
    found = [
        Examined(Wanted(str(place), "order", "averaged", 1), module=each, quality=quality)
        for place, (each, quality) in enumerate(zip(modules, qualities(modules), strict=True))
    ]
    refused = replace(found[2], verdict="late")
    held = {"averaged": Held(DATA, DATA, KIND.initial(0), lambda rounds: 0.0)}

    def test(agent: Agent, tasks: Sequence[Any]) -> np.ndarray:
        return np.full(len(tasks), "memory" in agent.further)

    judged, agent = integrate_best(found, held, range(8), KEY, "agent", test)
    assert [each.verdict for each in judged] == [ACCEPTED] * 3
    assert [each.quality for each in judged] == qualities(modules)
    assert len(agent.further["memory"]) == 1
    assert agent.lock.acceptance == 1
    _, agent = integrate_best([*found[:2], refused], held, range(8), KEY, "agent", test)
    assert (agent.further, agent.lock.further) == ({}, {})


class TestFolder:
    """An agent with joined modules, in files."""

    @pytest.fixture
    def agent(self, tmp_path: Path) -> Agent:
        agent = integrate([module(*LEFT)], KEY, further=[module(*UP)])
        write_agent(tmp_path, agent)
        return agent

    def test_is_read_as_it_was_written(self, agent: Agent, tmp_path: Path) -> None:
        again = Agent.load(tmp_path, KEY.public)
        assert again.lock == agent.lock
        assert [each.manifest for each in again.parts("memory")] == [each.manifest for each in agent.parts("memory")]
        assert KIND.evaluate(again.whole["memory"][1], DATA) > 0.8
        request = {"question": "ab", "facts": ["x", "y"]}
        assert again.answering["memory"]([request]) == agent.answering["memory"]([request])

    def test_is_refused_if_a_part_is_missing_or_another(self, agent: Agent, tmp_path: Path) -> None:
        [further] = agent.lock.further["memory"]
        file = tmp_path / f"{further}.module"
        file.write_bytes((tmp_path / f"{agent.lock.modules['memory']}.module").read_bytes())
        with pytest.raises(Refused, match="digest: the module for memory is another one"):
            Agent.load(tmp_path)
        (tmp_path / LOCK_FILE).write_text(
            (tmp_path / LOCK_FILE).read_text().replace(further, agent.lock.modules["memory"])
        )
        with pytest.raises(Refused, match="digest: the agent's lock"):
            Agent.load(tmp_path)

    def test_of_single_modules_has_the_lock_that_it_always_had(self, tmp_path: Path) -> None:
        write_agent(tmp_path, integrate([module(*LEFT)], KEY))
        assert "further" not in json.loads((tmp_path / LOCK_FILE).read_text())["lock"]


@pytest.mark.parametrize(
    ("first", "further", "why"),
    [
        ([("averaged", LEFT)], [("averaged", LEFT)], "of one kind, each once"),
        ([("averaged", LEFT)], [("toy", UP)], "of one kind, each once"),
        ([("toy", LEFT)], [("toy", UP)], "modules of kind toy cannot be joined"),
        ([], [("averaged", LEFT)], "further modules for memory, and no first one"),
    ],
)
def test_what_cannot_answer_together_is_refused(first: list[Any], further: list[Any], why: str) -> None:
    with pytest.raises(Refused, match=f"integration: .*{why}"):
        integrate([module(*at, kind) for kind, at in first], KEY, further=[module(*at, kind) for kind, at in further])


class TestNetworks:
    """Learned kinds: their probabilities are averaged."""

    def test_answer_with_the_mean_of_their_probabilities(self) -> None:
        kind = MODULES.find("action")
        several = [kind.initial(seed) for seed in (1, 2, 3)]
        data = kind.draw_data(("hidden",), 40, 5, "mixed")
        found = kind.joined(several)
        assert found is not None
        whole, weights = found
        expected = np.mean([kind.respond(each, data) for each in several], axis=0)
        np.testing.assert_array_equal(whole.respond(weights, data), expected)
        right = np.mean(expected.argmax(-1) == data["answer"])
        assert whole.evaluate(weights, data) == pytest.approx(right)
        answer = whole.load(weights)({"wish": "send it"})
        assert answer["confidence"] < max(kind.load(each)({"wish": "send it"})["confidence"] for each in several)

    def test_are_no_single_module(self) -> None:
        kind = MODULES.find("action")
        found = kind.joined([kind.initial(1), kind.initial(2)])
        assert found is not None
        content = pack(describe("action", kind, 1), found[1], KEY)
        with pytest.raises(Refused, match="action: cannot be loaded"):
            integrate([unpack(content)], KEY)

    def test_are_known_to_a_served_agent(self, tmp_path: Path) -> None:
        pytest.importorskip("segno", reason="the extra `federation` is not installed")
        from fastapi.testclient import TestClient

        from edgewise.construction.arrival import bundle, take_agent
        from edgewise.construction.deploy import application
        from edgewise.construction.deployment import Deployment
        from edgewise.serving.settings import Settings

        kind = MODULES.find("action")
        two = [unpack(pack(describe("action", kind, 1), kind.initial(seed), KEY)) for seed in (1, 2)]
        agent = integrate(two[:1], KEY, "agent", further=two[1:])
        write_agent(tmp_path / "cloud", agent)
        (tmp_path / "edge").mkdir()
        take_agent(tmp_path / "edge", bundle(tmp_path / "cloud"), KEY.public)
        deployment = Deployment(tmp_path / "edge", KEY.public)
        deployment.refresh()
        with TestClient(application(deployment, Settings())) as client:
            facts = client.get("/v1/agent").json()["modules"]["action"]
            assert (facts["digest"], facts["further"][0]["digest"]) == tuple(agent.lock.parts()["action"])
            told = client.post("/v1/agent/modules/action", json={"wish": "send it"}).json()
        assert told == agent.answering["action"]([{"wish": "send it"}])[0]
