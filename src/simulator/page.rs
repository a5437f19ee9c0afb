//! The API's styles of pages.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::collection::{Collection, Object};
use super::error::Refusal;
use super::request::Query;

/// Page size when none is asked for, of every style but reports.
pub(super) const LIMIT_DEFAULT: usize = 20;

/// One object of a list and the key it is found by.
pub(super) struct Row {
    /// An id, unique in the list.
    pub(super) key: String,
    pub(super) value: Value,
}

/// The cursor style: `limit` and `page` in, `data` and `next_page` out. Here of the objects of a
/// collection, newest first.
///
/// A cursor names the last row of the page before; when that row is gone the cursor is stale and refused.
/// Only the rows of the page are looked at, and those that are passed over.
pub(super) fn newest_first<T: Object>(
    objects: &Collection<T>,
    query: &Query,
    passes: impl Fn(&T) -> bool,
    show: impl Fn(&str, &T) -> Value,
) -> Result<Value, Refusal> {
    let limit = query.limit(LIMIT_DEFAULT, 100)?;
    let last = match query.get("page") {
        None => None,
        Some(cursor) => {
            let last = objects.get_key_value(&decode(cursor)?).filter(|(_, object)| passes(object));
            Some(last.ok_or_else(stale)?)
        }
    };
    let found = objects.newest_first(last).filter(|(_, object)| passes(object));
    Ok(first_page(found, limit, show))
}

/// The same for a map in its order.
pub(super) fn in_order<T>(
    map: &BTreeMap<String, T>,
    query: &Query,
    passes: impl Fn(&str) -> bool,
    show: impl Fn(&str, &T) -> Value,
) -> Result<Value, Refusal> {
    let limit = query.limit(LIMIT_DEFAULT, 100)?;
    let last = query.get("page").map(decode).transpose()?;
    if last.as_ref().is_some_and(|last| !map.contains_key(last) || !passes(last)) {
        return Err(stale());
    }
    let start = last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
    let found = map.range::<String, _>((start, Bound::Unbounded)).filter(|(key, _)| passes(key));
    Ok(first_page(found, limit, show))
}

/// The page of the first `limit` of these.
fn first_page<'a, T: 'a>(
    mut found: impl Iterator<Item = (&'a String, &'a T)>,
    limit: usize,
    show: impl Fn(&str, &T) -> Value,
) -> Value {
    let page: Vec<_> = found.by_ref().take(limit).collect();
    let next = found.next().and(page.last()).map(|(key, _)| encode(key));
    let data: Vec<Value> = page.iter().map(|(key, object)| show(key, object)).collect();
    json!({"data": data, "next_page": next})
}

/// The page of at most `limit` rows from `start` on.
pub(super) fn cursor_page(rows: &[Row], start: usize, limit: usize) -> Value {
    let end = start.saturating_add(limit).min(rows.len());
    let data: Vec<&Value> = rows[start..end].iter().map(|row| &row.value).collect();
    let next = (end < rows.len()).then(|| encode(&rows[end - 1].key));
    json!({"data": data, "next_page": next})
}

/// The place after the row that a cursor names.
pub(super) fn position_after(rows: &[Row], cursor: &str) -> Result<usize, Refusal> {
    let key = decode(cursor)?;
    rows.iter().position(|row| row.key == key).map(|at| at + 1).ok_or_else(stale)
}

fn stale() -> Refusal {
    Refusal::invalid("page: The cursor is no longer valid; start again from the first page")
}

/// The id window style: `limit`, `after_id` or `before_id` in; `first_id`, `last_id`, `has_more` out.
pub(super) fn by_window(rows: &[Row], query: &Query) -> Result<Value, Refusal> {
    let keys: Vec<&str> = rows.iter().map(|row| row.key.as_str()).collect();
    let (window, has_more) = window(&keys, query, LIMIT_DEFAULT, 1000)?;
    let window = &rows[window];
    Ok(json!({
        "data": window.iter().map(|row| &row.value).collect::<Vec<_>>(),
        "first_id": window.first().map(|row| &row.key),
        "last_id": window.last().map(|row| &row.key),
        "has_more": has_more,
    }))
}

