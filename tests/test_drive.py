"""Traffic for a policy server: who has which place, what orders bring, requests that are sent again, and SUMO."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import equinox as eqx
import httpx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from fastapi.testclient import TestClient

import served
from edgewise.cli.main import main
from edgewise.common.client import Client
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.policies.artefact import load_policy
from edgewise.serving.application import Server, application
from edgewise.serving.settings import Settings
from edgewise.systems.agent_migration.drive.command import Drive, places_of, system_on
from edgewise.systems.agent_migration.drive.places import Places
from edgewise.systems.agent_migration.drive.roads import open_roads
from edgewise.systems.agent_migration.drive.trip import Log, drive
from edgewise.systems.agent_migration.drive.world import LiveMobility
from edgewise.systems.agent_migration.entities import EntityMigration, EntityState
from edgewise.systems.agent_migration.environment import AgentMigration
from edgewise.systems.agent_migration.memory import begin, see
from edgewise.systems.agent_migration.mobility.replay import TraceReplay
from edgewise.systems.agent_migration.mobility.sumo import Traffic
from edgewise.systems.agent_migration.sampling import ResetDraws, draw_reset
from edgewise.systems.agent_migration.session import PERSISTENCE

SLOTS, SEED = 8, 5
PLACES = ((0.0, 0.0), (1000.0, 0.0))
CONFIG = replace(
    served.CONFIG,
    observation="vector",
    rsu_positions_m=PLACES,
    area_m=2000.0,
    slots=SLOTS,
    attack_frequency=0.5,
)


def quiet(slot: int, log: Log) -> None:
    pass


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return served.save_small_policy(tmp_path_factory.mktemp("policy") / "small")


@pytest.fixture(scope="module")
def client(policy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    database = f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.sqlite'}"
    server = Server(Settings((str(policy),), database=database, deadline_ms=60_000))
    with TestClient(application(server)) as opened:
        yield Client("http://testserver", http=opened)


def road(slot: int) -> dict[str, tuple[float, float]]:
    """Three vehicles that drive eastward; in slot 4 one is gone and another one there."""
    names = ("a", "b", "c") if slot < 4 else ("a", "d", "c")
    return {name: (300.0 * i + 70.0 * slot * (1 + 0.2 * i), 40.0) for i, name in enumerate(names)}


def scripted(by_place: bool) -> Any:
    places, slot, random = Places.empty(3, by_place), 0, np.random.default_rng(0)

    def following() -> Places:
        nonlocal places, slot
        places = places.follow(road(slot), random)
        slot += 1
        return places

    return following


def test_places_pass_from_one_that_leaves_to_one_that_comes() -> None:
    random = np.random.default_rng(0)
    first = Places.empty(2).follow({"a": (1.0, 2.0)}, random)
    assert set(first.names) == {"a", None}
    assert first.taken.sum() == first.new.sum() == 1
    second = first.follow({"a": (2.0, 2.0), "b": (5.0, 5.0), "c": (6.0, 6.0)}, random)
    assert "a" in second.names
    assert None not in second.names
    place = second.names.index("a")
    assert second.positions[place].tolist() == [2.0, 2.0]
    assert second.new.tolist() == [index != place for index in range(2)]
    third = second.follow({}, random)
    assert third.names == (None, None)
    assert not third.new.any()
    assert third.positions.tolist() == second.positions.tolist()
    assert replace(second, by_place=True).told == ("place 0", "place 1")


@pytest.mark.slow
def test_what_orders_bring_is_what_the_simulator_says(client: Client, policy: Path) -> None:
    environment = AgentMigration.build(CONFIG, LiveMobility(jnp.asarray(PERSISTENCE), 3))
    log = drive(client, environment, CONFIG, scripted(True), SLOTS, None, SEED, quiet)
    assert any(new.any() for new in log.new[1:])
    np.testing.assert_allclose(log.latency, simulated(policy, log), rtol=1e-4)
    assert sum(log.moved) > 0


def simulated(policy: Path, log: Log) -> np.ndarray:
    """Mean latencies of the policy on the drive's recording, in the environment, with the drive's random numbers."""
    new = np.asarray(log.new)
    new[0] = False
    mobility = TraceReplay.build(np.asarray(log.positions, np.float32), new, SLOTS, 3)
    system = AgentMigration.build(CONFIG, replace(mobility, persistence=jnp.asarray(PERSISTENCE)))
    start, key = jax.random.split(jax.random.key(SEED))
    drawn = draw_reset(start, 0, 3, 2)
    first = system.reset_from(ResetDraws(jnp.asarray([0.0, 0.1, 0.2, 0.3]), drawn.targets, drawn.data))
    migration, act = EntityMigration(system), load_policy(policy).policy

    def slot(state: EntityState, number: Any) -> Any:
        action = act(migration.observe(state), None)
        state, timestep = migration.step(jax.random.fold_in(key, number), state, action)
        return state, timestep.info["latency"]

    state = EntityState(first, begin(system.parameters, see(system, first)), ())
    _, latency = eqx.filter_jit(jax.lax.scan)(slot, state, jnp.arange(SLOTS))
    return np.asarray(latency) / 3


@pytest.mark.slow
def test_sumo_drives_a_server_and_is_recorded(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("libsumo", reason="libsumo is not installed (extra mobility)")
    traffic = Traffic(rows=3, columns=3, vehicles=300, seconds=600.0, warm_up_seconds=200.0, shortest_trip_m=500.0)
    options = Drive(traffic=traffic, vehicles=3, slots=4, rsus=2, seed=1)
    with open_roads(traffic, None) as roads:
        config, environment = system_on(options, roads)
        log = drive(client, environment, config, places_of(options, roads), 4, "small", 1, quiet)
    assert log.vehicles == [3, 3, 3, 3]
    assert len(log.positions) == 5
    assert np.ptp(np.asarray(log.positions), axis=0).max() > 20  # m: they move
    assert min(log.latency) > 0
    assert not any(log.degraded)


def test_a_request_that_was_cut_off_is_sent_again_with_its_key() -> None:
    keys: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["idempotency-key"])
        if len(keys) == 1:
            raise httpx.ReadError("cut off")
        return httpx.Response(503 if len(keys) == 2 else 200, json={"session": "x"})

    pauses: list[float] = []
    http = httpx.Client(base_url="http://server", transport=httpx.MockTransport(answer))
    with Client("http://server", pause=pauses.append, http=http) as client:
        assert client.post("/a", {})["session"] == "x"
        assert len(set(keys)) == 1
        assert pauses == sorted(pauses)
        client.post("/a", {})
    assert len(set(keys)) == 2


def test_a_refusal_is_told_in_the_servers_words() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(422, json={"error": "vehicles.0.id: must be a name"})

    http = httpx.Client(base_url="http://server", transport=httpx.MockTransport(refuse))
    with (
        Client("http://server", http=http) as client,
        pytest.raises(EdgewiseError, match=r"422: vehicles\.0\.id: must be"),
    ):
        client.post("/a", {})


def test_a_server_that_cannot_be_reached_is_named() -> None:
    with Client("http://127.0.0.1:9", patience_s=0.0) as client, pytest.raises(EdgewiseError, match=r"127\.0\.0\.1:9"):
        client.post("/a", {})
    with pytest.raises(ConfigurationError, match="server = 'ftp://x'"):
        Client("ftp://x")


def test_what_can_drive_is_listed_and_mistakes_are_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["drive", "--help"]) == 0
    assert "sumo" in capsys.readouterr().out
    assert main(["drive", "tram"]) == 2
    assert "tram" in capsys.readouterr().err
    assert main(["drive", "sumo", "--vehicles", "0"]) == 2
    assert "vehicles" in capsys.readouterr().err
    assert main(["drive", "sumo", "--scenario", str(tmp_path / "no.sumocfg")]) == 2
    assert "no.sumocfg" in capsys.readouterr().err
