"""Models that are known by name, and how one is chosen: by options, or by the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from edgewise.agent.model.cassette import Player, Recorder
from edgewise.agent.model.chat import MODEL_SPACES, ChatModel, Traits
from edgewise.agent.model.endpoint import EndpointModel
from edgewise.common.chat import MODEL, URL, Endpoint, endpoint_named
from edgewise.common.endpoint_key import KEY, find_key
from edgewise.common.errors import ConfigurationError, check_choice

OPTIONS = ("model", "url", "key_file", "space", "price_read", "price_written", "pictures", "record", "replay")
"""Options by which a model is chosen."""


@dataclass(frozen=True)
class Preset:
    """A model of a vendor.

    Attributes:
        url: of the vendor's endpoint.
        keys: environment variables with the vendor's key, beside this library's own.
        traits: of the model.
    """

    url: str
    keys: tuple[str, ...]
    traits: Traits


DASHSCOPE = "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"
"""DashScope's compatible mode, Singapore; other regions have their own address and keys."""
QWEN_VL = Traits(
    rungs=("object", "text"),  # the vendor's list: structured output as JSON objects, no tools, no schemas
    space="image",  # pixels of the image, as of Qwen2.5-VL; it is resized to whole patches, so it is sent in these
    longest=1344,
    most_pixels=1280 * 28 * 28,  # 1280 tokens an image, unless high resolution is asked for; 28 x 28 pixels each
    multiple=28,
    most_bytes=7_000_000,  # 10 MB an image, as base64
)
PRESETS: dict[str, Preset] = {
    "qwen-vl-plus": Preset(DASHSCOPE, ("DASHSCOPE_API_KEY",), QWEN_VL),
    "qwen-vl-max": Preset(DASHSCOPE, ("DASHSCOPE_API_KEY",), QWEN_VL),
}
"""By the model's name. They follow the vendor's pages and are tested for the form of their requests alone."""


def choose_model(options: Mapping[str, str]) -> ChatModel:
    """The model that options name.

    Args:
        options: among `OPTIONS`. `model`: its name, perhaps of a preset (else EDGEWISE_MODEL); `url`: of the endpoint (else
            EDGEWISE_MODEL_URL, else the preset's); `key_file`: with the key (else EDGEWISE_MODEL_KEY_FILE, EDGEWISE_MODEL_KEY);
            `space`: of its points; `price_read`, `price_written`: of a million tokens; `pictures`: `no` for a model that sees
            none; `record`: folder in which answers are kept; `replay`: folder whose answers are given without asking.

    Raises:
        ConfigurationError: for an option that is not known or has a value that is not allowed.
        EdgewiseError: if no endpoint is named.
    """
    for name in options:
        check_choice("option", name, OPTIONS)
    name = options.get("model") or os.environ.get(MODEL, "default")
    preset = PRESETS.get(name)
    traits = _traits(preset.traits if preset else Traits(), options)
    if options.get("replay"):
        return Player(name, Path(options["replay"]), traits)
    url = options.get("url") or os.environ.get(URL, "")
    own = preset is not None and url in ("", preset.url)
    if preset is not None and own:
        endpoint, variables = Endpoint(preset.url, name), (KEY, *preset.keys)
    else:
        endpoint, variables = endpoint_named(url, name), (KEY,)
    model = EndpointModel(endpoint, find_key(variables, options.get("key_file")), traits)
    return Recorder(model, Path(options["record"])) if options.get("record") else model


def _traits(traits: Traits, options: Mapping[str, str]) -> Traits:
    """A model's traits with what options say of them."""
    traits = replace(
        traits,
        price_read=_number("price_read", options, traits.price_read),
        price_written=_number("price_written", options, traits.price_written),
    )
    if "space" in options:
        check_choice("space", options["space"], (*MODEL_SPACES, "probe"))
        traits = replace(traits, space=next((each for each in MODEL_SPACES if each == options["space"]), None))
    if "pictures" in options:
        check_choice("pictures", options["pictures"], ("yes", "no"))
        traits = replace(traits, pictures=options["pictures"] == "yes")
    return traits


def _number(name: str, options: Mapping[str, str], usual: float) -> float:
    try:
        return float(options.get(name, usual))
    except ValueError:
        raise ConfigurationError(name, options[name], "a number") from None
