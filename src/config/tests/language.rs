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
            ("tostring(18446744073709551615 + 1)", "\"18446744073709551616\""),
        ]
        .into_iter()
        .filter(|(expression, _)| !expression.contains("nothing"))
        .collect::<Vec<_>>(),
    );
}

/// Texts with numbers of any length, and what Terraform makes of them.
#[test]
fn numbers_keep_all_their_digits() {
    let ones = "1".repeat(300);
    let same = |text: &str| format!("\"{text}\"");
    for text in [
        "104892101234567890123",
        "18446744073709551617",
        "-104892101234567890123",
        "0.12345678901234567890123",
        &ones,
    ] {
        for expression in [
            format!("trimprefix(\"a${{{text}}}\", \"a\")"),
            format!("jsonencode({text})"),
            format!("jsonencode(jsondecode(\"{text}\"))"),
            format!("format(\"%v\", {text})"),
            format!("jsonencode(tonumber(\"{text}\"))"),
            format!("jsonencode([for x in {{ k = {text} }} : x][0])"),
            format!("trimspace(<<EOT\n${{ {text} }}\nEOT\n)"),
            format!("jsonencode(max({text}, {text} - 1))"),
            format!("jsonencode(-(-{text}))"),
            format!("jsonencode(sum([{text}, 1, -1]))"),
            format!("tostring(abs({text}) * signum({text}))"),
        ] {
            assert_eq!(output(&expression), Some(Json::String(text.to_owned())), "{expression}");
        }
    }
    table(&[
        ("format(\"%d\", 104892101234567890123)", &same("104892101234567890123")),
        ("format(\"%x|%b|%o\", 18446744073709551616, 2, 8)", "\"10000000000000000|10|10\""),
        (
            "format(\"%.2f|%e|%g\", 104892101234567890123, 104892101234567890123, 0.1)",
            "\"104892101234567890123.00|1.048921e+20|0.1\"",
        ),
        ("format(\"%e|%.0f|%g\", 1e400, 2.5, 1e-400)", "\"1.000000e+400|2|1e-400\""),
        ("104892101234567890123 == 104892101234567890124", "false"),
        ("104892101234567890123 < 104892101234567890124", "true"),
        ("length(toset([104892101234567890123, 104892101234567890124]))", "2"),
        ("104892101234567890123 % 1000", "123"),
        ("tostring(104892101234567890123 / 3)", &same(&format!("34964033744855963374.{}", "3".repeat(155)))),
        ("tostring(floor(104892101234567890123.5))", &same("104892101234567890123")),
        ("tostring(parseint(\"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzz\", 36) + 1 - pow(36, 30))", "\"0\""),
        ("tostring(pow(10, 40))", &same(&format!("1{}", "0".repeat(40)))),
        ("0.1 + 0.2", "0.3"),
        ("1e400 / 1e399", "10"),
        ("1e-400 * 1e401", "10"),
        ("tostring(1e400)", &same(&format!("1{}", "0".repeat(400)))),
        ("tostring(-1e-400)", &same(&format!("-0.{}1", "0".repeat(399)))),
        ("1e400 > 1e399 && 1e-400 > 0", "true"),
        ("[1.5e3, 1E2, 2.50, 1e+2, -1e-2]", "[1500, 100, 2.5, 100, -0.01]"),
    ]);
}

#[test]
fn numbers_that_cannot_be_kept_are_refused() {
    for (expression, words) in [
        ("1e99999", "Number too long"),
        ("-1e-99999", "Number too long"),
        ("[1, 1e400 * 1e4000]", "Number too large"),
        ("tonumber(\"1e99999\")", "4096 digits"),
        ("jsondecode(\"[1, 1e99999]\")", "column 5"),
        ("104892101234567890123", "tostring"),
        ("{ a = [1e400] }", "tostring"),
        ("log(1e400, 10)", "too large or too small"),
        ("substr(\"abc\", 0, 1e40)", "is too large here"),
    ] {
        check_words(&format!("output \"x\" {{\n  value = {expression}\n}}\n"), &[words]);
    }
}

#[test]
fn heredocs_end_where_terraform_ends_them() {
    table(&[
        ("<<EOT\nfirst\nEOT is here\nlast\nEOT\n", "\"first\\nEOT is here\\nlast\\n\""),
        ("<<EOF\nEOF: not the end\n  EOF)\nEOF\n", "\"EOF: not the end\\n  EOF)\\n\""),
        ("<<-EOT\n  EOT, a\n    ${1 + 1} EOT\n  EOT\n", "\"EOT, a\\n  2 EOT\\n\""),
        ("<<EOT\nfirst\n  EOT  \n", "\"first\\n\""),
        ("[<<EOT\nEOT.\nEOT\n, <<EOT\nb\nEOT\n]", "[\"EOT.\\n\", \"b\\n\"]"),
        ("<<EOT\n${join(\"\", [\n\"a\"\n])}\nEOT 1\nEOT\n", "\"a\\nEOT 1\\n\""),
        ("<<EOT\n${<<EOT\nEOT in\nEOT\n}EOT out\nEOT\n", "\"EOT in\\nEOT out\\n\""),
        ("<<EOT\n%{ if true }\nEOT ${1}\n%{ endif }\nEOT\n", "\"\\nEOT 1\\n\\n\""),
        ("<<A\nA x\nB y\nA\n", "\"A x\\nB y\\n\""),
        ("<<EOT\r\nEOT is\r\nEOT\r\n", "\"EOT is\\n\""),
    ]);
    for text in
        ["upper(<<EOT\nx\nEOT)", "[<<EOT\nx\nEOT, 1]", "<<EOT # x\nx\nEOT", "<<EOT\nx", "<<EOT x\nEOT"]
    {
        let problems = Trial::of(&format!("locals {{\n  x = {text}\n}}\n")).problems();
        assert!(
            problems[0].starts_with("2: Unclosed heredoc") || problems[0].starts_with("2: Invalid heredoc"),
            "{text}: {problems:?}"
        );
    }
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
