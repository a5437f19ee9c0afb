//! The settings beside the key.

use super::*;
use crate::env_file::{configure, is_marked, settings, unconfigure};

fn wanted(file: &str) -> Vec<(String, String)> {
    vec![("RULE".to_owned(), "fdrl_1".to_owned()), ("FILE".to_owned(), file.to_owned())]
}

#[track_caller]
fn check_written(text: &str, format: Format, file: &str) -> String {
    let wanted = wanted(file);
    let written = configure(text, format, ("KEY", TAG), &wanted).expect(file);
    assert_eq!(settings(&written, format, ("KEY", TAG)), Some(wanted.clone()), "{written:?}");
    assert_eq!(*configure(&written, format, ("KEY", TAG), &wanted).expect("twice"), *written);
    assert_eq!(*unconfigure(&written, TAG), text);
    written.to_string()
}

#[test]
fn settings_are_written_read_and_taken_out() {
    for text in ["A=1\n", "A=1", "", "A=1\r\n", "A=1\r\nB=2", "\u{feff}A=1\n", "A=1\n\n", "# note"] {
        for format in Format::ALL {
            check_written(text, format, "/run/token");
        }
    }
}

#[test]
fn blocks_of_two_lanes_are_taken_out_in_any_order() {
    let other = [("OTHER".to_owned(), "x".to_owned())];
    for text in ["A=1", "A=1\n", ""] {
        let one = configure(text, Format::Dotenv, ("KEY", TAG), &wanted("/run/token")).expect("one");
        let both = configure(&one, Format::Dotenv, ("KEY2", "b/dotenv.b"), &other).expect("two");
        for order in [[TAG, "b/dotenv.b"], ["b/dotenv.b", TAG]] {
            assert_eq!(*unconfigure(&unconfigure(&both, order[0]), order[1]), text, "{order:?}");
        }
    }
}

