"""A stub of an endpoint on this machine: it speaks OpenAI's chat completions, and has the faults that real ones have."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from edgewise.agent.model.chat import Rung
from edgewise.agent.model.ladder import FORM
from edgewise.agent.phone.faults import FOR_EVER, PATTERN
from edgewise.common.errors import ConfigurationError

HOST, PATH = "127.0.0.1", "/v1/chat/completions"
FAULTS = {
    "429": "too many requests, and the header Retry-After",
    "500": "an error of the server",
    "hang": "no answer",
    "drip": "an answer whose bytes come one by one, for ever",
    "cut": "an answer that ends too early",
    "fenced": "an answer in a fence, with text around",
    "thinking": "thoughts before the answer, with another answer in them",
    "invalid": "an answer that is not of the form",
    "error-body": "status 200 with an error in the body",
    "html": "status 200 with a page",
    "401": "the key is refused, and repeated in the error",
    "no-tools": "tools are refused",
    "no-schema": "strict schemas are refused",
    "no-object": "JSON objects are refused",
}
"""Names and what they are."""
FORMS: dict[str, Rung] = {"json_schema": "schema", "json_object": "object"}
"""What a response format asks for."""
DRIP_S = 0.02
"""Seconds between two bytes of an answer that drips."""
LETTERS = 4
"""Characters that the stub counts as a token."""


@dataclass(frozen=True)
class StubFault:
    """A fault and the requests at which it strikes, counted from 0; both are meant."""

    name: str
    first: int = 0
    last: int = FOR_EVER


@dataclass(frozen=True)
class Asked:
    """A request as it came.

    Attributes:
        name: of what is asked; empty if no form is.
        rung: how it is asked for.
        text: of the first thing that the user says.
        pictures: addresses of the pictures with it.
        body: all of it.
        headers: of HTTP, names in lower case.
    """

    name: str
    rung: Rung
    text: str
    pictures: tuple[str, ...]
    body: Mapping[str, Any]
    headers: Mapping[str, str]


Brain = Callable[[Asked], Mapping[str, Any]]
"""What answers: the object that a request asks for."""


def read_stub_faults(text: str) -> tuple[StubFault, ...]:
    """Faults as they are typed: `NAME[@FIRST[-LAST]]`, separated by commas.

    Raises:
        ConfigurationError: for what is not such a list.
    """
    return tuple(_read_fault(each.strip()) for each in text.split(",") if each.strip())


def _read_fault(text: str) -> StubFault:
    name, at, when = text.partition("@")
    found = PATTERN.fullmatch(f"fault{at}{when}")
    if name not in FAULTS or found is None:
        raise ConfigurationError("faults", text, "NAME[@FIRST[-LAST]], NAME one of " + ", ".join(FAULTS))
    if found["first"] is None:
        return StubFault(name)
    return StubFault(name, int(found["first"]), int(found["last"] or FOR_EVER))


def read_asked(body: Mapping[str, Any], headers: Mapping[str, str]) -> Asked:
    """A request to an endpoint.

    Raises:
        KeyError, TypeError, ValueError: if it is none.
    """
    system = "".join(_text(each["content"]) for each in body["messages"] if each["role"] == "system")
    user = next(each["content"] for each in body["messages"] if each["role"] == "user")
    form = body.get("response_format") or {}
    schema = json.loads(system.split(FORM, 1)[1].split("\n", 1)[0]) if FORM in system else {}
    rung: Rung = "tools" if "tools" in body else FORMS.get(str(form.get("type")), "text")
    parts = user if isinstance(user, list) else []
    pictures = tuple(str(each["image_url"]["url"]) for each in parts if each.get("type") == "image_url")
    return Asked(str(schema.get("title", "")), rung, _text(user), pictures, body, headers)


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(str(each["text"]) for each in content if each.get("type") == "text")


class StubServer:
    """The stub, on a free port of this machine until it is closed.

    Args:
        brain: what answers.
        faults: that strike.
        key: that is wanted. If None, none is.
        retry_after: what a busy answer asks for, s.
        port: 0 for a free one.

    Attributes:
        asked: requests so far.
    """

    def __init__(
        self,
        brain: Brain,
        faults: tuple[StubFault, ...] = (),
        key: str | None = None,
        retry_after: str = "0",
        port: int = 0,
    ) -> None:
        self.brain, self.faults, self.key, self.retry_after = brain, faults, key, retry_after
        self.asked: list[Asked] = []
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer((HOST, port), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self) -> StubServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """For EDGEWISE_MODEL_URL."""
        return f"http://{HOST}:{self._server.server_address[1]}/v1"

    def close(self) -> None:
        """Stop; requests that hang end."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def note(self, asked: Asked) -> set[str]:
        """Keep a request; the faults that strike at it."""
        with self._lock:
            place = len(self.asked)
            self.asked.append(asked)
        return {each.name for each in self.faults if each.first <= place <= each.last}


