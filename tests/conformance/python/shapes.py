"""Judges an answer by the types of the SDK, as strictly as they can be read."""

import json
import pathlib

from pydantic import BaseModel, TypeAdapter, ValidationError

# Fields that a request has to ask for, so that an answer without them is whole.
ABSENT_ALLOWED = {"Message", "Usage", "TextBlock"}
# Fields that come only to requests with a value of `anthropic-beta`, which no driver sends. (The types of this SDK
# cannot tell a field that may be null from one that may be left out.)
GATED = json.loads((pathlib.Path(__file__).resolve().parent.parent / "gated.json").read_text())


def problems(parsed, text):
    """What is wrong with the body `text`, which the SDK parsed as `parsed`."""
    model = type(parsed)
    try:
        whole = TypeAdapter(model).validate_json(text, strict=True)
    except ValidationError as error:
        return [f"{'.'.join(map(str, it['loc']))}: {it['msg']}" for it in error.errors()]
    return list(_fields(whole, model.__name__))


def _fields(value, path):
    """Fields that are missing, or that the SDK does not know, at any depth."""
    if isinstance(value, BaseModel):
        name = type(value).__name__.split("[")[0]
        if not any(name.endswith(allowed) for allowed in ABSENT_ALLOWED):
            for field in type(value).model_fields:
                header = GATED.get(f"{name}.{field}")
                if header and field in value.model_fields_set:
                    yield f"{path}.{field}: given though no request asked for it with anthropic-beta: {header}"
                elif not header and field not in value.model_fields_set:
                    yield f"{path}.{field}: missing"
        for field in value.model_extra or {}:
            if not field.startswith("_"):
                yield f"{path}.{field}: unknown to the SDK"
        for field in value.model_fields_set:
            if field in type(value).model_fields:
                yield from _fields(getattr(value, field), f"{path}.{field}")
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _fields(item, f"{path}[{at}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _fields(item, f"{path}[{key!r}]")
