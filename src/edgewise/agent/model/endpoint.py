"""A language model behind an endpoint that speaks OpenAI's chat completions."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from edgewise.agent.model.chat import Answer, Form, Picture, Request, Traits, Turn
from edgewise.agent.model.schema import strict
from edgewise.common.chat import ChatClient, Endpoint, WrongAnswer, said_in
from edgewise.common.endpoint_key import Key


class EndpointModel:
    """A model behind an endpoint. The key is in its client alone: no attribute, text or error shows it.

    Args:
        endpoint: where it answers.
        key: of the endpoint. If None, none is sent.
        traits: of the model.
        pause: called with the seconds to wait before a request is sent again.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        key: Key | None = None,
        traits: Traits | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name, self.traits = endpoint.model, traits or Traits()
        self._client = ChatClient(endpoint, key, pause)

    def __repr__(self) -> str:
        return f"EndpointModel({self._client.endpoint.url!r}, {self.name!r})"

    def complete(self, request: Request) -> Answer:
        """The model's answer; errors as of `ChatClient.complete`."""
        return read_answer(self._client.complete(body_of(request, self.traits)))


def body_of(request: Request, traits: Traits) -> dict[str, Any]:
    """A request as the endpoint takes it."""
    body: dict[str, Any] = {
        "messages": [_message(turn, traits) for turn in request.turns],
        "temperature": 0,
        "max_tokens": traits.written,
        **(_asked(request.form) if request.form else {}),
        **traits.extra,
    }
    return {name: value for name, value in body.items() if value is not None}


def _asked(form: Form) -> dict[str, Any]:
    """The fields that ask for a form."""
    if form.rung == "tools":
        function = {"name": form.name, "description": "Give the answer.", "parameters": form.schema}
        tools = [{"type": "function", "function": function}]
        return {"tools": tools, "tool_choice": "required"}  # the only one there is; some servers take no name here
    if form.rung == "schema":
        schema = {"name": form.name, "strict": True, "schema": strict(form.schema)}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}
    return {"response_format": {"type": "json_object"}} if form.rung == "object" else {}


def _message(turn: Turn, traits: Traits) -> dict[str, Any]:
    shown = turn.pictures if traits.pictures else ()
    if not shown:
        return {"role": turn.role, "content": turn.text}
    parts = [{"type": "image_url", "image_url": {"url": _address(picture)}} for picture in shown]
    return {"role": turn.role, "content": [*parts, {"type": "text", "text": turn.text}]}


def _address(picture: Picture) -> str:
    return f"data:{picture.media};base64,{base64.b64encode(picture.data).decode()}"


def read_answer(content: Mapping[str, Any]) -> Answer:
    """What a chat completion says.

    Raises:
        WrongAnswer: if it is none.
    """
    said = said_in(content)
    choice = content["choices"][0]
    calls = choice["message"].get("tool_calls")
    if calls:
        try:
            given = calls[0]["function"]["arguments"]
        except (IndexError, KeyError, TypeError):
            raise WrongAnswer("the model calls a tool without arguments") from None
        said = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    usage = content.get("usage")
    counted = usage if isinstance(usage, dict) else {}
    return Answer(
        said,
        _count(counted.get("prompt_tokens")),
        _count(counted.get("completion_tokens")),
        choice.get("finish_reason") == "length",
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
