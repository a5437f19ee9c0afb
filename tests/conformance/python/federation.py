"""Federation through the SDK's own credential code, configured by environment variables."""

import contextlib
import os
import pathlib
import tempfile

import anthropic
from anthropic.lib.credentials import WorkloadIdentityError

import shapes

ORGANIZATION = "0b6e3f0a-51c5-4d57-9c7e-3f1f3a1f0011"
MESSAGE = {"model": "claude-sonnet-5", "max_tokens": 16, "messages": [{"role": "user", "content": "Hello"}]}
SUBJECT = "system:serviceaccount:ml:worker"


@contextlib.contextmanager
def environment(simulator, **changes):
    """The variables of a workload, and the file of its identity token."""
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory) / "token"
        variables = {
            "ANTHROPIC_BASE_URL": simulator.url,
            "ANTHROPIC_FEDERATION_RULE_ID": "fdrl_01Worker",
            "ANTHROPIC_ORGANIZATION_ID": ORGANIZATION,
            "ANTHROPIC_SERVICE_ACCOUNT_ID": "svac_01Worker",
            "ANTHROPIC_WORKSPACE_ID": "wrkspc_01Prod",
            "ANTHROPIC_IDENTITY_TOKEN_FILE": str(file),
            # No profile of whoever runs the checks has a say.
            "ANTHROPIC_CONFIG_DIR": directory,
            **changes,
        }
        before = dict(os.environ)
        os.environ.update(variables)
        try:
            yield file
        finally:
            os.environ.clear()
            os.environ.update(before)


def boss(simulator):
    return environment(
        simulator,
        ANTHROPIC_FEDERATION_RULE_ID="fdrl_01Bootstrap",
        ANTHROPIC_SERVICE_ACCOUNT_ID="svac_01Boss",
        ANTHROPIC_WORKSPACE_ID="default",
    )


def admin_token(simulator):
    """A token with the scope org:admin that the SDK mints for a workload."""
    seen = []
    with boss(simulator) as file:
        file.write_text(simulator.identity_token("cluster", "boss"))
        client = anthropic.Anthropic(max_retries=0)
        raw = client.organization.with_raw_response.retrieve()
        seen.append(raw.http_response.request.headers["authorization"])
    return seen[0].removeprefix("Bearer ")


def a_message(simulator):
    with environment(simulator) as file:
        file.write_text(simulator.identity_token("cluster", SUBJECT))
        raw = anthropic.Anthropic(max_retries=0).messages.with_raw_response.create(**MESSAGE)
        found = shapes.problems(raw.parse(), raw.text())
        sent = raw.http_response.request.headers
        if not sent["authorization"].startswith("Bearer sk-ant-oat01-") or "x-api-key" in sent:
            found.append("the call did not carry a minted token")
        if raw.headers["anthropic-workspace-id"] != "wrkspc_01Prod":
            found.append("the answer does not name the workspace")
        if raw.headers["anthropic-organization-id"] != ORGANIZATION:
            found.append("the answer does not name the organization")
        last = simulator.exchanges()[-1]
        if last.get("reason") or last.get("federation_rule_id", last.get("rule_id")) != "fdrl_01Worker":
            found.append(f"the history ends with {last}")
    return found


def a_stream_and_a_count(simulator):
    with environment(simulator) as file:
        file.write_text(simulator.identity_token("cluster", SUBJECT))
        client = anthropic.Anthropic(max_retries=0)
        with client.messages.stream(**MESSAGE) as stream:
            message = stream.get_final_message()
        counted = client.messages.count_tokens(model=MESSAGE["model"], messages=MESSAGE["messages"])
    found = []
    if message.stop_reason != "end_turn" or "svac_01Worker" not in message.content[0].text:
        found.append(f"the stream ends as {message}")
    if counted.input_tokens != message.usage.input_tokens:
        found.append(f"{counted.input_tokens} tokens were counted and {message.usage.input_tokens} used")
    return found


