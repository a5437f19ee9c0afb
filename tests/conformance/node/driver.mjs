// Drives a simulator with the TypeScript SDK. One line of JSON for each case; exits 1 if one fails.
// Arguments: the simulator's URL, and the folder that holds `node_modules`.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";

import * as faults from "./faults.mjs";
import { adminToken, cases } from "./federation.mjs";
import { of, split } from "./methods.mjs";
import { Shapes } from "./shapes.mjs";
import { Simulator } from "./simulator.mjs";
import { Steps } from "./steps.mjs";

const [url, modules] = process.argv.slice(2);
const sdk = createRequire(path.join(modules, "package.json"))("@anthropic-ai/sdk");
const packaged = path.join(modules, "node_modules/@anthropic-ai/sdk/package.json");
const { version } = JSON.parse(await readFile(packaged, "utf8"));
const shared = async (name) => JSON.parse(await readFile(new URL(`../${name}`, import.meta.url), "utf8"));

// A case named here may fail, and must not pass: then it is to be taken out of the file.
const awaited = await shared("awaited.json");
let failed = false;

function tell(name, found, reason) {
  const line = { sdk: `typescript ${version}`, case: name, result: found.length ? "fail" : "pass" };
  let problems = found;
  if (reason) Object.assign(line, { result: "out of scope", reason });
  else if (name in awaited && found.length) {
    Object.assign(line, { result: "awaited", reason: awaited[name] });
    problems = [];
  } else if (name in awaited) {
    line.result = "fail";
    problems = ["it passes now; take it out of awaited.json"];
  }
  if (problems.length) {
    failed = true;
    line.problems = problems;
  }
  console.log(JSON.stringify(line));
}

// A case must not end the others.
async function attempt(name, work) {
  try {
    tell(name, await work());
  } catch (error) {
    tell(name, [`${error?.constructor?.name}: ${error?.message}`]);
  }
}

for (const name of Object.keys(process.env)) if (name.startsWith("ANTHROPIC_")) delete process.env[name];
const simulator = await Simulator.at(url);
// What was sent last, and the text that came back.
const last = {};
const listening = async (input, options) => {
  const response = await fetch(input, options);
  last.sent = new Headers(options?.headers);
  last.text = await response.clone().text();
  return response;
};
const client = (options) => new sdk.Anthropic({ maxRetries: 0, fetch: listening, ...options });
const world = { simulator, client, last, shapes: new Shapes(modules) };

// The methods below `beta` have types of the beta variant, which has to be asked for: the SDK has
// the difference in its types alone.
const variant = (isBeta) => (isBeta ? { baseURL: url, defaultQuery: { beta: "true" } } : { baseURL: url });
const minted = await adminToken(world);
const clientsOf = (isBeta) => ({
  operator: client({ ...variant(isBeta), authToken: simulator.tokens.operator }),
  nobody: client({ ...variant(isBeta), authToken: "sk-ant-oat01-nobody" }),
  admin_key: client({ ...variant(isBeta), apiKey: simulator.tokens.admin_key }),
  workload: client({ ...variant(isBeta), authToken: minted }),
});
const [steps, scope] = [await shared("steps.json"), await shared("scope.json")];
for (const prefix of ["organization", "beta.organization"]) {
  const isBeta = prefix.startsWith("beta");
  const clients = clientsOf(isBeta);
  const known = isBeta ? clients.operator.beta.organization : clients.operator.organization;
  const { checked, leftOut, undecided } = split(of(known), scope);
  const run = new Steps(sdk, prefix, clients, world.shapes, last);
  for (const step of steps.filter((it) => isBeta || it.only !== "beta")) {
    const refusal = step.fails ? ` (${step.as ?? "operator"}, ${step.code ?? step.fails})` : "";
    await attempt(`${prefix}.${step.call}${refusal}`, () => run.run(step));
  }
  for (const method of checked.filter((it) => !run.covered.has(it))) {
    tell(`${prefix}.${method}`, ["no step calls this method"]);
  }
  for (const method of undecided) tell(`${prefix}.${method}`, ["a method that scope.json says nothing of"]);
  for (const [method, reason] of leftOut) tell(`${prefix}.${method}`, [], reason);
}
for (const [name, check] of Object.entries(cases)) await attempt(`federation: ${name}`, () => check(world));
for (const [name, check] of Object.entries(faults.cases)) await attempt(`faults: ${name}`, () => check(world));
process.exit(failed ? 1 : 0);
