//! What is parked, in each format.

use super::*;

#[test]
fn lines_of_a_dotenv_file_are_parked() {
    for (text, lines) in [
        ("A=1\nKEY=secret\nB=2\n", &[2][..]),
        ("export KEY=\"secret\"", &[1]),
        ("export\tKEY=x\n", &[1]),
        ("  KEY = x\n", &[1]),
        ("KEY=\n", &[1]),
        ("KEY=''\n", &[1]),
        ("KEY=a\r\nKEY=b\r\n", &[1, 2]),
        ("KEY=x # note\n", &[1]),
        ("KEY=\"x\" # note\n", &[1]),
        ("\u{feff}KEY=x\nA=1\n", &[1]),
        ("\u{feff}export KEY=x\n", &[1]),
        ("\u{feff}# note\nKEY=x\n", &[2]),
        ("A: 1\nKEY=x\n", &[2]),
        // What stands in another value is part of that.
        ("NOTE=\"first\nKEY=not-a-key\nlast\"\nKEY=x\n", &[4]),
        ("NOTE='first\nKEY=not-a-key\nlast'\nKEY=x\n", &[4]),
        ("NOTE=\"first\r\nexport KEY=y\r\n\"\r\nKEY=x\r\n", &[4]),
        ("NOTE=\"KEY=y\"\nKEY=x\n", &[2]),
        ("NAMES=KEY,OTHER\nKEY=x\n", &[2]),
        ("# KEY=x, as in the manual\nKEY=x\n", &[2]),
        ("NAME=O'Brien\nKEY=x\nOTHER=5\" wide\n", &[2]),
        ("A=x \\\ny\nKEY=\"a\\\"b\"\n", &[3]),
        ("KEY=${OTHER}\n", &[1]),
        ("\n\n", &[]),
        ("no key here\n", &[]),
        ("KEYS=x\nMY_KEY=y\nkey=z\n", &[]),
        ("URL=https://KEY.example\n", &[]),
        ("exportKEY=x\n", &[]),
        ("", &[]),
    ] {
        check_parked(text, Format::Dotenv, lines);
    }
}

#[test]
fn lines_that_a_shell_sources_are_parked() {
    for (text, lines) in [
        ("export LOG=1\nexport KEY=secret\n", &[2][..]),
        ("KEY=secret\nexport KEY\n", &[1, 2]),
        ("declare -x KEY=secret\n", &[1]),
        ("typeset -x KEY='secret'", &[1]),
        ("readonly KEY=x\n", &[1]),
        ("KEY=x;\n", &[1]),
        ("KEY=x # note\n", &[1]),
        ("KEY+=x\n", &[1]),
        ("KEY=\"first\nlast\"\nA=1\n", &[1, 2]),
        ("KEY=\"se\\\ncret\"\nA=1\n", &[1, 2]),
        ("export KEY=$(cat <<X\nsecret\nX\n)\nA=1\n", &[1, 2, 3, 4]),
        ("export KEY=$'secret'\n", &[1]),
        ("export KEY=$\"first\nlast\"\n", &[1, 2]),
        ("export KEY=\"$(pass show claude)\"\n", &[1]),
        ("cat <<EOF > /dev/null\nKEYS=x\nEOF\nexport KEY=x\n", &[4]),
        ("NOTE='first\nKEY=not-a-key\n'\nexport KEY=x\n", &[4]),
        ("if true; then\n  export OTHER=1\nfi\nexport KEY=x\n", &[4]),
        ("# KEY=x\nPATH_add bin\nexport KEY=x\r\n", &[3]),
        ("dotenv\nsource_env ..\n", &[]),
        ("", &[]),
    ] {
        check_parked(text, Format::Shell, lines);
        check_parked(text, Format::Direnv, lines);
    }
}

#[test]
fn lines_of_an_environment_file_are_parked() {
    for (text, lines) in [
        ("LOG=1\nKEY=secret\n", &[2][..]),
        ("; KEY=x\n# KEY=x\nKEY=x", &[3]),
        ("KEY=\"first\nlast\"\nA=1\n", &[1, 2]),
        ("KEY=sec\\\nret\nA=1\n", &[1, 2]),
        ("NOTE=first \\\nKEY=not-a-key\nKEY=x\n", &[3]),
        ("NOTE='first\nKEY=not-a-key\n'\nKEY=x\n", &[4]),
        ("NOTE=\"a\\\"\nKEY=y\"\nKEY=x\n", &[3]),
        ("NAME=O'Brien\nKEY=x\n", &[2]),
        ("  KEY = x  \n", &[1]),
        ("KEY='a''b'\n", &[1]),
        ("KEY=\n", &[1]),
        ("A=1\r\nKEY=x\r\n", &[2]),
    ] {
        check_parked(text, Format::Systemd, lines);
    }
}

#[test]
fn a_mark_at_the_begin_of_the_file_stays_there() {
    let out = round_trip("\u{feff}KEY=x\n", Format::Dotenv);
    assert_eq!(out, format!("\u{feff}# keyless parked for {TAG}: KEY=x\n"));
}

#[test]
fn another_lanes_parked_line_stays_parked() {
    let out = parked("KEY=x\n", Format::Dotenv).expect("parked");
    assert_eq!(*unpark(&out, Format::Dotenv, "KEY", "api_key.other/dotenv.app").expect("back"), out);
}

#[test]
fn a_key_that_somebody_wrote_since_is_not_overruled() {
    let again = parked("KEY=old\n", Format::Dotenv).expect("parked") + "KEY=new\n";
    assert_eq!(*unpark(&again, Format::Dotenv, "KEY", TAG).expect("back"), again);
}

#[test]
fn a_key_that_somebody_emptied_since_is_told_and_not_taken_for_put_back() {
    let emptied = parked("KEY=old\n", Format::Dotenv).expect("parked") + "KEY=\n";
    let fault = unpark(&emptied, Format::Dotenv, "KEY", TAG).expect_err("nothing would win");
    assert_eq!(fault, EnvFileFault::SetToNothing { line: 2, variable: "KEY".to_owned() });
    assert_eq!(*unpark("KEY=\n", Format::Dotenv, "KEY", TAG).expect("nothing is parked"), "KEY=\n");
}

#[test]
fn parked_lines_can_be_forgotten() {
    let out = parked("A=1\nKEY=x\nB=2\n", Format::Dotenv).expect("parked");
    assert_eq!(*crate::env_file::forget(&out, "api_key.ci/dotenv.ap"), out);
    assert_eq!(*crate::env_file::forget(&out, TAG), "A=1\nB=2\n");
}
