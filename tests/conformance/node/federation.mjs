// Federation through the SDK's own credential code, configured by environment variables.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

const ORGANIZATION = "0b6e3f0a-51c5-4d57-9c7e-3f1f3a1f0011";
const MESSAGE = { model: "claude-sonnet-5", max_tokens: 16, messages: [{ role: "user", content: "Hello" }] };
const SUBJECT = "system:serviceaccount:ml:worker";

// The variables of a workload and the file of its identity token, for as long as `work` takes.
async function asWorkload({ simulator }, subject, changes, work) {
  const directory = await mkdtemp(path.join(tmpdir(), "conformance-"));
  const file = path.join(directory, "token");
  const variables = {
    ANTHROPIC_BASE_URL: simulator.url,
    ANTHROPIC_FEDERATION_RULE_ID: "fdrl_01Worker",
    ANTHROPIC_ORGANIZATION_ID: ORGANIZATION,
    ANTHROPIC_SERVICE_ACCOUNT_ID: "svac_01Worker",
    ANTHROPIC_WORKSPACE_ID: "wrkspc_01Prod",
    ANTHROPIC_IDENTITY_TOKEN_FILE: file,
    // No profile of whoever runs the checks has a say.
    ANTHROPIC_CONFIG_DIR: directory,
    ...changes,
  };
  Object.assign(process.env, variables);
  const renew = async () => writeFile(file, await simulator.identityToken("cluster", subject));
  try {
    await renew();
    return await work(renew);
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
    await rm(directory, { recursive: true });
  }
}

// A token with the scope org:admin that the SDK mints for a workload.
export function adminToken(world) {
  const boss = {
    ANTHROPIC_FEDERATION_RULE_ID: "fdrl_01Bootstrap",
    ANTHROPIC_SERVICE_ACCOUNT_ID: "svac_01Boss",
    ANTHROPIC_WORKSPACE_ID: "default",
  };
  return asWorkload(world, "boss", boss, async () => {
    await world.client().organization.retrieve();
    return world.last.sent.get("authorization").replace("Bearer ", "");
  });
}

function aMessage(world) {
  return asWorkload(world, SUBJECT, {}, async () => {
    const { response } = await world.client().messages.create(MESSAGE).withResponse();
    const found = world.shapes.problems(["messages", "create"], JSON.parse(world.last.text));
    const sent = world.last.sent;
    if (!sent.get("authorization")?.startsWith("Bearer sk-ant-oat01-") || sent.has("x-api-key")) {
      found.push("the call did not carry a minted token");
    }
    if (response.headers.get("anthropic-workspace-id") !== "wrkspc_01Prod") {
      found.push("the answer does not name the workspace");
    }
    if (response.headers.get("anthropic-organization-id") !== ORGANIZATION) {
      found.push("the answer does not name the organization");
    }
    const last = (await world.simulator.exchanges()).at(-1);
    if (last.reason || (last.federation_rule_id ?? last.rule_id) !== "fdrl_01Worker") {
      found.push(`the history ends with ${JSON.stringify(last)}`);
    }
    return found;
  });
}

function aStreamAndACount(world) {
  return asWorkload(world, SUBJECT, {}, async () => {
    const client = world.client();
    const message = await client.messages.stream(MESSAGE).finalMessage();
    const counted = await client.messages.countTokens({ model: MESSAGE.model, messages: MESSAGE.messages });
    const found = [];
    if (message.stop_reason !== "end_turn" || !message.content[0].text.includes("svac_01Worker")) {
      found.push(`the stream ends as ${JSON.stringify(message)}`);
    }
    if (counted.input_tokens !== message.usage.input_tokens) {
      found.push(`${counted.input_tokens} tokens were counted and ${message.usage.input_tokens} used`);
    }
    return found;
  });
}

function oneExchangeForSeveralCalls(world) {
  return asWorkload(world, SUBJECT, {}, async () => {
    const client = world.client();
    const before = (await world.simulator.exchanges()).length;
    for (let call = 0; call < 3; call += 1) await client.messages.create(MESSAGE);
    const exchanges = (await world.simulator.exchanges()).length - before;
    return exchanges === 1 ? [] : [`${exchanges} exchanges for three calls`];
  });
}

// The trap: a key that was left over wins without an error.
function aKeyWins(world) {
  return asWorkload(world, SUBJECT, { ANTHROPIC_API_KEY: "sk-ant-api03-left-over" }, async () => {
    const before = (await world.simulator.exchanges()).length;
    const status = await statusOf(world.client().messages.create(MESSAGE));
    const exchanges = (await world.simulator.exchanges()).length - before;
    return status === 401 && exchanges === 0 ? [] : [`status ${status} after ${exchanges} exchanges`];
  });
}

// The status that a call is refused with, by the API or at the exchange before it.
async function statusOf(promise) {
  try {
    await promise;
    return 200;
  } catch (error) {
    return error.status ?? error.statusCode ?? error.cause?.statusCode ?? `${error}`;
  }
}

const denied = (status, changes, subject = SUBJECT) => (world) =>
  asWorkload(world, subject, changes, async () => {
    const got = await statusOf(world.client().messages.create(MESSAGE));
    return got === status ? [] : [`status ${got}, not ${status}`];
  });

function usedOnce(world) {
  return asWorkload(world, SUBJECT, {}, async () => {
    await world.client().messages.create(MESSAGE);
    const status = await statusOf(world.client().messages.create(MESSAGE));
    return status === 401 ? [] : [`the identity token met status ${status} the second time`];
  });
}

function exchangedAnew(world) {
  return asWorkload(world, SUBJECT, {}, async (renew) => {
    const client = world.client({ maxRetries: 2 });
    await client.messages.create(MESSAGE);
    const before = (await world.simulator.exchanges()).length;
    await world.simulator.control("clock", { advance_seconds: 7200 });
    await renew();
    await client.messages.create(MESSAGE);
    const exchanges = (await world.simulator.exchanges()).length - before;
    return exchanges === 1 ? [] : [`${exchanges} exchanges after the token had ended`];
  });
}

function inferenceOnly(world) {
  return asWorkload(world, SUBJECT, {}, async () => {
    const status = await statusOf(world.client().organization.retrieve());
    return status === 403 ? [] : [`the Admin API answered a token for inference with ${status}`];
  });
}

export const cases = {
  "a message with a minted token": aMessage,
  "a stream and a count of tokens": aStreamAndACount,
  "one exchange for several calls": oneExchangeForSeveralCalls,
  "a key that is left over wins": aKeyWins,
  "another subject is denied": denied(401, {}, "system:serviceaccount:ml:stranger"),
  "an unknown rule is denied": denied(401, { ANTHROPIC_FEDERATION_RULE_ID: "fdrl_01Nothing" }),
  "another account is denied": denied(401, { ANTHROPIC_SERVICE_ACCOUNT_ID: "svac_01Boss" }),
  "a workspace of others is denied": denied(401, { ANTHROPIC_WORKSPACE_ID: "wrkspc_01Lab" }),
  "a malformed rule is refused": denied(400, { ANTHROPIC_FEDERATION_RULE_ID: "rule" }),
  "an identity token is used once": usedOnce,
  "an ended token is exchanged anew": exchangedAnew,
  "inference does not reach the Admin API": inferenceOnly,
};
