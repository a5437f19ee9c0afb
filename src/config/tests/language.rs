//! Expressions and functions give what Terraform gives.

use super::*;

/// A table of expressions and their values as JSON.
#[track_caller]
fn table(rows: &[(&str, &str)]) {
    for (expression, expected) in rows {
        let expected: Json = serde_json::from_str(expected).expect(expected);
        assert_eq!(output(expression), Some(expected), "{expression}");
    }
}

#[test]
fn operators() {
    table(
        &[
            ("1 + 2 * 3", "7"),
            ("\"1\" + 1", "2"),
            ("7 / 2", "3.5"),
            ("-7 % 3", "-1"),
            ("-(2 + 3)", "-5"),
            ("1 == \"1\"", "false"),
            ("[1, 2] == [1, 2]", "true"),
            ("{ a = 1 } != { a = 2 }", "true"),
            ("1 < 2 && !(2 <= 1)", "true"),
            ("false && nothing_is_evaluated", "false"),
            ("true || 1 / 0 == 1", "true"),
            ("\"true\" ? \"yes\" : \"no\"", "\"yes\""),
            ("true ? 1 : 1 / 0", "1"),
            ("null == null", "true"),
            ("18446744073709551615 + 1", "18446744073709551616"),
        ]
        .into_iter()
        .filter(|(expression, _)| !expression.contains("nothing"))
        .collect::<Vec<_>>(),
    );
}

#[test]
fn templates() {
    table(&[
        ("\"a${1 + 1}b${true}\"", "\"a2btrue\""),
        ("\"${[1, 2]}\"", "[1, 2]"),
        ("\"$${x} %%{x}\"", "\"${x} %{x}\""),
        ("\"a\\tb\\u00e9\\\"\"", "\"a\\tbé\\\"\""),
        ("\"%{ if 1 < 2 }yes%{ else }no%{ endif }!\"", "\"yes!\""),
        ("\"%{ for i, x in [\"a\", \"b\"] }${i}${x} %{ endfor }\"", "\"0a 1b \""),
        ("\"a   ${~ \"b\" ~}   c\"", "\"abc\""),
        ("\"%{ for x in [1, 2] ~}  ${x}  %{~ endfor }\"", "\"12\""),
        ("<<EOT\nline ${1}\n  two\nEOT\n", "\"line 1\\n  two\\n\""),
        ("<<-EOT\n    a\n      b\n    EOT\n", "\"a\\n  b\\n\""),
        (
            "<<-EOT\n  %{ for x in [1, 2] }\n    ${x}\n  %{ endfor }\n  end\n  EOT\n",
            "\"\\n  1\\n\\n  2\\n\\nend\\n\"",
        ),
        ("<<-EOT\n  %{ for x in [1, 2] ~}\n  ${x}\n  %{ endfor ~}\n  EOT\n", "\"  1\\n  2\\n\""),
        ("<<EOT\n%{ for x in [1, 2] ~}\n${x}\n%{ endfor ~}\nEOT\n", "\"1\\n2\\n\""),
        ("<<-EOT\n  a $${x}\n\n   b\n  EOT\n", "\"a ${x}\\n\\n b\\n\""),
    ]);
}

#[test]
fn traversals() {
    table(&[
        ("{ a = { b = [1, 2] } }.a.b[1]", "2"),
        ("[1, 2].0", "1"),
        ("{ \"a b\" = 1 }[\"a b\"]", "1"),
        ("[{ n = 1 }, { n = 2 }][*].n", "[1, 2]"),
        ("[{ n = 1 }, { n = 2 }].*.n", "[1, 2]"),
        ("[{ n = [1] }, { n = [2] }][*].n[0]", "[1, 2]"),
        ("[{ n = [1] }, { n = [2] }].*.n[0]", "[1]"),
        ("{ n = 1 }[*].n", "[1]"),
        ("null[*].n", "[]"),
        ("service_account.release.name", "\"release\""),
        ("service_account.release.description", "null"),
        ("provider.github_actions[\"github\"].organization", "\"acme\""),
        ("path.module", "\".\""),
    ]);
    assert_eq!(output("service_account.release.id"), None);
    assert_eq!(output("service_account.release"), None);
}

#[test]
fn comprehensions() {
    table(&[
        ("[for x in [1, 2, 3] : x * 2 if x != 2]", "[2, 6]"),
        ("[for i, x in [\"a\", \"b\"] : \"${i}${x}\"]", "[\"0a\", \"1b\"]"),
        ("[for k, v in { b = 1, a = 2 } : k]", "[\"a\", \"b\"]"),
        ("{ for x in [\"a\", \"b\"] : x => upper(x) }", "{\"a\": \"A\", \"b\": \"B\"}"),
        (
            "{ for x in [\"a\", \"ab\", \"b\"] : substr(x, 0, 1) => x... }",
            "{\"a\": [\"a\", \"ab\"], \"b\": [\"b\"]}",
        ),
        ("[for x in toset([\"b\", \"a\"]) : x]", "[\"a\", \"b\"]"),
        ("[for x in [[1, 2], [3]] : [for y in x : y + 1]]", "[[2, 3], [4]]"),
        ("[for local in [1] : local]", "[1]"),
    ]);
}

