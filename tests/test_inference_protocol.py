"""The Open Inference Protocol v2, asked by a client that nobody here wrote."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn
from fastapi.testclient import TestClient

import served
from edgewise.common.errors import EdgewiseError
from edgewise.common.packed import flat, nested
from edgewise.environments.service import finite_answer
from edgewise.serving.application import Server, application
from edgewise.serving.settings import Settings
from edgewise.systems.dynamic_contract.files import parse_instance
from edgewise.systems.dynamic_contract.solution import solve
from edgewise.systems.twin_trading.service import EquilibriumOut
from test_by_products import MARKET

triton = pytest.importorskip("tritonclient.http")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A server that listens, of a small policy."""
    folder = tmp_path_factory.mktemp("inference")
    model = served.save_small_policy(folder / "small")
    made = Server(Settings((str(model),), database=f"sqlite:///{folder / 'store.sqlite'}"))
    listening = uvicorn.Server(uvicorn.Config(application(made), port=0, log_level="error"))
    thread = threading.Thread(target=listening.run)
    thread.start()
    while not (listening.started and made.ready):
        assert thread.is_alive()
    yield made, listening.servers[0].sockets[0].getsockname()[1]
    listening.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def client(server: Any) -> Any:
    return triton.InferenceServerClient(f"127.0.0.1:{server[1]}")


@pytest.fixture(scope="module")
def observation(server: Any) -> dict[str, np.ndarray]:
    """What a policy sees in the middle of an episode, by the names of its tensors."""
    service = server[0].repository.find("small").service
    return {
        name: np.asarray(leaf)
        for name, leaf in flat(list(service.samples(service.size_of(service.usual[-1])))[-1].observation).items()
    }


def inputs(observation: dict[str, np.ndarray], binary: bool) -> list[Any]:
    kinds = {"bool": "BOOL", "float32": "FP32", "int32": "INT32"}
    told = []
    for name, array in observation.items():
        tensor = triton.InferInput(name, list(array.shape), kinds[array.dtype.name])
        tensor.set_data_from_numpy(array, binary_data=binary)
        told.append(tensor)
    return told


@pytest.mark.parametrize("binary", [True, False])
def test_answers_are_those_of_the_policy(
    server: Any, client: Any, observation: dict[str, np.ndarray], binary: bool
) -> None:
    artefact = server[0].repository.find("small").artefact
    expected = artefact.act(nested(observation))
    wanted = [triton.InferRequestedOutput(name, binary_data=binary) for name in expected]
    answer = client.infer("small", inputs(observation, binary), outputs=wanted, request_id="seven")
    assert answer.get_response()["id"] == "seven"
    for name, action in expected.items():
        told = answer.as_numpy(name)
        assert told.dtype == action.dtype
        np.testing.assert_array_equal(told, action)
    twice = client.infer("small", inputs({n: np.stack([a, a]) for n, a in observation.items()}, binary))
    np.testing.assert_array_equal(twice.as_numpy("target"), np.stack([expected["target"]] * 2))


def test_models_are_described(server: Any, client: Any, observation: dict[str, np.ndarray]) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.get_server_metadata()["name"] == "edgewise"
    told = client.get_model_metadata("small")
    digest = server[0].repository.find("small").digest
    assert told["versions"] == [digest]
    shapes = {each["name"]: each["shape"] for each in told["inputs"]}
    assert set(shapes) == set(observation)
    assert shapes["pairs/distance"] == [-1, -1]
    assert {each["name"]: each["shape"] for each in told["outputs"]} == {"target": [-1], "defence": [-1]}
    assert client.is_model_ready("small", digest)
    assert not client.is_model_ready("small", "another")


def test_a_newer_policy_decides_and_an_earlier_one_again(server: Any, client: Any) -> None:
    made, port = server
    folder = made.repository.find("small").folder
    first = made.repository.find("small").digest
    served.save_small_policy(folder, seed=5)
    client.load_model("small")
    second = made.repository.find("small").digest
    assert second != first
    assert client.get_model_metadata("small")["versions"] == [first, second]
    assert client.is_model_ready("small", first)
    back = httpx.post(
        f"http://127.0.0.1:{port}/v2/repository/models/small/load", json={"parameters": {"version": first}}
    )
    assert back.json() == {"version": first}
    assert made.repository.find("small").digest == first
    served.save_small_policy(folder)


