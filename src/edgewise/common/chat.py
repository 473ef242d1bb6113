"""A thin client of any endpoint that speaks OpenAI's chat completions; the only one of this library."""

from __future__ import annotations

import email.utils
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import SplitResult, urlsplit

from edgewise.common.endpoint_key import Key
from edgewise.common.errors import ConfigurationError, EdgewiseError, check_integer, check_range
from edgewise.common.extras import missing

URL, MODEL = "EDGEWISE_MODEL_URL", "EDGEWISE_MODEL"
"""Environment variables: the endpoint, such as http://127.0.0.1:8000/v1; the name of its model."""
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
"""Statuses after which a request is sent again; 529 is what some endpoints say for an overload."""
FIRST_PAUSE_S = 1.0
"""Pause before a request is sent again, doubled each time, s; what `Retry-After` says goes first."""
MOST_BYTES = 16 * 2**20
"""Bytes of an answer: far more than any text of a model."""
LONGEST_TOLD = 300
"""Characters of what an endpoint says that an error repeats."""
LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
"""This machine: a request to it passes no proxy."""


class ModelError(EdgewiseError):
    """Something went wrong with a model's endpoint.

    Attributes:
        name: of what went wrong.
    """

    name = "model"


class ModelRefused(ModelError):
    """The endpoint refuses the request: asking again will not help.

    Attributes:
        status: of HTTP.
        said: by the endpoint, without the key.
    """

    name = "model-refused"

    def __init__(self, text: str, status: int, said: str = "") -> None:
        super().__init__(text)
        self.status, self.said = status, said


class ModelBusy(ModelError):
    """The endpoint cannot be reached, is late or overloaded, after all attempts.

    Attributes:
        wait_s: that it asks for. If None, it asks for none.
    """

    name = "model-busy"

    def __init__(self, text: str, wait_s: float | None = None) -> None:
        super().__init__(text)
        self.wait_s = wait_s


class WrongAnswer(ModelError):
    """What came is no chat completion."""

    name = "model-wrong-answer"


@dataclass(frozen=True)
class Endpoint:
    """Where a model answers.

    Attributes:
        url: up to the version, such as http://127.0.0.1:8000/v1.
        model: name of the model.
        timeout_s: longest time of one request, from its first byte to the answer's last, s.
        attempts: how often a request is sent at most.
        longest_pause_s: longest pause before it is sent again, s; an endpoint that asks for more counts as busy at once.
    """

    url: str
    model: str = "default"
    timeout_s: float = 60.0
    attempts: int = 3
    longest_pause_s: float = 30.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or not _has_port(parts):
            raise ConfigurationError("endpoint", self.url, "an address that begins with http:// or https://")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ConfigurationError("endpoint", parts.hostname, "an address without a name, a key or parameters in it")
        check_range("timeout_s", self.timeout_s, 0, open_low=True)
        check_integer("attempts", self.attempts, 1, 20)
        check_range("longest_pause_s", self.longest_pause_s, 0)


def endpoint_named(url: str = "", model: str = "") -> Endpoint:
    """An endpoint, from the environment what is not given.

    Raises:
        EdgewiseError: if no address is named.
    """
    url = url or os.environ.get(URL, "")
    if not url:
        raise EdgewiseError(
            f"{URL} is not set: must be an OpenAI-compatible endpoint, such as http://127.0.0.1:8000/v1"
        )
    return Endpoint(url, model or os.environ.get(MODEL, "default"))


