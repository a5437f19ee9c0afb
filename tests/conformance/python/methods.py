"""Which methods the SDK has for an organization."""

import inspect
from functools import cached_property

from anthropic._resource import SyncAPIResource


def of(resource, path=""):
    """The dotted names of all methods below a resource."""
    for name in sorted(dir(type(resource))):
        if name.startswith(("_", "with_")):
            continue
        member = inspect.getattr_static(type(resource), name)
        if isinstance(member, (cached_property, property)):
            inner = getattr(resource, name)
            if isinstance(inner, SyncAPIResource):
                yield from of(inner, f"{path}{name}.")
        elif callable(member):
            yield f"{path}{name}"


def is_below(method, resource):
    return method == resource or method.startswith(resource + ".")


def scope(methods, scope):
    """Splits methods into those to check, those left out, and those that nobody has decided on."""
    checked, left_out, undecided = [], {}, []
    for method in methods:
        reason = next((scope["out"][it] for it in scope["out"] if is_below(method, it)), None)
        if reason:
            left_out[method] = reason
        elif any(is_below(method, it) for it in scope["in"]):
            checked.append(method)
        else:
            undecided.append(method)
    return checked, left_out, undecided
