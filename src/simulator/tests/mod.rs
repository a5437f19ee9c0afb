//! The simulator over a real socket, with one test for each line of the behaviour ledger.

mod accounts;
mod activities;
mod analytics;
mod control;
mod documented;
mod exchange;
mod faults;
mod keys;
mod ledger;
mod lifecycle;
mod link;
mod messages;
mod reseed;
mod robustness;
mod rules;
mod switches;
mod tally;
mod usage;
mod workloads;

#[path = "../../../tests/it/support/contract.rs"]
mod contract;
mod traffic;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::persist::Directory;
use super::shell::Shell;
use super::{Assumptions, Options, Simulator, start};
use contract::{Record, Sender};

const ORGANIZATION: &str = "/v1/organizations/";
/// Where a simulator records its traffic, in its directory.
const TRAFFIC: &str = "traffic.jsonl";

/// A simulator of `seed.json` in a directory of its own, and a client for it.
struct Api {
    /// Judged first, while the directory is there.
    _record: Record,
    /// The same.
    kept: Kept,
    directory: TempDir,
    simulator: Simulator,
    client: reqwest::Client,
    /// The credential and version that calls carry.
    token: String,
    version: &'static str,
    person: String,
    admin_key: String,
}

/// Demands when it is dropped that the organization on disk, as a kill would leave it, is the one
/// that is served.
struct Kept {
    shell: Arc<Shell>,
    base: PathBuf,
}

impl Drop for Kept {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let copy = tempfile::tempdir().unwrap();
        let options = Options { directory: copy.path().to_owned(), ..options(&self.base, "") };
        let unknown = &self.shell.counted()["requests"]["unknown"]["by_status"];
        assert!(unknown.get("200").is_none(), "an accepted request is of no known kind");
        let served = self.shell.saved_form();
        for name in ["world.json", "redo.jsonl"] {
            std::fs::copy(self.base.join(".keyless/simulator").join(name), copy.path().join(name)).unwrap();
        }
        let directory = Directory::lock(copy.path()).unwrap();
        let found = serde_json::to_value(directory.open(&options, jiff::Timestamp::now()).unwrap()).unwrap();
        for (name, value) in served.as_object().unwrap() {
            assert_eq!(found[name], *value, "{name} on disk is not what is served");
        }
    }
}

/// An answer with what tests look at.
#[derive(Debug)]
struct Got {
    status: u16,
    body: Value,
    headers: reqwest::header::HeaderMap,
}

impl Got {
    /// The error's message, or nothing.
    fn message(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap_or_default()
    }

    /// Status and error type, which is empty for an accepted request.
    fn outcome(&self) -> (u16, &str) {
        (self.status, self.body["error"]["type"].as_str().unwrap_or_default())
    }

    fn id(&self) -> String {
        self.body["id"].as_str().unwrap_or_else(|| panic!("no id in {}", self.body)).to_owned()
    }

    #[track_caller]
    fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }
}

fn options(base: &Path, assumptions: &str) -> Options {
    let base = base.to_owned();
    Options {
        directory: base.join(".keyless/simulator"),
        traffic: Some(base.join(TRAFFIC)),
        base,
        organization: Some(PathBuf::from("seed.json")),
        listen: "127.0.0.1:0".parse().unwrap(),
        assumptions: assumptions.parse::<Assumptions>().unwrap(),
    }
}

impl Api {
    async fn start() -> Api {
        Api::assuming("").await
    }

    async fn assuming(assumptions: &str) -> Api {
        Api::seeded(include_str!("seed.json"), assumptions).await
    }

    async fn seeded(seed: &str, assumptions: &str) -> Api {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("seed.json"), seed).unwrap();
        Api::at(directory, assumptions).await
    }

    async fn at(directory: TempDir, assumptions: &str) -> Api {
        let simulator = start(options(directory.path(), assumptions)).await.unwrap();
        let record = Record { path: directory.path().join(TRAFFIC), sender: Sender::Tests };
        let mut api = Api {
            _record: record,
            kept: Kept { shell: Arc::clone(&simulator.shell), base: directory.path().to_owned() },
            directory,
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            token: simulator.operator_token().expose().to_owned(),
            simulator,
            version: "2026-10-21",
            person: String::new(),
            admin_key: String::new(),
        };
        let tokens = api.get("/_simulator/tokens").await.ok();
        assert_eq!(tokens["operator"], api.token.as_str());
        api.person = tokens["person"].as_str().unwrap().to_owned();
        api.admin_key = tokens["admin_key"].as_str().unwrap().to_owned();
        api
    }

    /// Stops and starts again on the same directory.
    async fn restart(self) -> Api {
        drop(self.kept);
        self.simulator.stop().await.unwrap();
        Api::at(self.directory, "").await
    }

    async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Got {
        let path = if path.starts_with('/') { path.to_owned() } else { format!("{ORGANIZATION}{path}") };
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.simulator.url()))
            .bearer_auth(&self.token)
            .header("anthropic-version", self.version);
        if let Some(body) = body {
            request = request.json(&body);
        }
        Api::read(request).await
    }

    async fn read(request: reqwest::RequestBuilder) -> Got {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Got { status, body: response.json().await.unwrap(), headers }
    }

    async fn get(&self, path: &str) -> Got {
        self.send("GET", path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> Got {
        self.send("POST", path, Some(body)).await
    }

    async fn delete(&self, path: &str) -> Got {
        self.send("DELETE", path, None).await
    }

    async fn archive(&self, path: &str) -> Got {
        self.send("POST", &format!("{path}/archive"), None).await
    }

    async fn advance(&self, seconds: i64) {
        self.post("/_simulator/clock", json!({"advance_seconds": seconds})).await.ok();
    }

    /// An identity token; claims of null are left out.
    async fn identity_token(&self, provider: &str, subject: &str, claims: Value) -> String {
        let path = format!("/_simulator/identity_providers/{provider}/token");
        let got = self.post(&path, json!({"subject": subject, "claims": claims})).await.ok();
        got["token"].as_str().unwrap().to_owned()
    }

    async fn exchange(&self, rule: &str, token: &str, more: Value) -> Got {
        let mut body = json!({
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": token,
            "federation_rule_id": rule,
            "organization_id": "0b6e3f0a-51c5-4d57-9c7e-3f1f3a1f0003",
        });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.post("/v1/oauth/token", body).await
    }

    /// A token that a workload mints through the rule of scope `org:admin`.
    async fn as_workload(&self) -> String {
        let token = self.identity_token("cluster", "boss", json!({})).await;
        let got = self.exchange("fdrl_01Bootstrap", &token, json!({})).await.ok();
        got["access_token"].as_str().unwrap().to_owned()
    }

    /// The reason of the last exchange in the history.
    async fn last_reason(&self) -> String {
        let dump = self.get("/_simulator/organization").await.ok();
        let last = dump["exchanges"].as_array().unwrap().last().unwrap();
        last["reason"].as_str().unwrap_or("accepted").to_owned()
    }
}

/// A rule that the tests vary.
fn rule(name: &str) -> Value {
    json!({
        "name": name,
        "issuer_id": "fdis_01Cluster",
        "match": {"subject_prefix": "x"},
        "target": {"type": "service_account", "service_account_id": "svac_01Worker"},
        "oauth_scope": "workspace:inference",
        "workspace_id": "wrkspc_01Prod",
    })
}

/// The same with some fields changed; null removes one.
fn rule_with(name: &str, changes: Value) -> Value {
    let mut rule = rule(name);
    for (field, value) in changes.as_object().unwrap() {
        rule[field] = value.clone();
    }
    rule.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    rule
}
