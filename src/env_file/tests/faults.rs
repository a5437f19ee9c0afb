//! What is refused, and by which line.

use super::*;

#[test]
fn what_loaders_read_differently_is_refused_with_its_line() {
    for (text, line) in [
        ("'KEY'=x\n", 1),
        ("A=1\n\"KEY\"=x\n", 2),
        ("export LOG=1 KEY=x\n", 1),
        ("LOG=1; export KEY=x\n", 1),
        ("LOG=1 KEY: x\n", 1),
        ("KEY: x\nA: 1\n", 1),
        ("KEY: \"x\"\n", 1),
        ("declare -x KEY=x\n", 1),
        ("set -gx KEY x\n", 1),
        ("setenv KEY x\n", 1),
        ("$env:KEY = x\n", 1),
        ("KEY+=x\n", 1),
        (": ${KEY:=x}\n", 1),
        ("KEY\n", 1),
        ("export KEY\n", 1),
        ("KEY\n=x\n", 1),
        ("unset KEY\n", 1),
        ("; KEY=x\n", 1),
        ("A=1\rKEY=x\r", 1),
        ("# note\rKEY=x\n", 1),
        ("# note\u{2028}KEY=x\n", 1),
        ("KEY=a\0b\n", 1),
        ("A=1 \\\nKEY=x\n", 2),
        ("NOTE=first \\\nKEY=not-a-key\nKEY=x\n", 2),
        // The key itself over several lines.
        ("A=1\nKEY=\"begin\nend\"\n", 2),
        ("A=1\nKEY='begin\nend'\n", 2),
        ("KEY=`x\n`\nLOG=1\n", 1),
        ("KEY=\"\"\"\nx\n\"\"\"\n", 1),
        ("KEY='''x\n'''\n", 1),
        ("KEY=\\\nx\n", 1),
        ("KEY=a\\\nb\n", 1),
        ("KEY=\"x\\\"\nend\"\n", 1),
        ("KEY=a\"b\nc\"\n", 1),
        ("KEY=$(cat <<X\nx\nX\n)\n", 1),
        ("KEY=$\"x\ny\"\n", 1),
        ("KEY=`pass show claude`\n", 1),
        ("KEY=\n\"x\"\n", 1),
        ("KEY= \nA=1\n", 1),
        ("A= \n\nKEY=x\n", 3),
        ("A=\t\nKEY=x\nB=1\n", 2),
        // Behind something that nobody knows the end of.
        ("NOTE=`first\nKEY=x\n`\n", 2),
        ("NOTE=\"\"\"\nKEY=x\n\"\"\"\n", 2),
        ("NOTE=\"5 inch\nKEY=x\n", 2),
        ("NOTE=\"a\\\"b\nKEY=x\"\nA=1\n", 2),
        ("cat <<EOF\nKEY=x\nEOF\n", 2),
        ("NAME=O'Brien\nKEY=x\nOTHER=D'Arcy\n", 2),
    ] {
        check_refused(text, Format::Dotenv, line);
    }
}

#[test]
fn what_a_shell_may_do_with_a_key_is_refused_with_its_line() {
    for (text, line) in [
        ("if true; then\n  export KEY=x\nfi\n", 2),
        ("f() {\n  KEY=x\n}\n", 2),
        ("A=1 KEY=x\n", 1),
        ("export A=1 KEY=x\n", 1),
        ("A=1; export KEY=x\n", 1),
        ("export KEY=x && echo\n", 1),
        ("KEY=x claude\n", 1),
        ("read KEY <<< x\n", 1),
        ("printf -v KEY x\n", 1),
        ("declare -rx KEY=x\n", 1),
        (": ${KEY:=x}\n", 1),
        ("KEY=se\\\ncret\n", 1),
        ("A=1\\\nKEY=x\n", 2),
        ("A=x\\\n# KEY=old\n", 2),
        ("A=x\\\n# note\nKEY=x\\\n\n", 3),
        ("unset KEY\n", 1),
        ("export KEY\n", 1),
        ("eval 'export KEY=x'\n", 1),
        ("cat > .env <<EOF\nKEY=x\nEOF\n", 2),
        ("A='open\nexport KEY=x\n", 2),
        ("set -gx KEY x\n", 1),
        ("\u{feff}export KEY=x\n", 1),
        ("case $1 in\n a) KEY=x;;\nesac\n", 2),
    ] {
        check_refused(text, Format::Shell, line);
    }
}

