"""Writes sets of credential sources, one JSON object a line: sets.py ROOT NOW [SHARE].

The same sets in the same order for every client: exhaustive where the variables meet each other,
drawn with a fixed seed where the files have too many forms. SHARE takes one set of so many.
All credentials are invented. Hosts are stand-ins that the drivers replace by their recorders.
"""

import itertools
import json
import random
import sys

ROOT, NOW = sys.argv[1], int(sys.argv[2])
SHARE = int(sys.argv[3]) if len(sys.argv) > 3 else 1
HOST, OTHER_HOST = "http://127.0.0.1:1111", "http://127.0.0.1:2222"
HOME = f"{ROOT}/home"
DIRECTORY = f"{HOME}/.config/anthropic"
FRESH, STALE = NOW + 100_000, NOW - 1_000
TOKEN_FILE = f"{ROOT}/identity-token"

KEY = "sk-ant-api03-variable"
TOKEN = "sk-ant-oat01-variable"
ARGUMENT_KEY, ARGUMENT_TOKEN = "sk-ant-api03-argument", "sk-ant-oat01-argument"


def states(value):
    """Not set, set to nothing, to white space, to something with white space after it, to something."""
    return [None, "", "   ", value + " ", value]


def set_of(variables, files=None, arguments=None):
    base = {"HOME": HOME, "ANTHROPIC_BASE_URL": HOST}
    variables = {name: value for name, value in {**base, **variables}.items() if value is not None}
    files = {TOKEN_FILE: "identity-token-of-file\n", **(files or {})}
    return {"arguments": arguments or {}, "variables": variables, "files": files, "directory": ROOT, "now": NOW}


def federation(kind):
    both = {"ANTHROPIC_FEDERATION_RULE_ID": "fdrl_variable", "ANTHROPIC_ORGANIZATION_ID": "organization-variable"}
    return {
        "none": {},
        "file": {**both, "ANTHROPIC_IDENTITY_TOKEN_FILE": TOKEN_FILE},
        "literal": {**both, "ANTHROPIC_IDENTITY_TOKEN": "identity-token-of-variable"},
        "missing file": {**both, "ANTHROPIC_IDENTITY_TOKEN_FILE": f"{ROOT}/nowhere"},
        "no token": both,
        "rule alone": {"ANTHROPIC_FEDERATION_RULE_ID": "fdrl_variable"},
    }[kind]


def login(name, directory=DIRECTORY, **fields):
    config = {"version": "1.0", "authentication": {"type": "user_oauth", **fields}}
    stored = {"version": "1.0", "type": "oauth_token", "access_token": f"sk-ant-oat01-stored-{name}", "expires_at": FRESH}
    return {
        f"{directory}/configs/{name}.json": json.dumps(config),
        f"{directory}/credentials/{name}.json": json.dumps(stored),
    }


def federating(name, directory=DIRECTORY):
    config = {
        "version": "1.0",
        "organization_id": f"organization-{name}",
        "workspace_id": f"wrkspc_{name}",
        "authentication": {
            "type": "oidc_federation",
            "federation_rule_id": f"fdrl_{name}",
            "service_account_id": f"svac_{name}",
            "identity_token": {"source": "file", "path": TOKEN_FILE},
        },
    }
    return {f"{directory}/configs/{name}.json": json.dumps(config)}


def pointer(name, directory=DIRECTORY):
    return {f"{directory}/active_config": name + "\n"}


DISKS = [
    {},
    login("default"),
    federating("default"),
    {**login("work"), **pointer("work")},
    pointer("gone"),
]


def variables_meet():
    """Key, token, profile and federation variables against each other and what lies on disk."""
    named = {**login("person"), **federating("robot")}
    for key, token, kind, profile, disk in itertools.product(
        states(KEY),
        states(TOKEN),
        ["none", "file", "literal", "no token", "rule alone"],
        [None, "", "person", "robot", "missing"],
        DISKS,
    ):
        variables = {"ANTHROPIC_API_KEY": key, "ANTHROPIC_AUTH_TOKEN": token, "ANTHROPIC_PROFILE": profile}
        yield set_of({**variables, **federation(kind)}, {**named, **disk})


