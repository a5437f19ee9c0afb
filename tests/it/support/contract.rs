//! The published description of the API as a judge of recorded traffic.
//!
//! A request that the description does not allow must have been refused; every answer must have the
//! shape that is described for its status. The unit tests of the simulator use this file as well.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../fixtures/api/openapi.json")).unwrap());

/// Validators of schemas, by whether they are of the older version.
type Validators = HashMap<(String, bool), Arc<Validator>>;

/// What is simulated but not described: only the envelope of errors and the headers are checked.
const UNDESCRIBED: [&str; 0] = [];

/// Who sent the requests of a record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    /// The program: each request must be as described, whatever was answered.
    #[allow(dead_code, reason = "the unit tests of the simulator have no client")]
    Client,
    /// Tests that also send what is wrong: it must have been refused.
    Tests,
}

/// A record that is judged when the test that made it ends.
pub(crate) struct Record {
    pub(crate) path: PathBuf,
    pub(crate) sender: Sender,
}

impl Drop for Record {
    fn drop(&mut self) {
        // A test that has failed already keeps its own message.
        if std::thread::panicking() {
            return;
        }
        let Ok(lines) = std::fs::read_to_string(&self.path) else { return };
        let problems: Vec<String> = lines.lines().flat_map(|line| judge(line, self.sender)).collect();
        assert!(problems.is_empty(), "the traffic is not as the API is described:\n{}", problems.join("\n"));
    }
}

/// What is wrong with one line of a record.
pub(crate) fn judge(line: &str, sender: Sender) -> Vec<String> {
    let call: Value = match serde_json::from_str(line) {
        Ok(call) => call,
        Err(error) => return vec![format!("a line is no JSON: {error}")],
    };
    let (method, path) = (call["method"].as_str().unwrap(), call["path"].as_str().unwrap());
    let status = call["status"].as_u64().unwrap();
    let mut problems = headers(&call, status);
    match operation(method, path) {
        Some(operation) => {
            let wrong = operation.request(&call, sender);
            if sender == Sender::Client || status < 400 {
                problems.extend(wrong.into_iter().map(|problem| format!("request: {problem}")));
            }
            problems.extend(operation.response(&call, status));
        }
        None if UNDESCRIBED.contains(&format!("{method} {path}").as_str()) && status == 200 => {}
        None => {
            if status < 400 {
                problems.push("answered, but not described".to_owned());
            }
            problems.extend(
                errors(&json!({"$ref": "#/components/schemas/ErrorResponse"}), &call["response"], false)
                    .into_iter()
                    .map(|problem| format!("response: {problem}")),
            );
        }
    }
    problems.into_iter().map(|problem| format!("{method} {path} -> {status}: {problem}")).collect()
}

/// What clients rely on in every answer.
fn headers(call: &Value, status: u64) -> Vec<String> {
    let header = |name: &str| call["headers"][name].as_str();
    let mut problems = Vec::new();
    match header("request-id") {
        Some(id) if id.starts_with("req_") => {
            if status >= 400 && call["response"]["request_id"] != id {
                problems.push("request_id of the body is not that of the header".to_owned());
            }
        }
        _ => problems.push("no request-id".to_owned()),
    }
    let expected = match is_stream(call) {
        true => "text/event-stream; charset=utf-8",
        false => "application/json",
    };
    if header("content-type") != Some(expected) {
        problems.push(format!("the content type is not {expected}"));
    }
    if status == 429 && header("retry-after").is_none_or(|seconds| seconds.parse::<u64>().is_err()) {
        problems.push("429 without retry-after in seconds".to_owned());
    }
    problems
}

/// Whether the answer is a stream of events: an accepted request has asked for it.
fn is_stream(call: &Value) -> bool {
    call["status"] == 200 && call["request"]["stream"] == true
}

/// An operation of the description and what a path fills in.
struct Operation {
    described: &'static Value,
    parameters: Vec<&'static Value>,
    in_path: Map<String, Value>,
}

/// The operation that a request is for.
fn operation(method: &str, path: &str) -> Option<Operation> {
    let paths = DESCRIPTION["paths"].as_object().unwrap();
    // `workspaces/{id}` and `federation_issuers` are told apart by their fixed parts alone.
    paths.iter().find_map(|(template, item)| {
        let described = item.get(method.to_lowercase())?;
        let in_path = fill(template, path)?;
        let lists = [&item["parameters"], &described["parameters"]];
        let parameters = lists.into_iter().filter_map(Value::as_array).flatten().map(referred).collect();
        Some(Operation { described, parameters, in_path })
    })
}

/// The values that make a path of a template.
fn fill(template: &str, path: &str) -> Option<Map<String, Value>> {
    let (wanted, given): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    let mut filled = Map::new();
    for (part, text) in wanted.iter().zip(&given) {
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => drop(filled.insert(name.to_owned(), json!(text))),
            None if part == text => {}
            None => return None,
        }
    }
    (wanted.len() == given.len()).then_some(filled)
}

