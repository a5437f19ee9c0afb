"""Faults that the controls script, as the SDK tells of them."""

import anthropic


def refusal(call):
    """The status, the code and the details that a call is refused with."""
    try:
        call()
    except anthropic.APIStatusError as error:
        details = (error.body or {}).get("error", {}).get("details") or {}
        return error.status_code, details.get("error_code"), details
    return 200, None, {}


def client(simulator, token=None):
    return anthropic.Anthropic(
        base_url=simulator.url, auth_token=token or simulator.tokens["operator"], max_retries=0
    ).organization


def a_workspace_is_made_all_the_same(simulator):
    workspaces = client(simulator).workspaces
    simulator.control("faults", {"fault": "workspace_created_incomplete"})
    status, code, details = refusal(lambda: workspaces.create(name="Half python"))
    found = [] if (status, code) == (503, "workspace_created_incomplete") else [f"{status} with {code}"]
    made = workspaces.retrieve(details["workspace_id"])
    return found if made.name == "Half python" else found + [f"the workspace is {made.name}"]


def a_change_is_made_all_the_same(simulator):
    workspaces = client(simulator).workspaces
    made = workspaces.create(name="Before python")
    simulator.control("faults", {"fault": "change_outcome_unknown"})
    status, code, _ = refusal(lambda: workspaces.update(made.id, name="After python"))
    found = [] if (status, code) == (503, "change_outcome_unknown") else [f"{status} with {code}"]
    names = [workspaces.retrieve(made.id).name, workspaces.update(made.id, name="After python").name]
    return found if names == ["After python"] * 2 else found + [f"the names are {names}"]


def a_revoked_token_stays_revoked(mint):
    def check(simulator):
        organization = client(simulator, mint(simulator))
        statuses = []
        for fault in ["expired_token", "revoked_token"]:
            simulator.control("faults", {"fault": fault})
            statuses += [refusal(organization.retrieve)[0] for _ in range(2)]
        return [] if statuses == [401, 200, 401, 401] else [f"statuses {statuses}"]

    return check


def cases(simulator, mint):
    """`mint` gives a token of its own for a simulator."""
    checks = {
        "a workspace is made although 503 is answered": a_workspace_is_made_all_the_same,
        "a workspace is changed although 503 is answered": a_change_is_made_all_the_same,
        "an ended token fails once, a revoked one for good": a_revoked_token_stays_revoked(mint),
    }
    for name, check in checks.items():
        yield f"faults: {name}", lambda check=check: check(simulator)