def test_models_are_unloaded_and_loaded(client: Any) -> None:
    client.unload_model("small")
    assert not client.is_model_ready("small")
    assert client.get_model_repository_index()[0]["state"] == "UNAVAILABLE"
    client.load_model("small")
    assert client.is_model_ready("small")
    with pytest.raises(triton.InferenceServerException, match="one of small"):
        client.load_model("other")


def test_what_is_wrong_is_named(server: Any, client: Any, observation: dict[str, np.ndarray]) -> None:
    missing = {name: array for name, array in observation.items() if name != "units/load"}
    with pytest.raises(triton.InferenceServerException, match="load"):
        client.infer("small", inputs(missing, True))
    with pytest.raises(triton.InferenceServerException, match="one of small"):
        client.infer("large", inputs(observation, True))
    with pytest.raises(triton.InferenceServerException, match="one of defence, target"):
        client.infer("small", inputs(observation, True), outputs=[triton.InferRequestedOutput("speed")])


@pytest.mark.parametrize(
    ("tensor", "named"),
    [
        ({"shape": [2], "datatype": "FP32", "data": [1.0]}, "2 values of FP32"),
        ({"shape": [1], "datatype": "FP32", "data": ["x"]}, "1 values of FP32"),
        ({"shape": [-1], "datatype": "FP32", "data": []}, "at least 0"),
        ({"shape": [1], "datatype": "BYTES", "data": ["x"]}, "one of BOOL"),
        ({"shape": [1], "datatype": "FP32"}, "1 values"),
        ({"shape": [1], "datatype": "FP32", "parameters": {"binary_data_size": 4}}, "4, of its shape"),
        ({"datatype": "FP32"}, "given"),
    ],
)
def test_a_tensor_that_is_not_allowed_is_refused(server: Any, tensor: dict[str, Any], named: str) -> None:
    plain = TestClient(application(server[0]))
    refused = plain.post("/v2/models/small/infer", json={"inputs": [{"name": "observation", **tensor}]})
    assert refused.status_code == 400
    assert named in refused.json()["error"]
    header = plain.post("/v2/models/small/infer", content=b"{}", headers={"Inference-Header-Content-Length": "99"})
    assert header.status_code == 400


def test_solvers_answer_in_the_words_of_their_files(server: Any) -> None:
    """The same keys as in instance files and in `edgewise solve --json`; a repeated content is not solved again."""
    plain = TestClient(application(server[0]))
    contract = {
        "servers": 6, "alpha": 100.0, "beta": 0.9, "unit_cost": 1.0, "power_dbm": 20.0, "rate_mbps": 50.0,
        "integration_energy": 1.0, "p1": [0.5, 0.5], "p2": [[0.5, 0.5], [0.5, 0.5]], "theta1": [1.0, 2.0],
        "theta2": [1.0, 2.0],
    }  # fmt: skip
    menu = plain.post("/v1/dynamic-contract/solve", json=contract)
    assert menu.status_code == 200, menu.text
    assert menu.json() == solve(parse_instance(contract)).plain()
    refused = plain.post("/v1/dynamic-contract/solve", json={**contract, "beta": 1.5})
    assert (refused.status_code, refused.json()["faults"][0]["field"]) == (422, "beta")
    market = plain.post("/v1/twin-trading/solve", json=MARKET)
    assert market.status_code == 200, market.text
    assert market.json()["certificate"] < 1e-6
    assert market.json()["mode"] == "stackelberg"
    assert any("certificate" in line for line in market.json()["remarks"])
    with pytest.raises(EdgewiseError, match="welfare of the solution is not finite"):
        finite_answer(EquilibriumOut, {**market.json(), "welfare": float("inf")})
    unfit = plain.post("/v1/twin-trading/solve", json={**MARKET, "social": [[0]]})
    assert (unfit.status_code, unfit.json()["faults"][0]["field"]) == (422, "social")
