//! Reads a list to its end, in each of the API's styles.

use serde_json::{Map, Value};

use super::page_bounds::Walk;
use super::transport::{Request, Transport};
use super::{ApiError, ErrorKind};
use crate::limits;

/// How a list goes on after a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// `next_page` is the next `page`, and null at the end.
    Cursor,
    /// `last_id` is the next `after_id` while `has_more` is true.
    Window,
    /// `next_page` is the next `page` while `has_more` is true; pages count buckets of an hour.
    Report,
    /// `next_page` is the next `page`, and null at the end; pages count rows.
    Rows,
    /// Like [`Style::Window`], from the newest entry to the oldest.
    Feed,
}

impl Style {
    /// The largest page that the API allows.
    fn limit(self) -> u32 {
        match self {
            Style::Cursor => limits::PAGE_SIZE_CURSOR,
            Style::Window => limits::PAGE_SIZE_WINDOW,
            Style::Report => limits::PAGE_SIZE_REPORT,
            Style::Rows => limits::PAGE_SIZE_ROWS,
            Style::Feed => limits::PAGE_SIZE_FEED,
        }
    }

    fn parameter(self) -> &'static str {
        match self {
            Style::Cursor | Style::Report | Style::Rows => "page",
            Style::Window | Style::Feed => "after_id",
        }
    }

    /// Where the list goes on; none at its end.
    ///
    /// A page that leaves the question open is an error and not the end: a list that is silently
    /// cut short would make objects look gone and keys look quiet.
    fn next(self, page: &Map<String, Value>) -> Result<Option<String>, String> {
        let more = || match page.get("has_more") {
            Some(Value::Bool(more)) => Ok(*more),
            Some(_) => Err("the field `has_more` is neither true nor false".to_owned()),
            None => Err("missing field `has_more`".to_owned()),
        };
        let place = |name: &str| match page.get(name) {
            Some(Value::Null) => Ok(None),
            Some(Value::String(place)) => Ok(Some(place.clone())),
            Some(_) => Err(format!("the field `{name}` is no text")),
            None => Err(format!("missing field `{name}`")),
        };
        match self {
            Style::Cursor | Style::Rows => place("next_page"),
            Style::Window | Style::Report | Style::Feed if !more()? => Ok(None),
            Style::Window | Style::Feed => {
                place("last_id")?.map(Some).ok_or("there is more, but no `last_id`".to_owned())
            }
            Style::Report => {
                place("next_page")?.map(Some).ok_or("there is more, but no `next_page`".to_owned())
            }
        }
    }
}

/// What to do after a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Go on as the page says.
    Page,
    /// Begin again: this page and those before it do not belong together.
    Restart,
    /// No more is needed.
    Stop,
}

/// How a list came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It was read to its last page, or as far as was needed.
    Whole,
    /// It kept changing under the reading and was given up.
    Unsettled,
}

/// Reads all pages of a list; `first` asks for it and has no paging parameters yet.
///
/// # Errors
/// What the calls give, and [`ErrorKind::Malformed`] for a list that does not end.
pub(crate) async fn read_all(
    transport: &Transport,
    noun: &'static str,
    style: Style,
    first: Request,
) -> Result<Vec<Value>, ApiError> {
    read_pages(transport, noun, style, &first, |_| Ok(Next::Page)).await.map(|(objects, _)| objects)
}

/// Reads a list page by page; `look` sees every page before its objects are taken.
///
/// The API promises no snapshot across pages, and refuses a cursor after the object that it stood
/// on is gone. The list is then read again from its first page, a few times at most.
pub(crate) async fn read_pages(
    transport: &Transport,
    noun: &'static str,
    style: Style,
    first: &Request,
    mut look: impl FnMut(&Map<String, Value>) -> Result<Next, String>,
) -> Result<(Vec<Value>, End), ApiError> {
    let mut restarts = 0;
    loop {
        let mut objects = Vec::new();
        let mut place: Option<String> = None;
        match read_once(transport, noun, style, first, &mut look, &mut objects, &mut place).await {
            Ok(Next::Restart) if restarts == limits::LIST_RESTARTS_MAX => {
                return Ok((objects, End::Unsettled));
            }
            Ok(Next::Restart) => {}
            Ok(Next::Page | Next::Stop) => return Ok((objects, End::Whole)),
            Err(error) => {
                let stale = error.kind == ErrorKind::Invalid && place.is_some();
                if !stale || restarts == limits::LIST_RESTARTS_MAX {
                    return Err(error);
                }
            }
        }
        restarts += 1;
        tracing::debug!(noun, restarts, "the list changed while it was read; it is read again");
    }
}

