//! GitHub Actions.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::matching::DEFAULT_AUDIENCE;
use crate::resource::Match;

use super::Holds::{Bool, Text};
use super::arguments::{Reader, discovered, is_digits, is_host, optional, required};
use super::{Arguments, Checked, IssuerPreset, ProviderKind, profile};

pub(super) const KIND: ProviderKind = ProviderKind {
    name: "github_actions",
    arguments: &[
        required("organization", Text, "Owner of the repositories, spelled as GitHub spells it."),
        optional("organization_id", Text, "Numeric id of the owner; it survives a rename."),
        optional("enterprise", Text, "Enterprise slug, when the enterprise has an issuer of its own."),
        optional("host", Text, "Host of GitHub Enterprise, such as acme.ghe.com or github.acme.example."),
        optional("immutable_subjects", Bool, "Whether subjects carry numeric ids; usual since July 2026."),
    ],
    match_arguments: &[
        required("repository", Text, "owner/name, or the name alone."),
        optional("branch", Text, "The branch, such as main."),
        optional("tag", Text, "The tag, such as v1.0."),
        optional("ref", Text, "The full ref, such as refs/heads/main."),
        optional("environment", Text, "The environment that the job names."),
        optional("pull_request", Bool, "Whether pull request runs pass; they run code under review."),
        optional("repository_id", Text, "Numeric id of the repository; it survives a rename."),
        optional("repository_owner_id", Text, "Numeric id of the owner."),
        optional("event_name", Text, "The event that started the run, such as push."),
        optional(
            "workflow_ref",
            Text,
            "The entry workflow: owner/name/.github/workflows/file.yml@refs/heads/main.",
        ),
        optional("job_workflow_ref", Text, "The workflow that defines the job, when it is a reusable one."),
        optional("runner_environment", Text, "github-hosted or self-hosted."),
    ],
    profile: Some(&profile::GITHUB),
    issuer,
    compile_match,
};

fn issuer(given: &Arguments) -> Checked<IssuerPreset> {
    let mut reader = Reader::new(given);
    let organization = owner(&mut reader, "organization");
    reader.checked("organization_id", is_digits, NO_ID, ID_HINT);
    let host = reader.checked(
        "host",
        is_host,
        "is no host name.",
        "Write the host alone, such as \"acme.ghe.com\".",
    );
    let slug = |text: &str| is_name(text) && !text.contains('.');
    let enterprise = reader.checked(
        "enterprise",
        slug,
        "is no enterprise slug.",
        "Write the slug alone, such as \"acme-ent\".",
    );
    if let (Some(_), Some(_)) = (host, enterprise) {
        reader.problem(
            "enterprise",
            "An enterprise slug belongs to the issuer of github.com; a host of its own has no such issuer.",
            "Leave out `enterprise` or `host`.",
        );
    }
    let url = match (host, enterprise) {
        (Some("github.com") | None, None) => "https://token.actions.githubusercontent.com".to_owned(),
        (None, Some(slug)) => format!("https://token.actions.githubusercontent.com/{slug}"),
        (Some(host), _) if host.ends_with(".ghe.com") => format!("https://token.actions.{host}"),
        (Some(host), _) => format!("https://{host}/_services/token"),
    };
    reader.finish(organization.map(|_| discovered(url, true, 600)))
}

fn compile_match(provider: &Arguments, given: &Arguments) -> Checked<Match> {
    let mut reader = Reader::new(given);
    let settings = provider_settings(provider);
    let repository = repository(&mut reader, settings.organization);
    let claims = claims(&mut reader, &settings);
    let base = repository.and_then(|(owner, name)| base(&mut reader, &settings, &owner, &name, &claims));
    let runs = runs(&mut reader);
    let tail = runs.as_ref().and_then(|runs| tail(&mut reader, runs, claims.contains_key("workflow_ref")));
    let mut claims = claims;
    // The environment takes the ref's place in the subject, so that the ref needs its claim.
    if let Some(Runs { reference: Some(reference), environment: Some(_), .. }) = runs {
        claims.insert("ref".to_owned(), reference);
    }
    let matching = base.zip(tail).map(|(base, tail)| Match {
        subject_prefix: Some(format!("{base}:{tail}")),
        audience: Some(DEFAULT_AUDIENCE.to_owned()),
        claims,
        condition: None,
    });
    reader.finish(matching)
}

