"""JSON schemas: what strict mode takes, and the smallest answer that fits one.

Decided here: the rules of the strict subset, and which value stands in where none is known. Called by validate.py (a request's schema)
and answers.py (an answer that must fit it).

Rules, from the provider's guide on structured outputs, "Supported schemas": the root is an object and not `anyOf`; every object has
`additionalProperties: false` and requires all its properties; at most 10 levels of objects, 5,000 properties, 1,000 enum values, 120,000 characters
of names and enum values; only the keywords below. `minLength`, `maxLength`, `uniqueItems`, `default`, `allOf`, `oneOf`, `not`, `if` and
their like are refused, and so is a keyword beside `$ref`.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache

import orjson

from .wire import ApiError, JsonObject

DEEPEST, MOST_PROPERTIES, MOST_ENUM_VALUES, MOST_CHARACTERS = 10, 5000, 1000, 120_000
ANYWHERE = frozenset({"type", "title", "description", "enum", "const", "anyOf", "$ref", "$defs", "definitions"})
BY_TYPE = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "minItems", "maxItems"}),
    "string": frozenset({"pattern", "format"}),
    "number": frozenset({"multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}),
}
BY_TYPE["integer"] = BY_TYPE["number"]
TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})


def check_strict(schema_text: str, name: str) -> None:
    """Refuse a schema, given as JSON, that strict mode would refuse. A schema already found good is not checked again.

    Raises: ApiError 400 `invalid_json_schema` that says where and why.
    """
    problem = _first_problem(schema_text)
    if problem:
        raise ApiError(
            400,
            f"Invalid schema for response_format '{name}': {problem}",
            param="text.format.schema",
            code="invalid_json_schema",
        )


@lru_cache(maxsize=64)
def _first_problem(schema_text: str) -> str:
    schema = orjson.loads(schema_text)
    if not isinstance(schema, dict) or schema.get("type") != "object" or "anyOf" in schema:
        return "schema must be a JSON Schema of 'type: \"object\"', without 'anyOf' at its root."
    counts = {"properties": 0, "enum values": 0, "characters": 0}
    for problem in _problems(schema, (), 1, counts):
        return problem
    for what, most in (
        ("properties", MOST_PROPERTIES),
        ("enum values", MOST_ENUM_VALUES),
        ("characters", MOST_CHARACTERS),
    ):
        if counts[what] > most:
            return f"{counts[what]} {what} exceed the limit of {most}."
    return ""


def _problems(node: object, path: tuple[str, ...], depth: int, counts: dict[str, int]) -> Iterator[str]:
    if not isinstance(node, dict):
        yield f"In context={path}, a schema must be an object."
        return
    kinds = node.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not isinstance(kinds, list) or not set(kinds) <= TYPES:
        yield f"In context={path}, {node.get('type')!r} is not a valid type."
        return
    if not kinds and not {"anyOf", "$ref", "enum", "const"} & node.keys():
        yield f"In context={path}, schema must have a 'type' key."
    allowed = ANYWHERE.union(*(BY_TYPE.get(kind, frozenset()) for kind in kinds))
    for keyword in node.keys() - allowed:
        yield f"In context={path}, '{keyword}' is not permitted."
    if "$ref" in node and node.keys() - {"$ref", "$defs", "definitions"}:
        yield f"In context={path}, $ref cannot have keywords {sorted(node.keys() - {'$ref'})}."
    if node.get("format", "date") not in FORMATS:
        yield f"In context={path}, '{node['format']}' is not a valid format."
    values = node.get("enum", [])
    counts["enum values"] += len(values)
    counts["characters"] += sum(len(value) for value in values if isinstance(value, str))
    if "object" in kinds:
        yield from _object_problems(node, path, depth, counts)
    if "array" in kinds:
        if "items" not in node:
            yield f"In context={path}, array schema missing items."
        else:
            yield from _problems(node["items"], (*path, "items"), depth, counts)
    for index, choice in enumerate(node.get("anyOf", [])):
        yield from _problems(choice, (*path, "anyOf", str(index)), depth, counts)
    for place in ("$defs", "definitions"):
        for name, inner in node.get(place, {}).items():
            counts["characters"] += len(name)
            yield from _problems(inner, (*path, place, name), depth, counts)


def _object_problems(node: JsonObject, path: tuple[str, ...], depth: int, counts: dict[str, int]) -> Iterator[str]:
    if depth > DEEPEST:
        yield f"In context={path}, {depth} levels of nesting exceed the limit of {DEEPEST}."
        return
    if node.get("additionalProperties") is not False:
        yield f"In context={path}, 'additionalProperties' is required to be supplied and to be false."
    properties, required = node.get("properties", {}), node.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list):
        yield f"In context={path}, 'properties' must be an object and 'required' a list."
        return
    if missing := sorted(properties.keys() ^ set(required)):
        yield (
            f"In context={path}, 'required' is required to be supplied and to be an array including every key in "
            f"properties. Missing or extra: {', '.join(map(repr, missing))}."
        )
    counts["properties"] += len(properties)
    for name, inner in properties.items():
        counts["characters"] += len(name)
        yield from _problems(inner, (*path, "properties", name), depth + 1, counts)


def fitted(record: Mapping[str, object], schema: JsonObject) -> JsonObject:
    """The record cut to what the schema takes: unknown keys left out, missing or unfitting values replaced by the smallest that fits."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return dict(record)
    return {
        name: record[name] if name in record and accepts(inner, record[name], schema) else smallest(inner, schema)
        for name, inner in properties.items()
    }


