// Which methods the SDK has for an organization.

// Dotted names of all methods below a resource, in snake case as the steps have them.
export function of(resource, path = "") {
  const found = [];
  for (const [name, value] of Object.entries(resource)) {
    if (!name.startsWith("_") && isResource(value)) found.push(...of(value, `${path}${snake(name)}.`));
  }
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(resource))) {
    if (name !== "constructor" && !name.startsWith("_") && typeof resource[name] === "function") {
      found.push(path + snake(name));
    }
  }
  return found.sort();
}

const isResource = (value) => typeof value === "object" && value !== null && "_client" in value;

export const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
export const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

const isBelow = (method, resource) => method === resource || method.startsWith(`${resource}.`);

// Splits methods into those to check, those left out, and those that nobody has decided on.
export function split(methods, scope) {
  const parts = { checked: [], leftOut: [], undecided: [] };
  for (const method of methods) {
    const out = Object.keys(scope.out).find((it) => isBelow(method, it));
    if (out) parts.leftOut.push([method, scope.out[out]]);
    else if (scope.in.some((it) => isBelow(method, it))) parts.checked.push(method);
    else parts.undecided.push(method);
  }
  return parts;
}
