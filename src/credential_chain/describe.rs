//! Sources written down as JSON, to ask about an environment that is somewhere else.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::secret::Secret;

use super::sources::{Arguments, File, Sources};

/// One line of a file of sources.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    #[serde(default)]
    arguments: DescribedArguments,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    #[serde(default)]
    files: BTreeMap<PathBuf, DescribedFile>,
    #[serde(default)]
    directory: PathBuf,
    now: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DescribedArguments {
    api_key: Option<String>,
    auth_token: Option<String>,
    profile: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum DescribedFile {
    Text(String),
    Whole { text: String, mode: String, symlink: Option<bool> },
}

impl Sources {
    /// Reads one described set of sources. `now`, in seconds since 1970, stands in where the text
    /// names no time.
    ///
    /// # Errors
    ///
    /// Tells where the text is not as it should be, and quotes nothing of it: it may hold secrets.
    pub fn from_json(text: &str, now: i64) -> Result<Sources, String> {
        let described: Described = serde_json::from_str(text).map_err(|error| {
            let place = format!("line {} column {}", error.line(), error.column());
            format!("the sources are not as they should be, at {place}; the fields are arguments, variables, files, directory, now")
        })?;
        let file = |(path, file)| {
            let (text, mode, symlink) = match file {
                DescribedFile::Text(text) => (text, 0o600, false),
                DescribedFile::Whole { text, mode, symlink } => {
                    let bits = u32::from_str_radix(&mode, 8).map_err(|_| {
                        format!("{mode:?} is no file mode; write it in octal, such as \"600\"")
                    })?;
                    (text, bits, symlink.unwrap_or(false))
                }
            };
            Ok((path, File { mode, symlink, ..File::private(text) }))
        };
        Ok(Sources {
            arguments: Arguments {
                api_key: described.arguments.api_key.map(Secret::new),
                auth_token: described.arguments.auth_token.map(Secret::new),
                profile: described.arguments.profile,
            },
            variables: described
                .variables
                .into_iter()
                .map(|(name, value)| (name, Secret::new(value)))
                .collect(),
            files: described.files.into_iter().map(file).collect::<Result<_, String>>()?,
            directory: described.directory,
            now: described.now.unwrap_or(now),
        })
    }
}
