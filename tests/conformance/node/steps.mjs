// Carries out the steps that both drivers share, and judges every answer.

import { camel } from "./methods.mjs";

export class Steps {
  constructor(sdk, prefix, clients, shapes, last) {
    Object.assign(this, { sdk, prefix, clients, shapes, last, saved: {}, covered: new Set() });
    this.classes = {
      400: sdk.BadRequestError,
      401: sdk.AuthenticationError,
      403: sdk.PermissionDeniedError,
      404: sdk.NotFoundError,
      409: sdk.ConflictError,
      429: sdk.RateLimitError,
      500: sdk.InternalServerError,
      529: sdk.InternalServerError,
    };
    const hour = (offset) => new Date(Date.now() + offset * 3_600_000).toISOString().replace(/:\d\d:.*/, ":00:00Z");
    this.words = { tag: prefix.replace(".", "-"), an_hour_ago: hour(-1), in_an_hour: hour(1), large: "x".repeat(1 << 20) };
  }

  // Puts saved ids and words into a value of a step.
  fill(value) {
    if (typeof value === "string") {
      if (value.startsWith("$")) {
        const [name, field] = value.slice(1).split(".");
        return this.saved[name][field];
      }
      return value.replace(/\{(\w+)\}/g, (whole, word) => this.words[word] ?? whole);
    }
    if (Array.isArray(value)) return value.map((it) => this.fill(it));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, it]) => [name, this.fill(it)]));
  }

  // What is wrong with the answer to a step; nothing if all is well.
  async run(step) {
    const names = `${this.prefix}.${step.call}`.split(".").map(camel);
    let resource = this.clients[step.as ?? "operator"];
    for (const name of names.slice(0, -1)) resource = resource[name];
    const values = [];
    if ("id" in step) values.push(this.fill(step.id));
    if ("with" in step) values.push(this.fill(step.with));
    const call = () => resource[names.at(-1)](...values);
    if ("fails" in step) return this.refused(call, step);

    await call();
    this.covered.add(step.call);
    const body = JSON.parse(this.last.text);
    const found = this.shapes.problems(names, body);
    if (step.save) {
      this.saved[step.save] = body;
      found.push(...this.blindSpots(names, body));
    }
    for (const [field, expected] of Object.entries(this.fill(step.expect ?? {}))) {
      const value = field.split(".").reduce((it, part) => it?.[part], body);
      if (JSON.stringify(value) !== JSON.stringify(expected)) {
        found.push(`${field} is ${JSON.stringify(value)}, not ${JSON.stringify(expected)}`);
      }
    }
    if ("pages" in step) found.push(...(await this.pages(names, call, step)));
    return found;
  }

  // Damage to an answer that its judge does not see.
  blindSpots(names, body) {
    const damages = { "a field too many": { ...body, more: 1 } };
    for (const field of Object.keys(body)) {
      const { [field]: _, ...less } = body;
      if (!this.shapes.isOptional(names, field)) damages[`${field} missing`] = less;
      damages[`${field} of a wrong type`] = { ...body, [field]: { wrong: [] } };
    }
    const unseen = Object.entries(damages).filter(([, it]) => this.shapes.problems(names, it).length === 0);
    return unseen.map(([what]) => `the judge does not see ${what}`);
  }

  async refused(call, step) {
    try {
      await call();
    } catch (error) {
      if (error instanceof this.sdk.APIError && error.status) return this.wrong(error, step);
      throw error;
    }
    return [`accepted, and not refused with ${step.fails}`];
  }

  wrong(error, step) {
    const found = [];
    const wanted = this.classes[step.fails] ?? this.sdk.APIError;
    if (!(error instanceof wanted) || error.status !== step.fails) {
      found.push(`${error.constructor.name} with ${error.status}, not ${wanted.name}`);
    }
    const body = error.error ?? {};
    const inner = body.error ?? {};
    if (body.type !== "error" || !inner.message) found.push(`not the envelope of an error: ${JSON.stringify(body)}`);
    if (!error.requestID || body.request_id !== error.requestID) {
      found.push("the id of the request is not in header and body");
    }
    if (step.type && inner.type !== step.type) found.push(`type is ${inner.type}, not ${step.type}`);
    if (step.code && inner.details?.error_code !== step.code) {
      found.push(`details are ${JSON.stringify(inner.details)}, without ${step.code}`);
    }
    if (step.message && !inner.message?.startsWith(step.message)) {
      found.push(`message ${inner.message} does not start with ${step.message}`);
    }
    return found;
  }

  // Walks all pages with the SDK's own means.
  async pages(names, call, step) {
    const found = [];
    const ids = [];
    let pages = 0;
    for await (const page of (await call()).iterPages()) {
      pages += 1;
      found.push(...this.shapes.problems(names, JSON.parse(this.last.text)));
      ids.push(...page.data.map(identity));
    }
    const items = [];
    for await (const item of call()) items.push(identity(item));
    if (items.join() !== ids.join()) found.push("walking items and walking pages differ");
    if (new Set(ids).size !== ids.length) found.push(`an item came twice: ${ids}`);
    if (pages < step.pages || (step.pages === 1 && pages > 1)) found.push(`${pages} pages, not ${step.pages}`);
    if ("count" in step && ids.length !== step.count) found.push(`${ids.length} items, not ${step.count}`);
    if (step.contains && !ids.includes(this.fill(step.contains))) {
      found.push(`${this.fill(step.contains)} is not among ${ids}`);
    }
    return found;
  }
}

// What tells items of a list apart.
const identity = (item) => item.id ?? JSON.stringify(item);
