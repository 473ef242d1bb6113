"""Answers of a model kept in files, so that a run can be done again without it: keyed by the request and its pictures."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from edgewise.agent.model.chat import Answer, ChatModel, Request, Traits
from edgewise.common.chat import ModelError, ModelRefused
from edgewise.common.errors import ConfigurationError
from edgewise.common.files import make_folder, replace_file

ANSWER = ("text", "read", "written", "cut")


class NotRecorded(ModelError):
    """A request is asked that was not when the cassette was recorded."""

    name = "model-not-recorded"


def plain(name: str, request: Request) -> dict[str, Any]:
    """A request as plain data, with digests in the place of pictures."""
    turns = [
        {"role": turn.role, "text": turn.text, "pictures": [picture.digest for picture in turn.pictures]}
        for turn in request.turns
    ]
    form = request.form and {
        "name": request.form.name,
        "schema": dict(request.form.schema),
        "rung": request.form.rung,
    }
    return {"model": name, "turns": turns, "form": form}


def digest_of(name: str, request: Request) -> str:
    """The name of a request's file: SHA-256 of its plain data, hexadecimal."""
    text = json.dumps(plain(name, request), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


class Recorder:
    """A model whose answers, and refusals, are kept in a folder, one file each. Nothing of its endpoint or key is.

    Args:
        model: that answers.
        folder: of the files; it is made if it is not there.
    """

    def __init__(self, model: ChatModel, folder: Path) -> None:
        self.name, self.traits = model.name, model.traits
        self._model, self._folder = model, folder

    def complete(self, request: Request) -> Answer:
        """The model's answer."""
        try:
            answer = self._model.complete(request)
        except ModelRefused as refused:
            self._keep(request, {"refused": {"status": refused.status, "said": refused.said}})
            raise
        self._keep(request, {"answer": {name: getattr(answer, name) for name in ANSWER}})
        return answer

    def _keep(self, request: Request, outcome: dict[str, Any]) -> None:
        make_folder(self._folder)
        content = {"request": plain(self.name, request), **outcome}
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        replace_file(self._folder / f"{digest_of(self.name, request)}.json", text.encode())


class Player:
    """A model that answers as one did when it was recorded, without asking it.

    Args:
        name: of the model that was recorded.
        folder: of the files.
        traits: of the model that was recorded.
    """

    def __init__(self, name: str, folder: Path, traits: Traits | None = None) -> None:
        self.name, self.traits = name, traits or Traits()
        self._folder = folder

    def complete(self, request: Request) -> Answer:
        """The answer that was recorded.

        Raises:
            NotRecorded: if the request was not asked then.
            ModelRefused: if it was refused then.
            ConfigurationError: if the file is damaged.
        """
        path = self._folder / f"{digest_of(self.name, request)}.json"
        try:
            content = json.loads(path.read_text())
            if "refused" in content:
                refused = content["refused"]
                raise ModelRefused(str(refused["said"]), int(refused["status"]), str(refused["said"]))
            return Answer(**content["answer"])
        except FileNotFoundError:
            asked = request.form.name if request.form else "a question"
            raise NotRecorded(f"{self._folder}: {asked} was not recorded in {path.name}") from None
        except (KeyError, OSError, TypeError, ValueError) as error:
            raise ConfigurationError(str(path), type(error).__name__, "a recorded answer") from None