def a_minted_token_serves_several_calls(simulator):
    with environment(simulator) as file:
        file.write_text(simulator.identity_token("cluster", SUBJECT))
        client = anthropic.Anthropic(max_retries=0)
        before = len(simulator.exchanges())
        for _ in range(3):
            client.messages.create(**MESSAGE)
        exchanges = len(simulator.exchanges()) - before
    return [] if exchanges == 1 else [f"{exchanges} exchanges for three calls"]


def a_key_beats_federation(simulator):
    """The trap: a key that was left over wins without an error."""
    with environment(simulator, ANTHROPIC_API_KEY="sk-ant-api03-left-over") as file:
        file.write_text(simulator.identity_token("cluster", SUBJECT))
        before = len(simulator.exchanges())
        try:
            anthropic.Anthropic(max_retries=0).messages.create(**MESSAGE)
        except anthropic.AuthenticationError:
            return [] if len(simulator.exchanges()) == before else ["there was an exchange all the same"]
    return ["the key did not win"]


def denied(status, **changes):
    def check(simulator):
        subject = changes.pop("subject", SUBJECT)
        with environment(simulator, **changes) as file:
            file.write_text(simulator.identity_token("cluster", subject))
            try:
                anthropic.Anthropic(max_retries=0).messages.create(**MESSAGE)
            except WorkloadIdentityError as error:
                found = [] if error.status_code == status else [f"status {error.status_code}, not {status}"]
                message = (error.body or {}).get("error", {}).get("message")
                if status == 401 and message != "Authentication failed":
                    found.append(f"the message tells {message!r}")
                return found if error.request_id else found + ["no id of the request"]
        return ["the exchange was accepted"]

    return check


def a_token_is_used_once(simulator):
    with environment(simulator) as file:
        file.write_text(simulator.identity_token("cluster", SUBJECT))
        anthropic.Anthropic(max_retries=0).messages.create(**MESSAGE)
        try:
            anthropic.Anthropic(max_retries=0).messages.create(**MESSAGE)
        except WorkloadIdentityError as error:
            return [] if error.status_code == 401 else [f"status {error.status_code}"]
    return ["the identity token was accepted twice"]


def an_ended_token_is_exchanged_anew(simulator):
    with environment(simulator) as file:
        file.write_text(simulator.identity_token("cluster", SUBJECT))
        client = anthropic.Anthropic(max_retries=2)
        client.messages.create(**MESSAGE)
        before = len(simulator.exchanges())
        simulator.control("clock", {"advance_seconds": 7200})
        file.write_text(simulator.identity_token("cluster", SUBJECT))
        client.messages.create(**MESSAGE)
        exchanges = len(simulator.exchanges()) - before
    return [] if exchanges == 1 else [f"{exchanges} exchanges after the token had ended"]


def inference_does_not_reach_the_admin_api(simulator):
    with environment(simulator) as file:
        file.write_text(simulator.identity_token("cluster", SUBJECT))
        try:
            anthropic.Anthropic(max_retries=0).organization.retrieve()
        except anthropic.PermissionDeniedError:
            return []
    return ["a token for inference was accepted by the Admin API"]


def cases(simulator):
    checks = {
        "a message with a minted token": a_message,
        "a stream and a count of tokens": a_stream_and_a_count,
        "one exchange for several calls": a_minted_token_serves_several_calls,
        "a key that is left over wins": a_key_beats_federation,
        "another subject is denied": denied(401, subject="system:serviceaccount:ml:stranger"),
        "an unknown rule is denied": denied(401, ANTHROPIC_FEDERATION_RULE_ID="fdrl_01Nothing"),
        "another account is denied": denied(401, ANTHROPIC_SERVICE_ACCOUNT_ID="svac_01Boss"),
        "a workspace of others is denied": denied(401, ANTHROPIC_WORKSPACE_ID="wrkspc_01Lab"),
        "a malformed rule is refused": denied(400, ANTHROPIC_FEDERATION_RULE_ID="rule"),
        "an identity token is used once": a_token_is_used_once,
        "an ended token is exchanged anew": an_ended_token_is_exchanged_anew,
        "inference does not reach the Admin API": inference_does_not_reach_the_admin_api,
    }
    for name, check in checks.items():
        yield f"federation: {name}", lambda check=check: check(simulator)
