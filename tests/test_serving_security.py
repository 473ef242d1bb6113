"""Who may ask the server, and how much."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi.testclient import TestClient

import served
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.serving.application import Server, application
from edgewise.serving.logs import set_up
from edgewise.serving.run import listening
from edgewise.serving.security import Gate, read_token
from edgewise.serving.settings import Settings

TOKEN = "a token that nobody guesses"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "token").write_text(TOKEN + "\n")
    model = served.save_small_policy(folder / "small")
    set_up("error")
    settings = Settings(
        (str(model),),
        host="0.0.0.0",
        database=f"sqlite:///{folder / 'store.sqlite'}",
        token_file=folder / "token",
        max_body_mib=0.1,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Server, "warm", lambda server: server._set_ready(True))
        with TestClient(application(Server(settings)), follow_redirects=False) as opened:
            yield opened


def addresses(client: TestClient) -> list[tuple[str, str]]:
    schema = client.get("/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"}).json()
    return [(method, path) for path, operations in schema["paths"].items() for method in operations]


def test_without_the_token_only_liveness_answers(client: TestClient) -> None:
    assert client.get("/v2/health/live").status_code == 200
    told = [*addresses(client), ("get", "/docs"), ("get", "/openapi.json"), ("get", "/nothing"), ("get", "/")]
    assert len(told) > 10
    for method, path in told:
        if path != "/v2/health/live":
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
                answer = client.request(method.upper(), path, headers=headers)
                assert answer.status_code == 401, (method, path)
                assert "Bearer" in answer.headers["www-authenticate"]


def test_the_token_opens_and_a_browser_keeps_it(client: TestClient) -> None:
    assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    first = client.get("/docs", params={"token": TOKEN})
    assert (first.status_code, first.headers["location"]) == (303, "/docs")
    assert "HttpOnly" in first.headers["set-cookie"]
    assert client.get("/docs").status_code == 200
    client.cookies.clear()
    assert client.get("/docs").status_code == 401


def test_bodies_are_bounded(client: TestClient) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    told = client.post(served.SESSIONS, content=b"x" * 200_000, headers=headers)
    assert (told.status_code, told.json()["error"]) == (413, "body: must be 0.1 MiB at most")
    told = client.post(served.SESSIONS, content=iter([b"x" * 60_000] * 3), headers=headers)
    assert told.status_code == 413


def test_figures_are_told(client: TestClient) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    client.post(served.SESSIONS, json={"units": served.UNITS}, headers=headers)
    text = client.get("/metrics", headers=headers).text
    assert f'edgewise_requests_total{{address="{served.SESSIONS}",method="POST",status="201"}}' in text
    assert "edgewise_ready 1.0" in text
    assert 'edgewise_model{model="small"' in text
    answer = client.get("/v2/health/live", headers={"X-Request-Id": "mine-1"})
    assert answer.headers["x-request-id"] == "mine-1"


async def _answer(gate: Any, parts: list[bytes], wait: float = 0.0) -> int:
    import asyncio

    statuses: list[int] = []
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]

    async def receive() -> Any:
        await asyncio.sleep(wait)
        return messages.pop(0) if messages else {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http",
        "path": "/",
        "method": "POST",
        "headers": [],
        "client": ("1.2.3.4", 1),
        "query_string": b"",
    }
    await gate(scope, receive, send)
    return statuses[0]


async def _fine(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})


def test_slow_bodies_and_too_many_requests_are_refused() -> None:
    import asyncio

    slow = Gate(_fine, None, Settings(body_s=0.05))
    assert asyncio.run(_answer(slow, [b"a"] * 20, wait=0.02)) == 408
    assert asyncio.run(_answer(slow, [b"a"])) == 200
    limited = Gate(_fine, None, Settings(rate_per_s=2.0))
    assert [asyncio.run(_answer(limited, [])) for _ in range(4)] == [200, 200, 429, 429]


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for this machine that it has signed itself, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed, which makes the certificate")
    paths = tmp_path / "certificate.pem", tmp_path / "key.pem"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    places = ["-addext", "subjectAltName=IP:127.0.0.1", "-out", str(paths[0]), "-keyout", str(paths[1])]
    subprocess.run([*words.split(), *places], check=True, capture_output=True)
    return paths


def test_over_tls_only_who_knows_the_certificate_is_answered(
    tmp_path: Path, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEWISE_TOKEN", TOKEN)
    monkeypatch.setattr(Server, "warm", lambda server: server._set_ready(True))
    model = str(served.save_small_policy(tmp_path / "small"))
    database = f"sqlite:///{tmp_path / 'store.sqlite'}"
    settings = Settings((model,), port=0, database=database, tls_certificate=certificate[0], tls_key=certificate[1])
    server = uvicorn.Server(listening(application(Server(settings)), settings))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    address = f"https://127.0.0.1:{port}"
    with httpx.Client(base_url=address, verify=ssl.create_default_context(cafile=str(certificate[0]))) as known:
        assert known.get("/v2/health/live").json() == {"live": True}
        assert known.get("/metrics").status_code == 401
        assert "; Secure" in known.get("/", params={"token": TOKEN}).headers["set-cookie"]
    with httpx.Client(base_url=address) as stranger, pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY"):
        stranger.get("/v2/health/live")
    with httpx.Client(base_url=address.replace("https", "http")) as plain, pytest.raises(httpx.RemoteProtocolError):
        plain.get("/v2/health/live")
    server.should_exit = True
    thread.join(30)
    assert not thread.is_alive()


def test_other_addresses_than_loopback_need_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGEWISE_TOKEN", raising=False)
    assert read_token(Settings()) is None
    with pytest.raises(ConfigurationError, match=r"host = '0\.0\.0\.0'"):
        read_token(Settings(host="0.0.0.0"))
    monkeypatch.setenv("EDGEWISE_TOKEN", TOKEN)
    assert read_token(Settings(host="0.0.0.0")) == TOKEN
    (tmp_path / "short").write_text("short")
    with pytest.raises(EdgewiseError, match="16 or more"):
        read_token(Settings(token_file=tmp_path / "short"))
    with pytest.raises(EdgewiseError, match="cannot be read"):
        read_token(Settings(token_file=tmp_path / "missing"))
    with pytest.raises(ConfigurationError, match="tls_key"):
        Settings(tls_certificate=tmp_path / "c.pem")
