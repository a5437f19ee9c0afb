"""Carries out the steps that both drivers share, and judges every answer."""

import datetime
import json

import anthropic

import shapes

CLASSES = {
    400: anthropic.BadRequestError,
    401: anthropic.AuthenticationError,
    403: anthropic.PermissionDeniedError,
    404: anthropic.NotFoundError,
    409: anthropic.ConflictError,
    413: getattr(anthropic, "ContentTooLargeError", anthropic.APIStatusError),
    429: anthropic.RateLimitError,
    500: anthropic.InternalServerError,
    529: getattr(anthropic, "OverloadedError", anthropic.InternalServerError),
}


class Steps:
    def __init__(self, prefix, clients):
        self.prefix = prefix
        self.clients = clients
        self.saved = {}
        self.covered = set()
        now = datetime.datetime.now(datetime.timezone.utc)
        hour = datetime.timedelta(hours=1)
        self.words = {
            "tag": prefix.replace(".", "-"),
            "an_hour_ago": (now - hour).strftime("%Y-%m-%dT%H:00:00Z"),
            "large": "x" * (1 << 20),
            "in_an_hour": (now + hour).strftime("%Y-%m-%dT%H:00:00Z"),
        }

    def fill(self, value):
        """Puts saved ids and words into a value of a step."""
        if isinstance(value, str):
            if value.startswith("$"):
                name, field = value[1:].split(".")
                return self.saved[name][field]
            for word, text in self.words.items():
                value = value.replace("{" + word + "}", text)
            return value
        if isinstance(value, dict):
            return {name: self.fill(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        return value

    def run(self, step):
        """What is wrong with the answer to a step; nothing if all is well."""
        resource = self.clients[step.get("as", "operator")]
        *path, name = f"{self.prefix}.{step['call']}".split(".")
        for part in path:
            resource = getattr(resource, part)
        arguments = [self.fill(step["id"])] if "id" in step else []
        parameters = self.fill(step.get("with", {}))
        if "fails" in step:
            return self.refused(lambda: getattr(resource, name)(*arguments, **parameters), step)
        raw = getattr(resource.with_raw_response, name)(*arguments, **parameters)
        self.covered.add(step["call"])
        parsed = raw.parse()
        found = shapes.problems(parsed, raw.text())
        body = json.loads(raw.text())
        if "save" in step:
            self.saved[step["save"]] = body
            found += blind_spots(parsed, body)
        for field, expected in self.fill(step.get("expect", {})).items():
            value = body
            for part in field.split("."):
                value = value[part] if value is not None else None
            if value != expected:
                found.append(f"{field} is {value!r}, not {expected!r}")
        if "pages" in step:
            found += self.pages(lambda: getattr(resource, name)(*arguments, **parameters), step)
        return found

    def refused(self, call, step):
        try:
            call()
        except anthropic.APIStatusError as error:
            return list(self.wrong(error, step))
        return [f"accepted, and not refused with {step['fails']}"]

    def wrong(self, error, step):
        status = step["fails"]
        if not isinstance(error, CLASSES[status]) or error.status_code != status:
            yield f"{type(error).__name__} with {error.status_code}, not {CLASSES[status].__name__}"
        body = error.body if isinstance(error.body, dict) else {}
        inner = body.get("error") or {}
        if body.get("type") != "error" or not inner.get("message"):
            yield f"not the envelope of an error: {body}"
        if not error.request_id or body.get("request_id") != error.request_id:
            yield "the id of the request is not in header and body"
        if "type" in step and inner.get("type") != step["type"]:
            yield f"type is {inner.get('type')}, not {step['type']}"
        if "code" in step and (inner.get("details") or {}).get("error_code") != step["code"]:
            yield f"details are {inner.get('details')}, without {step['code']}"
        if not inner.get("message", "").startswith(step.get("message", "")):
            yield f"message {inner.get('message')!r} does not start with {step['message']!r}"

    def pages(self, call, step):
        """Walks all pages with the SDK's own means."""
        found, pages, ids = [], 0, []
        page = call()
        while True:
            pages += 1
            found += [problem for item in page.data for problem in shapes.problems(item, item.to_json())]
            ids += [identity(item) for item in page.data]
            if not page.has_next_page():
                break
            page = page.get_next_page()
        if len(ids) != len(set(ids)):
            found.append(f"an item came twice: {ids}")
        if [identity(item) for item in call()] != ids:
            found.append("walking items and walking pages differ")
        if pages < step["pages"] or (step["pages"] == 1 and pages > 1):
            found.append(f"{pages} pages, not {step['pages']}")
        if "count" in step and len(ids) != step["count"]:
            found.append(f"{len(ids)} items, not {step['count']}")
        if "contains" in step and self.fill(step["contains"]) not in ids:
            found.append(f"{self.fill(step['contains'])} is not among {ids}")
        return found


def blind_spots(parsed, body):
    """Damage to an answer that its judge does not see."""
    damages = {"a field too many": {**body, "more": 1}}
    for field in body:
        damages[f"{field} missing"] = {name: value for name, value in body.items() if name != field}
        damages[f"{field} of a wrong type"] = {**body, field: {"wrong": []}}
    for what, damaged in damages.items():
        if not shapes.problems(parsed, json.dumps(damaged)):
            yield f"the judge does not see {what}"


def identity(item):
    """What tells items of a list apart."""
    fields = item.to_dict()
    if "id" in fields:
        return fields["id"]
    return json.dumps({name: fields[name] for name in sorted(fields) if name != "workspace_name"}, default=str)
