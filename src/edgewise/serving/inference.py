"""The Open Inference Protocol v2: what clients of it ask of models, with the tensors of their observations and actions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import jax
import numpy as np
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, ValidationError

from edgewise import __version__
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.packed import flat, nested
from edgewise.policies.protocol import step, takes_any_size
from edgewise.serving.models import Model
from edgewise.serving.refusals import Refusal, RefusedError, of_configuration, of_validation
from edgewise.serving.tensors import NAMES, TensorIn, TensorOut, TensorParameters, read_tensors, write_tensors

if TYPE_CHECKING:
    from edgewise.serving.application import Server

Result = TypeVar("Result")
Told = TypeVar("Told", bound=BaseModel)
LENGTH = "Inference-Header-Content-Length"
"""Header: bytes of the JSON text, if tensors follow it."""
OBSERVATION, ACTION = "observation", "action"
"""Names of tensors where an observation or an action is a single array; parts of a structure are named by their path."""


class Metadata(BaseModel):
    """What the server is."""

    name: str = "edgewise"
    version: str = __version__
    extensions: list[str] = ["binary_tensor_data", "model_repository"]


class TensorMetadata(BaseModel):
    """What a tensor is; an axis of -1 may have any size, and axes of a batch may stand in front."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """What a model takes and gives."""

    name: str
    versions: list[str] = Field(description="digests of the policies that are loaded; the last one decides")
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class Entry(BaseModel):
    """A model of the repository."""

    name: str
    version: str = ""
    state: str
    reason: str = ""


class LoadParameters(BaseModel):
    """What is to be loaded."""

    version: str | None = Field(
        default=None, description="digest, or the beginning of it, of a policy that has decided before, for a way back"
    )


class LoadIn(BaseModel):
    """A request to load a model."""

    parameters: LoadParameters = LoadParameters()


class Loaded(BaseModel):
    """The policy that decides now."""

    version: str


class OutputIn(BaseModel):
    """An output that is wanted."""

    name: str
    parameters: TensorParameters = TensorParameters()


class InferParameters(BaseModel):
    """How outputs are told."""

    binary_data_output: bool = False


class InferIn(BaseModel):
    """A request."""

    id: str | None = None
    parameters: InferParameters = InferParameters()
    inputs: list[TensorIn]
    outputs: list[OutputIn] | None = None


class InferOut(BaseModel):
    """An answer."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[TensorOut]


def inference_routes(server: Server) -> APIRouter:
    """The addresses of the protocol, but for health.

    Args:
        server: whose models they are.
    """
    refusals: dict[int | str, dict[str, Any]] = {
        400: {"model": Refusal, "description": "the request cannot be carried out"},
        404: {"model": Refusal, "description": "there is no such model"},
    }
    router = APIRouter(prefix="/v2", tags=["open inference protocol"], responses=refusals)
    _add_repository(router, server)

    @router.get("", summary="what the server is")
    async def metadata() -> Metadata:
        return Metadata()

    for place in ("/models/{name}", "/models/{name}/versions/{version}"):
        _add_model(router, place, server)
    return router


def _add_repository(router: APIRouter, server: Server) -> None:
    @router.post("/repository/index", summary="all models, loaded or not")
    async def index() -> list[Entry]:
        return [
            Entry(name=each.name, version=each.versions[-1], state="READY")
            if each.ready
            else Entry(name=each.name, state="UNAVAILABLE", reason="not loaded")
            for each in server.repository.states()
        ]

    schema = {"content": {"application/json": {"schema": LoadIn.model_json_schema()}}}
    summary = "let the policy in a model's folder decide, or an earlier one"

    @router.post("/repository/models/{name}/load", summary=summary, openapi_extra={"requestBody": schema})
    async def load(http: Request, name: str) -> Loaded:
        request = _read(LoadIn, await http.body() or b"{}")  # clients of the protocol do not tell that it is JSON
        version = request.parameters.version
        return Loaded(version=(await _carried_out(lambda: server.repository.load(name, version))).digest)

    @router.post("/repository/models/{name}/unload", summary="let a model decide no more")
    async def unload(name: str) -> dict[str, str]:
        await _carried_out(lambda: server.repository.unload(name))
        return {}


def _add_model(router: APIRouter, place: str, server: Server) -> None:
    told: dict[tuple[str, str], ModelMetadata] = {}  # for it the policy is traced

    @router.get(place, summary="what a model takes and gives")
    async def metadata(name: str, version: str = "") -> ModelMetadata:
        model = _found(server, name, version)
        key = name, model.digest
        if key not in told:
            told[key] = await _carried_out(lambda: model_metadata(model))
        versions = next(each.versions for each in server.repository.states() if each.name == name)
        return told[key].model_copy(update={"versions": list(versions)})

    @router.get(f"{place}/ready", summary="whether a model is loaded")
    async def ready(name: str, version: str = "") -> Entry:
        model = _found(server, name, version)
        return Entry(name=name, version=model.digest, state="READY")

    schema = {"content": {"application/json": {"schema": InferIn.model_json_schema()}}, "required": True}

    @router.post(
        f"{place}/infer",
        summary="the action for an observation",
        response_model=InferOut,
        openapi_extra={"requestBody": schema},
    )
    async def infer(http: Request, name: str, version: str = "") -> Response:
        model = _found(server, name, version)
        body, length = await http.body(), http.headers.get(LENGTH)
        return await _carried_out(lambda: _inferred(model, body, length))