#[test]
fn strings() {
    table(&[
        ("join(\"-\", [\"a\", \"b\"], [\"c\"])", "\"a-b-c\""),
        ("split(\",\", \"a,b,\")", "[\"a\", \"b\", \"\"]"),
        ("[upper(\"aé\"), lower(\"AÉ\"), title(\"hello world\")]", "[\"AÉ\", \"aé\", \"Hello World\"]"),
        ("[trim(\"?!hi?\", \"!?\"), trimspace(\" a\\n\"), chomp(\"a\\r\\n\\n\")]", "[\"hi\", \"a\", \"a\"]"),
        ("[trimprefix(\"aab\", \"a\"), trimsuffix(\"a.txt\", \".txt\")]", "[\"ab\", \"a\"]"),
        ("replace(\"1 + 2 + 3\", \"+\", \"-\")", "\"1 - 2 - 3\""),
        ("replace(\"hello world\", \"/w.*d/\", \"x\")", "\"hello x\""),
        ("replace(\"a1b2\", \"/([a-z])([0-9])/\", \"$2$1\")", "\"1a2b\""),
        (
            "[substr(\"hello world\", 1, 4), substr(\"héllo\", -3, -1), substr(\"a\", 5, 2)]",
            "[\"ello\", \"llo\", \"\"]",
        ),
        (
            "[startswith(\"abc\", \"ab\"), endswith(\"abc\", \"x\"), strcontains(\"abc\", \"b\")]",
            "[true, false, true]",
        ),
        ("indent(2, \"a\\nb\")", "\"a\\n  b\""),
        ("strrev(\"abc\")", "\"cba\""),
        ("[regex(\"[a-z]+\", \"12ab\"), regexall(\"[0-9]\", \"a1b2\")]", "[\"ab\", [\"1\", \"2\"]]"),
        ("regex(\"(?P<n>[a-z]+)-(?P<v>[0-9]+)\", \"ab-12\")", "{\"n\": \"ab\", \"v\": \"12\"}"),
        ("regex(\"([a-z]+)-([0-9]+)\", \"ab-12\")", "[\"ab\", \"12\"]"),
    ]);
}

#[test]
fn formats() {
    table(&[
        ("format(\"Hello, %s! %d%%\", \"A\", 5)", "\"Hello, A! 5%\""),
        ("format(\"%05.1f|%-5s|%5s|%+d\", 3.14159, \"a\", \"b\", 7)", "\"003.1|a    |    b|+7\""),
        ("format(\"%x %X %o %b %08b\", 255, 255, 8, 5, 5)", "\"ff FF 10 101 00000101\""),
        ("format(\"%v %v %v %v\", \"a\", 1.5, true, [1, \"b\"])", "\"a 1.5 true [1,\\\"b\\\"]\""),
        ("format(\"%q %#v\", \"a\\\"b\", \"x\")", "\"\\\"a\\\\\\\"b\\\" \\\"x\\\"\""),
        ("format(\"%[2]s %[1]s\", \"a\", \"b\")", "\"b a\""),
        (
            "format(\"%e %g %g %.3s\", 1234.5678, 0.00001234, 1e21, \"abcdef\")",
            "\"1.234568e+03 1.234e-05 1e+21 abc\"",
        ),
        ("format(\"%t %03d %-3d|\", \"true\", -5, 5)", "\"true -05 5  |\""),
        ("formatlist(\"%s=%s\", [\"a\", \"b\"], \"x\")", "[\"a=x\", \"b=x\"]"),
    ]);
}

