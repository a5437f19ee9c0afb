//! How the simulator bears many objects: time per create and per page, over its socket.
//!
//! `cargo bench --bench simulator_scale` fills organizations of 1,000 and 10,000 issuers, service accounts
//! and rules; other sizes can be given after `--`. The time per create and per page should not grow.

use std::time::{Duration, Instant};

use keyless::simulator::{Assumptions, Options, Simulator, start};
use serde_json::{Value, json};

const SIZES: [usize; 2] = [1_000, 10_000];
/// Rows of a page.
const LIMIT: usize = 100;

/// A simulator and a client for it.
struct Api {
    simulator: Simulator,
    client: reqwest::Client,
}

#[tokio::main]
async fn main() {
    let given: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if given.is_empty() { SIZES.to_vec() } else { given };
    println!("{:>8}  {:<18}  {:>12}  {:>12}", "objects", "kind", "per create", "per page");
    for size in sizes {
        let directory = tempfile::tempdir().expect("a directory for the organization");
        let api = Api::start(directory.path()).await;
        fill(&api, size).await;
        api.simulator.stop().await.expect("the organization is saved");
    }
}

/// Makes `size` objects of each kind, and lists them.
async fn fill(api: &Api, size: usize) {
    let issuer = |number| json!({"name": format!("issuer-{number}"), "issuer_url": format!("https://{number}.example.com")});
    let issuers = api.make(size, "federation_issuers", issuer).await;
    let account = |number| json!({"name": format!("account-{number}")});
    let accounts = api.make(size, "service_accounts", account).await;
    let rule = |number: usize| {
        json!({
            "name": format!("rule-{number}"),
            "issuer_id": issuers[number],
            "match": {"subject_prefix": "x"},
            "target": {"type": "service_account", "service_account_id": accounts[number]},
            "oauth_scope": "workspace:inference",
            "applies_to_all_workspaces": true,
        })
    };
    api.make(size, "federation_rules", rule).await;
}

impl Api {
    async fn start(directory: &std::path::Path) -> Api {
        let options = Options {
            directory: directory.join("simulator"),
            base: directory.to_owned(),
            organization: None,
            listen: "127.0.0.1:0".parse().expect("a loopback address"),
            assumptions: Assumptions::default(),
            traffic: None,
        };
        let simulator = start(options).await.expect("the built-in organization can be simulated");
        let client = reqwest::Client::builder().no_proxy().build().expect("a client without options");
        Api { simulator, client }
    }

    /// Makes objects, lists them, and tells how long both took; gives their ids.
    async fn make(&self, size: usize, kind: &str, object: impl Fn(usize) -> Value) -> Vec<String> {
        let began = Instant::now();
        let mut ids = Vec::with_capacity(size);
        for number in 0..size {
            let made = self.send(self.request(reqwest::Method::POST, kind).json(&object(number))).await;
            ids.push(made["id"].as_str().expect("a new object has an id").to_owned());
        }
        let creating = began.elapsed();
        let began = Instant::now();
        let pages = self.list(kind, size).await;
        let each = |time: Duration, count: usize| format!("{} µs", time.as_micros() / count as u128);
        println!("{size:>8}  {kind:<18}  {:>12}  {:>12}", each(creating, size), each(began.elapsed(), pages));
        ids
    }

    /// Walks a whole list of at least `size` objects and counts its pages.
    async fn list(&self, kind: &str, size: usize) -> usize {
        let (mut pages, mut rows, mut next) = (0, 0, None::<String>);
        loop {
            let mut request = self.request(reqwest::Method::GET, kind).query(&[("limit", LIMIT)]);
            if let Some(cursor) = &next {
                request = request.query(&[("page", cursor)]);
            }
            let page = self.send(request).await;
            pages += 1;
            rows += page["data"].as_array().map_or(0, Vec::len);
            next = page["next_page"].as_str().map(str::to_owned);
            if next.is_none() {
                assert!(rows >= size, "{rows} of {size} {kind} are listed");
                return pages;
            }
        }
    }

    fn request(&self, method: reqwest::Method, kind: &str) -> reqwest::RequestBuilder {
        let url = format!("{}/v1/organizations/{kind}", self.simulator.url());
        let token = self.simulator.operator_token().expose();
        self.client.request(method, url).bearer_auth(token).header("anthropic-version", "2026-10-21")
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Value {
        let response = request.send().await.expect("the simulator answers");
        let status = response.status();
        let body: Value = response.json().await.expect("answers are JSON");
        assert!(status.is_success(), "{status}: {body}");
        body
    }
}