def accepts(node: JsonObject, value: object, root: JsonObject) -> bool:
    """Whether the value has the type, the enum value and the keys that the schema asks for; patterns and bounds are not looked at."""
    node = _resolved(node, root)
    choices = node.get("anyOf")
    if isinstance(choices, list):
        return any(accepts(choice, value, root) for choice in choices)
    values = node.get("enum")
    if isinstance(values, list) and value not in values:
        return False
    if "const" in node and value != node["const"]:
        return False
    kinds = node.get("type")
    if kinds is not None and not any(_is_of(value, kind) for kind in (kinds if isinstance(kinds, list) else [kinds])):
        return False
    properties, items = node.get("properties"), node.get("items")
    if isinstance(value, dict) and isinstance(properties, dict):
        return value.keys() == properties.keys() and all(accepts(properties[key], value[key], root) for key in value)
    if isinstance(value, list | tuple) and isinstance(items, dict):
        return all(accepts(items, each, root) for each in value)
    return True


def _is_of(value: object, kind: object) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    python = {"object": dict, "array": (list, tuple), "string": str, "integer": int, "number": (int, float)}
    return value is None if kind == "null" else isinstance(value, python.get(str(kind), ()))  # type: ignore[arg-type]


def smallest(node: JsonObject, root: JsonObject) -> object:
    """The plainest value the schema takes: null if it may be, else the first enum value, an empty text, the least number, an empty list."""
    node = _resolved(node, root)
    kinds = node.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    values, choices = node.get("enum"), node.get("anyOf")
    if "const" in node:
        return node["const"]
    if "null" in kinds:
        return None
    if isinstance(values, list) and values:
        return values[0]
    if isinstance(choices, list) and choices:
        nothing = any(choice.get("type") == "null" for choice in choices)
        return None if nothing else smallest(choices[0], root)
    properties = node.get("properties")
    if isinstance(properties, dict):
        return {name: smallest(inner, root) for name, inner in properties.items()}
    if kinds[0] == "array":
        least, items = node.get("minItems", 0), node.get("items")
        return [smallest(items, root)] * (least if isinstance(least, int) else 0) if isinstance(items, dict) else []
    plain: dict[object, object] = {"string": _text(node), "integer": 0, "number": 0, "boolean": False, "object": {}}
    least = node.get("minimum")
    return least if kinds[0] in ("integer", "number") and isinstance(least, int | float) else plain.get(kinds[0])


def _text(node: JsonObject) -> str:
    return {"date": "2000-01-01", "date-time": "2000-01-01T00:00:00Z", "time": "00:00:00Z"}.get(str(node.get("format")), "")


def _resolved(node: JsonObject, root: JsonObject) -> JsonObject:
    for _ in range(DEEPEST):
        reference = node.get("$ref")
        if not isinstance(reference, str):
            break
        found: object = root
        for step in reference.removeprefix("#").split("/")[1:]:
            found = found.get(step, {}) if isinstance(found, dict) else {}
        node = found if isinstance(found, dict) else {}
    return node