def headers_and_arguments():
    """Custom headers and explicit arguments against the variables."""
    custom = [
        None,
        "",
        "x-api-key: sk-ant-api03-header",
        "X-Api-Key: sk-ant-api03-header",
        "authorization: Bearer sk-ant-api03-header-bearer",
        "Authorization: Bearer sk-ant-oat01-header-bearer",
        "x-team: a\nx-api-key: sk-ant-api03-header\nAuthorization: Bearer sk-ant-api03-header-bearer",
        "x-api-key:",
        "Authorization:",
    ]
    arguments = [
        {},
        {"api_key": ARGUMENT_KEY},
        {"auth_token": ARGUMENT_TOKEN},
        {"profile": "robot"},
        {"profile": "missing"},
        {"api_key": ARGUMENT_KEY, "auth_token": ARGUMENT_TOKEN},
        {"api_key": ARGUMENT_KEY, "profile": "robot"},
    ]
    for text, argument, key, token, kind in itertools.product(
        custom, arguments, [None, "", KEY], [None, TOKEN], ["none", "file", "missing file"]
    ):
        variables = {"ANTHROPIC_CUSTOM_HEADERS": text, "ANTHROPIC_API_KEY": key, "ANTHROPIC_AUTH_TOKEN": token}
        yield set_of({**variables, **federation(kind)}, federating("robot"), argument)


def federation_variables():
    """Each federation variable not set, set to nothing, set."""
    names = {
        "ANTHROPIC_FEDERATION_RULE_ID": "fdrl_variable",
        "ANTHROPIC_ORGANIZATION_ID": "organization-variable",
        "ANTHROPIC_IDENTITY_TOKEN_FILE": TOKEN_FILE,
        "ANTHROPIC_IDENTITY_TOKEN": "identity-token-of-variable",
        "ANTHROPIC_SERVICE_ACCOUNT_ID": "svac_variable",
        "ANTHROPIC_WORKSPACE_ID": "wrkspc_variable",
    }
    bare = {f"{DIRECTORY}/configs/default.json": json.dumps({"authentication": {"type": "oidc_federation"}})}
    for values in itertools.product(*[[None, "", value] for value in names.values()]):
        for disk in [{}, bare]:
            yield set_of(dict(zip(names, values)), disk)


def profile_forms(draw, name):
    """A profile's two files in one of their many forms, good and bad."""
    pick = draw.choice
    token = pick([
        None,
        {"source": "file", "path": TOKEN_FILE},
        {"source": "file", "path": TOKEN_FILE},
        {"source": "file", "path": f"{ROOT}/nowhere"},
        {"source": "file", "path": ""},
        {"source": "url", "path": TOKEN_FILE},
        {},
    ])
    auth = {
        "type": pick(["oidc_federation", "oidc_federation", "oidc_federation", "user_oauth", "user_oauth", "other", None]),
        "federation_rule_id": pick([None, "", f"fdrl_{name}", f"fdrl_{name}"]),
        "service_account_id": pick([None, "", f"svac_{name}"]),
        "client_id": pick([None, None, "", "client"]),
        "identity_token": token,
        "credentials_path": pick([None, None, "", f"{ROOT}/elsewhere.json"]),
    }
    config = {
        "organization_id": pick([None, "", f"organization-{name}", f"organization-{name}"]),
        "workspace_id": pick([None, "", f"wrkspc_{name}"]),
        "base_url": pick([None, None, "", OTHER_HOST]),
        "authentication": {field: value for field, value in auth.items() if value is not None},
    }
    config = {field: value for field, value in config.items() if value is not None}
    text = json.dumps(config)
    if draw.random() < 0.1:
        text = pick(["", "no JSON", "[]", "{}", '{"authentication": []}', '{"authentication": null}'])
    mode = pick(["644", "644", "600", "664"])
    files = {f"{DIRECTORY}/configs/{name}.json": {"text": text, "mode": mode}}
    stored = {
        "type": pick([None, "oauth_token", "oauth_token", "other"]),
        "access_token": pick([None, "", f"sk-ant-oat01-stored-{name}", f"sk-ant-oat01-stored-{name}"]),
        "expires_at": pick([None, FRESH, FRESH, STALE]),
        "refresh_token": pick([None, "", f"sk-ant-ort01-{name}"]),
    }
    stored = json.dumps({field: value for field, value in stored.items() if value is not None})
    if draw.random() < 0.08:
        stored = pick(["", "no JSON"])
    stored = {"text": stored, "mode": pick(["600", "600", "600", "640", "644"]), "symlink": draw.random() < 0.1}
    for path in [f"{DIRECTORY}/credentials/{name}.json", f"{ROOT}/elsewhere.json"]:
        if draw.random() < 0.7:
            files[path] = stored
    return files


