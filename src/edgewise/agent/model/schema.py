"""JSON schemas of pydantic models, as models of language are asked for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

KEPT = frozenset(
    ("$defs", "$ref", "additionalProperties", "anyOf", "const", "description", "enum", "items", "properties", "type")
)
"""Keywords that strict schemas of the usual endpoints know; the others are checked here when the answer has come."""


def schema_of(model: type[BaseModel], fields: Sequence[str], title: str) -> dict[str, Any]:
    """The JSON schema of some fields of a model.

    Args:
        model: the model.
        title: of the schema.
        fields: that are asked for, in this order.
    """
    whole = model.model_json_schema()
    properties = {name: _untitled(whole["properties"][name]) for name in fields}
    schema = {
        "title": title,
        "type": "object",
        "properties": properties,
        "required": [name for name in fields if name in whole.get("required", ())],
        "additionalProperties": False,
    }
    needed = _named(properties, whole.get("$defs", {}))
    return {**schema, "$defs": needed} if needed else schema


def strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema of which every field is required, with the keywords alone that strict schemas know."""
    kept: dict[str, Any] = {}
    for name, value in schema.items():
        if name in ("properties", "$defs"):
            kept[name] = {each: strict(inner) for each, inner in value.items()}
        elif name == "prefixItems":
            kept["items"] = strict(value[0])
        elif name == "anyOf":
            kept[name] = [strict(each) for each in value]
        elif name == "items":
            kept[name] = strict(value)
        elif name in KEPT:
            kept[name] = value
    if kept.get("type") == "object" or "properties" in kept:
        kept["required"], kept["additionalProperties"] = list(kept.get("properties", {})), False
    return kept


def _untitled(schema: Any) -> Any:
    """A schema without the titles and defaults that pydantic adds."""
    if isinstance(schema, dict):
        return {name: _untitled(value) for name, value in schema.items() if name not in ("title", "default")}
    return [_untitled(each) for each in schema] if isinstance(schema, list) else schema


def _named(schema: Any, definitions: Mapping[str, Any]) -> dict[str, Any]:
    """The definitions that a schema refers to, and those that these refer to."""
    found: dict[str, Any] = {}
    if isinstance(schema, list):
        for each in schema:
            found |= _named(each, definitions)
    elif isinstance(schema, dict):
        name = str(schema.get("$ref", "")).rsplit("/", 1)[-1]
        if name in definitions:
            found[name] = _without_titles(definitions[name])
            found |= _named(found[name], {each: value for each, value in definitions.items() if each != name})
        for value in schema.values():
            found |= _named(value, definitions)
    return found


def _without_titles(definition: Mapping[str, Any]) -> dict[str, Any]:
    """A definition without titles; a property may be called `title`, and stays."""
    kept = {name: _untitled(value) for name, value in definition.items() if name not in ("title", "properties")}
    kept.pop("description", None)
    if "properties" in definition:
        kept["properties"] = {name: _untitled(value) for name, value in definition["properties"].items()}
    return kept
