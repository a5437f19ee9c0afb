"""The tables of docs/api-fidelity.md: from the results of a run, and from the tests' names.

Arguments: the folder with the results, and `--write` or nothing. Without `--write`, exits 1 when the
page differs from what it should be.
"""

import difflib
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
AWAITED = json.loads((HERE / "awaited.json").read_text())
SDKS = [("Python", "python"), ("TypeScript", "typescript")]
METHODS = {"organization.": "", "beta.organization.": ", beta"}
PAGE = ROOT / "docs/api-fidelity.md"


def results(work):
    """Cases by name, and by part whether they passed."""
    table, versions = {}, set()
    for part in ("python", "typescript", "attack"):
        for line in (work / f"{part}.jsonl").read_text().splitlines():
            case = json.loads(line)
            versions.add(case["sdk"])
            if case["result"] != "out of scope":
                rows = table.setdefault(case["case"], {})
                worst = max(rows.get(part, "pass"), case["result"], key=["pass", "awaited", "fail"].index)
                rows[part] = worst
    return table, versions


def ledger():
    """Each line of the ledger with the tests that show it: those that have its number in their name."""
    tests = {}
    for file in sorted([*ROOT.glob("src/**/*.rs"), *ROOT.glob("tests/**/*.rs")]):
        for name in re.findall(r"^\s*(?:async )?fn ((?:b\d\d_)+\w+)\(\)", file.read_text(), re.M):
            for number in re.findall(r"b(\d\d)(?=_)", re.match(r"(?:b\d\d_)+", name)[0]):
                tests.setdefault(f"B{number}", []).append(f"`{name}`")
    lines = ["| line | behaviour | standing | shown by |", "|---|---|---|---|"]
    missing = []
    for line, (standing, rule) in json.loads((HERE / "ledger.json").read_text()).items():
        if (line in tests) == (line in AWAITED):
            missing.append(line)
        lines.append(f"| {line} | {rule} | {standing} | {', '.join(tests.get(line, ['awaited']))} |")
    return lines, missing


def side_by_side(table, heading, variants):
    """One row for each case; the columns are the SDKs, for each variant of a case's name."""
    columns = [(f"{sdk}{title}", part, prefix) for prefix, title in variants.items() for sdk, part in SDKS]
    lines = [f"| {heading} | {' | '.join(title for title, _, _ in columns)} |", "|---" * (len(columns) + 1) + "|"]
    cases = {}
    for name in table:
        prefix = max((it for it in variants if name.startswith(it)), key=len)
        cases.setdefault(name.removeprefix(prefix))
    for case in cases:
        cells = [table.get(prefix + case, {}).get(part, "—") for _, part, prefix in columns]
        lines.append(f"| {case} | {' | '.join(cells)} |")
    return lines


def checked_with(versions):
    """What judged, of which version."""
    pairs = sorted(it.rsplit(" ", 1) for it in versions)
    names = {"python": "Python SDK, `anthropic`", "typescript": "TypeScript SDK, `@anthropic-ai/sdk`"}
    return ["| checked with | version |", "|---|---|"] + [f"| {names.get(name, name)} | {version} |" for name, version in pairs]


def tables(table, versions):
    is_federation = lambda case: case.startswith("federation: ")
    is_fault = lambda case: case.startswith("faults: ")
    is_refusal = lambda case: case.endswith(")") and "(" in case
    is_operation = lambda case: re.match("[A-Z]+ /", case)
    is_method = lambda case: not (is_federation(case) or is_fault(case) or is_refusal(case) or is_operation(case))
    only = lambda wanted: {case: rows for case, rows in table.items() if wanted(case)}
    attack = ["| operation | attacked |", "|---|---|"]
    attack += [f"| `{case}` | {rows['attack']} |" for case, rows in table.items() if is_operation(case)]
    out = ["| resource | why it is left out |", "|---|---|"]
    out += [f"| `{it}` | {why} |" for it, why in json.loads((HERE / "scope.json").read_text())["out"].items()]
    rows, missing = ledger()
    return {
        "versions": checked_with(versions),
        "ledger": rows,
        "federation": side_by_side(only(is_federation), "case", {"federation: ": ""}),
        "faults": side_by_side(only(is_fault), "case", {"faults: ": ""}),
        "methods": side_by_side(only(is_method), "method of `organization`", METHODS),
        "refusals": side_by_side(only(is_refusal), "method (credential, status or code)", METHODS),
        "attack": attack,
        "left-out": out,
    }, missing


def filled(page, made):
    """The page with the tables between their markers."""
    for name, lines in made.items():
        pattern = re.compile(rf"(<!-- {name}: generated -->\n).*?(<!-- end -->)", re.S)
        if not pattern.search(page):
            sys.exit(f"{PAGE} has no place for the table {name}")
        page = pattern.sub(lambda it: it[1] + "\n".join(lines) + "\n" + it[2], page)
    return page


def main(work, mode):
    table, versions = results(pathlib.Path(work))
    made, missing = tables(table, versions)
    if missing:
        sys.exit(f"lines of the ledger without a test, or awaited with one: {', '.join(missing)}")
    page = PAGE.read_text()
    whole = filled(page, made)
    if mode == "--write":
        PAGE.write_text(whole)
    elif whole != page:
        sys.stdout.writelines(difflib.unified_diff(page.splitlines(True), whole.splitlines(True), "page", "results"))
        sys.exit(f"{PAGE.relative_to(ROOT)} is out of date; run tests/conformance/run KEYLESS --write")
    print("checked with " + ", ".join(sorted(versions)))


main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "")