def completion(asked: Asked, found: Mapping[str, Any], faults: set[str]) -> dict[str, Any]:
    """A chat completion with an answer, as faults leave it."""
    text = json.dumps({"nothing": "of the form"} if "invalid" in faults else found, ensure_ascii=False)
    if "cut" in faults:
        text = text[: max(1, len(text) * 3 // 5)]
    if "fenced" in faults:
        text = f"Here is what I would do:\n```json\n{text}\n```\nTell me if you want something else."
    if "thinking" in faults:
        text = f'<think>The owner may want {{"kind": "wait"}}, or not.</think>\n{text}'
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if asked.rung == "tools":
        call = {"id": "call", "type": "function", "function": {"name": asked.name, "arguments": text}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "length" if "cut" in faults else "stop"}],
        "usage": {"prompt_tokens": len(asked.text) // LETTERS + 1, "completion_tokens": len(text) // LETTERS + 1},
    }


def _handler(stub: StubServer) -> type[BaseHTTPRequestHandler]:
    """What answers the requests of a stub."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                asked = read_asked(json.loads(data), headers)
            except (IndexError, KeyError, StopIteration, TypeError, ValueError) as error:
                self._fail(400, f"no request: {type(error).__name__}")
                return
            faults = stub.note(asked)
            if self.path != PATH:
                self._fail(404, "no such page")
            elif "401" in faults or (stub.key is not None and headers.get("authorization") != f"Bearer {stub.key}"):
                self._fail(401, f"the key is wrong: {headers.get('authorization', 'none')}")
            elif {"hang", "drip"} & faults:
                self._hang("drip" in faults)
            elif "429" in faults:
                self._fail(429, "too many requests", {"Retry-After": stub.retry_after})
            elif "500" in faults:
                self._fail(500, "something broke")
            elif "html" in faults:
                self._send(200, b"<html><body>welcome</body></html>", {})
            elif "error-body" in faults:
                self._send(200, b'{"error": {"message": "the model is asleep", "code": "asleep"}}', {})
            elif f"no-{asked.rung}" in faults:
                self._fail(400, f"{asked.rung} is not supported")
            else:
                self._answer(asked, faults)

        def _answer(self, asked: Asked, faults: set[str]) -> None:
            try:
                found = stub.brain(asked)
            except Exception as error:  # whatever a brain of a test does wrong is told to the client
                self._fail(400, f"{type(error).__name__}: {error}")
                return
            self._send(200, json.dumps(completion(asked, found, faults)).encode(), {})

        def _hang(self, drip: bool) -> None:
            if drip:
                self.send_response(200)
                self.end_headers()
            while not stub.closing.wait(DRIP_S):
                if drip:
                    try:
                        self.wfile.write(b" ")
                    except OSError:
                        break
            self.close_connection = True

        def _fail(self, status: int, said: str, headers: Mapping[str, str] | None = None) -> None:
            self._send(status, json.dumps({"error": {"message": said, "code": status}}).encode(), headers or {})

        def _send(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Nothing is written of requests."""

    return Handler