def drawn(seed, count):
    """Everything at once."""
    draw = random.Random(seed)
    pick = draw.choice
    for _ in range(count):
        files = {}
        for name in ["default", "work", "robot"]:
            if draw.random() < 0.6:
                files.update(profile_forms(draw, name))
        if draw.random() < 0.3:
            files.update(pointer(pick(["work", "default", "gone", "", " work ", "../work", "a b"])))
        elsewhere, xdg = f"{ROOT}/elsewhere", f"{ROOT}/xdg"
        if draw.random() < 0.3:
            files.update(pick([login, federating])(pick(["default", "work"]), elsewhere))
        if draw.random() < 0.2:
            files.update(pick([login, federating])("default", f"{xdg}/anthropic"))
        quiet = draw.random() < 0.6
        variables = {
            "ANTHROPIC_API_KEY": None if quiet else pick(states(KEY)),
            "ANTHROPIC_AUTH_TOKEN": None if quiet else pick(states(TOKEN)),
            "ANTHROPIC_PROFILE": pick([None, None, None, "", " ", "work", "robot ", "robot", "gone", "../work", ".hidden"]),
            "ANTHROPIC_CONFIG_DIR": pick([None, None, None, "", DIRECTORY, elsewhere, f"{ROOT}/nowhere"]),
            "XDG_CONFIG_HOME": pick([None, None, None, "", xdg]),
            "ANTHROPIC_FEDERATION_RULE_ID": pick([None, None, "", " ", "fdrl_variable", "fdrl_variable "]),
            "ANTHROPIC_ORGANIZATION_ID": pick([None, "", "organization-variable", "organization-variable"]),
            "ANTHROPIC_IDENTITY_TOKEN_FILE": pick([None, "", TOKEN_FILE, TOKEN_FILE, f"{ROOT}/nowhere", f"{ROOT}/empty"]),
            "ANTHROPIC_IDENTITY_TOKEN": pick([None, None, "", "  ", "identity-token-of-variable"]),
            "ANTHROPIC_SERVICE_ACCOUNT_ID": pick([None, "", "svac_variable"]),
            "ANTHROPIC_WORKSPACE_ID": pick([None, "", "wrkspc_variable"]),
            "ANTHROPIC_SCOPE": pick([None, "workspace:inference"]),
            "ANTHROPIC_CUSTOM_HEADERS": pick([None] * 6 + ["x-api-key: sk-ant-api03-header", "x-team: a", "no header"]),
        }
        arguments = pick([{}] * 8 + [{"profile": "robot"}, {"profile": "gone"}, {"api_key": ARGUMENT_KEY}, {"api_key": ""}])
        yield set_of(variables, {f"{ROOT}/empty": " \n", **files}, arguments)


def main():
    parts = [variables_meet(), headers_and_arguments(), federation_variables(), drawn(20261124, 4_000)]
    # Drawn, because counting off would miss the same combinations of every product each time.
    sample = random.Random(SHARE)
    for line in itertools.chain(*parts):
        if sample.random() * SHARE < 1:
            print(json.dumps(line))


main()
