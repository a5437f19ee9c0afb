//! Looking around before judging: consumers, credential reports, usage. Changes nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use keyless_state::{Address, ConsumerId, Evidence, Kind, State};

use crate::binding::{self, Reader, SharedToken};
use crate::config::{Configuration, EnvFiles};
use crate::consumer::{ConsumerError, Place};
use crate::evidence::{self, Goes, ReportPlace, UncheckedReport};
use crate::lane::{Presence, Sightings};
use crate::limits::REPORT_FILE_BYTES_MAX;
use crate::plan::settings_digest;
use crate::platform::{
    Activity, ActivityQuestion, ApiError, HttpPlatform, IssuerKeyClient, Managed, Platform,
    read_identity_token,
};
use crate::regular_file;
use crate::resource::Observed;
use crate::token::{self, IssuerKeys};

/// The remote side: the API, and the documents of issuers.
#[derive(Clone)]
pub struct Remote {
    /// The API.
    pub platform: Arc<HttpPlatform>,
    /// Fetches issuers' keys.
    pub issuer_keys: Arc<IssuerKeyClient>,
}

/// A report that was there and not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisbelievedReport {
    /// The lane.
    pub key: Address,
    /// The consumer.
    pub consumer: ConsumerId,
    /// The report's file.
    pub path: PathBuf,
    /// Why it was not believed.
    pub why: String,
}

/// What a look at the organization has to know of a configuration and its state.
pub fn managed(configuration: &Configuration, state: &State) -> Managed {
    let ids = |kind: Kind| {
        let records = state.records.iter().filter(|(address, _)| address.kind() == kind);
        records.map(|(_, record)| record.id.clone()).collect()
    };
    Managed {
        issuers: ids(Kind::Provider),
        service_accounts: ids(Kind::ServiceAccount),
        rules: ids(Kind::FederationRule),
        account_names: configuration.service_accounts.values().map(|account| account.name.clone()).collect(),
    }
}

/// The place of each declared consumer. Our lines there bear what its binding says, whatever its blocks
/// are called by now.
pub fn places(configuration: &Configuration, state: &State, base: &Path) -> Vec<Place> {
    let mut places = Vec::new();
    let files = EnvFiles::of(configuration);
    for (key, declared) in &configuration.api_keys {
        for (id, consumer) in &declared.consumers {
            let binding = state.binding(&declared.id, id);
            places.push(Place {
                base: base.to_owned(),
                key: key.clone(),
                id: id.clone(),
                consumer: consumer.clone(),
                beside: files.beside(&consumer.driver),
                tag: binding.map_or_else(|| keyless_state::tag(key, id), |it| it.marker.clone()),
            });
        }
    }
    places
}

/// The files that consumers name and that are there but cannot be read, each with the reason. A step that
/// needs one fails; a plan would promise it without a word.
pub fn unreadable(configuration: &Configuration, state: &State, base: &Path) -> Vec<ConsumerError> {
    places(configuration, state, base).iter().filter_map(Place::unreadable).collect()
}

/// The commands and stores that could not tell whether the key is there, each with the reason.
pub fn unseen(
    configuration: &Configuration,
    state: &State,
    sightings: &Sightings,
    base: &Path,
) -> Vec<ConsumerError> {
    let unseen = |place: Place| {
        let presence = sightings.presence.get(&(place.key.clone(), place.id.clone()))?;
        place.unseen(presence)
    };
    places(configuration, state, base).into_iter().filter_map(unseen).collect()
}

/// Looks into every consumer.
pub async fn sight(
    configuration: &Configuration,
    state: &State,
    observed: &Observed,
    base: &Path,
) -> Sightings {
    let keys = Arc::new(observed.api_keys.clone());
    let mut sightings = Sightings::default();
    let mut checks = tokio::task::JoinSet::new();
    for place in places(configuration, state, base) {
        let keys = Arc::clone(&keys);
        checks.spawn(async move {
            let presence = place.check().await;
            let returned = place.returned(&keys);
            let (settings, is_marked, parked) = (place.settings(), place.is_marked(), place.parked());
            let blocked = place.blocked();
            ((place.key, place.id), presence, returned, settings, is_marked, parked, blocked)
        });
    }
    while let Some(checked) = checks.join_next().await {
        let (place, presence, returned, settings, is_marked, parked, blocked) =
            checked.expect("a look into a consumer does not panic");
        if let Some(settings) = settings {
            sightings.settings.insert(place.clone(), settings_digest(&settings));
            sightings.found.insert(place.clone(), settings.into_iter().collect());
        }
        if let Some(why) = blocked {
            sightings.blocked.insert(place.clone(), why);
        }
        if is_marked {
            sightings.marked.insert(place.clone());
        }
        match parked {
            Some(lines) if !lines.is_empty() => drop(sightings.parked.insert(place.clone(), lines)),
            Some(_) if presence == Presence::Absent => drop(sightings.unparked.insert(place.clone())),
            _ => {}
        }
        if let Some(returned) = returned {
            sightings.returned.insert(place.clone(), returned);
        }
        sightings.presence.insert(place, presence);
    }
    sightings.single_use = single_use(configuration, base);
    sightings
}

