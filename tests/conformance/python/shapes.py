"""Judges an answer by the types of the SDK, as strictly as they can be read."""

from pydantic import BaseModel, TypeAdapter, ValidationError

# Fields that a request has to ask for, so that an answer without them is whole.
ABSENT_ALLOWED = {"Message", "Usage", "TextBlock"}


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
                if field not in value.model_fields_set:
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
