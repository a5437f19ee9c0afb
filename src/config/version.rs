//! Version constraints as in Terraform: `>= 0.1, < 2.0`, `~> 0.1.0`, `!= 0.2.1`.

/// A version's numbers; a pre-release counts as older than its version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    numbers: [u64; 3],
    is_release: bool,
    pre_release: String,
}

/// Tells whether a comma-separated list of constraints allows a version.
///
/// # Errors
/// A sentence for people, if the list is no list of constraints.
pub(super) fn allows(constraints: &str, version: &str) -> Result<bool, String> {
    let (version, _) = parse(version)?;
    let mut allowed = true;
    for constraint in constraints.split(',') {
        allowed &= one(constraint.trim(), &version)?;
    }
    Ok(allowed)
}

fn one(constraint: &str, version: &Version) -> Result<bool, String> {
    const OPERATORS: [&str; 7] = [">=", "<=", "!=", "~>", ">", "<", "="];
    let operator = OPERATORS.into_iter().find(|operator| constraint.starts_with(operator)).unwrap_or("");
    let (bound, parts) = parse(constraint[operator.len()..].trim())?;
    Ok(match operator {
        ">=" => *version >= bound,
        "<=" => *version <= bound,
        ">" => *version > bound,
        "<" => *version < bound,
        "!=" => *version != bound,
        // Only the last number that is given may grow: ~> 1.2 stays below 2, ~> 1.2.3 below 1.3.
        "~>" => *version >= bound && version.numbers[..fixed(parts)] == bound.numbers[..fixed(parts)],
        _ => *version == bound,
    })
}

fn fixed(parts: usize) -> usize {
    parts.saturating_sub(1).max(1)
}

/// The version and how many numbers were written.
fn parse(text: &str) -> Result<(Version, usize), String> {
    let invalid = || format!("{text:?} is not a version of one to three numbers such as 1.2.3.");
    let text_without_build = text.split('+').next().unwrap_or_default();
    let (numbers, pre_release) = match text_without_build.split_once('-') {
        Some((numbers, pre_release)) => (numbers, pre_release),
        None => (text_without_build, ""),
    };
    let mut version =
        Version { numbers: [0; 3], is_release: pre_release.is_empty(), pre_release: pre_release.to_owned() };
    let parts: Vec<&str> = numbers.split('.').collect();
    if parts.len() > 3 {
        return Err(invalid());
    }
    for (place, part) in version.numbers.iter_mut().zip(&parts) {
        if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid());
        }
        *place = part.parse().map_err(|_| invalid())?;
    }
    Ok((version, parts.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_mean_what_they_mean_in_terraform() {
        for (constraint, version, allowed) in [
            (">= 0.1", "0.1.0", true),
            (">= 0.2", "0.1.9", false),
            ("> 0.1.0", "0.1.0", false),
            ("< 0.2, >= 0.1", "0.1.5", true),
            ("< 0.2, >= 0.1.6", "0.1.5", false),
            ("0.1.0", "0.1.0", true),
            ("= 0.1", "0.1.0", true),
            ("!= 0.1.0", "0.1.0", false),
            ("~> 1.2", "1.9.0", true),
            ("~> 1.2", "2.0.0", false),
            ("~> 1.2.3", "1.2.9", true),
            ("~> 1.2.3", "1.3.0", false),
            ("~> 1.2.3", "1.2.2", false),
            ("~> 1", "1.4.0", true),
            ("<= 1", "1.0.0", true),
            ("< 1.0.0", "1.0.0-beta1", true),
        ] {
            assert_eq!(allows(constraint, version), Ok(allowed), "{constraint} for {version}");
        }
        for constraint in ["", "latest", ">=", "1.2.3.4", "1..2", "=> 1", ">= 1,", "v1"] {
            assert!(allows(constraint, "1.0.0").is_err(), "{constraint:?} was taken");
        }
    }
}
