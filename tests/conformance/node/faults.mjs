// Faults that the controls script, as the SDK tells of them.

import { adminToken } from "./federation.mjs";

// The status and the details that a call is refused with.
async function refusal(promise) {
  try {
    await promise;
    return { status: 200, details: {} };
  } catch (error) {
    return { status: error.status ?? `${error}`, details: error.error?.error?.details ?? {} };
  }
}

const organization = ({ simulator, client }, authToken = simulator.tokens.operator) =>
  client({ baseURL: simulator.url, authToken }).organization;

const wrong = ({ status, details }, code) =>
  status === 503 && details.error_code === code ? [] : [`${status} with ${JSON.stringify(details)}`];

async function workspaceIsMade(world) {
  const { workspaces } = organization(world);
  await world.simulator.control("faults", { fault: "workspace_created_incomplete" });
  const got = await refusal(workspaces.create({ name: "Half typescript" }));
  const found = wrong(got, "workspace_created_incomplete");
  const made = await workspaces.retrieve(got.details.workspace_id);
  return made.name === "Half typescript" ? found : [...found, `the workspace is ${made.name}`];
}

async function changeIsMade(world) {
  const { workspaces } = organization(world);
  const made = await workspaces.create({ name: "Before typescript" });
  await world.simulator.control("faults", { fault: "change_outcome_unknown" });
  const change = () => workspaces.update(made.id, { name: "After typescript" });
  const found = wrong(await refusal(change()), "change_outcome_unknown");
  const names = [(await workspaces.retrieve(made.id)).name, (await change()).name];
  return names.every((name) => name === "After typescript") ? found : [...found, `the names are ${names}`];
}

async function staysRevoked(world) {
  const caller = organization(world, await adminToken(world));
  const statuses = [];
  for (const fault of ["expired_token", "revoked_token"]) {
    await world.simulator.control("faults", { fault });
    for (let call = 0; call < 2; call += 1) statuses.push((await refusal(caller.retrieve())).status);
  }
  return `${statuses}` === "401,200,401,401" ? [] : [`statuses ${statuses}`];
}

export const cases = {
  "a workspace is made although 503 is answered": workspaceIsMade,
  "a workspace is changed although 503 is answered": changeIsMade,
  "an ended token fails once, a revoked one for good": staysRevoked,
};