const NO_ID: &str = "is no numeric id. GitHub's ids are digits, and names can be taken over by others.";
const ID_HINT: &str = "Ask the API: `gh api repos/OWNER/NAME --jq .id`, or `.owner.id`.";

struct ProviderSettings<'a> {
    organization: &'a str,
    organization_id: Option<&'a str>,
    immutable_subjects: bool,
}

fn provider_settings(provider: &Arguments) -> ProviderSettings<'_> {
    let text = |name: &str| provider.get(name).and_then(Value::as_str);
    ProviderSettings {
        organization: text("organization").unwrap_or_default(),
        organization_id: text("organization_id"),
        immutable_subjects: provider.get("immutable_subjects").and_then(Value::as_bool).unwrap_or(false),
    }
}

fn owner<'a>(reader: &mut Reader<'a>, name: &str) -> Option<&'a str> {
    let test = |text: &str| is_name(text) && !text.contains('.');
    reader.checked(
        name,
        test,
        "is no owner name: letters, digits and dashes only.",
        "Write the name alone, without github.com and slashes.",
    )
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// Owner and name of the repository; the owner has to be the provider's.
fn repository(reader: &mut Reader<'_>, organization: &str) -> Option<(String, String)> {
    let text = reader.exact("repository")?;
    let (owner, name) = text.split_once('/').unwrap_or((organization, text));
    if !is_name(owner) || !is_name(name) {
        let detail = format!(
            "{text:?} is no repository: it must be `owner/name` or the name alone, as it is put into the subject."
        );
        reader.problem("repository", detail, format!("Write \"{organization}/NAME\"."));
        return None;
    }
    if owner != organization {
        let detail = format!(
            "{text:?} belongs to {owner:?}, but the provider's organization is {organization:?}. Names are compared \
             letter by letter, capitals included."
        );
        reader.problem(
            "repository",
            detail,
            format!("Write \"{organization}/{name}\", or use a provider with that organization."),
        );
        return None;
    }
    Some((owner.to_owned(), name.to_owned()))
}

fn claims(reader: &mut Reader<'_>, settings: &ProviderSettings<'_>) -> BTreeMap<String, String> {
    let mut claims = BTreeMap::new();
    let mut put = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            claims.insert(name.to_owned(), value.to_owned());
        }
    };
    put("repository_id", reader.checked("repository_id", is_digits, NO_ID, ID_HINT));
    let owner_id = reader.checked("repository_owner_id", is_digits, NO_ID, ID_HINT);
    put("repository_owner_id", owner_id.or(settings.organization_id));
    put("event_name", reader.exact("event_name"));
    for name in ["workflow_ref", "job_workflow_ref"] {
        let workflow = reader.checked(
            name,
            is_workflow_ref,
            "is no workflow reference; tokens carry the repository, the path and the ref.",
            "Write \"OWNER/NAME/.github/workflows/FILE.yml@refs/heads/main\".",
        );
        put(name, workflow);
    }
    let runner = |text: &str| ["github-hosted", "self-hosted"].contains(&text);
    put(
        "runner_environment",
        reader.checked(
            "runner_environment",
            runner,
            "is no kind of runner.",
            "Write \"github-hosted\" or \"self-hosted\".",
        ),
    );
    claims
}

fn is_workflow_ref(text: &str) -> bool {
    text.split_once('@').is_some_and(|(path, reference)| {
        !reference.is_empty()
            && path.split('/').count() >= 4
            && path.split('/').all(|piece| !piece.is_empty())
    })
}