fn referred(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(pointer) => DESCRIPTION.pointer(pointer.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

impl Operation {
    /// What is wrong with a request.
    fn request(&self, call: &Value, sender: Sender) -> Vec<String> {
        let mut problems = Vec::new();
        let query = query(call["query"].as_str().unwrap());
        for parameter in &self.parameters {
            let name = parameter["name"].as_str().unwrap();
            let schema = &parameter["schema"];
            let given = match parameter["in"].as_str().unwrap() {
                "path" => self.in_path.get(name).cloned(),
                "query" => query.get(name).map(|texts| typed(texts, schema)),
                "header" if name == "anthropic-version" => Some(call["version"].clone()),
                "header" if name == "anthropic-beta" => Some(call["beta"].clone()),
                place => panic!("{name} is in {place}, which is not recorded"),
            };
            match given.filter(|value| !value.is_null()) {
                Some(value) => {
                    let wrong = errors(schema, &value, false);
                    problems.extend(wrong.into_iter().map(|problem| format!("{name}: {problem}")));
                }
                // A switch of the simulator makes the version optional, as one source has it.
                None if name == "anthropic-version" && sender == Sender::Tests => {}
                None if parameter["required"] == true => problems.push(format!("{name} is missing")),
                None => {}
            }
        }
        let known = |name: &String| self.parameters.iter().any(|it| it["name"] == name.as_str());
        // What is unknown in a query is ignored; only the program is held to what is described.
        let unknown = query.keys().filter(|name| sender == Sender::Client && !known(name) && *name != "beta");
        problems.extend(unknown.map(|name| format!("{name} is not described")));
        match (&self.described["requestBody"], &call["request"]) {
            (Value::Null, Value::Null) => {}
            (Value::Null, body) if *body == json!({}) => {}
            (Value::Null, _) => problems.push("a body where none is described".to_owned()),
            (described, body) => {
                problems.extend(errors(&described["content"]["application/json"]["schema"], body, false));
            }
        }
        problems
    }

    /// What is wrong with an answer.
    fn response(&self, call: &Value, status: u64) -> Vec<String> {
        let responses = &self.described["responses"];
        let of_status = responses.get(status.to_string()).unwrap_or(&responses["default"]);
        if status < 400 && responses.get(status.to_string()).is_none() {
            return vec!["response: this status is not described".to_owned()];
        }
        let schema = match of_status["$ref"].as_str() {
            Some(pointer) => DESCRIPTION.pointer(pointer.trim_start_matches('#')).unwrap(),
            None => of_status,
        };
        let is_old = call["version"] == "2023-06-01";
        // The message with which a stream begins has the shape of a whole one.
        let answer = match is_stream(call) {
            true => &call["response"]["events"][0]["message"],
            false => &call["response"],
        };
        let found = errors(&schema["content"]["application/json"]["schema"], answer, is_old);
        found.into_iter().map(|problem| format!("response: {problem}")).collect()
    }
}

/// A query, repeated parameters together.
fn query(text: &str) -> HashMap<String, Vec<String>> {
    let mut url = reqwest::Url::parse("http://localhost/").unwrap();
    url.set_query(Some(text));
    let mut found = HashMap::<String, Vec<String>>::new();
    for (name, value) in url.query_pairs() {
        found.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    found
}

/// The value that texts of a query stand for.
fn typed(texts: &[String], schema: &Value) -> Value {
    let last = texts.last().unwrap();
    match schema["type"].as_str() {
        Some("array") => json!(texts),
        Some("integer") => last.parse::<i64>().map_or_else(|_| json!(last), |number| json!(number)),
        Some("boolean") => last.parse::<bool>().map_or_else(|_| json!(last), |flag| json!(flag)),
        _ => json!(last),
    }
}

/// What is wrong with a value. The older version of the API shows keys in another shape.
fn errors(schema: &Value, value: &Value, is_old: bool) -> Vec<String> {
    static VALIDATORS: LazyLock<Mutex<Validators>> = LazyLock::new(Mutex::default);
    let key = (schema.to_string(), is_old);
    let known = VALIDATORS.lock().unwrap().get(&key).cloned();
    let validator = known.unwrap_or_else(|| {
        let mut components = DESCRIPTION["components"].clone();
        if is_old {
            age(&mut components["schemas"]["ApiKey"]);
        }
        let whole = json!({"allOf": [schema], "components": components});
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        let validator = Arc::new(options.build(&whole).unwrap());
        VALIDATORS.lock().unwrap().insert(key, Arc::clone(&validator));
        validator
    });
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Gives the description of a key the shape of version 2023-06-01.
fn age(key: &mut Value) {
    let required = key["required"].as_array_mut().unwrap();
    required.retain(|name| name != "scope");
    required.push(json!("workspace_id"));
    key["properties"]["principal"] = json!({
        "anyOf": [
            {
                "type": "object",
                "additionalProperties": false,
                "required": ["id", "type"],
                "properties": {"id": {"type": "string"}, "type": {"enum": ["user", "service_account"]}},
            },
            {"type": "null"},
        ]
    });
}
