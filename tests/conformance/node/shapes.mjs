// Judges an answer by the types of the SDK, which the compiler reads from its declarations.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

// Fields that a request has to ask for, so that an answer without them is whole.
const ABSENT_ALLOWED = new Set(["Message", "Usage", "TextBlock"]);
// Fields that come only to requests with a value of `anthropic-beta`, which no driver sends.
const GATED = JSON.parse(readFileSync(new URL("../gated.json", import.meta.url), "utf8"));

export class Shapes {
  constructor(modules) {
    const require = createRequire(path.join(modules, "package.json"));
    this.ts = require("typescript");
    const file = path.join(modules, "node_modules/@anthropic-ai/sdk/client.d.ts");
    const options = { target: this.ts.ScriptTarget.ES2022, strict: true, skipLibCheck: true, types: [] };
    options.module = this.ts.ModuleKind.NodeNext;
    options.moduleResolution = this.ts.ModuleResolutionKind.NodeNext;
    const program = this.ts.createProgram([file], options);
    this.checker = program.getTypeChecker();
    this.source = program.getSourceFile(file);
    const exports = this.checker.getExportsOfModule(this.checker.getSymbolAtLocation(this.source));
    const client = exports.find((it) => it.name === "Anthropic");
    this.client = this.checker.getDeclaredTypeOfSymbol(this.resolved(client));
  }

  resolved(symbol) {
    return symbol.flags & this.ts.SymbolFlags.Alias ? this.checker.getAliasedSymbol(symbol) : symbol;
  }

  member(type, name) {
    const symbol = this.checker.getPropertyOfType(type, name);
    if (!symbol) throw new Error(`${this.checker.typeToString(type)} has no ${name}`);
    return this.checker.getTypeOfSymbolAtLocation(symbol, this.source);
  }

  // What a method gives: `{ whole }` of one answer, or `{ page, item }` of a list.
  returned(names) {
    let type = this.client;
    for (const name of names) type = this.member(type, name);
    const signature = type.getCallSignatures()[0];
    const promise = this.checker.getReturnTypeOfSignature(signature);
    const [first, item] = this.checker.getTypeArguments(promise);
    return promise.symbol.name === "PagePromise" ? { page: first, item } : { whole: first };
  }

  // Whether an answer is whole without one of its fields.
  isOptional(names, field) {
    const symbol = this.checker.getPropertyOfType(this.returned(names).whole, field);
    return Boolean(symbol && symbol.flags & this.ts.SymbolFlags.Optional);
  }

  // What is wrong with the body of an answer to a method.
  problems(names, body) {
    const { whole, page, item } = this.returned(names);
    const found = [];
    if (whole) {
      this.judge(whole, body, whole.symbol?.name ?? "answer", found);
      return found;
    }
    const own = (symbol) => (symbol.declarations ?? []).some((it) => this.ts.isPropertyDeclaration(it));
    const hidden = ["options", "response", "body"];
    const fields = this.checker.getPropertiesOfType(page).filter(own).map((it) => it.name);
    for (const name of fields.filter((it) => !hidden.includes(it) && !it.startsWith("_") && !it.startsWith("#"))) {
      if (!(name in body)) found.push(`page.${name}: missing`);
      else if (name !== "data") this.judge(this.member(page, name), body[name], `page.${name}`, found);
    }
    for (const name of Object.keys(body)) if (!fields.includes(name)) found.push(`page.${name}: unknown to the SDK`);
    (body.data ?? []).forEach((it, at) => this.judge(item, it, `data[${at}]`, found));
    return found;
  }

  judge(type, value, at, found) {
    const { TypeFlags } = this.ts;
    const wrong = () => found.push(`${at}: ${JSON.stringify(value)} is no ${this.checker.typeToString(type)}`);
    if (type.flags & (TypeFlags.Any | TypeFlags.Unknown)) return;
    if (type.isUnion()) return this.judgeUnion(type, value, at, found);
    if (type.flags & TypeFlags.Null) return value === null || wrong();
    if (type.flags & TypeFlags.Undefined) return value === undefined || wrong();
    if (type.isStringLiteral() || type.isNumberLiteral()) return value === type.value || wrong();
    if (type.flags & TypeFlags.BooleanLiteral) return String(value) === type.intrinsicName || wrong();
    if (type.flags & TypeFlags.StringLike) return typeof value === "string" || wrong();
    if (type.flags & TypeFlags.NumberLike) return typeof value === "number" || wrong();
    if (type.flags & TypeFlags.BooleanLike) return typeof value === "boolean" || wrong();
    // `string & {}` leaves an enumeration open.
    if (type.isIntersection() && type.types.some((it) => it.flags & TypeFlags.String)) {
      return typeof value === "string" || wrong();
    }
    if (this.checker.isArrayType(type)) {
      if (!Array.isArray(value)) return wrong();
      const [item] = this.checker.getTypeArguments(type);
      return value.forEach((it, index) => this.judge(item, it, `${at}[${index}]`, found));
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) return wrong();
    this.judgeFields(type, value, at, found);
  }

  // Some member must fit; what the closest one lacks is told.
  judgeUnion(type, value, at, found) {
    let closest;
    for (const member of type.types) {
      const problems = [];
      this.judge(member, value, at, problems);
      if (problems.length === 0) return;
      if (!closest || problems.length < closest.length) closest = problems;
    }
    found.push(...closest);
  }

  judgeFields(type, value, at, found) {
    const fields = this.checker.getPropertiesOfType(type);
    const rest = this.checker.getIndexTypeOfType(type, this.ts.IndexKind.String);
    const partial = ABSENT_ALLOWED.has(type.symbol?.name);
    for (const field of fields) {
      const isOptional = field.flags & this.ts.SymbolFlags.Optional;
      if (!(field.name in value)) {
        if (!isOptional && !partial) found.push(`${at}.${field.name}: missing`);
      } else if (`${type.symbol?.name}.${field.name}` in GATED) {
        const header = GATED[`${type.symbol.name}.${field.name}`];
        found.push(`${at}.${field.name}: given though no request asked for it with anthropic-beta: ${header}`);
      } else {
        const wanted = this.checker.getTypeOfSymbolAtLocation(field, this.source);
        this.judge(wanted, value[field.name], `${at}.${field.name}`, found);
      }
    }
    const known = new Set(fields.map((it) => it.name));
    for (const name of Object.keys(value).filter((it) => !known.has(it))) {
      if (rest) this.judge(rest, value[name], `${at}.${name}`, found);
      else found.push(`${at}.${name}: unknown to the SDK`);
    }
  }
}
