//! A few objects by their ids, right before something rests on them.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::listed::Listed;
use super::{memberships, missing};
use crate::platform::ApiError;
use crate::platform::transport::Transport;
use crate::platform::wire::{ApiKeyWire, IssuerWire, RuleWire, ServiceAccountWire, Wire, WorkspaceWire};
use crate::resource::{Observed, ServiceAccountObject, Unreadable};

/// The objects to read, by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Issuers, `fdis_…`.
    pub issuers: BTreeSet<String>,
    /// Service accounts, `svac_…`, with their memberships.
    pub service_accounts: BTreeSet<String>,
    /// Rules, `fdrl_…`.
    pub rules: BTreeSet<String>,
    /// Keys, `apikey_…`.
    pub api_keys: BTreeSet<String>,
    /// Workspaces, `wrkspc_…`.
    pub workspaces: BTreeSet<String>,
}

/// What a task puts into the whole.
type Put = Box<dyn FnOnce(&mut Observed) + Send>;

/// Reads each of them side by side. What cannot be read, for whatever reason, is among the unreadable,
/// so that one failure holds back only what needs that object. `known` tells which workspaces are
/// archived.
pub(crate) async fn read(transport: &Arc<Transport>, named: &Named, known: &Observed) -> Observed {
    let mut tasks: JoinSet<Put> = JoinSet::new();
    for id in named.issuers.clone() {
        let transport = Arc::clone(transport);
        tasks.spawn(async move {
            let (found, unreadable) = one::<IssuerWire>(&transport, "federation_issuers", &id).await;
            put(unreadable, move |observed| observed.issuers.extend(found.map(|it| (id, it))))
        });
    }
    for id in named.rules.clone() {
        let transport = Arc::clone(transport);
        tasks.spawn(async move {
            let (found, unreadable) = one::<RuleWire>(&transport, "federation_rules", &id).await;
            put(unreadable, move |observed| observed.rules.extend(found.map(|it| (id, it))))
        });
    }
    for id in named.api_keys.clone() {
        let transport = Arc::clone(transport);
        tasks.spawn(async move {
            let (found, unreadable) = one::<ApiKeyWire>(&transport, "api_keys", &id).await;
            put(unreadable, move |observed| observed.api_keys.extend(found.map(|it| (id, it))))
        });
    }
    for id in named.workspaces.clone() {
        let transport = Arc::clone(transport);
        tasks.spawn(async move {
            let (found, unreadable) = one::<WorkspaceWire>(&transport, "workspaces", &id).await;
            put(unreadable, move |observed| observed.workspaces.extend(found.map(|it| (id, it))))
        });
    }
    let archived = known.workspaces.values().filter(|workspace| workspace.archived_at.is_some());
    let archived: Arc<BTreeSet<String>> = Arc::new(archived.map(|workspace| workspace.id.clone()).collect());
    for id in named.service_accounts.clone() {
        let (transport, archived) = (Arc::clone(transport), Arc::clone(&archived));
        tasks.spawn(async move {
            let (found, unreadable) = account(&transport, &id, &archived).await;
            put(unreadable, move |observed| observed.service_accounts.extend(found.map(|it| (id, it))))
        });
    }
    let mut observed = Observed {
        organization: known.organization.clone(),
        issuers: Default::default(),
        service_accounts: Default::default(),
        rules: Default::default(),
        api_keys: Default::default(),
        workspaces: Default::default(),
        unreadable: Default::default(),
    };
    while let Some(finished) = tasks.join_next().await {
        match finished {
            Ok(put) => put(&mut observed),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    observed
}

fn put(unreadable: Option<(String, Unreadable)>, put: impl FnOnce(&mut Observed) + Send + 'static) -> Put {
    Box::new(move |observed| {
        put(observed);
        observed.unreadable.extend(unreadable);
    })
}

/// One object, or why it cannot be read.
type Found<T> = (Option<T>, Option<(String, Unreadable)>);

async fn one<W: Wire>(transport: &Transport, collection: &str, id: &str) -> Found<W::Object> {
    let mut listed = Listed::default();
    let read = missing::find::<W>(transport, collection, &BTreeSet::from([id.to_owned()]), &mut listed).await;
    found::<W>(id, listed, read)
}

fn found<W: Wire>(id: &str, mut listed: Listed<W::Object>, read: Result<(), ApiError>) -> Found<W::Object> {
    if let Err(error) = read {
        listed.spoil(W::NOUN, id, None, error.told());
    }
    (listed.objects.remove(id), listed.unreadable.remove_entry(id))
}

async fn account(
    transport: &Transport,
    id: &str,
    archived: &BTreeSet<String>,
) -> Found<ServiceAccountObject> {
    let (object, unreadable) = one::<ServiceAccountWire>(transport, "service_accounts", id).await;
    let Some(mut object) = object else { return (None, unreadable) };
    if object.provenance.archived_at.is_some() {
        return (Some(object), unreadable);
    }
    let mut listed = Listed::default();
    let read = match memberships::of_account(transport, id, archived).await {
        Ok(memberships) => {
            object.memberships = memberships;
            listed.objects.insert(id.to_owned(), object);
            Ok(())
        }
        Err(error) => Err(error),
    };
    found::<ServiceAccountWire>(id, listed, read)
}
