// Loads files of variables with the library dotenv, or with what Node has built in, and prints what each
// sets, as JSON.
//
// usage: node read.mjs library|builtin PARTS FOLDER        files 0, 1, 2, … of the folder

import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parseEnv } from "node:util";

const [, , which, parts, folder] = process.argv;
const parse = which === "builtin" ? parseEnv : createRequire(join(parts, "package.json"))("dotenv").parse;
const names = readdirSync(folder).sort((a, b) => Number(a) - Number(b));
console.log(JSON.stringify(names.map((name) => parse(readFileSync(join(folder, name), "utf8")))));
