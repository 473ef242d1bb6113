"""The policy server: sessions over HTTP, answers that a policy would give, and refusals in one form."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

import served
from edgewise.common.errors import ConfigurationError
from edgewise.common.packed import nested, unpack
from edgewise.serving.application import Server, application
from edgewise.serving.logs import set_up
from edgewise.serving.programs import Programs
from edgewise.serving.settings import Settings
from edgewise.serving.store import DECISIONS, Store


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("server")
    model = served.save_small_policy(folder / "small")
    set_up("error")
    settings = Settings((str(model),), database=f"sqlite:///{folder / 'store.sqlite'}", deadline_ms=60_000, log="error")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edgewise.systems.agent_migration.service.EXPECTED", ((3, 2),))
        with TestClient(application(Server(settings))) as opened:
            served.wait_until_ready(opened)
            yield opened


def open_session(client: TestClient, name: str) -> None:
    opened = client.post(served.SESSIONS, params={"session": name}, json={"units": served.UNITS})
    assert opened.status_code == 201, opened.text
    assert opened.json()["answer"]["units"] == ["west", "east"]


def ask(client: TestClient, name: str, body: dict[str, Any], status: int = 200, **headers: str) -> Any:
    told = client.post(f"{served.SESSIONS}/{name}/slots", json=body, headers=headers)
    assert told.status_code == status, told.text
    return told.json()


def decisions(client: TestClient, name: str) -> list[Any]:
    store = client.app.state.server.store
    with store._engine.connect() as connection:
        query = DECISIONS.select().where(DECISIONS.c.session == name).order_by(DECISIONS.c.time)
        return list(connection.execute(query).mappings())


def test_answers_are_those_of_the_policy_and_are_kept(client: TestClient) -> None:
    open_session(client, "town")
    told = [ask(client, "town", served.slot(number)) for number in range(6)]
    artefact = client.app.state.server.repository.find("small").artefact
    kept = decisions(client, "town")
    assert [each["decision_id"] for each in told] == [row["id"] for row in kept]
    for each, row in zip(told, kept, strict=True):
        action, seen = (nested(unpack(row[part])[0]) for part in ("action", "observation"))
        acted = artefact.act(seen)
        assert sorted(acted) == sorted(action)
        for name, value in acted.items():
            np.testing.assert_array_equal(value, action[name])
        assert [v["target_unit"] for v in each["answer"]["vehicles"].values()] == [
            ("west", "east")[int(i)] for i in acted["target"][:3]
        ]
        assert not each["degraded"]
        assert each["policy_sha256"] == client.app.state.server.repository.find("small").digest
    assert len({str(each["answer"]["vehicles"]) for each in told}) > 1
    reputations = [each["answer"]["units"]["west"]["reputation"] for each in told]
    assert reputations[0] == pytest.approx(0.7)
    assert reputations[-1] != reputations[0]


def test_a_body_means_the_same_however_its_type_is_told(client: TestClient) -> None:
    answers, refusals = [], []
    for name, kind in (("plainly", "application/json"), ("at-length", "application/json; charset=utf-8")):
        open_session(client, name)
        headers = {"Content-Type": kind}
        told = [ask(client, name, served.slot(number), **headers) for number in range(3)]
        answers.append([(each["answer"], each["policy_sha256"]) for each in told])
        wrong = client.post(f"{served.SESSIONS}/{name}/slots", content=b'{"vehicles": [', headers=headers)
        long = ask(client, name, served.slot(3), 422, **headers, **{"Idempotency-Key": "k" * 129})
        refusals.append((wrong.status_code, wrong.json(), long))
    assert answers[0] == answers[1]
    assert refusals[0] == refusals[1]
    assert refusals[0][0] == 422
    bare = client.post(f"{served.SESSIONS}/plainly/slots", content=b'{"vehicles": []}')
    assert bare.status_code == 422


def test_vehicles_and_units_come_and_go(client: TestClient) -> None:
    open_session(client, "busy")
    assert list(ask(client, "busy", served.slot(0, "ab"))["answer"]["vehicles"]) == ["a", "b"]
    assert list(ask(client, "busy", {"vehicles": served.vehicles(1, "bcd")})["answer"]["vehicles"]) == ["b", "c", "d"]
    empty = ask(client, "busy", {"vehicles": []})
    assert empty["answer"]["vehicles"] == {}
    assert "degraded" not in empty["answer"]
    units = [*served.UNITS, {"id": "north", "position_m": [500, 800], "link_rate_mbps": 150, "cpu_mhz": 150}]
    again = ask(client, "busy", {"vehicles": served.vehicles(3, "cd"), "units": units})
    assert list(again["answer"]["units"]) == ["west", "east", "north"]
    assert again["answer"]["slot"] == 4


def test_what_lies_outside_of_the_training_is_told(client: TestClient) -> None:
    from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
    from edgewise.systems.agent_migration.instances import facts
    from edgewise.systems.agent_migration.service import AgentMigrationService

    drawn = AgentMigrationConfig(observation="entities", instances="drawn", shapes=("2x2", "4x2"))
    service = AgentMigrationService(drawn, facts(drawn))
    words = {name: each.request for name, each in service.operations.items()} | {"open": service.opening.request}
    units = [{**served.UNITS[0], "cpu_mhz": 500.0}, served.UNITS[1]]
    body = {"units": units, "system": {"slot_seconds": 60.0}}
    state = service.open(words["open"].model_validate(body)).state
    question = service.apply(state, "slots", words["slots"].model_validate({"vehicles": served.vehicles(0, "abcde")}))
    assert service.outside(question) == [
        "vehicles = 5: trained with 2 to 4",
        "slot_seconds = 60: trained with 15 to 45",
        "cpu_mhz of west = 500: trained with 80 to 320",
    ]


def test_a_repeated_request_is_answered_again_and_counts_once(client: TestClient) -> None:
    open_session(client, "keyed")
    first = ask(client, "keyed", served.slot(0), **{"Idempotency-Key": "one"})
    assert ask(client, "keyed", served.slot(0), **{"Idempotency-Key": "one"}) == first
    assert len(decisions(client, "keyed")) == 1
    other = ask(client, "keyed", served.slot(1), 422, **{"Idempotency-Key": "one"})
    assert "another request" in other["error"]


@pytest.mark.parametrize(
    ("body", "field", "allowed"),
    [
        ({"vehicles": [{"id": "a", "position_m": [0, "x"]}]}, "vehicles.0.position_m.1", "valid number"),
        ({"vehicles": [{"id": "a"}]}, "vehicles.0.position_m", "given"),
        ({"vehicles": [{"id": "a", "position_m": [0, 1e30]}]}, "vehicles.0.position_m.1", "1000"),
        (
            {"vehicles": served.vehicles(0), "units": [{**served.UNITS[0], "cpu_mhz": 5e-324}]},
            "units.0.cpu_mhz",
            "0.000001",
        ),
        ({"vehicles": served.vehicles(0, "aa")}, "vehicles", "another name"),
        ({**served.slot(1)}, "report", "first slot"),
        ({"vehicles": served.vehicles(0), "wheels": 4}, "wheels", "not permitted"),
    ],
)
def test_a_request_that_is_not_allowed_changes_nothing(
    client: TestClient, body: dict[str, Any], field: str, allowed: str
) -> None:
    name = f"wrong-{abs(hash((field, allowed)))}"
    open_session(client, name)
    refusal = ask(client, name, body, 422)
    assert refusal["faults"][0]["field"] == field
    assert allowed in refusal["faults"][0]["allowed"]
    assert decisions(client, name) == []
    assert ask(client, name, served.slot(0))["answer"]["slot"] == 1


def test_unknown_sessions_models_and_taken_names_are_refused(client: TestClient) -> None:
    assert "open session" in ask(client, "nobody", served.slot(0), 404)["error"]
    open_session(client, "mine")
    taken = client.post(served.SESSIONS, params={"session": "mine"}, json={"units": served.UNITS})
    assert taken.status_code == 409
    other = client.post(served.SESSIONS, params={"model": "large"}, json={"units": served.UNITS})
    assert (other.status_code, other.json()["faults"][0]["allowed"]) == (422, "one of small")
    assert client.delete(f"{served.SESSIONS}/mine").status_code == 204
    ask(client, "mine", served.slot(0), 404)


def test_a_state_goes_on_to_the_same_bits_after_it_was_stored(client: TestClient) -> None:
    server = client.app.state.server
    model = server.repository.find("small")
    service = model.service
    words = service.operations["slots"].request
    state = service.open(service.opening.request.model_validate({"units": served.UNITS})).state
    stored = service.load(service.dump(state))
    for number in range(4):
        names = "abc" if number < 3 else "bcd"
        body = words.model_validate({**served.slot(number, "abc"), "vehicles": served.vehicles(number, names)})
        asked, again = (service.apply(each, "slots", body) for each in (state, stored))
        action = model.artefact.act(asked.observation)
        state = service.answer(asked, action).state
        stored = service.load(service.dump(service.answer(again, action).state))
        assert service.dump(stored) == service.dump(state)


def test_a_policy_of_one_size_has_no_sessions_and_says_what_it_takes(client: TestClient) -> None:
    from edgewise.environments import registry
    from edgewise.serving.held import service_of
    from edgewise.serving.refusals import RefusedError

    system = registry.find("agent-migration")
    assert system.service(replace(served.CONFIG, observation="vector")) is None
    model = replace(client.app.state.server.repository.find("small"), service=None)
    with pytest.raises(RefusedError, match=r"/v2/models/small/infer alone; it takes vehicles/"):
        service_of(model)


def test_schemas_tell_every_address(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    assert f"{served.SESSIONS}/{{session}}/slots" in schema["paths"]
    assert "raw_data_mb" in schema["components"]["schemas"]["VehicleIn"]["properties"]
    assert client.get("/v2/health/live").json() == {"live": True}


def test_a_model_that_does_not_exist_is_told(tmp_path: Path) -> None:
    from edgewise.common.errors import EdgewiseError
    from edgewise.serving.models import find_sources

    with pytest.raises(EdgewiseError, match="must be the folder of a run or of a policy"):
        find_sources([str(tmp_path / "nothing")])
    small = served.save_small_policy(tmp_path / "small")
    with pytest.raises(EdgewiseError, match="names that differ"):
        find_sources([str(small), str(small)])
    assert [source.name for source in find_sources([f"mine={small}"])] == ["mine"]
    assert {source.name for source in find_sources([])} >= {"agent-migration"}


def test_requests_of_a_size_without_programs_wait_beside_the_others(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = client.app.state.server
    small = server.repository.find("small")
    usual, compiled, made = small.service.size, threading.Event(), []

    def size(state: Any, operation: str, request: Any) -> Any:
        return (99, 99) if state.units[0].name == "far" else usual(state, operation, request)

    def make(model: Any, size: Any) -> None:
        assert compiled.wait(60)
        made.append(size)

    monkeypatch.setattr(small.service, "size", size)
    monkeypatch.setattr(server.programs, "make", make)
    monkeypatch.setattr(server.programs, "make_together", lambda model, size: None)
    far = [{**served.UNITS[0], "id": "far"}, served.UNITS[1]]
    assert client.post(served.SESSIONS, params={"session": "large"}, json={"units": far}).status_code == 201
    open_session(client, "usual")
    assert ask(client, "large", {"vehicles": served.vehicles(0, "aa")}, 422)["faults"][0]["field"] == "vehicles"
    bodies = [{"vehicles": served.vehicles(0)}, {"vehicles": served.vehicles(1)}]
    with ThreadPoolExecutor(2) as threads:
        waiting = threads.submit(ask, client, "large", bodies[0])
        while ("large" in server.worker._aside.sessions) == waiting.done():
            time.sleep(0.01)
        after = threads.submit(ask, client, "large", bodies[1])
        assert ask(client, "usual", bodies[0])["waited_for_programs_s"] is None
        assert not waiting.done()
        assert not after.done()
        compiled.set()
        first, second = waiting.result(60), after.result(60)
    assert made == [(99, 99)]
    assert first["waited_for_programs_s"] > 0
    assert second["waited_for_programs_s"] is None
    assert [each["answer"]["slot"] for each in (first, second)] == [1, 2]
    assert not first["degraded"]


def test_who_has_waited_too_long_for_programs_is_answered_by_a_rule(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = client.app.state.server
    monkeypatch.setattr(server.worker._aside, "_longest_s", 0.05)
    monkeypatch.setattr(server.programs, "made", lambda model, size: False)
    monkeypatch.setattr(server.programs, "want", lambda model, size, then: None)
    open_session(client, "late")
    wrong = {"vehicles": served.vehicles(0, "aa")}
    assert ask(client, "late", wrong, 422)["faults"][0]["field"] == "vehicles"
    first = ask(client, "late", served.slot(0), **{"Idempotency-Key": "first"})
    assert first["degraded"]
    assert "programs for so many vehicles and units were not compiled within" in first["degraded_because"]
    assert first["waited_for_programs_s"] >= 0.05
    assert ask(client, "late", served.slot(0), **{"Idempotency-Key": "first"}) == first
    told = first["answer"]["vehicles"].values()
    assert [each["target_unit"] for each in told] == ["west"] * 3  # the nearest
    assert [each["processor_share"] for each in told] == pytest.approx([1 / 3] * 3)
    (row,) = decisions(client, "late")
    assert (row["degraded"], row["observation"]) == (True, b"")
    assert unpack(row["action"])[0]["target"].shape == (3,)
    service = server.repository.find("small").service
    with monkeypatch.context() as patch:
        patch.setattr(service, "meanwhile", lambda state, operation, request: None)
        assert "ask again later" in ask(client, "late", served.slot(1), 503)["error"]
    monkeypatch.undo()
    second = ask(client, "late", served.slot(1))
    assert not second["degraded"]
    open_session(client, "undisturbed")
    ask(client, "undisturbed", served.slot(0))
    done = {
        "target_unit": {name: each["target_unit"] for name, each in first["answer"]["vehicles"].items()},
        "defend": {name: each["defend"] for name, each in first["answer"]["units"].items()},
    }
    assert ask(client, "undisturbed", served.slot(1, carried_out=done))["answer"] == second["answer"]


def test_a_rule_without_programs_compiles_nothing(client: TestClient) -> None:
    service = client.app.state.server.repository.find("small").service
    opening, words = service.opening.request, service.operations["slots"].request
    state = service.open(opening.model_validate({"units": served.UNITS})).state
    told = [words.model_validate(served.slot(number, "abcde")) for number in range(2)]
    first = service.meanwhile(state, "slots", told[0])
    assert list(first.answer.vehicles) == list("abcde")
    assert (
        service.meanwhile(first.state, "slots", told[1]) is None
    )  # what the slot has brought needs programs of its size


def test_sizes_are_those_of_the_models(client: TestClient, tmp_path: Path) -> None:
    server = client.app.state.server
    small = server.repository.find("small")
    assert server.programs.made(small, (4, 4))
    state = small.service.open(small.service.opening.request.model_validate({"units": [served.UNITS[0]] * 1})).state
    assert small.service.likely(state, [(9, 2), (30, 3)]) == [(12, 4), (32, 4)]
    assert Settings(sizes=("32x8", "20")).sizes_of(("vehicles", "units"), [(8, 4)]) == [(32, 8)]
    assert Settings(sizes=("20",)).sizes_of(("vehicles", "units"), [(8, 4)]) == [(8, 4)]
    for wrong in ("0x4", "8 x 4", "eight"):
        with pytest.raises(ConfigurationError, match="sizes = "):
            Settings(sizes=(wrong,))
    with pytest.raises(ConfigurationError, match=r"vehicles x units \(agent-migration\)"):
        Programs(Settings(sizes=("8x4x2",))).require_known([small])


def test_servers_that_share_a_database_go_on_with_each_others_sessions(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "shared", True)
    model = str(client.app.state.server.repository.sources["small"].folder)
    settings = Settings((model,), database=f"sqlite:///{tmp_path / 'shared.sqlite'}", deadline_ms=60_000)
    with TestClient(application(Server(settings))) as one, TestClient(application(Server(settings))) as other:
        open_session(one, "both")
        told = [ask((one, other)[number % 2], "both", served.slot(number))["answer"] for number in range(6)]
        taken = other.post(served.SESSIONS, params={"session": "both"}, json={"units": served.UNITS})
        assert taken.status_code == 409
        sessions = one.app.state.server.worker.held
        stale = sessions.find("agent-migration", "both")
        first = ask(other, "both", served.slot(6), **{"Idempotency-Key": "seventh"})
        monkeypatch.setattr(Store, "version", lambda store, name: stale.row.version)  # not seen until it is to be kept
        sessions.put(stale)
        told.append(ask(one, "both", served.slot(6), **{"Idempotency-Key": "seventh"})["answer"])
        assert told[-1] == first["answer"]
        told.append(ask(one, "both", served.slot(7))["answer"])
    open_session(client, "alone")
    assert told == [ask(client, "alone", served.slot(number))["answer"] for number in range(8)]
