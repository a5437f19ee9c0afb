//! A list that was read to its end: what can be read of it, and what cannot.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::platform::http::path;
use crate::platform::page::{self, Style};
use crate::platform::transport::{Request, Transport};
use crate::platform::wire::{self, IssuerWire, RuleWire, ServiceAccountWire, Wire};
use crate::platform::{ApiError, ErrorKind};
use crate::resource::{IssuerObject, RuleObject, ServiceAccountObject, Unreadable};

/// The objects of one kind by id.
pub(crate) struct Listed<T> {
    pub(crate) objects: BTreeMap<String, T>,
    /// Objects of the kind that are there and not understood.
    pub(crate) unreadable: BTreeMap<String, Unreadable>,
}

impl<T> Default for Listed<T> {
    fn default() -> Listed<T> {
        Listed { objects: BTreeMap::new(), unreadable: BTreeMap::new() }
    }
}

impl<T> Listed<T> {
    /// Whether there is an object of this id, readable or not.
    pub(super) fn has(&self, id: &str) -> bool {
        self.objects.contains_key(id) || self.unreadable.contains_key(id)
    }

    /// Takes what another list shows more.
    pub(super) fn add_new(&mut self, mut other: Listed<T>) {
        other.objects.retain(|id, _| !self.has(id));
        other.unreadable.retain(|id, _| !self.has(id));
        self.objects.extend(other.objects);
        self.unreadable.extend(other.unreadable);
    }

    /// Notes that an object cannot be understood after all.
    pub(super) fn spoil(&mut self, noun: &'static str, id: &str, name: Option<String>, why: String) {
        self.objects.remove(id);
        self.unreadable.insert(id.to_owned(), Unreadable { noun, name, why });
    }
}

/// Reads the issuers, archived ones included.
pub(crate) async fn list_issuers(transport: &Transport) -> Result<Listed<IssuerObject>, ApiError> {
    let tail = ["federation_issuers"];
    list::<IssuerWire>(transport, "federation issuers", Style::Cursor, &tail, archived(), |o| o.id.clone())
        .await
}

/// Reads the rules, archived ones included.
pub(crate) async fn list_rules(transport: &Transport) -> Result<Listed<RuleObject>, ApiError> {
    let tail = ["federation_rules"];
    list::<RuleWire>(transport, "federation rules", Style::Cursor, &tail, archived(), |o| o.id.clone()).await
}

/// Reads the service accounts, archived ones included; without their memberships.
pub(crate) async fn list_accounts(transport: &Transport) -> Result<Listed<ServiceAccountObject>, ApiError> {
    let (noun, tail) = ("service accounts", ["service_accounts"]);
    list::<ServiceAccountWire>(transport, noun, Style::Cursor, &tail, archived(), |o| o.id.clone()).await
}

fn archived() -> Vec<(&'static str, String)> {
    vec![("include_archived", "true".to_owned())]
}

/// Reads a list. One object that is not understood is set aside by its id; one that has not even an
/// id fails the list, because nobody could say what depends on it.
pub(super) async fn list<W: Wire>(
    transport: &Transport,
    noun: &'static str,
    style: Style,
    tail: &[&str],
    query: Vec<(&'static str, String)>,
    id: fn(&W::Object) -> String,
) -> Result<Listed<W::Object>, ApiError> {
    let (request, rows) = rows(transport, noun, style, tail, query).await?;
    let mut listed = Listed::default();
    for row in rows {
        let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
        let (row_id, name) = (text("id"), text("name"));
        match (wire::read::<W>(row), row_id) {
            (Ok(object), _) => {
                listed.objects.insert(id(&object), object);
            }
            (Err(why), Some(row_id)) => listed.spoil(W::NOUN, &row_id, name, why),
            (Err(why), None) => return Err(request.error(ErrorKind::Malformed, why)),
        }
    }
    Ok(listed)
}

/// The rows of a list, and the request for its first page.
pub(super) async fn rows(
    transport: &Transport,
    noun: &'static str,
    style: Style,
    tail: &[&str],
    query: Vec<(&'static str, String)>,
) -> Result<(Request, Vec<Value>), ApiError> {
    let mut request = Request::get(format!("list {noun}"), &path(tail));
    request.query = query;
    let rows = page::read_all(transport, noun, style, request.clone()).await?;
    Ok((request, rows))
}
