"""Attacks a simulator with requests made from the description of the API.

Arguments: the simulator's URL, the description, the file the simulator records its traffic in. One
line of JSON for each operation; exits 1 if one fails, which it also does when no request for it was
accepted: an attack that is always turned away at the door proves nothing.
"""

import copy
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
import xml.etree.ElementTree
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

from python.simulator import Simulator
from python.told import Told

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
]
# Objects of organization.json, so that made-up requests reach more than an error.
IDS = {
    "FederationIssuerId": ["fdis_01Cluster", "fdis_01Github", "fdis_01Paused", "fdis_01Console"],
    "FederationRuleId": ["fdrl_01Worker", "fdrl_01Legacy", "fdrl_01Bootstrap"],
    "ServiceAccountId": ["svac_01Worker", "svac_01Batch", "svac_01Night", "svac_01Boss"],
    "WorkspaceId": ["wrkspc_01Prod", "wrkspc_01Stage", "wrkspc_01Lab", "wrkspc_01Default"],
    "ApiKeyId": ["apikey_01Prod", "apikey_01Off", "apikey_01Account", "apikey_01Expired"],
}
# Whom archiving is tried on, so that the others stay alive for the rest of the attack.
DOOMED = ["fdis_01Doomed", "fdrl_01Doomed", "svac_01Doomed", "wrkspc_01Doomed"]
# One rule that can be created: too many of its fields must go together to be hit by chance.
RULE = {
    "name": "attacked",
    "issuer_id": "fdis_01Cluster",
    "match": {"subject_prefix": "attacked"},
    "target": {"type": "service_account", "service_account_id": "svac_01Worker"},
    "oauth_scope": "workspace:inference",
    "workspace_id": "wrkspc_01Prod",
}
# What takes another credential than the rest, by paths.
REPORTS = "^/v1/(compliance/activities|organizations/analytics/usage)$"
MODELS = "^/v1/(messages|models).*$"
# Operations that no made-up request can be accepted by.
NEVER_ACCEPTED = {"POST /v1/oauth/token": "the identity provider's signature cannot be made up"}


def aimed(description):
    """The description with real ids and the one credential that the attack has."""
    described = json.loads(description)
    components = described["components"]
    prefixes = {name: components["schemas"][name]["pattern"] for name in IDS}
    for name, ids in IDS.items():
        schema = components["schemas"][name]
        components["schemas"][name] = {"type": "string", "anyOf": [{"enum": ids}, {"pattern": schema["pattern"]}]}
    # Its shapes are those of the newest version.
    components["parameters"]["AnthropicVersion"]["schema"]["enum"] = ["2026-10-21"]
    rules = described["paths"]["/v1/organizations/federation_rules"]["post"]
    rules["requestBody"]["content"]["application/json"]["example"] = RULE
    analytics = described["paths"]["/v1/organizations/analytics/usage"]["get"]["parameters"]
    for parameter in analytics:
        # Made-up times are hardly ever in the range that can be asked about.
        hours = {"starting_at": -1, "ending_at": 1}.get(parameter.get("name"))
        if hours:
            time = datetime.now(UTC) + timedelta(hours=hours)
            parameter["schema"] = {"type": "string", "enum": [time.strftime("%Y-%m-%dT%H:00:00Z")]}
    for path, item in described["paths"].items():
        if path.endswith("/archive"):
            name = item["parameters"][0]["$ref"].rsplit("/", 1)[1]
            parameter = copy.deepcopy(components["parameters"][name])
            ids = [it for it in DOOMED if re.match(prefixes[name], it)]
            parameter["schema"] = {"type": "string", "anyOf": [{"enum": ids}, {"pattern": prefixes[name]}]}
            item["parameters"] = [parameter]
        for operation in item.values():
            if isinstance(operation, dict):
                operation.pop("security", None)
    described.pop("security", None)
    components.pop("securitySchemes", None)
    return described


def minted(simulator):
    """A token that calls the models, for the service account `worker`."""
    body = {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": simulator.identity_token("cluster", "system:serviceaccount:ml:worker"),
        "federation_rule_id": "fdrl_01Worker",
        "organization_id": "0b6e3f0a-51c5-4d57-9c7e-3f1f3a1f0011",
        "workspace_id": "wrkspc_01Prod",
    }
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{simulator.url}/v1/oauth/token", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["access_token"]


def credentials(simulator):
    """The settings of the attack: the operator's token for all but reports and models."""
    toml = lambda token: f'headers = {{ authorization = {json.dumps(f"Bearer {token}")} }}\n'
    text = toml(simulator.tokens["operator"])
    for paths, token in ((REPORTS, simulator.tokens["admin_key"]), (MODELS, minted(simulator))):
        text += f"\n[[operations]]\ninclude-path-regex = {json.dumps(paths)}\n{toml(token)}"
    return text


def accepted(traffic, templates):
    """The operations that answered at least once with 200."""
    found = set()
    for line in filter(None, traffic.read_text().split("\n")):
        call = json.loads(line)
        if call["status"] == 200:
            path = urllib.parse.unquote(call["path"])
            found |= {(call["method"], it) for it, pattern in templates.items() if pattern.fullmatch(path)}
    return found


def main(url, description, traffic):
    described = aimed(pathlib.Path(description).read_text())
    settings = credentials(Simulator(url))
    with tempfile.TemporaryDirectory() as folder:
        aim, report = pathlib.Path(folder) / "openapi.json", pathlib.Path(folder) / "report.xml"
        aim.write_text(json.dumps(described))
        (pathlib.Path(folder) / "schemathesis.toml").write_text(settings)
        command = [str(pathlib.Path(sys.executable).parent / "st"), "run", str(aim), "--url", url]
        command += ["--checks", ",".join(CHECKS), "--max-examples", "40", "--seed", "1", "--no-color", "--report-junit-path", str(report)]
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if not report.exists():
            sys.exit(f"the attack did not take place:\n{run.stdout}\n{run.stderr}")
        failures = {}
        for case in xml.etree.ElementTree.parse(report).iter("testcase"):
            texts = [f"{it.get('message') or ''} {it.text or ''}".strip() for kind in ("failure", "error") for it in case.iter(kind)]
            failures.setdefault(case.get("name"), []).extend(texts)

    templates = {path: re.compile(re.sub(r"\{[^}]*\}", "[^/]+", path)) for path in described["paths"]}
    reached = accepted(pathlib.Path(traffic), templates)
    told = Told(f"schemathesis {version('schemathesis')}")
    for path, item in described["paths"].items():
        for method in ("GET", "POST", "DELETE"):
            if method.lower() not in item:
                continue
            name = f"{method} {path}"
            found = failures.pop(name, ["it was not attacked"])
            if (method, path) not in reached and name not in NEVER_ACCEPTED:
                found.append("no request was accepted")
            told.tell(name, found)
    for name, found in failures.items():
        if found:
            told.tell(name, found)
    if run.returncode and not told.failed:
        told.tell("the attack", [run.stdout[-2000:]])
    sys.exit(told.code())


main(*sys.argv[1:])