class ChatClient:
    """Sends requests to an endpoint. It speaks to no other address, and follows no redirection.

    Args:
        endpoint: where the model answers.
        key: of the endpoint. If None, none is sent.
        pause: called with the seconds to wait.

    Raises:
        EdgewiseError: if httpx is not installed.
    """

    def __init__(self, endpoint: Endpoint, key: Key | None = None, pause: Callable[[float], None] = time.sleep) -> None:
        try:
            import httpx
        except ImportError as error:
            raise missing("httpx", "agent", error) from None
        self.endpoint, self._key, self._pause = endpoint, key, pause
        self._url = endpoint.url.rstrip("/") + "/chat/completions"
        self._failures: tuple[type[Exception], ...] = (httpx.TransportError, httpx.DecodingError)
        self._http = httpx.Client(
            headers={"Content-Type": "application/json", **(key.header() if key else {})},
            timeout=endpoint.timeout_s,
            follow_redirects=False,
            trust_env=urlsplit(endpoint.url).hostname not in LOCAL,
        )

    def __enter__(self) -> ChatClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def complete(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request.

        Args:
            body: of the request; the name of the model is added where it has none.

        Raises:
            ModelRefused: if the endpoint refuses it (400, 401, 403, 404 and the like).
            ModelBusy: if it cannot be reached, is late or overloaded in all attempts.
            WrongAnswer: if what comes is no chat completion.
        """
        content = json.dumps({"model": self.endpoint.model, **body}, ensure_ascii=False).encode()
        pause = FIRST_PAUSE_S
        for left in reversed(range(self.endpoint.attempts)):
            try:
                return self._once(content)
            except ModelBusy as busy:
                wait = pause if busy.wait_s is None else busy.wait_s
                if wait > self.endpoint.longest_pause_s:
                    raise ModelBusy(f"{busy}; it asks to wait {wait:.0f} s", wait) from None
                if not left:
                    raise
            self._pause(wait)
            pause = min(2 * pause, self.endpoint.longest_pause_s)
        raise AssertionError("there is at least one attempt")

    def _once(self, content: bytes) -> dict[str, Any]:
        until, parts, size = time.monotonic() + self.endpoint.timeout_s, [], 0
        late = f"{self._url} gave no whole answer within {self.endpoint.timeout_s:g} s"
        try:
            with self._http.stream("POST", self._url, content=content) as answer:
                for part in answer.iter_bytes():
                    parts.append(part)
                    size += len(part)
                    if time.monotonic() > until:
                        raise ModelBusy(late)
                    if size > MOST_BYTES:
                        raise WrongAnswer(f"{self._url} answers with more than {MOST_BYTES} bytes")
        except self._failures as error:
            name = type(error).__name__
            raise ModelBusy(late if "Timeout" in name else f"{self._url} cannot be reached ({name})") from None
        return self._read(answer.status_code, b"".join(parts), answer.headers.get("retry-after", ""))

    def _read(self, status: int, data: bytes, after: str) -> dict[str, Any]:
        try:
            content = json.loads(data)
        except (ValueError, RecursionError):
            content = None
        told = _error_in(content)
        if status == 200 and told is None and isinstance(content, dict) and content.get("choices"):
            return content
        if status == 200 and isinstance(told, dict) and str(told.get("code", "")) in map(str, BUSY):
            status = int(told["code"])
        said = self._hidden(_said(told, data))
        text = f"{self._url}: {status}{': ' if said else ''}{said}"
        if status in BUSY and not (isinstance(told, dict) and told.get("code") == "insufficient_quota"):
            raise ModelBusy(text, seconds_of(after))
        if status >= 300:
            raise ModelRefused(text, status, said)
        raise WrongAnswer(f"{self._url}: must answer as OpenAI's chat completions do{': ' if said else ''}{said}")

    def _hidden(self, text: str) -> str:
        return self._key.hidden(text) if self._key else text


def said_in(answer: Mapping[str, Any]) -> str:
    """The text of an answer.

    Raises:
        WrongAnswer: if it has none.
    """
    try:
        content = answer["choices"][0]["message"]["content"]
    except (IndexError, KeyError, TypeError):
        raise WrongAnswer("the model must answer as OpenAI's chat completions do") from None
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return "" if content is None else str(content)


def _has_port(parts: SplitResult) -> bool:
    """Whether an address has a port that is one, or none."""
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False


def seconds_of(after: str) -> float | None:
    """The seconds that a header `Retry-After` asks for, as a number or a date. If None, it asks for nothing that can be read."""
    try:
        return max(0.0, float(after))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(after).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def _error_in(content: Any) -> Any:
    """What an answer says of an error. If None, it says nothing of one."""
    if not isinstance(content, dict):
        return None
    told = content.get("error")
    if told is None and not content.get("choices"):
        return content.get("detail") or content.get("message")
    return told


def _said(told: Any, data: bytes) -> str:
    """What the endpoint says of an error, in one short line."""
    if isinstance(told, dict):
        told = told.get("message") or told.get("code") or told
    text = data.decode(errors="replace") if told is None else str(told)
    return " ".join(text.split())[:LONGEST_TOLD]