/// Which of these ids a query of the id window style asks for, and whether there are more.
pub(super) fn window(
    keys: &[&str],
    query: &Query,
    default: usize,
    most: usize,
) -> Result<(Range<usize>, bool), Refusal> {
    let limit = query.limit(default, most)?;
    let place = |id: &str, name: &str| {
        keys.iter()
            .position(|key| *key == id)
            .ok_or_else(|| Refusal::invalid(format!("{name}: No such object in this list")))
    };
    match (query.get("after_id"), query.get("before_id")) {
        (Some(_), Some(_)) => {
            Err(Refusal::invalid("after_id: Only one of after_id and before_id can be given"))
        }
        (None, Some(before)) => {
            let end = place(before, "before_id")?;
            let start = end.saturating_sub(limit);
            Ok((start..end, start > 0))
        }
        (after, None) => {
            let start = after.map(|id| place(id, "after_id")).transpose()?.map_or(0, |at| at + 1);
            let end = start.saturating_add(limit).min(keys.len());
            Ok((start..end, end < keys.len()))
        }
    }
}

/// Hides a key in a cursor.
pub(super) fn encode(key: &str) -> String {
    format!("page_{}", URL_SAFE_NO_PAD.encode(key))
}

/// Finds the key in a cursor.
pub(super) fn decode(cursor: &str) -> Result<String, Refusal> {
    cursor
        .strip_prefix("page_")
        .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| Refusal::invalid("page: Not a cursor of this list"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(keys: &str) -> Vec<Row> {
        keys.chars().map(|key| Row { key: key.to_string(), value: json!(key.to_string()) }).collect()
    }

    #[test]
    fn cursors_walk_the_whole_list_and_go_stale() {
        let by_cursor = |keys: &str, query: &Query| {
            let map = "abc".chars().map(|key| (key.to_string(), key.to_string())).collect();
            in_order(&map, query, |key| keys.contains(key), |_, value| json!(value))
        };
        let first = by_cursor("abc", &Query::parse("limit=2")).unwrap();
        assert_eq!(first["data"], json!(["a", "b"]));
        let next = first["next_page"].as_str().unwrap();
        let second = by_cursor("abc", &Query::parse(&format!("limit=2&page={next}"))).unwrap();
        assert_eq!(second, json!({"data": ["c"], "next_page": null}));
        for page in [next, "page_", "nonsense"] {
            let refusal = by_cursor("ac", &Query::parse(&format!("page={page}"))).unwrap_err();
            assert_eq!(refusal.status, 400, "{page}");
        }
        assert_eq!(by_cursor("", &Query::default()).unwrap(), json!({"data": [], "next_page": null}));
    }

    #[test]
    fn windows_go_both_ways() {
        let check = |query: &str, data: Value, has_more: bool| {
            let page = by_window(&rows("abcde"), &Query::parse(query)).unwrap();
            assert_eq!((&page["data"], &page["has_more"]), (&data, &json!(has_more)), "{query}");
        };
        check("", json!(["a", "b", "c", "d", "e"]), false);
        check("limit=2", json!(["a", "b"]), true);
        check("limit=2&after_id=b", json!(["c", "d"]), true);
        check("limit=2&after_id=d", json!(["e"]), false);
        check("limit=2&before_id=d", json!(["b", "c"]), true);
        check("limit=2&before_id=c", json!(["a", "b"]), false);
        let empty = by_window(&rows(""), &Query::default()).unwrap();
        assert_eq!(empty, json!({"data": [], "first_id": null, "last_id": null, "has_more": false}));
        for query in ["after_id=a&before_id=b", "after_id=z", "limit=0", "limit=1001"] {
            assert_eq!(by_window(&rows("abc"), &Query::parse(query)).unwrap_err().status, 400, "{query}");
        }
    }
}
