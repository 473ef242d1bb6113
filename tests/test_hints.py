"""Decision by hints that a model writes: a stub of the endpoint tells what the kind does with what is said."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("cryptography", reason="the extra `federation` is not installed")
pytest.importorskip("httpx", reason="the extra `serve` is not installed")

from dataclasses import replace

from edgewise.common.chat import MODEL, URL
from edgewise.common.endpoint_key import KEY
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.construction.agent import integrate
from edgewise.construction.artefact import describe, pack
from edgewise.construction.keys import make_key
from edgewise.construction.kind import MODULES, Data, Weights, learned_kinds
from edgewise.construction.modules.hints import read_cards
from edgewise.construction.modules.words import WISHES
from edgewise.construction.verdicts import ACCEPTED, Held, Wanted, examine

KIND = MODULES.find("hints")
SECRET = "a-key-that-nobody-may-read"


class Stub(BaseHTTPRequestHandler):
    """A model that finds the known words of a wish; or says and answers what a test wants."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append((self.path, self.headers.get("authorization"), asked))  # type: ignore[attr-defined]
        status, said = self.server.answer or (200, self._cards(asked))  # type: ignore[attr-defined]
        content = (
            said if isinstance(said, bytes) else json.dumps({"choices": [{"message": {"content": said}}]}).encode()
        )
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _cards(self, asked: Any) -> str:
        cards = []
        for each in json.loads(asked["messages"][1]["content"]):
            words = next((wish for wishes in WISHES.values() for wish in wishes if wish in each["wish"]), "")
            if words:
                cards.append({"words": words, "label": each["label"]})
        return "Here they are:\n```json\n" + json.dumps(cards) + "\n```"

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    server: Any = HTTPServer(("127.0.0.1", 0), Stub)
    server.asked, server.answer = [], None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv(URL, f"http://127.0.0.1:{server.server_port}/v1")
    monkeypatch.setenv(MODEL, "small")
    monkeypatch.setenv(KEY, SECRET)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def data() -> Data:
    return KIND.draw_data(("mail",), 200, 1, "de")


def build(data: Data, rounds: int) -> tuple[Weights, list[dict[str, float]]]:
    weights, log = KIND.initial(0), []
    for number in range(rounds):
        weights, figures = KIND.train_round(weights, data, number)
        log.append(figures)
    return weights, log


def test_rounds_add_cards_that_raise_quality(model: Any, data: Data) -> None:
    hidden = KIND.draw_data(("hidden",), 200, 2, "mixed")
    few, log = build(data, 2)
    many, _ = build(data, 15)
    qualities = [KIND.evaluate(weights, hidden) for weights in (KIND.initial(0), few, many)]
    assert qualities[0] < 0.3
    assert qualities[0] < qualities[1] < qualities[2]
    assert qualities[2] > 0.5
    assert (log[0]["examples"], log[0]["cpu_seconds"] > 0) == (8, True)
    path, key, asked = model.asked[0]
    assert (path, key, asked["model"]) == ("/v1/chat/completions", f"Bearer {SECRET}", "small")
    assert not KIND.learned
    assert "hints" not in learned_kinds()


def test_a_module_of_cards_is_judged_and_takes_its_place(model: Any, data: Data) -> None:
    key = make_key()
    weights, log = build(data, 10)
    manifest = replace(describe("hints", KIND, 200, order="order"), rounds=tuple(log))
    hidden, probe = (KIND.draw_data(("hidden",), 150, seed, "mixed") for seed in (2, 3))
    held = Held(hidden, probe, KIND.initial(0), lambda rounds: 0.3)
    found = examine(pack(manifest, weights, key), Wanted(key.public, "order", "hints", 10), held)
    assert (found.verdict, found.why) == (ACCEPTED, "")
    assert found.module is not None
    agent = integrate([found.module], key)
    request = {"wish": "die rechnung begleichen", "elements": [{"label": "karte"}, {"label": "bezahlen"}]}
    assert agent.answering["decision"]([request])[0]["element"] == 1
    idle = examine(pack(manifest, KIND.initial(0), key), Wanted(key.public, "order", "hints", 10), held)
    assert idle.verdict == "untrained"


@pytest.mark.parametrize(
    "said", ["", "no list", "[{]", '[{"words": 3}]', '[{"words": "a", "label": "b", "run": "c"}]', "[" * 9]
)
def test_an_answer_without_cards_adds_none(model: Any, data: Data, said: str) -> None:
    model.answer = (200, said)
    weights, log = build(data, 1)
    assert weights["cards"].tobytes() == b"[]"
    assert log[0]["loss"] == 1
    assert read_cards(said) == []


@pytest.mark.parametrize(
    "answer", [(401, b'{"error": "no"}'), (200, b"{}"), (200, b"<html>"), (200, b'{"choices": []}')]
)
def test_an_endpoint_that_refuses_is_told_without_the_key(model: Any, data: Data, answer: Any) -> None:
    model.answer = answer
    with pytest.raises(EdgewiseError) as caught:
        build(data, 1)
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_an_endpoint_it_is_told(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(URL, raising=False)
    with pytest.raises(EdgewiseError, match=URL):
        build(data, 1)


@pytest.mark.parametrize("text", [b"", b"{}", b'[{"words": ""}]', b"[" * 50_000, b"\xff"])
def test_cards_that_are_none_are_refused(text: bytes) -> None:
    for weights in ({"cards": np.frombuffer(text, np.uint8)}, {"cards": np.zeros(2)}, {}):
        with pytest.raises(ConfigurationError, match="cards"):
            KIND.load(weights)


def test_it_takes_a_folder_of_examples(tmp_path: Path) -> None:
    row = {"request": {"wish": "pay", "elements": [{"label": "pay"}, {"label": "map"}]}, "answer": {"element": 1}}
    (tmp_path / "own.jsonl").write_text(json.dumps(row))
    read = KIND.data_from(tmp_path)
    assert read["answer"].tolist() == [[1]]
    assert KIND.respond(KIND.initial(0), read)[0, 0].tolist() == [0.5, 0.5, *[0.0] * 6]
