// Runs the real TypeScript SDK over sets of sources and writes what it did: drive.mjs SDK SETS.
//
// One fresh client for each set, its environment swapped inside this process. Two recorders on the
// loopback interface stand in for the API and for a second host. Nothing can leave the machine.

import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { createRequire } from 'node:module';

const [sdk, sets] = process.argv.slice(2);
const { Anthropic } = createRequire(path.join(path.resolve(sdk), 'x.js'))('@anthropic-ai/sdk');

const STAND_INS = ['http://127.0.0.1:1111', 'http://127.0.0.1:2222'];
const KEPT = ['x-api-key', 'authorization', 'anthropic-workspace-id'];
let seen = [];

const start = (number) =>
  new Promise((started) => {
    const server = http.createServer(async (request, response) => {
      let text = '';
      for await (const chunk of request) text += chunk;
      const body = JSON.parse(text);
      const headers = [];
      for (let at = 0; at < request.rawHeaders.length; at += 2) {
        const name = request.rawHeaders[at].toLowerCase();
        if (KEPT.includes(name)) headers.push([name, request.rawHeaders[at + 1]]);
      }
      const call = { host: STAND_INS[number], headers };
      const exchange = request.url === '/v1/oauth/token';
      seen.push(exchange ? { ...call, exchange: body } : call);
      const kind = exchange && body.grant_type.includes('jwt') ? 'minted' : 'refreshed';
      const answer =
        exchange ?
          { access_token: `sk-ant-oat01-${kind}`, token_type: 'Bearer', expires_in: 3600 }
        : { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [], stop_reason: 'end_turn',
            stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answer));
    });
    server.listen(0, '127.0.0.1', () => started(`http://127.0.0.1:${server.address().port}`));
  });

const layOut = (files) => {
  for (let [name, file] of Object.entries(files)) {
    if (typeof file === 'string') file = { text: file, mode: '600' };
    fs.mkdirSync(path.dirname(name), { recursive: true });
    const real = file.symlink ? path.join(path.dirname(name), 'target-of-' + path.basename(name)) : name;
    fs.writeFileSync(real, file.text);
    fs.chmodSync(real, parseInt(file.mode, 8));
    if (real !== name) fs.symlinkSync(real, name);
  }
};

const hosts = [await start(0), await start(1)];
const onlyLoopback = (url, init) => {
  if (!hosts.some((host) => String(url).startsWith(host + '/'))) throw new Error(`the test calls ${url}`);
  return fetch(url, init);
};
const quiet = () => {};
const logger = { error: quiet, warn: quiet, info: quiet, debug: quiet };
const PATH = process.env.PATH;

for (const line of fs.readFileSync(sets, 'utf-8').split('\n').filter(Boolean)) {
  const replaced = STAND_INS.reduce((text, standIn, at) => text.replaceAll(standIn, hosts[at]), line);
  const sources = JSON.parse(replaced);
  fs.rmSync(sources.directory, { recursive: true, force: true });
  layOut(sources.files);
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, { PATH, ...sources.variables });
  seen = [];
  let error = null;
  try {
    const { api_key: apiKey, auth_token: authToken, profile } = sources.arguments;
    const given = Object.entries({ apiKey, authToken, profile }).filter(([, value]) => value !== undefined);
    const client = new Anthropic({ maxRetries: 0, fetch: onlyLoopback, logger, ...Object.fromEntries(given) });
    await client.messages.create({ model: 'm', max_tokens: 1, messages: [{ role: 'user', content: 'x' }] });
  } catch (problem) {
    error = `${problem?.constructor?.name}: ${problem?.message}`.slice(0, 200);
  }
  process.stdout.write(JSON.stringify({ set: JSON.parse(line), seen, error }) + '\n');
}
process.exit(0);