#[test]
fn what_systemd_does_not_take_is_refused_with_its_line() {
    for (text, line) in [
        ("export KEY=x\n", 1),
        ("KEY: x\n", 1),
        ("'KEY'=x\n", 1),
        ("\u{feff}KEY=x\n", 1),
        ("A=1\rKEY=x\n", 1),
        ("# note \\\nKEY=x\n", 2),
        ("A=\"open\nKEY=x\n", 2),
        ("KEY\n", 1),
    ] {
        check_refused(text, Format::Systemd, line);
    }
}

#[test]
fn another_variable_that_takes_the_key_is_refused() {
    for text in [
        "KEY=x\nGATEWAY=${KEY}\n",
        "KEY=x\nGATEWAY=$KEY\n",
        "KEY=x\nGATEWAY=\"${KEY}\"\n",
        "KEY=x\nGATEWAY='${KEY}'\n",
        "KEY=x\nGATEWAY=${KEY:-none}\n",
        "KEY=x\nGATEWAY=pre-${KEY}-post\n",
    ] {
        for format in [Format::Dotenv, Format::Shell, Format::Systemd] {
            let fault = parked(text, format).expect_err(text);
            assert_eq!(fault, EnvFileFault::RefersTo { line: 2, variable: "KEY".to_owned() }, "{text}");
        }
    }
    check_parked("KEY=${KEY_FILE}\nGATEWAY=${KEYS} ${MY_KEY}\n", Format::Dotenv, &[1]);
}

#[test]
fn whatever_else_looks_like_a_key_is_refused() {
    const KEY: &str = "sk-ant-api03-abcdefghijkl";
    for text in [
        format!("KEY=x\nOTHER={KEY}\n"),
        format!("KEY=x\n# KEY={KEY}\n"),
        format!("KEY=x\nOTHER=\"prefix {KEY}\"\n"),
        format!("KEY=x\ncurl -H 'x-api-key: {KEY}'\n"),
        format!("KEY=${{OTHER}}\nOTHER={KEY}\n"),
    ] {
        let fault = parked(&text, Format::Dotenv).expect_err(&text);
        assert_eq!(fault, EnvFileFault::LooksLikeKey { line: 2 }, "{text}");
    }
    let other = BTreeSet::from(["OTHER".to_owned()]);
    let text = format!("KEY={KEY}\nOTHER={KEY}\n# as in sk-ant-api03-...\n");
    let out = park(&text, Format::Dotenv, "KEY", &other, TAG).expect("declared");
    let both = park(&out, Format::Dotenv, "OTHER", &BTreeSet::from(["KEY".to_owned()]), "b/dotenv.b");
    assert_eq!(both.expect("parked beside").matches("# keyless parked for").count(), 2);
}

#[test]
fn a_file_without_the_variable_is_free_of_it_where_it_is_understood() {
    let nobody = BTreeSet::new();
    let holds = |text: &str| Reading::of(text, Format::Dotenv).holds("KEY", &nobody);
    assert_eq!(holds("A=1\n"), Ok(false));
    assert_eq!(holds("KEY=x\nGATEWAY=$KEY\n"), Ok(true));
    assert!(holds("set -gx KEY x\n").is_err());
    assert!(holds("A=sk-ant-api03-abcdefghijkl\n").is_err());
    assert_eq!(holds(&parked("KEY=sk-ant-api03-abcdefghijkl\n", Format::Dotenv).expect("parked")), Ok(false));
}

#[test]
fn another_credential_that_wins_is_told_and_one_that_is_taken_away_is_not() {
    let nobody = BTreeSet::new();
    let shadow = |text: &str, format| Reading::of(text, format).shadow("KEY", &nobody);
    let told =
        |line| Some(EnvFileFault::WinsOverFederation { line, variable: "ANTHROPIC_AUTH_TOKEN".to_owned() });
    assert_eq!(shadow("KEY=x\nANTHROPIC_AUTH_TOKEN=\n", Format::Dotenv), told(2));
    assert_eq!(shadow("KEY=x\n[ -z \"$ANTHROPIC_AUTH_TOKEN\" ] || x\n", Format::Shell), told(2));
    assert_eq!(shadow("unset ANTHROPIC_AUTH_TOKEN\nKEY=x\n", Format::Shell), None);
    assert_eq!(shadow("# ANTHROPIC_AUTH_TOKEN\nKEY=x\n", Format::Dotenv), None);
    let both = BTreeSet::from(["ANTHROPIC_AUTH_TOKEN".to_owned()]);
    assert_eq!(Reading::of("ANTHROPIC_AUTH_TOKEN=x\n", Format::Dotenv).shadow("KEY", &both), None);
}