def model_metadata(model: Model) -> ModelMetadata:
    """What a model takes and gives, of the sizes of its training where it does not take any."""
    inputs, outputs = _tensors(model)
    return ModelMetadata(
        name=model.name,
        versions=[model.digest],
        platform=f"edgewise_{model.artefact.algorithm}",
        inputs=inputs,
        outputs=outputs,
    )


def _tensors(model: Model) -> tuple[list[TensorMetadata], list[TensorMetadata]]:
    artefact = model.artefact
    described = artefact.described
    forms = [_forms(model, described.space)]
    if takes_any_size(artefact.policy):
        rows, columns = described.space.sizes  # type: ignore[union-attr]
        forms.append(_forms(model, described.resized(rows + 1, columns + 2).space))
    inputs, outputs = (_of_sizes([form[part] for form in forms]) for part in (0, 1))
    return inputs, outputs


def _forms(model: Model, space: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Shapes and types of the observation and the action, by the names of their tensors."""
    seen = jax.eval_shape(space.sample, jax.random.key(0))
    acted = jax.eval_shape(lambda observation: step(model.artefact.policy, observation, (), None)[0], seen)
    return _named(seen, OBSERVATION), _named(acted, ACTION)


def _of_sizes(forms: list[dict[str, Any]]) -> list[TensorMetadata]:
    told = []
    for name, first in forms[0].items():
        shapes = zip(*(form[name].shape for form in forms), strict=True)
        shape = [axes[0] if len(set(axes)) == 1 else -1 for axes in shapes]
        told.append(TensorMetadata(name=name, datatype=NAMES[np.dtype(first.dtype)], shape=shape))
    return told


def _named(tree: Any, alone: str) -> dict[str, Any]:
    return {name or alone: leaf for name, leaf in flat(tree).items()}


def _inferred(model: Model, body: bytes, length: str | None) -> Response:
    head = len(body) if length is None else _length(length, len(body))
    request = _read(InferIn, body[:head])
    arrays = read_tensors(request.inputs, body[head:])
    observation = arrays[OBSERVATION] if set(arrays) == {OBSERVATION} else nested(arrays)
    acted = {name: np.asarray(array) for name, array in _named(_acted(model, observation), ACTION).items()}
    wanted = request.outputs or [OutputIn(name=name) for name in acted]
    for each in wanted:
        if each.name not in acted:
            raise ConfigurationError("outputs", each.name, f"one of {', '.join(acted)}")
    everywhere = request.parameters.binary_data_output
    binary = [each.name for each in wanted if everywhere or each.parameters.binary_data]
    told, behind = write_tensors({each.name: acted[each.name] for each in wanted}, binary)
    answer = InferOut(model_name=model.name, model_version=model.digest, id=request.id, outputs=told)
    text = answer.model_dump_json(exclude_none=True).encode()
    if not behind:
        return Response(text, media_type="application/json")
    return Response(text + behind, media_type="application/octet-stream", headers={LENGTH: str(len(text))})


def _acted(model: Model, observation: Any) -> Any:
    """`PolicyArtefact.act`, in programs of which few are kept."""
    model.artefact.require_no_memory()
    model.artefact.matches(observation)
    return model.actor.act_freely(model.artefact.described.array(observation))


def _read(kind: type[Told], body: bytes) -> Told:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise RefusedError(400, of_validation(list(error.errors()))) from None


def _length(told: str, most: int) -> int:
    if not told.isdecimal() or int(told) > most:
        raise ConfigurationError(LENGTH, told, f"a whole number, at most the {most} bytes of the body")
    return int(told)


def _found(server: Server, name: str, version: str) -> Model:
    """A loaded model in a version.

    Raises:
        RefusedError: if it is not there.
    """
    try:
        return server.repository.find(name, version or None)
    except ConfigurationError as error:
        raise RefusedError(404, of_configuration(error)) from None


async def _carried_out(work: Callable[[], Result]) -> Result:
    """What work gives that would keep other requests waiting; clients of the protocol know errors by the status 400."""
    try:
        return await asyncio.get_running_loop().run_in_executor(None, work)
    except ConfigurationError as error:
        raise RefusedError(400, of_configuration(error)) from None
    except EdgewiseError as error:
        raise RefusedError(400, Refusal(error=str(error))) from None
