use super::*;

fn check(text: &str, expected: &str) {
    let extent = expression(text, 0).unwrap_or_else(|fault| panic!("{text:?}: {fault:?}"));
    assert_eq!(&text[..extent.end], expected, "{text:?}");
}

#[test]
fn an_expression_ends_with_its_line() {
    check("1 # one", "1");
    check("1 /* a\nb */ // two", "1");
    check("a + b\nc", "a + b");
    check("[\n 1, # }\n 2\n]  \nb", "[\n 1, # }\n 2\n]");
    check("f(\"a)\", {\n x = \"}\"\n}) }", "f(\"a)\", {\n x = \"}\"\n})");
    check("\"a${f(\"}\")}b\\\"c\" }", "\"a${f(\"}\")}b\\\"c\"");
    check("\"$${\"\nx", "\"$${\"");
    check("<<EOT\n a } \"\n EOTX\n EOT\nnext", "<<EOT\n a } \"\n EOTX\n EOT");
    check("<<-EOT\r\n a\r\n EOT\r\nnext", "<<-EOT\r\n a\r\n EOT");
    check("\"ü\" }", "\"ü\"");
    check("", "");
}

#[test]
fn a_heredoc_ends_at_its_marker_alone() {
    for text in [
        "<<EOT\nEOT is here\nEOT: no\nEOT)\nEOT,\n\tEOT.\nEOT",
        "<<EOT\n EOTX\nEOT-1\nEOT",
        "<<-EOT\n  a\n\t EOT",
        "<<EOT\n${f(\"}\", [\nEOT\n])}\nEOT",
        "<<EOT\n${<<EOT\nEOT x\nEOT\n}\nEOT",
        "<<EOT\n$${ } \" ( \\\nEOT",
        "<<EOT\nEOT",
    ] {
        check(&format!("{text}\nb"), text);
        check(&format!("{text}  \t\r\nb"), text);
        check(text, text);
    }
    check_fault("<<EOT\na\nEOT)\n", "Unclosed heredoc", 0);
    check_fault("f(<<EOT\na\nEOT)\n", "Unclosed heredoc", 2);
    check_fault("<<EOT\na\nEOT # end\n", "Unclosed heredoc", 0);
    check_fault("<<EOT\n${a\nEOT\n", "Unclosed interpolation", 6);
    for text in [
        "<<EOT a\nEOT\n",
        "<<EOT \nEOT\n",
        "<<EOT",
        "<< EOT\nEOT\n",
        "<<~EOT\nEOT\n",
        "<<1\n1\n",
        "<<\"EOT\"\nEOT\n",
        "1 << 2",
    ] {
        check_fault(text, "Invalid heredoc", text.find("<<").unwrap_or(0));
    }
}

#[test]
fn what_the_parser_would_mistake_is_hidden_from_it() {
    let patches = |text: &str| -> Vec<(usize, String)> {
        let extent = expression(text, 0).unwrap_or_else(|fault| panic!("{text:?}: {fault:?}"));
        extent.patches.into_iter().map(|patch| (patch.range.start, patch.text)).collect()
    };
    assert_eq!(patches("<<EOT\nEOT x\nEOT"), [(2, "AAA".to_owned()), (12, "AAA".to_owned())]);
    assert_eq!(patches("<<A\nA x\nA")[0], (2, "B".to_owned()));
    assert_eq!(patches("[1e400, 1e4, a1e400, x-1e400, \"1e400\", l.0]"), [(1, "00000".to_owned())]);
    assert_eq!(patches("\"${1e-400}\""), [(3, "000000".to_owned())]);
    assert_eq!(patches("<<EOT\n${-1e400} 1e400\nEOT"), [(9, "00000".to_owned())]);
    check_fault("[1, 1e99999]", "Number too long", 4);
}

fn check_fault(text: &str, summary: &str, at: usize) {
    let fault = expression(text, 0).expect_err(text);
    assert_eq!((fault.summary, fault.at.start), (summary, at), "{text:?}");
}

#[test]
fn what_is_left_open_is_reported_where_it_opened() {
    check_fault("\"abc\n\"", "Unclosed quote", 0);
    check_fault("f(\"abc\n)", "Unclosed quote", 2);
    check_fault("\"${abc\"\n", "Unclosed interpolation", 1);
    check_fault("\"${abc", "Unclosed interpolation", 1);
    check_fault("[1, (2, 3]", "Unclosed parenthesis", 4);
    check_fault("[1,\n2\n", "Unclosed bracket", 0);
    check_fault("{ a = 1", "Unclosed brace", 0);
    check_fault("1)", "Unexpected closing bracket", 1);
    check_fault("a /* b", "Unclosed comment", 2);
    check_fault("<<EOT\nabc\n", "Unclosed heredoc", 0);
    check_fault(&"[".repeat(100), "Nesting too deep", limits::NESTING_MAX);
}

#[test]
fn keys_of_one_literal_are_bounded() {
    let literal = |keys: usize| format!("{{{}}}", "k = a ? b : c,\n".repeat(keys));
    let fits = literal(limits::OBJECT_KEYS_MAX);
    check(&fits, &fits);
    check_fault(&literal(limits::OBJECT_KEYS_MAX + 1), "Too many keys", 0);
    let comparisons = format!("{{ a = {} }}", vec!["x == y"; 6_000].join(" && "));
    check(&comparisons, &comparisons);
}
