//! Files made by chance, of the pieces that files of variables are made of.

use proptest::prelude::*;

const PIECES: &[&str] = &[
    "KEY",
    "KEY",
    "A",
    "B",
    "KEYS",
    "=",
    "=",
    "=",
    ":",
    ": ",
    " ",
    " ",
    "\t",
    "\n",
    "\n",
    "\n",
    "\r\n",
    "\r",
    "\"",
    "\"",
    "'",
    "'",
    "`",
    "\\",
    "\\\n",
    "#",
    " #",
    "$",
    "${",
    "}",
    "$KEY",
    "${KEY}",
    "$(",
    ")",
    "export ",
    "export\t",
    "declare -x ",
    "x",
    "y",
    "x y",
    ";",
    "&&",
    "+=",
    "<<X\n",
    "X\n",
    "if :; then\n",
    "fi\n",
    "f() {\n",
    "}\n",
    "\u{feff}",
    "\u{2028}",
    "\u{b}",
    "\"\"\"",
    "'''",
    "é",
    ".",
    "-",
    "KEY=z\n",
    "A=1\n",
    "case",
    "in",
    "esac",
    "[[",
    "]]",
    "((",
    "))",
];

const LINES: &[&str] = &[
    "A=1\n",
    "B='two words'\n",
    "export A=1\n",
    "KEY=secret\n",
    "export KEY=secret\n",
    "export KEY=\"secret\"\n",
    "KEY='secret' # note\n",
    "KEY=sec#ret\n",
    "KEY=\n",
    "KEY: secret\n",
    "  KEY = secret  \r\n",
    "# KEY=old\n",
    "\n",
    "NOTE=\"first\nKEY=inside\nlast\"\n",
    "NOTE='first\nexport KEY=inside\nlast'\n",
    "NOTE=`first\nKEY=inside\n`\n",
    "NOTE=\"say \\\"KEY=x\\\"\"\n",
    "A=O'Brien\n",
    "A=5\" wide\n",
    "A=C:\\dir\\\n",
    "A=x \\\n",
    "A=\"\"\"\n",
    "A=''\n",
    "A=$B\n",
    "A=${B:-c}\n",
    "A=$(x)\n",
    "A=\n",
    "\"y\"\n",
    "A=\"x\" y\n",
    "A=b'c'd\n",
    "KEY=\"se\ncret\"\n",
    "declare -x KEY=secret\n",
    "KEY\n",
    "cat <<X\nKEY=inside\nX\n",
    "if :; then\n  A=1\nfi\n",
    "A='it'\\''s'\n",
    "A=1; B=2\n",
    "A=1 KEY=secret\n",
    "f() {\n  A=1\n}\n",
    "A=x\\\n",
];

/// A text of pieces, of lines, or of both.
pub(super) fn text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(PIECES);
    let line = prop::sample::select(LINES);
    let pieces = prop::collection::vec(piece.clone(), 0..14).prop_map(|it| it.concat());
    let lines = prop::collection::vec(line.clone(), 0..6).prop_map(|it| it.concat());
    let mixed = prop::collection::vec(prop_oneof![3 => line, 1 => piece], 0..9).prop_map(|it| it.concat());
    prop_oneof![1 => pieces, 2 => lines, 2 => mixed]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn parking_is_undone_byte_for_byte_or_refused(text in text()) {
        for format in super::Format::ALL {
            if let Ok(out) = super::parked(&text, format) {
                prop_assert_eq!(&*super::unpark(&out, format, "KEY", super::TAG).expect("back"), &text);
                prop_assert!(super::Reading::of(&out, format).settings_of("KEY").is_empty());
                // Every line stays, whole, and no other is touched.
                prop_assert_eq!(out.matches('\n').count(), text.matches('\n').count());
            }
        }
    }
}