/// `repo:OWNER/NAME`, with ids where subjects are immutable.
fn base(
    reader: &mut Reader<'_>,
    settings: &ProviderSettings<'_>,
    owner: &str,
    name: &str,
    claims: &BTreeMap<String, String>,
) -> Option<String> {
    if !settings.immutable_subjects {
        return Some(format!("repo:{owner}/{name}"));
    }
    let (owner_id, id) = (claims.get("repository_owner_id"), claims.get("repository_id"));
    if let (Some(owner_id), Some(id)) = (owner_id, id) {
        return Some(format!("repo:{owner}@{owner_id}/{name}@{id}"));
    }
    let missing = if id.is_none() { "repository_id" } else { "repository_owner_id" };
    reader.problem(
        missing,
        "Immutable subjects have the form repo:OWNER@OWNER_ID/NAME@ID, so that both ids are needed to write one.",
        format!("Give `{missing}`. {ID_HINT}"),
    );
    None
}

/// Which runs of the repository pass.
struct Runs<'a> {
    reference: Option<String>,
    environment: Option<&'a str>,
    pull_request: bool,
}

/// Reads which runs pass; none when something is wrong with it.
fn runs<'a>(reader: &mut Reader<'a>) -> Option<Runs<'a>> {
    let given = ["branch", "tag", "ref"].map(|name| (name, reader.exact(name)));
    let references: Vec<(&str, &str)> =
        given.iter().filter_map(|(name, text)| text.map(|text| (*name, text))).collect();
    if let [(first, _), (second, _), ..] = references.as_slice() {
        reader.problem(
            second,
            format!("`{first}` and `{second}` are both given, but a run has one ref, so that no token would match."),
            "Keep one of them, and write a second rule for the other.",
        );
        return None;
    }
    let reference = match references.first() {
        Some((name, text)) => Some(full_ref(reader, name, text)?),
        None => None,
    };
    let runs = Runs {
        reference,
        environment: reader.exact("environment"),
        pull_request: reader.flag("pull_request"),
    };
    if runs.pull_request && (runs.reference.is_some() || runs.environment.is_some()) {
        reader.problem(
            "pull_request",
            "A pull request run has a subject of its own, without branch, tag and environment, so that no token would match.",
            "Leave out `pull_request`, and write a second rule for pull requests if code under review may really use it.",
        );
        return None;
    }
    Some(runs)
}

fn full_ref(reader: &mut Reader<'_>, name: &str, text: &str) -> Option<String> {
    let prefix = match name {
        "branch" => "refs/heads/",
        "tag" => "refs/tags/",
        _ if text.starts_with("refs/") => return Some(text.to_owned()),
        _ => {
            let detail =
                format!("{text:?} is no full ref, and branches and tags of one name are told apart by it.");
            reader.problem(name, detail, format!("Write \"refs/heads/{text}\", or use `branch` or `tag`."));
            return None;
        }
    };
    if text.starts_with("refs/") {
        let detail =
            format!("{text:?} is a full ref; `{name}` puts {prefix:?} before it, and no token would match.");
        reader.problem(name, detail, format!("Write it as `ref = {text:?}`."));
        return None;
    }
    Some(format!("{prefix}{text}"))
}

/// The end of the subject.
fn tail(reader: &mut Reader<'_>, runs: &Runs<'_>, has_workflow: bool) -> Option<String> {
    match runs {
        // GitHub escapes the colon, which separates the parts of a subject.
        Runs { environment: Some(name), .. } => Some(format!("environment:{}", name.replace(':', "%3A"))),
        Runs { reference: Some(reference), .. } => Some(format!("ref:{reference}")),
        Runs { pull_request: true, .. } => Some("pull_request".to_owned()),
        // The entry workflow names its ref, so that the runs are held to it by a claim.
        _ if has_workflow => Some("*".to_owned()),
        _ => {
            reader.problem(
                "branch",
                "Nothing says which runs of the repository may pass. Left open, pull requests and every branch would.",
                "Give `environment`, `branch`, `tag`, `ref` or `workflow_ref`.",
            );
            None
        }
    }
}
