//! AWS outbound identity federation (`sts:GetWebIdentityToken`).

use crate::matching::DEFAULT_AUDIENCE;
use crate::resource::Match;

use super::Holds::Text;
use super::arguments::{Reader, all_of, cel_text, discovered, is_digits, is_guid, optional, required};
use super::{Arguments, Checked, IssuerPreset, ProviderKind, issuer_url, profile};

pub(super) const KIND: ProviderKind = ProviderKind {
    name: "aws",
    arguments: &[
        optional("issuer_url", Text, "The account's issuer, as enabling outbound federation returns it."),
        optional("account_issuer", Text, "The GUID of that issuer, in place of its URL."),
    ],
    match_arguments: &[
        required("role_arn", Text, "The IAM role, such as arn:aws:iam::123456789012:role/worker."),
        optional("account", Text, "The account id; taken from the role unless given."),
        optional("organization_id", Text, "The AWS organization, such as o-abc1234567."),
        optional("lambda_function_arn", Text, "The Lambda function, where several share the role."),
    ],
    profile: Some(&profile::AWS),
    issuer,
    compile_match,
};

const ISSUER_HINT: &str = "Copy the URL from `aws iam get-outbound-web-identity-federation-info`.";

fn issuer(given: &Arguments) -> Checked<IssuerPreset> {
    let mut reader = Reader::new(given);
    let (has_url, has_id) = (given.contains_key("issuer_url"), given.contains_key("account_issuer"));
    let url = issuer_url::read(&mut reader, "issuer_url");
    let id = reader.checked(
        "account_issuer",
        is_guid,
        "is no GUID; it is the first part of the issuer's host.",
        ISSUER_HINT,
    );
    if has_url == has_id {
        let detail = match has_url {
            true => "`issuer_url` and `account_issuer` say the same thing, and they could disagree.",
            false => "Nothing says which account signs: each AWS account has an issuer of its own.",
        };
        reader.problem("issuer_url", detail, format!("Give exactly one of them. {ISSUER_HINT}"));
    }
    let of_account = |url: &str| {
        let host = url.strip_prefix("https://").and_then(|rest| rest.strip_suffix(SUFFIX));
        host.is_some_and(is_guid)
    };
    if let Some(url) = url.filter(|url| !of_account(url)) {
        let detail = format!("{url:?} is no issuer of an AWS account, so that no token would carry it.");
        reader.problem("issuer_url", detail, format!("The form is https://GUID{SUFFIX}. {ISSUER_HINT}"));
    }
    let url = url.map(str::to_owned).or_else(|| id.map(|id| format!("https://{id}{SUFFIX}")));
    reader.finish(url.map(|url| discovered(url, true, 3_600)))
}

const SUFFIX: &str = ".tokens.sts.global.api.aws";

fn compile_match(_provider: &Arguments, given: &Arguments) -> Checked<Match> {
    let mut reader = Reader::new(given);
    let role = role(&mut reader);
    let account = account(&mut reader, role);
    let organization = reader.checked(
        "organization_id",
        |text| text.starts_with("o-"),
        "is no id of an AWS organization.",
        "Ask `aws organizations describe-organization`; the id begins with \"o-\".",
    );
    let function = reader.checked(
        "lambda_function_arn",
        |text| text.starts_with("arn:aws") && text.contains(":lambda:") && text.contains(":function:"),
        "is no ARN of a Lambda function.",
        "Write \"arn:aws:lambda:REGION:ACCOUNT_ID:function:NAME\".",
    );
    let pins = [("aws_account", account), ("org_id", organization), ("lambda_source_function_arn", function)];
    let conditions: Vec<String> = pins
        .into_iter()
        .filter_map(|(name, value)| {
            value.map(|value| format!("claims[\"https://sts.amazonaws.com/\"].{name} == {}", cel_text(value)))
        })
        .collect();
    let matching = role.map(|role| Match {
        subject_prefix: Some(role.to_owned()),
        audience: Some(DEFAULT_AUDIENCE.to_owned()),
        condition: all_of(&conditions),
        ..Match::default()
    });
    reader.finish(matching)
}

fn role<'a>(reader: &mut Reader<'a>) -> Option<&'a str> {
    let text = reader.exact("role_arn")?;
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", "aws" | "aws-cn" | "aws-us-gov", "iam", "", account, resource]
            if is_account(account) && resource.strip_prefix("role/").is_some_and(is_whole) =>
        {
            Some(text)
        }
        ["arn", partition, "sts", _, account, resource] if resource.starts_with("assumed-role/") => {
            let role = resource.split('/').nth(1).unwrap_or_default();
            reader.problem(
                "role_arn",
                format!("{text:?} is the ARN of a session. The subject of a token is the role itself, so that this would match nothing."),
                format!("Write \"arn:{partition}:iam::{account}:role/{role}\", with the role's path before its name if it has one."),
            );
            None
        }
        _ => {
            reader.problem(
                "role_arn",
                format!("{text:?} is no ARN of an IAM role, and the subject of a token is such an ARN."),
                "Write \"arn:aws:iam::ACCOUNT_ID:role/NAME\", with the role's path if it has one.",
            );
            None
        }
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && is_digits(text)
}

fn is_whole(name: &str) -> bool {
    !name.is_empty() && name.split('/').all(|piece| !piece.is_empty())
}

/// The account that the token must be of; the role's own unless given.
fn account<'a>(reader: &mut Reader<'a>, role: Option<&'a str>) -> Option<&'a str> {
    let of_role = role.and_then(|role| role.split(':').nth(4));
    let given = reader.checked(
        "account",
        is_account,
        "is no account id.",
        "An account id has twelve digits, in quotes.",
    );
    if let (Some(given), Some(of_role)) = (given, of_role)
        && given != of_role
    {
        let detail = format!("The account is {given}, but the role is of {of_role}; no token can have both.");
        reader.problem("account", detail, format!("Write {of_role:?}, or leave `account` out."));
    }
    given.or(of_role)
}