async fn read_once(
    transport: &Transport,
    noun: &'static str,
    style: Style,
    first: &Request,
    look: &mut impl FnMut(&Map<String, Value>) -> Result<Next, String>,
    objects: &mut Vec<Value>,
    place: &mut Option<String>,
) -> Result<Next, ApiError> {
    let mut walk = Walk::default();
    loop {
        let mut request = first.clone();
        request.query.push(("limit", style.limit().to_string()));
        if let Some(place) = &place {
            request.query.push((style.parameter(), place.clone()));
        }
        let reply = transport.call(&request).await?;
        let Value::Object(mut page) = reply.json(&request)? else {
            return Err(request.malformed(&reply, "the page is no JSON object"));
        };
        let wrong = |why| request.malformed(&reply, format!("page: {why}"));
        let next = style.next(&page).map_err(wrong)?;
        let wanted = look(&page).map_err(wrong)?;
        let Some(Value::Array(mut data)) = page.remove("data") else {
            return Err(request.malformed(&reply, "page: missing field `data`"));
        };
        let bounded = walk.take(&data, reply.body.len(), next.as_deref());
        bounded.map_err(|why| request.malformed(&reply, why))?;
        objects.append(&mut data);
        if let Some(progress) = &transport.progress {
            progress(noun, objects.len());
        }
        if wanted != Next::Page {
            return Ok(wanted);
        }
        let Some(next) = next else { return Ok(Next::Page) };
        *place = Some(next);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(style: Style, page: Value, expected: Result<Option<&str>, &str>) {
        let found = style.next(page.as_object().unwrap());
        let expected = expected.map(|place| place.map(str::to_owned)).map_err(str::to_owned);
        assert_eq!(found, expected, "{style:?} {page}");
    }

    #[test]
    fn each_style_ends_and_goes_on_in_its_own_way() {
        check(Style::Cursor, json!({"next_page": null}), Ok(None));
        check(Style::Cursor, json!({"next_page": "c2"}), Ok(Some("c2")));
        check(Style::Cursor, json!({}), Err("missing field `next_page`"));
        check(Style::Cursor, json!({"next_page": 2}), Err("the field `next_page` is no text"));
        check(Style::Window, json!({"has_more": false, "last_id": "a"}), Ok(None));
        check(Style::Window, json!({"has_more": true, "last_id": "a"}), Ok(Some("a")));
        check(
            Style::Window,
            json!({"has_more": true, "last_id": null}),
            Err("there is more, but no `last_id`"),
        );
        check(Style::Window, json!({"last_id": "a"}), Err("missing field `has_more`"));
        check(Style::Rows, json!({"has_more": null, "next_page": null}), Ok(None));
        check(Style::Rows, json!({"next_page": "p2"}), Ok(Some("p2")));
        check(Style::Rows, json!({"has_more": true}), Err("missing field `next_page`"));
        check(Style::Feed, json!({"has_more": false, "last_id": "a"}), Ok(None));
        check(Style::Feed, json!({"has_more": true, "last_id": "a"}), Ok(Some("a")));
        check(Style::Report, json!({"has_more": false, "next_page": "p"}), Ok(None));
        check(Style::Report, json!({"has_more": true, "next_page": "p"}), Ok(Some("p")));
        check(
            Style::Report,
            json!({"has_more": true, "next_page": null}),
            Err("there is more, but no `next_page`"),
        );
        check(
            Style::Report,
            json!({"has_more": "yes"}),
            Err("the field `has_more` is neither true nor false"),
        );
    }
}
