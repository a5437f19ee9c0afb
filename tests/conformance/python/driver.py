"""Drives a simulator with the Python SDK. One line of JSON for each case; exits 1 if one fails."""

import functools
import json
import os
import pathlib
import sys

import anthropic

import faults
import federation
import methods
from simulator import Simulator
from steps import Steps
from told import Told

HERE = pathlib.Path(__file__).resolve().parent.parent
told = Told(f"python {anthropic.__version__}")
tell = told.tell


def attempt(case, work):
    try:
        tell(case, work())
    except Exception as error:  # A case must not end the others.
        tell(case, [f"{type(error).__name__}: {error}"])


def main(url):
    for name in [name for name in os.environ if name.startswith("ANTHROPIC_")]:
        del os.environ[name]
    simulator = Simulator(url)
    steps = json.loads((HERE / "steps.json").read_text())
    scope = json.loads((HERE / "scope.json").read_text())

    minted = federation.admin_token(simulator)
    for prefix in ["organization", "beta.organization"]:
        # The methods below `beta` have types of the beta variant, which has to be asked for: the SDK
        # has the difference in its types alone.
        query = {"beta": "true"} if prefix.startswith("beta") else None
        client = functools.partial(anthropic.Anthropic, base_url=url, max_retries=0, default_query=query)
        clients = {
            "operator": client(auth_token=simulator.tokens["operator"]),
            "nobody": client(auth_token="sk-ant-oat01-nobody"),
            "admin_key": client(api_key=simulator.tokens["admin_key"]),
            "workload": client(auth_token=minted),
        }
        known = clients["operator"].beta.organization if prefix.startswith("beta") else clients["operator"].organization
        checked, left_out, undecided = methods.scope(methods.of(known), scope)
        run = Steps(prefix, clients)
        for step in steps:
            if step.get("only") == "beta" and not prefix.startswith("beta"):
                continue
            case = f"{prefix}.{step['call']}"
            if step.get("fails"):
                case += f" ({step.get('as', 'operator')}, {step.get('code', step['fails'])})"
            attempt(case, lambda: run.run(step))
        for method in checked:
            if method not in run.covered:
                tell(f"{prefix}.{method}", ["no step calls this method"])
        for method in undecided:
            tell(f"{prefix}.{method}", ["a method that scope.json says nothing of"])
        for method, reason in left_out.items():
            tell(f"{prefix}.{method}", [], reason)
    for case, work in federation.cases(simulator):
        attempt(case, work)
    for case, work in faults.cases(simulator, federation.admin_token):
        attempt(case, work)
    sys.exit(told.code())


main(sys.argv[1])
