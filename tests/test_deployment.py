"""An agent over HTTP: it arrives, answers, is replaced without a pause, and comes back."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("cryptography", reason="the extra `federation` is not installed")
pytest.importorskip("segno", reason="the extra `federation` is not installed")

from fastapi.testclient import TestClient

from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.construction.acceptance import example
from edgewise.construction.agent import Agent, integrate, write_agent
from edgewise.construction.arrival import bundle, current_agent, set_current, take_agent
from edgewise.construction.artefact import Refused, describe, pack, unpack
from edgewise.construction.deploy import address, application, qr_code
from edgewise.construction.deployment import Deployment
from edgewise.construction.keys import Key, make_key
from edgewise.construction.kind import MODULES
from edgewise.construction.steps import After, moves, reflect
from edgewise.serving.logs import set_up
from edgewise.serving.settings import Settings

HOME = ("127.0.0.1", 50_000)
TOKEN = "a token that nobody guesses"


@pytest.fixture(scope="module")
def key() -> Key:
    return make_key()


def make_agent(key: Key, seed: int, kinds: tuple[str, ...] = ("decision", "planning")) -> Agent:
    """An agent that knows nothing."""
    found = [(name, MODULES.find(name)) for name in kinds]
    modules = [unpack(pack(describe(name, kind, 0), kind.initial(seed), key)) for name, kind in found]
    return integrate(modules, key, f"agent {seed}", 0.25)


@pytest.fixture(scope="module")
def agents(key: Key) -> list[Agent]:
    return [make_agent(key, seed) for seed in (1, 2)]


def arrive(folder: Path, agent: Agent, scratch: Path) -> str:
    """Let an agent come to an edge server."""
    write_agent(scratch / agent.lock.digest, agent)
    take_agent(folder, bundle(scratch / agent.lock.digest), agent.lock.author)
    return agent.lock.digest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "edge").mkdir()
    return tmp_path / "edge"


@pytest.fixture
def client(folder: Path, key: Key) -> Iterator[TestClient]:
    set_up("error")
    with TestClient(application(Deployment(folder, key.public), Settings()), client=HOME) as opened:
        yield opened


def wait(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def version(client: TestClient) -> str:
    return client.get("/v1/agent").json().get("version", "")


def test_before_an_agent_has_arrived_it_says_so(client: TestClient) -> None:
    assert client.get("/v2/health/ready").status_code == 503
    for method, path in (("GET", ""), ("GET", "/modules/decision"), ("POST", "/modules/decision")):
        told = client.request(method, f"/v1/agent{path}", json={} if method == "POST" else None)
        assert (told.status_code, told.json()["error"]) == (503, "no agent has arrived yet")
    assert client.post("/v1/agent/decide", json=example().model_dump()).status_code == 503
    assert client.post("/v1/agent/rollback").status_code == 422
    assert "<svg" in client.get("/").text


def test_an_agent_that_arrives_answers_as_it_does_at_home(
    client: TestClient, folder: Path, agents: list[Agent], tmp_path: Path
) -> None:
    arrive(folder, agents[0], tmp_path)
    wait(lambda: client.get("/v2/health/ready").status_code == 200)
    facts = client.get("/v1/agent").json()
    assert (facts["version"], facts["acceptance"]) == (agents[0].lock.digest, 0.25)
    assert set(facts["modules"]) == {"decision", "planning"}
    assert "perception, memory, reflection, action" in facts["message"]
    view = client.get("/v1/agent/example", params={"seed": 4}).json()
    told = client.post("/v1/agent/decide", json=view).json()
    assert told == {"move": moves(agents[0], [example(4)])[0].model_dump(), "agent": agents[0].lock.digest}
    after = After(label="send", before="home", after="outbox", change=0.5)
    told = client.post("/v1/agent/reflect", json=after.model_dump()).json()
    assert told["outcome"] == reflect(agents[0], [after])[0].model_dump()
    request = {"wish": "listen to the song", "elements": [{"label": "play"}, {"label": "map"}]}
    told = client.post("/v1/agent/modules/decision", json=request).json()
    assert told == agents[0].answering["decision"]([request])[0]
    schemas = client.get("/v1/agent/modules/decision").json()
    assert schemas == {"inputs": MODULES.find("decision").inputs, "outputs": MODULES.find("decision").outputs}
    assert client.get("/v1/agent").json()["answers"] == 2
    assert f'edgewise_decisions_total{{degraded="false",model="agent 1",policy="{agents[0].lock.digest}"}} 1.0' in (
        client.get("/metrics").text
    )


@pytest.mark.parametrize(
    "change",
    [{"subgoals": []}, {"elements": []}, {"elements": [{"label": 3}]}, {"more": 1}, {"facts": ["x"] * 9},
     {"elements": [{"picture": [[0.5] * 16] * 15}]}, {"subgoals": [{"wish": "x" * 1001}]}, {"history": [{"label": "x"}]}],
)  # fmt: skip
def test_what_cannot_be_asked_is_told(client: TestClient, change: dict[str, Any]) -> None:
    told = client.post("/v1/agent/decide", json=example().model_dump() | change)
    assert told.status_code == 422
    assert next(iter(change)) in told.json()["error"]


def test_a_newer_agent_takes_over_without_a_pause_and_the_way_back(
    client: TestClient, folder: Path, agents: list[Agent], tmp_path: Path
) -> None:
    first, second = (each.lock.digest for each in agents)
    arrive(folder, agents[0], tmp_path)
    wait(lambda: version(client) == first)
    ended, seen = threading.Event(), list[tuple[int, str]]()
    view = example().model_dump()

    def ask() -> None:
        while not ended.is_set():
            told = client.post("/v1/agent/decide", json=view)
            seen.append((told.status_code, told.json().get("agent", "")))

    asking = threading.Thread(target=ask)
    asking.start()
    arrive(folder, agents[1], tmp_path)
    wait(lambda: version(client) == second)
    wait(lambda: seen[-1][1] == second)
    assert client.post("/v1/agent/rollback").json() == {"version": first}
    wait(lambda: seen[-1][1] == first)
    ended.set()
    asking.join()
    assert {status for status, _ in seen} == {200}
    assert {agent for _, agent in seen} == {first, second}
    time.sleep(1.2)  # the look at the folder does not undo it
    assert version(client) == first
    told = client.post("/v1/agent/rollback")
    assert (told.status_code, "nothing to go back to" in told.json()["error"]) == (422, True)
    assert client.post("/v1/agent/load", json={"version": second[:12]}).json() == {"version": second}
    assert client.post("/v1/agent/load", json={"version": "../.."}).status_code == 422
    assert current_agent(folder) == folder / "agents" / second


def test_an_agent_that_was_changed_or_is_anothers_is_not_served(
    client: TestClient, folder: Path, agents: list[Agent], tmp_path: Path
) -> None:
    first = arrive(folder, agents[0], tmp_path)
    wait(lambda: version(client) == first)
    other = make_agent(make_key(), 3, ("decision",))
    with pytest.raises(Refused, match="author"):
        arrive(folder, other, tmp_path)
    foreign = other.lock.digest
    write_agent(folder / "agents" / foreign, other)
    changed = arrive(folder, agents[1], tmp_path)
    part = next((folder / "agents" / changed).glob("*.module"))
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(bytes(content))
    set_current(folder, first)
    for bad, verdict in ((foreign, "author"), (changed, "digest")):
        told = client.post("/v1/agent/load", json={"version": bad})
        assert (told.status_code, told.json()["error"].split(":")[0]) == (422, verdict)
        set_current(folder, bad)
        wait(lambda: current_agent(folder) == folder / "agents" / first)
        assert version(client) == first


def test_an_agent_that_is_not_whole_is_refused(tmp_path: Path, agents: list[Agent], key: Key) -> None:
    write_agent(tmp_path, agents[0])
    assert Agent.load(tmp_path, key.public).lock == agents[0].lock
    with pytest.raises(Refused, match="author"):
        Agent.load(tmp_path, make_key().public)
    lock = (tmp_path / "lock.json").read_text()
    for wrong in ("", "{}", "[" * 50_000, lock.replace("0.25", "0.95"), lock.replace('"agent 1"', '"agent 9"')):
        (tmp_path / "lock.json").write_text(wrong)
        with pytest.raises(Refused, match=r"malformed|digest"):
            Agent.load(tmp_path)
    (tmp_path / "lock.json").write_text(lock)
    next(tmp_path.glob("*.module")).unlink()
    with pytest.raises(EdgewiseError, match=r"\.module"):
        Agent.load(tmp_path)


def test_only_its_own_machine_changes_the_agent(folder: Path) -> None:
    with TestClient(application(Deployment(folder), Settings()), client=("192.0.2.7", 50_000)) as other:
        for path, body in (("load", {"version": "x"}), ("rollback", None)):
            assert other.post(f"/v1/agent/{path}", json=body).status_code == 403


def test_beyond_its_own_machine_it_needs_a_token(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="host"):
        application(Deployment(folder), Settings(host="0.0.0.0"))
    (folder / "token").write_text(TOKEN)
    settings = Settings(host="192.0.2.5", port=8123, token_file=folder / "token")
    assert address(settings) == "http://192.0.2.5:8123/"
    with TestClient(application(Deployment(folder), settings), follow_redirects=False) as opened:
        assert opened.get("/").status_code == 401
        assert opened.get("/", params={"token": TOKEN}).status_code == 303
        assert opened.get("/").status_code == 200


def test_the_code_holds_the_address() -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV, which reads the code, is not installed")
    text = f"http://192.0.2.5:8123/?token={'x' * 40}"
    drawn = qr_code(text)
    side = int(re.search(r'width="(\d+)"', drawn)[1]) // 5  # type: ignore[index]
    picture = np.full((side, side), 255, np.uint8)
    path = re.findall(r"([Mmh])(-?\d+)(?: ?(-?[\d.]+))?", re.search(r'class="qrline".* d="([^"]+)"', drawn)[1])  # type: ignore[index]
    x = y = 0.0
    for letter, one, other in path:
        if letter == "M":
            x, y = float(one), float(other)
        elif letter == "m":
            x, y = x + float(one), y + float(other)
        else:
            picture[int(y), int(x) : int(x) + int(one)] = 0
            x += float(one)
    assert cv2.QRCodeDetector().detectAndDecode(np.kron(picture, np.ones((8, 8), np.uint8)))[0] == text


def test_a_text_that_no_code_holds_is_told() -> None:
    with pytest.raises(EdgewiseError, match="QR code"):
        qr_code("x" * 5000)
