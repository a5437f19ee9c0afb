"""Compares what a client did with what the resolver said: compare.py CLIENT OBSERVED RESOLVED.

Every credential in the sets has a value of its own, so that a header seen on the wire tells where
its credential came from.
"""

import json
import re
import sys

MINTED = {"jwt_bearer": "sk-ant-oat01-minted", "refresh_token": "sk-ant-oat01-refreshed"}


def text_of(sources, path):
    file = sources["files"][path]
    return file if isinstance(file, str) else file["text"]


def value_at(sources, origin, outcome):
    """The credential that stands at an origin."""
    place, name = origin["place"], origin["name"]
    if place == "argument":
        return sources["arguments"][name]
    if place == "variable":
        return sources["variables"][name]
    if place == "exchange":
        return MINTED[outcome["exchange"]["grant"]]
    if place == "custom_header":
        lines = [line.split(":", 1) for line in sources["variables"]["ANTHROPIC_CUSTOM_HEADERS"].split("\n") if ":" in line]
        return [value.strip() for written, value in lines if written.strip() == name][-1]
    return json.loads(text_of(sources, origin["path"]))[name]


def kind_of(value, origin):
    value = re.sub("(?i)^bearer( |$)", "", value)
    if origin["place"] == "exchange" and value.endswith("minted"):
        return ["federated_token"]
    for prefix, kinds in {"sk-ant-api": ["api_key"], "sk-ant-oat": ["oauth_token", "federated_token"]}.items():
        if value.strip().startswith(prefix):
            return kinds
    return ["empty"] if value == "" else ["blank"] if value.strip() == "" else ["unknown"]


def credential_headers(sources, outcome):
    for carried in outcome["headers"]:
        value = value_at(sources, carried["origin"], outcome)
        assert carried["kind"] in kind_of(value, carried["origin"]), f"{carried} is no {kind_of(value, carried['origin'])}"
        if carried["header"] == "authorization" and carried["origin"]["place"] != "custom_header":
            value = f"Bearer {value.strip() if TRIMS else value}"
        yield [carried["header"], value.strip()]


def assertion(sources, origin):
    if origin["place"] == "variable":
        value = sources["variables"][origin["name"]]
        if origin["name"] == "ANTHROPIC_IDENTITY_TOKEN":
            return value.strip() if TRIMS else value
        return text_of(sources, value.strip() if TRIMS else value).strip()
    fields = json.loads(text_of(sources, origin["path"]))
    if origin["name"] == "refresh_token":
        return fields["refresh_token"]
    return text_of(sources, fields["authentication"]["identity_token"]["path"]).strip()


def exchange_body(sources, exchange):
    if exchange["grant"] == "refresh_token":
        profile = {"grant_type": "refresh_token", "refresh_token": assertion(sources, exchange["token"])}
        return {**profile, "client_id": "client"}
    body = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion(sources, exchange["token"])}
    for field in ["federation_rule_id", "organization_id", "service_account_id", "workspace_id"]:
        if exchange[field] is not None:
            body[field] = exchange[field]
    return body


def differences(observed, outcome):
    sources, seen = observed["set"], observed["seen"]
    exchanges = [call for call in seen if "exchange" in call]
    calls = [call for call in seen if "exchange" not in call]
    if outcome["failure"] is not None:
        expected, actual = "no request", "no request" if not seen else f"{len(exchanges)} exchanges, {len(calls)} calls"
        return [] if expected == actual else [("requests", expected, actual)]
    if len(calls) != 1:
        return [("calls", 1, f"{len(calls)}: {observed['error']}")]
    names = ("x-api-key", "authorization")
    workspace = [value for name, value in calls[0]["headers"] if name == "anthropic-workspace-id"]
    exchange = outcome["exchange"]
    found = [
        ("headers", sorted(credential_headers(sources, outcome)), sorted([n, v.strip()] for n, v in calls[0]["headers"] if n in names)),
        ("host", outcome["base_url"], calls[0]["host"]),
        ("workspace", outcome["workspace_header"], workspace[0] if workspace else None),
        ("exchanges", 0 if exchange is None else 1, len(exchanges)),
    ]
    if exchange and exchanges:
        found.append(("exchange host", exchange["base_url"], exchanges[0]["host"]))
        found.append(("exchange body", exchange_body(sources, exchange), exchanges[0]["exchange"]))
    return [(what, expected, actual) for what, expected, actual in found if expected != actual]


def main():
    client, observed, resolved = sys.argv[1:4]
    observed, resolved = open(observed).read().splitlines(), open(resolved).read().splitlines()
    assert len(observed) == len(resolved) > 0, f"{client}: {len(observed)} sets ran, {len(resolved)} were resolved"
    wrong = 0
    tally = {}
    for seen, answer in zip(observed, resolved):
        seen, outcome = json.loads(seen), json.loads(answer)["clients"][0]
        try:
            found = differences(seen, outcome)
        except (AssertionError, KeyError, IndexError, ValueError) as problem:
            found = [("answer", f"{type(problem).__name__} {problem}", seen["seen"])]
        word = "fails" if outcome["failure"] else outcome["winner"]
        tally[word] = tally.get(word, 0) + 1
        wrong += bool(found)
        if found and wrong <= 5:
            print(f"{client}: {json.dumps(seen['set'], indent=1)}\n  it says: {seen['error']}")
            print(f"  resolved: tier {outcome['tier']}, failure {outcome['failure']}")
            for what, expected, actual in found:
                print(f"  {what}: resolved {expected}, but the client: {actual}")
    told = ", ".join(f"{count} {word}" for word, count in sorted(tally.items()))
    print(f"{client}: {len(observed)} sets compared, {wrong} differ ({told})")
    sys.exit(1 if wrong else 0)


TRIMS = sys.argv[1].startswith("typescript")
main()
