//! Why a signed token is not believed.

/// Why a signed token is not believed. No variant holds the token or its signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// It is larger than any identity token.
    #[error("the token has {bytes} bytes, and an identity token has {max} at most")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The most that is read.
        max: usize,
    },
    /// It is not three parts of base64url, or a part is no JSON object.
    #[error("the token is no signed JSON Web Token: {0}")]
    NotAToken(&'static str),
    /// It is unsigned, signed with a shared secret, or in a way the program cannot check.
    #[error("the token is signed with `{0}`; accepted are RS, PS and ES with 256, 384 or 512")]
    Algorithm(String),
    /// It demands something of its reader that this reader does not know.
    #[error("the token's header demands extensions (`crit`), which are not known here")]
    CriticalHeader,
    /// It does not say which key signed it.
    #[error("the token's header names no key (`kid`)")]
    NoKeyId,
    /// The issuer does not publish the key it names.
    #[error("the issuer publishes no key `{0}`; it may have been replaced")]
    UnknownKey(String),
    /// The key is of another kind than the algorithm needs, or declares another algorithm.
    #[error("the key `{kid}` is not one for `{algorithm}`")]
    KeyMismatch {
        /// The key's id.
        kid: String,
        /// The token's algorithm.
        algorithm: String,
    },
    /// The key is published for encryption, or not for verifying.
    #[error("the key `{0}` is not published for verifying signatures")]
    KeyPurpose(String),
    /// The signature is wrong.
    #[error("the signature is not by the issuer's key `{0}`")]
    Signature(String),
    /// A required claim is missing.
    #[error("the token has no claim `{0}`")]
    MissingClaim(&'static str),
    /// A claim has the wrong type.
    #[error("the token's claim `{0}` is not of the right kind")]
    ClaimType(&'static str),
    /// It is by another issuer.
    #[error("the token is by `{found}`, and not by `{expected}`")]
    Issuer {
        /// The expected issuer.
        expected: String,
        /// The token's `iss`.
        found: String,
    },
    /// It is meant for someone else.
    #[error("the token is meant for {found}, and not for `{expected}`")]
    Audience {
        /// The expected audience.
        expected: String,
        /// The token's `aud`, as JSON.
        found: String,
    },
    /// It has ended.
    #[error("the token ended {seconds} s ago")]
    Expired {
        /// Since when, in seconds.
        seconds: i64,
    },
    /// It is not valid yet.
    #[error("the token is valid only in {seconds} s (`nbf`)")]
    NotYetValid {
        /// Until when, in seconds.
        seconds: i64,
    },
    /// It claims to be issued later than now.
    #[error("the token was issued {seconds} s in the future (`iat`); is a clock wrong?")]
    IssuedInFuture {
        /// How far, in seconds.
        seconds: i64,
    },
    /// It lives longer than the issuer's tokens may.
    #[error("the token lives {seconds} s, and {max} s are allowed")]
    LivesTooLong {
        /// Its life, `exp - iat`.
        seconds: i64,
        /// The longest permitted.
        max: i64,
    },
    /// It ends before it begins.
    #[error("the token ends before it was issued")]
    EndsBeforeIssued,
}
