"""Service selection behind a server: providers that come and go, tasks that are done or lost, and what is learned of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest
from fastapi.testclient import TestClient

from edgewise.common.errors import ConfigurationError
from edgewise.environments import registry
from edgewise.environments.service import Question, Service
from edgewise.policies.artefact import PolicyArtefact, load_policy
from edgewise.serving.application import Server, application
from edgewise.serving.settings import Settings
from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.system import SERVICE_SELECTION as SYSTEM

SESSIONS = "/v1/service-selection/sessions"
STEPS = 100


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    database = f"sqlite:///{tmp_path_factory.mktemp('server') / 'store.sqlite'}"
    with TestClient(application(Server(Settings((SYSTEM.name,), database=database, deadline_ms=60_000)))) as opened:
        yield opened


@pytest.fixture(scope="module")
def artefact() -> PolicyArtefact:
    return load_policy(SYSTEM.shipped["general"], check=False)


@pytest.fixture(scope="module")
def service() -> Service:
    made = SYSTEM.service(ServiceSelectionConfig(observation="entities", instances="drawn"))
    assert made is not None
    return made


def ask(service: Service, state: Any, operation: str, **told: Any) -> Any:
    return service.apply(state, operation, service.operations[operation].request.model_validate(told))


def opened(service: Service, *capacities: float, **system: Any) -> Any:
    providers = [{"id": f"p{i}", "capacity_steps": capacity} for i, capacity in enumerate(capacities)]
    return service.open(service.opening.request.model_validate({"providers": providers, "system": system})).state


def assigned(service: Service, state: Any, **told: Any) -> Any:
    asked = ask(service, state, "assign", **told)
    return service.answer(asked, service.rule(asked)) if isinstance(asked, Question) else asked


def test_a_session_sees_and_decides_what_the_environment_would(service: Service, artefact: PolicyArtefact) -> None:
    """An episode in which tasks end, told to a session as an operator would: the same observations and choices."""
    system = {"arrival_rate": 2e-4}
    environment = registry.make(SYSTEM.name, observation="entities", providers=5, tasks=40, instance_seed=3, **system)
    reset, step = eqx.filter_jit(environment.reset), eqx.filter_jit(environment.step)
    state, seen = reset(jax.random.key(5))
    session = opened(service, *np.asarray(environment.system.providers.capacity).tolist(), **system)
    time, running, ended, chosen = 0.0, {}, 0, set()
    for number, key in enumerate(jax.random.split(jax.random.key(6), 16)):
        asked = ask(service, session, "assign", task=f"{number}", steps=float(state.system.task), time_s=time)
        for part, fields in asked.observation.items():
            for field, value in fields.items():
                np.testing.assert_allclose(value, seen[part][field], atol=2e-4, err_msg=f"{number} {part}/{field}")
        action = artefact.act(jax.device_get(seen))
        settled = service.answer(asked, artefact.act(asked.observation))
        row = int(action["provider"][0])
        assert settled.answer.provider == f"p{row}"
        assert settled.answer.estimated_quality == pytest.approx(float(seen["pairs"]["estimate"][0, row]), abs=1e-3)
        session, before = settled.state, state
        place = int(np.argmin(np.asarray(before.system.size)[row] > 0))
        running[row, place] = f"{number}"
        state, timestep = step(key, state, {"provider": np.asarray([row])})
        seen, time = timestep.observation, time + float(state.system.gap)
        for at in zip(*np.nonzero(np.asarray(state.system.ended.size)), strict=True):
            quality = float(np.clip(state.system.ended.score[at], 0, 1))
            session = ask(service, session, "complete", task=running.pop(at), quality=quality, time_s=time).state
            ended += 1
        chosen.add(row)
    assert ended > 5
    assert len(chosen) > 2
    shown = service.view(session)
    assert sum(each["tasks_done"] for each in shown["providers"].values()) == ended
    assert len(shown["tasks"]) == 16 - ended


def test_qualities_are_learned_and_beliefs_told_beforehand_count(service: Service) -> None:
    state = opened(service, 900, 900, 900, 900, 900)
    curve = [{"steps": 200, "quality": 0.95}]
    body = {"add": [{"id": "known", "capacity_steps": 900, "prior_curve": curve, "prior_deviation": 0.02}]}
    state = ask(service, state, "providers", **body, remove=["p4"]).state
    quality = {name: each["quality"] for name, each in service.view(state)["providers"].items()}
    assert list(quality) == ["p0", "p1", "p2", "p3", "known"]
    assert max(quality["known"]) > 0.85 > max(quality["p0"])
    first = assigned(service, state, task="one", steps=200, time_s=0)
    assert first.answer.provider == "known"
    state = ask(service, first.state, "complete", task="one", quality=0.1, time_s=30_000).state
    state = assigned(service, state, task="two", steps=200, time_s=30_000).state
    shown = service.view(state)["providers"]
    assert max(shown["known"]["quality"]) < 0.85
    assert shown["known"]["tasks_done"] == 1


def test_a_full_registry_lets_tasks_wait(service: Service) -> None:
    state = opened(service, 100, 100, 100, 100, 100)
    for number in range(5):
        state = assigned(service, state, task=f"{number}", steps=STEPS, time_s=number).state
    waits = assigned(service, state, task="late", steps=STEPS, time_s=10)
    assert waits.answer.provider is None
    assert service.view(waits.state)["waiting"] == ["late"]
    state = ask(service, waits.state, "complete", task="3", quality=0.5, time_s=11).state
    arrivals = float(state.experience.sizes.sum())
    served = assigned(service, state, task="late", steps=STEPS, time_s=12)
    assert served.answer.provider is not None
    assert float(served.state.experience.sizes.sum()) == arrivals  # it has arrived once
    assert served.state.count == 6


def test_where_programs_are_missing_the_freest_provider_has_the_task_and_nothing_is_forgotten(service: Service) -> None:
    state = opened(service, 900, 900, 900, 100, 900)
    state = assigned(service, state, task="decided", steps=STEPS, time_s=0).state
    state = ask(service, state, "complete", task="decided", quality=0.9, time_s=1).state
    told = {}
    for number in range(4):
        asked = service.operations["assign"].request(task=f"{number}", steps=STEPS, time_s=2.0 + number)
        late = service.meanwhile(state, "assign", asked)
        assert late is not None
        assert state.providers[int(late.action["provider"][0])].name == late.answer.provider
        state, told[f"{number}"] = late.state, late.answer
    assert [each.provider for each in told.values()] == ["p0", "p1", "p2", "p4"]
    assert (told["0"].free_steps, told["0"].estimated_quality) == (900 - STEPS, None)
    for task in told:
        state = ask(service, state, "complete", task=task, quality=0.2, time_s=50).state
    state = assigned(service, state, task="next", steps=STEPS, time_s=60).state
    done = {name: each["tasks_done"] for name, each in service.view(state)["providers"].items()}
    assert sum(done.values()) == 5
    assert float(np.asarray(state.experience.done).sum()) == 5
    assert state.count == 6
    full = service.meanwhile(opened(service, 100, 100, 100, 100, 50), "assign", asked.model_copy(update={"steps": 120}))
    assert full is not None
    assert (full.answer.provider, full.action, full.state.waiting) == (None, None, ("3",))


def test_who_leaves_finishes_what_runs_and_a_crash_loses_all(service: Service) -> None:
    state = opened(service, 900, 900, 900, 900, 900)
    for number in range(10):
        state = assigned(service, state, task=f"{number}", steps=STEPS, time_s=number).state
    where = {task: each["provider"] for task, each in service.view(state)["tasks"].items()}
    leaver = where["0"]
    told = ask(service, state, "providers", remove=[leaver])
    assert told.answer.providers[leaver].leaving
    state = assigned(service, told.state, task="more", steps=STEPS, time_s=20).state
    assert service.view(state)["tasks"]["more"]["provider"] != leaver
    for task in [task for task, name in where.items() if name == leaver]:
        state = ask(service, state, "complete", task=task, quality=0.5).state
    assert leaver not in service.view(state)["providers"]
    victim = service.view(state)["tasks"]["more"]["provider"]
    lost = ask(service, state, "fail", task="more", crashed=True)
    assert victim not in {each["provider"] for each in service.view(lost.state)["tasks"].values()}
    assert lost.answer.lost[0] == "more"


def test_what_is_not_allowed_is_named(service: Service) -> None:
    state = assigned(service, opened(service, 900, 900, 900, 900, 900), task="a", steps=STEPS, time_s=5).state
    with pytest.raises(ConfigurationError, match="task = 'a': must be another name"):
        ask(service, state, "assign", task="a", steps=STEPS, time_s=6)
    with pytest.raises(ConfigurationError, match=r"time_s = 4.0: must be at least 5.0"):
        ask(service, state, "assign", task="b", steps=STEPS, time_s=4)
    with pytest.raises(ConfigurationError, match="task = 'c': must be a task that runs"):
        ask(service, state, "complete", task="c", quality=0.5)
    with pytest.raises(ConfigurationError, match="remove = 'x': must be one of p0"):
        ask(service, state, "providers", remove=["x"])
    with pytest.raises(ConfigurationError, match="such that a provider stays"):
        ask(service, state, "providers", remove=["p0", "p1", "p2", "p3", "p4"])
    with pytest.raises(ConfigurationError, match="'p0': must be another name"):
        ask(service, state, "providers", add=[{"id": "p0", "capacity_steps": 100}])
    with pytest.raises(
        ConfigurationError, match="task_step = 1: must be such that from 100 to 250 there are at most 64"
    ):
        opened(service, 900, task_step=1)
    asked = ask(service, state, "assign", task="huge", steps=700, time_s=6)
    assert service.outside(asked) == ["providers = 5: trained on 6 to 24", "steps = 700: trained on 80 to 300"]


def test_a_state_goes_on_to_the_same_bits_after_it_was_stored(service: Service) -> None:
    state = opened(service, 900, 900, 900, 900, 900)
    for number in range(4):
        state = assigned(service, state, task=f"{number}", steps=STEPS + 10 * number, time_s=number).state
    state = ask(service, state, "complete", task="1", quality=0.7, time_s=50).state
    stored = service.load(service.dump(state))
    after = [assigned(service, each, task="next", steps=STEPS, time_s=60) for each in (state, stored)]
    assert after[0].answer == after[1].answer
    assert service.dump(after[0].state) == service.dump(after[1].state)


def test_it_is_asked_over_http(client: TestClient) -> None:
    body = {"providers": [{"id": f"p{i}", "capacity_steps": 900} for i in range(5)]}
    assert client.post(SESSIONS, params={"session": "shop"}, json=body).status_code == 201
    told = client.post(f"{SESSIONS}/shop/assign", json={"task": "one", "steps": STEPS, "time_s": 0}).json()
    assert told["answer"]["provider"] in {f"p{i}" for i in range(5)}
    assert not told["degraded"]
    done = client.post(f"{SESSIONS}/shop/complete", json={"task": "one", "quality": 0.6, "time_s": 9})
    assert done.json()["answer"]["ran_s"] == 9
    wrong = client.post(f"{SESSIONS}/shop/complete", json={"task": "one", "quality": 1.6, "time_s": 9})
    assert (wrong.status_code, wrong.json()["faults"][0]["field"]) == (422, "quality")
    assert client.get(f"{SESSIONS}/shop").json()["providers"]["p0"]["capacity_steps"] == 900


def test_policies_on_vectors_have_no_sessions(tmp_path: Path) -> None:
    assert SYSTEM.service(ServiceSelectionConfig()) is None