#[test]
fn values_are_quoted_as_the_reader_takes_them() {
    for (file, dotenv, shell) in [
        ("/run/token", Some("/run/token"), "/run/token"),
        ("/run/my token", Some("'/run/my token'"), "'/run/my token'"),
        ("/run/a#b", Some("'/run/a#b'"), "'/run/a#b'"),
        ("/run/a ", Some("'/run/a '"), "'/run/a '"),
        ("/run/it's", Some("\"/run/it's\""), r"'/run/it'\''s'"),
        ("/run/\"a\"", Some("'/run/\"a\"'"), "'/run/\"a\"'"),
        ("/run/träger", Some("'/run/träger'"), "'/run/träger'"),
        ("~/token", Some("'~/token'"), "'~/token'"),
        ("/run/$A", None, "'/run/$A'"),
        ("/run/a\\b", None, "'/run/a\\b'"),
        ("/run/it's \"a\"", None, r#"'/run/it'\''s "a"'"#),
    ] {
        let line = |text: String| text.lines().find(|line| line.contains("FILE=")).map(str::to_owned);
        assert_eq!(line(check_written("", Format::Shell, file)), Some(format!("export FILE={shell}")));
        match dotenv {
            Some(quoted) => {
                assert_eq!(line(check_written("", Format::Dotenv, file)), Some(format!("FILE={quoted}")));
            }
            None => assert!(configure("", Format::Dotenv, ("KEY", TAG), &wanted(file)).is_err(), "{file}"),
        }
    }
    for file in ["/run/a\nEVIL=1", "/run/a\r", "/run/\u{1b}[0m", "/run/a\u{2028}b"] {
        for format in Format::ALL {
            assert!(configure("", format, ("KEY", TAG), &wanted(file)).is_err(), "{file:?}");
        }
    }
}

#[test]
fn settings_are_exported_where_the_file_exports() {
    let parked_line = parked("export KEY=x\n", Format::Dotenv).expect("parked");
    for (text, expected) in [
        ("export LOG=1\nexport KEY=x\n", true),
        ("LOG=1\nexport KEY=x\n", true),
        ("export LOG=1\n", true),
        (&*parked_line, true),
        ("export LOG=1\nKEY=x\n", false),
        ("export LOG=1\nB=2\n", false),
        ("", false),
    ] {
        let written = check_written(text, Format::Dotenv, "/run/token");
        assert_eq!(written.contains("export RULE="), expected, "{text:?}");
    }
    assert!(check_written("A=1\n", Format::Direnv, "/run/token").contains("export RULE="));
    assert!(!check_written("A=1\n", Format::Systemd, "/run/token").contains("export"));
}

#[test]
fn our_lines_are_told_by_what_they_bear() {
    let out = parked("KEY=x\n", Format::Dotenv).expect("parked");
    let written = configure("A=1\n", Format::Dotenv, ("KEY", TAG), &wanted("a")).expect("written");
    for text in [&*out, &*written] {
        assert!(is_marked(text, TAG) && !is_marked(text, "api_key.ci/dotenv.ap"), "{text:?}");
    }
    let other = ("KEY", "api_key.ci/dotenv.other");
    let error = configure(&written, Format::Dotenv, other, &wanted("a")).expect_err("another's");
    assert_eq!(error, EnvFileFault::OfAnother { line: 3, tag: TAG.to_owned() });
    let after = format!("{}RULE=x\n", *unconfigure(&written, TAG));
    let after = configure(&after, Format::Dotenv, ("KEY", "b/dotenv.b"), &wanted("a")).expect_err("set");
    assert_eq!(after, EnvFileFault::AlreadySet { line: 2, variable: "RULE".to_owned() });
}

#[test]
fn settings_of_somebody_else_are_not_overruled() {
    for text in ["RULE=fdrl_other\n", "export RULE\n", "set -gx RULE x\n"] {
        let error = configure(text, Format::Dotenv, ("KEY", TAG), &wanted("a")).expect_err("set already");
        assert_eq!(error, EnvFileFault::AlreadySet { line: 1, variable: "RULE".to_owned() });
    }
}

#[test]
fn nothing_is_written_behind_what_is_not_closed() {
    for (text, format) in [
        ("A=\"open\n", Format::Dotenv),
        ("A=1\nB=x\\", Format::Dotenv),
        ("A='open\n", Format::Shell),
        ("A=\"open\n", Format::Systemd),
    ] {
        let error = configure(text, format, ("KEY", TAG), &wanted("a")).expect_err(text);
        assert!(matches!(error, EnvFileFault::NotClosed { .. }), "{text:?}: {error}");
    }
}

#[test]
fn a_block_that_somebody_changed_does_not_read_back() {
    let written = configure("", Format::Dotenv, ("KEY", TAG), &wanted("a")).expect("written");
    for (from, to) in [("RULE=fdrl_1", "RULE=$X"), ("RULE=fdrl_1", "what"), ("FILE=a\n", "FILE=a\n\n")] {
        assert_eq!(settings(&written.replace(from, to), Format::Dotenv, ("KEY", TAG)), None, "{to}");
    }
}

#[test]
fn a_block_that_does_not_reach_the_program_does_not_read_back() {
    let bare = configure("A=1\n", Format::Dotenv, ("KEY", TAG), &wanted("/run/token")).expect("written");
    assert!(settings(&bare, Format::Dotenv, ("KEY", TAG)).is_some());
    for format in [Format::Shell, Format::Direnv] {
        assert_eq!(settings(&bare, format, ("KEY", TAG)), None);
    }
    let exported = bare.replace("A=1", "export KEY=x");
    assert_eq!(settings(&exported, Format::Dotenv, ("KEY", TAG)), None);
    let again = configure(&exported, Format::Dotenv, ("KEY", TAG), &wanted("/run/token")).expect("anew");
    assert!(settings(&again, Format::Dotenv, ("KEY", TAG)).is_some());
}

#[test]
fn a_shell_that_leaves_early_has_read_the_settings() {
    let text = "A=1\nexport KEY=x\n[ -f .local ] || return 0\nB=2\n";
    let written = check_written(text, Format::Shell, "/run/token");
    assert!(written.find("export RULE=") < written.find("return 0"));
    assert!(written.starts_with("A=1\nexport KEY=x\n# keyless"));
    let out = parked(text, Format::Shell).expect("parked");
    let written = check_written(&out, Format::Shell, "/run/token");
    assert!(written.find("export RULE=") < written.find("return 0"));
    let error = configure("exec claude\n", Format::Shell, ("KEY", TAG), &wanted("a")).expect_err("it leaves");
    assert_eq!(error, EnvFileFault::MayLeave { line: 1 });
    let text = "export KEY=a\n[ -n \"$CI\" ] && return 0\nexport KEY=b\n";
    let written = check_written(text, Format::Shell, "/run/token");
    assert!(written.find("export RULE=") < written.find("return 0"));
}

#[test]
fn settings_are_written_anew_where_they_stood() {
    let text = "case $- in *i*) ;; *) return;; esac\nexport KEY=x\nB=1\n";
    let out = parked(text, Format::Shell).expect("parked");
    let written = check_written(&out, Format::Shell, "/run/token");
    let forgotten = crate::env_file::forget(&written, TAG);
    let anew = configure(&forgotten, Format::Shell, ("KEY", TAG), &wanted("/run/other"))
        .expect("its place is known");
    assert_eq!(*anew, forgotten.replace("/run/token", "/run/other"));
    let beside = check_written("KEY=x\n", Format::Dotenv, "/run/token") + "source .env.local\n";
    let anew =
        configure(&beside, Format::Dotenv, ("KEY", TAG), &wanted("/run/other")).expect("its place is known");
    assert_eq!(*anew, beside.replace("/run/token", "/run/other"));
    // Without the key's line, a block is what it was written to be.
    let bare = check_written("export A=1\nKEY=x\n", Format::Dotenv, "/run/token").replace("KEY=x\n", "");
    assert!(settings(&bare, Format::Dotenv, ("KEY", TAG)).is_some());
}

#[test]
fn settings_end_their_lines_as_a_shell_takes_them() {
    for text in ["KEY=x\nB=\"a\r\nb\"\n", "KEY=x # note\r\nB=2\r\n", "A=1\r\nKEY=x", "A=1\r\nKEY=x\r\n"] {
        let written = check_written(text, Format::Dotenv, "/run/token");
        assert!(written.contains("RULE=fdrl_1\n"), "{written:?}");
    }
}

#[test]
fn settings_that_would_not_be_read_back_are_not_written() {
    let text = "X=1 Y=2\n";
    let error = configure(text, Format::Direnv, ("KEY", TAG), &wanted("a")).expect_err("one command");
    assert_eq!(error, EnvFileFault::NotClosed { line: 1 });
    let error = configure("X=1 Y=é", Format::Direnv, ("KEY", TAG), &wanted("a")).expect_err("one command");
    assert_eq!(error, EnvFileFault::NotClosed { line: 1 });
    check_written("export KEY=x\nX=1 Y=2\n", Format::Direnv, "/run/token");
}

#[test]
fn half_a_block_is_left_alone() {
    let written = check_written("A=1\n", Format::Dotenv, "/run/token");
    let begin = format!("# keyless federation settings for {TAG}: begin");
    let end = format!("# keyless federation settings for {TAG}: end");
    for text in [format!("{end}\n{begin}\nB=1\n"), format!("{begin}\nB=1\n"), format!("{end}\nB=1\n")] {
        assert_eq!(*unconfigure(&text, TAG), text);
    }
    assert_eq!(*unconfigure(&format!("{begin}\n{written}B=1\n"), TAG), format!("{begin}\nA=1\nB=1\n"));
}