/// Who reads the token with which a rule is tried, where that token can be used once alone. One that cannot be
/// read now may be one when it is tried.
fn single_use(configuration: &Configuration, base: &Path) -> BTreeMap<Address, Vec<Reader>> {
    let is_single_use = |shared: &SharedToken| {
        let text = read_identity_token(&base.join(&shared.path));
        text.map_or(true, |text| token::is_single_use(text.trim()))
    };
    let shared = binding::shared_tokens(configuration).into_iter();
    shared.filter(|(_, it)| is_single_use(it)).map(|(rule, it)| (rule, it.readers)).collect()
}

/// What reading the evidence gave.
#[derive(Default)]
pub struct Gathered {
    /// The evidence.
    pub evidence: Vec<Evidence>,
    /// Reports that were not believed.
    pub disbelieved: Vec<DisbelievedReport>,
    /// What no credential at hand may read, and what that means.
    pub unread: Vec<String>,
    /// Who changed what lately, newest first, as far as the Activity Feed tells.
    pub changes: Vec<Activity>,
}

/// Reads usage, credential reports and the Activity Feed.
///
/// # Errors
/// When the usage report fails; that it may not be read is a normal outcome. A key set that cannot be fetched makes the reports that
/// need it disbelieved, with that reason.
pub async fn gather(
    remote: &Remote,
    configuration: &Configuration,
    state: &State,
    observed: &Observed,
    goes: Goes,
    base: &Path,
    now: Timestamp,
) -> Result<Gathered, ApiError> {
    let mut gathered = Gathered::default();
    read_feed(remote, configuration, state, observed, now, &mut gathered).await;
    if let Some(question) = evidence::usage_question(configuration, state, goes, now) {
        match remote.platform.usage(&question).await {
            Ok(usage) => {
                let found = evidence::usage(&usage, question.since, configuration, state, now);
                gathered.evidence.extend(found);
            }
            Err(error) if error.is_closed() => gathered.unread.push(format!(
                "use of the keys cannot be read, so no lane can be confirmed: {error}. An Admin API key may read it"
            )),
            Err(error) => return Err(error),
        }
    }
    let places = places(configuration, state, base);
    read_reports(remote, configuration, (state, observed), places, now, &mut gathered).await;
    Ok(gathered)
}

/// Reads the credential reports that workloads left, and tells which are not believed.
async fn read_reports(
    remote: &Remote,
    configuration: &Configuration,
    (state, observed): (&State, &Observed),
    places: Vec<Place>,
    now: Timestamp,
    gathered: &mut Gathered,
) {
    let mut keys: BTreeMap<&String, Result<IssuerKeys, String>> = BTreeMap::new();
    for place in places {
        let Some(path) = &place.consumer.report else { continue };
        let text = match regular_file::read_text(&place.base.join(path), REPORT_FILE_BYTES_MAX) {
            Ok(text) => Ok(text),
            Err(error) if error.is_missing() => continue,
            Err(error) => Err(format!("the file {error}")),
        };
        let key_id = &configuration.api_keys[&place.key].id;
        let declared = state.records.get(&place.consumer.rule).map(|record| record.id.as_str());
        let binding = state.binding(key_id, &place.id);
        let judged = match text.and_then(|text| UncheckedReport::parse(&text)) {
            Err(why) => Err(why),
            Ok(report) => match evidence::signer(report.rule_id(), declared, binding, observed) {
                // Before its rule is there, nothing rests on what a workload reports.
                None if declared.is_none() => continue,
                None => Err(format!(
                    "{} cannot be seen at the API, so it is not known who may sign it",
                    place.consumer.rule
                )),
                Some(signer) => {
                    // Issuers have names of their own.
                    let issuer = &signer.issuer.name;
                    if !keys.contains_key(issuer) {
                        let fetched = remote.issuer_keys.fetch_keys(signer.issuer).await;
                        keys.insert(issuer, fetched.map_err(|error| error.to_string()));
                    }
                    let (key, consumer, tag) = (&place.key, &place.id, place.tag.as_str());
                    match &keys[issuer] {
                        Err(error) => Err(format!("the issuer's keys cannot be fetched: {error}")),
                        Ok(keys) => {
                            report.check(&ReportPlace { key, key_id, consumer, tag, signer, keys }, now)
                        }
                    }
                }
            },
        };
        match judged {
            Ok(found) => gathered.evidence.push(found),
            Err(why) => gathered.disbelieved.push(DisbelievedReport {
                key: place.key.clone(),
                consumer: place.id.clone(),
                path: path.clone(),
                why,
            }),
        }
    }
}

/// Reads what the Activity Feed tells of exchanges and of changes. It supports other evidence and
/// is not everywhere, so that neither its absence nor its failure stops anything.
async fn read_feed(
    remote: &Remote,
    configuration: &Configuration,
    state: &State,
    observed: &Observed,
    now: Timestamp,
    gathered: &mut Gathered,
) {
    let read = async |question: Option<ActivityQuestion>| match question {
        Some(question) => remote.platform.activities(question).await.map(Option::unwrap_or_default),
        None => Ok(Vec::new()),
    };
    let exchanges = read(evidence::authentication_question(configuration, state, now));
    let changes = read(evidence::change_question(state, now));
    match tokio::join!(exchanges, changes) {
        (Ok(exchanges), Ok(changes)) => {
            let found = evidence::authentications(&exchanges, &changes, configuration, state, observed, now);
            gathered.evidence.extend(found);
            gathered.changes = changes;
        }
        // Without the changes it is not known for which rule an exchange counts.
        (Err(error), _) | (_, Err(error)) => {
            gathered.unread.push(format!("the Activity Feed failed: {error}"))
        }
    }
}
