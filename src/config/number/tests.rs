use super::*;

fn number(text: &str) -> Number {
    Number::parse(text).expect(text)
}

#[test]
fn numbers_print_as_terraform_prints_them() {
    for (text, printed) in [
        ("1", "1"),
        ("-1", "-1"),
        ("-0", "0"),
        ("007", "7"),
        ("1.50", "1.5"),
        ("2.0", "2"),
        ("1e3", "1000"),
        ("0e99999999999999999999", "0"),
        ("1.5E+3", "1500"),
        ("1500e-3", "1.5"),
        ("18446744073709551616", "18446744073709551616"),
        ("104892101234567890123", "104892101234567890123"),
        ("-104892101234567890123.000", "-104892101234567890123"),
        ("1e21", "1000000000000000000000"),
        ("1e-7", "0.0000001"),
        ("0.12345678901234567890123", "0.12345678901234567890123"),
    ] {
        assert_eq!(number(text).to_string(), printed, "{text}");
    }
    assert_eq!(number("1e400").to_string(), format!("1{}", "0".repeat(400)));
    assert_eq!(number("-1e-400").to_string(), format!("-0.{}1", "0".repeat(399)));
    let long = "123456789".repeat(100);
    assert_eq!(number(&long).to_string(), long);
    for text in ["", "-", "inf", "nan", "+1", "1x", "0x10", " 1", ".5", "1e", "1e+", "1_000", "1.2.3"] {
        assert_eq!(Number::parse(text), Err(NumberFault::NotANumber), "{text:?}");
    }
}

#[test]
fn what_is_too_long_is_refused_and_never_rounded() {
    let most = limits::NUMBER_DIGITS_MAX as usize;
    let longest = "9".repeat(most);
    assert_eq!(number(&longest).to_string(), longest);
    for text in ["1e9999999999999999999999", "-1e-9999999999999999999999", "1e5000", "1e-5000"] {
        assert_eq!(Number::parse(text), Err(NumberFault::TooLarge), "{text}");
    }
    assert_eq!(Number::parse(&format!("{longest}0")), Err(NumberFault::TooLarge));
    assert_eq!(number(&longest).plus(&Number::from(1)), Err(NumberFault::TooLarge));
    assert_eq!(number("1e4000").times(&number("1e4000")), Err(NumberFault::TooLarge));
    assert_eq!(number("1e-4000").times(&number("1e-4000")), Err(NumberFault::TooLarge));
    assert_eq!(number("1e-4000").divide(&number("1e4000")), Err(NumberFault::TooLarge));
    assert_eq!(number("10").power(&number("4000000000")), Some(Err(NumberFault::TooLarge)));
    assert_eq!(number("1").power(&number("4000000000")), Some(Ok(number("1"))));
    assert_eq!(number("1e400").to_f64(), None);
    assert_eq!(number("1e-400").to_f64(), None);
}

#[test]
fn arithmetic_is_exact() {
    let max = number("170141183460469231731687303715884105727");
    assert_eq!(max.plus(&number("1")), Ok(number("170141183460469231731687303715884105728")));
    assert_eq!(number("0.1").plus(&number("0.2")), Ok(number("0.3")));
    assert_eq!(number("1.1").times(&number("1.1")), Ok(number("1.21")));
    assert_eq!(number("7").divide(&number("2")), Ok(number("3.5")));
    assert_eq!(number("6").divide(&number("2")), Ok(number("3")));
    assert_eq!(number("-7").remainder(&number("2")), Ok(number("-1")));
    assert_eq!(number("5.5").remainder(&number("2")), Ok(number("1.5")));
    assert_eq!(number("1").divide(&number("0")), Err(NumberFault::DivisionByZero));
    assert_eq!(number("1").remainder(&number("0")), Err(NumberFault::DivisionByZero));
    let third = number("1").divide(&number("3")).expect("a quotient").to_string();
    assert_eq!(third, format!("0.{}", "3".repeat(limits::QUOTIENT_DIGITS as usize)));
    let tiny = number("2e-400").divide(&number("3")).expect("a quotient").to_string();
    assert!(tiny.starts_with(&format!("0.{}666", "0".repeat(400))) && tiny.ends_with("667"), "{tiny}");
    assert_eq!(number("104892101234567890123").remainder(&number("1000")), Ok(number("123")));
}

#[test]
fn numbers_are_ordered_and_rounded_exactly() {
    assert!(number("104892101234567890123") < number("104892101234567890124"));
    assert!(number("9007199254740993") > number("9007199254740992.5"));
    assert!(number("-1e400") < number("-1e399"));
    assert_eq!(number("1.0"), number("1"));
    for (text, floor, ceil) in
        [("1.5", "1", "2"), ("-1.5", "-2", "-1"), ("-2", "-2", "-2"), ("0.1", "0", "1")]
    {
        assert_eq!((number(text).floor(), number(text).ceil()), (number(floor), number(ceil)), "{text}");
    }
    for (text, decimals, written) in
        [("1.25", 1, "1.2"), ("1.35", 1, "1.4"), ("-0.996", 2, "1.00"), ("3", 2, "3.00"), ("0.04", 1, "0.0")]
    {
        assert_eq!(number(text).fixed(decimals), written, "{text}");
    }
    assert_eq!(number("9.996").significant(3), ("1".to_owned(), 1));
    assert_eq!(number("0.0012").significant(5), ("12".to_owned(), -3));
}

#[test]
fn json_has_a_number_only_where_its_readers_keep_it() {
    for text in ["0", "-1", "18446744073709551615", "0.1", "2.5", "-9007199254740993"] {
        assert_eq!(number(text).to_json().expect(text).to_string(), text);
    }
    for text in ["18446744073709551616", "104892101234567890123", "1e400", "1e-400", "0.12345678901234567890"]
    {
        assert_eq!(number(text).to_json(), None, "{text}");
    }
}
