//! Why a file cannot be judged or edited.

/// Why a file cannot be judged or edited. No value of the file is part of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvFileFault {
    /// A line names the variable in a way that is not understood.
    #[error(
        "line {line} names {variable} in a way that is not understood as {format}, so it is not known whether it sets it; write it on a line of its own as {variable}=…, remove it, or say with `format` who reads the file"
    )]
    NotUnderstood {
        /// The line, from 1.
        line: usize,
        /// The variable.
        variable: String,
        /// The name of the format by which the file was read.
        format: &'static str,
    },
    /// The variable is named behind something whose end readers see differently, or not at all.
    #[error(
        "line {line} names {variable} behind what begins in line {begins}, and readers disagree where that ends; write the value in line {begins} within quotes on one line, or move {variable} before it"
    )]
    Behind {
        /// The line, from 1.
        line: usize,
        /// Where that begins, from 1.
        begins: usize,
        /// The variable.
        variable: String,
    },
    /// Another variable takes its value from the key's.
    #[error(
        "line {line} takes the value of {variable} for something else, which would lose it; give that a credential of its own, and remove the line"
    )]
    RefersTo {
        /// The line, from 1.
        line: usize,
        /// The variable.
        variable: String,
    },
    /// Something else in the file looks like a key.
    #[error(
        "line {line} holds what looks like a key, outside of what is declared; declare a consumer for its variable, or remove it"
    )]
    LooksLikeKey {
        /// The line, from 1.
        line: usize,
    },
    /// A value whose end is seen differently.
    #[error(
        "line {line} sets {variable} over several lines or in a way that loaders read differently, which is not edited; write it on one line, with or without quotes"
    )]
    SeveralLines {
        /// The line, from 1.
        line: usize,
        /// The variable.
        variable: String,
    },
    /// Nobody can say where the last statement ends, so nothing can be written behind it.
    #[error(
        "line {line} is not understood, or what begins there is nowhere closed, so no settings can be written behind it; mend or remove it"
    )]
    NotClosed {
        /// The line, from 1.
        line: usize,
    },
    /// A script may end there.
    #[error(
        "line {line} may end the script, so no settings can be written behind it; put the line of the key before it"
    )]
    MayLeave {
        /// The line, from 1.
        line: usize,
    },
    /// The settings are there that keyless wrote for another consumer.
    #[error(
        "line {line} belongs to settings that keyless wrote for {tag}, off which a workload may live; if it does, declare that lane and consumer with this file; if the file was copied, remove the lines between the two marks"
    )]
    OfAnother {
        /// The line, from 1.
        line: usize,
        /// For which lane and consumer.
        tag: String,
    },
    /// A value that is not the key which is to be taken out.
    #[error("line {line} sets {variable} to something else than {key_id} by now; nothing was changed")]
    OtherValue {
        /// The line, from 1.
        line: usize,
        /// The variable.
        variable: String,
        /// The key that was there.
        key_id: String,
    },
    /// Another credential is set, which wins over federation.
    #[error(
        "line {line} names {variable}, which wins over federation where it is set, be it to nothing; remove that, or declare a consumer for it"
    )]
    WinsOverFederation {
        /// The line, from 1.
        line: usize,
        /// The variable.
        variable: String,
    },
    /// Somebody set the variable to nothing, while its key is parked.
    #[error("line {line} sets {variable} to nothing, while its key is parked; remove that line")]
    SetToNothing {
        /// The line, from 1.
        line: usize,
        /// The variable.
        variable: String,
    },
    /// A federation variable is set by somebody else.
    #[error(
        "line {line} already sets {variable}; remove that line, or leave out `identity_token_file` and keep your own settings"
    )]
    AlreadySet {
        /// The line, from 1.
        line: usize,
        /// The variable.
        variable: String,
    },
    /// A value that cannot be written such that it is read back.
    #[error("{why}, which not every reader of a {format} file takes alike")]
    Unwritable {
        /// What is in it.
        why: &'static str,
        /// The name of the format.
        format: &'static str,
    },
}