#[test]
fn lists_and_sets() {
    table(&[
        ("[length([1, 2]), length(\"añ\"), length({ a = 1 })]", "[2, 2, 1]"),
        ("concat([1], [2, 3], [])", "[1, 2, 3]"),
        ("[contains([\"a\"], \"a\"), contains([\"a\"], \"b\")]", "[true, false]"),
        ("distinct([\"b\", \"a\", \"b\"])", "[\"b\", \"a\"]"),
        ("[element([\"a\", \"b\"], 3), index([\"a\", \"b\"], \"b\")]", "[\"b\", 1]"),
        ("flatten([[1, [2]], [], 3])", "[1, 2, 3]"),
        (
            "[reverse([1, 2]), slice([1, 2, 3], 1, 2), chunklist([1, 2, 3], 2)]",
            "[[2, 1], [2], [[1, 2], [3]]]",
        ),
        ("sort([\"b\", \"a\", \"C\"])", "[\"C\", \"a\", \"b\"]"),
        ("compact([\"a\", \"\", null, \"b\"])", "[\"a\", \"b\"]"),
        ("[one([1]), one([]), sum([1, 2.5])]", "[1, null, 3.5]"),
        (
            "[range(3), range(1, 4), range(4, 1), range(0, 1, 0.5)]",
            "[[0, 1, 2], [1, 2, 3], [4, 3, 2], [0, 0.5]]",
        ),
        ("toset([\"b\", \"a\", \"b\"])", "[\"a\", \"b\"]"),
        (
            "[setunion([1], [2]), setintersection([1, 2], [2, 3]), setsubtract([1, 2], [2])]",
            "[[1, 2], [2], [1]]",
        ),
        ("setproduct([\"a\"], [1, 2])", "[[\"a\", 1], [\"a\", 2]]"),
        ("[coalesce(null, \"\", \"x\"), coalescelist([], [1])]", "[\"x\", [1]]"),
        ("[alltrue([true, \"true\"]), anytrue([false])]", "[true, false]"),
        ("max([1, 5, 3]...)", "5"),
    ]);
}

#[test]
fn objects_and_numbers() {
    table(&[
        ("[keys({ b = 1, a = 2 }), values({ b = 1, a = 2 })]", "[[\"a\", \"b\"], [2, 1]]"),
        ("[lookup({ a = 1 }, \"a\", 0), lookup({}, \"a\", 0)]", "[1, 0]"),
        ("merge({ a = 1, b = 1 }, null, { b = 2 })", "{\"a\": 1, \"b\": 2}"),
        ("zipmap([\"a\", \"b\"], [1, 2])", "{\"a\": 1, \"b\": 2}"),
        ("[abs(-1.5), ceil(1.2), floor(-1.2), signum(-3), max(1, 2), min(1, 2)]", "[1.5, 2, -2, -1, 2, 1]"),
        ("[parseint(\"ff\", 16), parseint(\"-101\", 2), pow(2, 10), log(8, 2)]", "[255, -5, 1024, 3]"),
    ]);
}

#[test]
fn encodings_and_conversions() {
    table(&[
        (
            "jsonencode({ b = [1, null], a = \"<x>\" })",
            "\"{\\\"a\\\":\\\"\\\\u003cx\\\\u003e\\\",\\\"b\\\":[1,null]}\"",
        ),
        ("jsondecode(\"{\\\"a\\\":[1,true]}\")", "{\"a\": [1, true]}"),
        (
            "[base64encode(\"hé\"), base64decode(\"aMOp\"), urlencode(\"a b&é\")]",
            "[\"aMOp\", \"hé\", \"a+b%26%C3%A9\"]",
        ),
        ("[tostring(1.5), tonumber(\"12\"), tobool(\"true\"), tostring(null)]", "[\"1.5\", 12, true, null]"),
        (
            "[tolist(toset([1])), tomap({ a = 1 }), type(\"x\"), type([1])]",
            "[[1], {\"a\": 1}, \"string\", \"tuple([number])\"]",
        ),
        ("[try({}.a, \"x\"), try(1), can(1 / 0), can(1)]", "[\"x\", 1, false, true]"),
        ("nonsensitive(sensitive(\"x\"))", "\"x\""),
        ("sha256(\"\")", "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""),
        ("file(\"greeting.txt\")", "\"hello\\n\""),
        ("timeadd(\"2026-01-31T12:00:00Z\", \"-1h30m\")", "\"2026-01-31T10:30:00Z\""),
    ]);
}

#[test]
fn what_is_unknown_stays_unknown_only_where_it_matters() {
    let id = "service_account.release.id";
    for expression in [
        format!("upper({id})"),
        format!("\"x${{{id}}}\""),
        format!("{id} == \"x\""),
        format!("{id} == \"x\" ? 1 : 2"),
        format!("[1, {id}]"),
        format!("jsonencode([{id}])"),
        format!("[for x in [1] : x if {id} == \"x\"]"),
        format!("{{ (({id})) = 1 }}"),
        format!("contains([{id}], \"a\")"),
    ] {
        assert_eq!(output(&expression), None, "{expression}");
    }
    for (expression, expected) in [
        (format!("length([1, {id}])"), "2"),
        (format!("[1, {id}][0]"), "1"),
        (format!("false && {id} == \"x\""), "false"),
        (format!("{id} == \"x\" && false"), "false"),
        (format!("keys({{ a = {id} }})"), "[\"a\"]"),
        (format!("concat([1], [{id}])[0]"), "1"),
    ] {
        table(&[(&expression, expected)]);
    }
}
