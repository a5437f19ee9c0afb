//! Whatever comes in, the answer is the API's, and the next one is as good.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use super::*;

/// Connections at a time. Both ends are in this process, which may have no more than 1024 descriptors.
const CROWD: usize = 400;

/// Every path that is written to, with a body that is accepted in shape if not in content.
const WRITES: [&str; 16] = [
    "/v1/organizations/federation_issuers",
    "/v1/organizations/federation_issuers/fdis_01Cluster",
    "/v1/organizations/federation_rules",
    "/v1/organizations/federation_rules/fdrl_01Worker",
    "/v1/organizations/federation_rules/fdrl_01Worker/workspaces",
    "/v1/organizations/service_accounts",
    "/v1/organizations/service_accounts/svac_01Worker",
    "/v1/organizations/service_accounts/svac_01Worker/workspaces",
    "/v1/organizations/workspaces",
    "/v1/organizations/workspaces/wrkspc_01Prod",
    "/v1/organizations/workspaces/wrkspc_01Prod/service_accounts",
    "/v1/organizations/workspaces/wrkspc_01Prod/service_accounts/svac_01Worker",
    "/v1/organizations/api_keys/apikey_01One",
    "/v1/oauth/token",
    "/_simulator/faults",
    "/_simulator/assumptions",
];

impl Api {
    async fn raw(&self, method: &str, path: &str, body: Vec<u8>) -> Got {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.client.request(method, format!("{}{path}", self.simulator.url())).body(body);
        Api::read(request.bearer_auth(&self.token).header("anthropic-version", self.version)).await
    }

    fn address(&self) -> String {
        self.simulator.url().trim_start_matches("http://").to_owned()
    }
}

#[tokio::test]
async fn bodies_that_are_no_requests_are_refused_everywhere() {
    let api = Api::start().await;
    let deep = "{\"name\":".repeat(20_000);
    let bodies: [&[u8]; 9] = [
        b"{",
        b"[]",
        b"null",
        b"7",
        b"\"text\"",
        b"\xff\xfe\x00",
        deep.as_bytes(),
        b"{\"surprise\": 1}",
        b"{\"name\": 1e999}",
    ];
    for path in WRITES {
        for body in bodies {
            let got = api.raw("POST", path, body.to_vec()).await;
            assert_eq!(
                got.outcome(),
                (400, "invalid_request_error"),
                "{path} {:?}",
                &body[..body.len().min(20)]
            );
            assert!(!got.message().is_empty());
        }
        let got = api.raw("POST", path, vec![b' '; 1024 * 1024 + 1]).await;
        assert_eq!(got.outcome(), (413, "request_too_large"), "{path}");
    }
    let got = api.raw("PUT", "/_simulator/organization", b"\xff".to_vec()).await;
    assert_eq!(got.status, 400);
    api.get("me").await.ok();
}

#[tokio::test]
async fn ids_and_paths_that_are_wrong_are_not_found() {
    let api = Api::start().await;
    let long = "x".repeat(10_000);
    let ids = ["", " ", "..", "fdrl_01Worker", "%00", "%2e%2e", "%F0%9F%94%91", "a%2Fb", "-1", "null", &long];
    let templates = [
        "federation_issuers/{}",
        "service_accounts/{}",
        "workspaces/{}",
        "api_keys/{}",
        "federation_rules/x{}/workspaces",
        "service_accounts/{}/workspaces",
        "workspaces/{}/service_accounts/svac_01Worker",
    ];
    for template in templates {
        for id in ids {
            // Dots are resolved by the client, so that some of these name another path.
            let got = api.get(&template.replace("{}", id)).await;
            assert!([200, 404].contains(&got.status), "{template} {id}: {}", got.body);
            assert!(
                got.status == 404 || id.is_empty() || id == ".." || id.starts_with("%2e"),
                "{template} {id}"
            );
        }
    }
    for query in [
        "limit=-1",
        "limit=1e3",
        "limit=",
        "page=%00",
        "include_archived=maybe",
        "limit=99999999999999999999",
    ] {
        assert_eq!(api.get(&format!("federation_rules?{query}")).await.status, 400, "{query}");
    }
    for query in ["&&&", "=", "%", "a[b[c]]=1", "limit=2&limit=1"] {
        api.get(&format!("federation_rules?{query}")).await.ok();
    }
}

#[tokio::test]
async fn missing_fields_are_named() {
    let api = Api::start().await;
    for (path, field) in [
        ("federation_issuers", "name"),
        ("federation_rules", "name"),
        ("federation_rules/fdrl_01Worker/workspaces", "workspace_id"),
        ("service_accounts", "name"),
        ("service_accounts/svac_01Worker/workspaces", "workspace_id"),
        ("workspaces", "name"),
        ("workspaces/wrkspc_01Prod/service_accounts", "service_account_id"),
        ("/v1/oauth/token", "grant_type"),
    ] {
        let got = api.post(path, json!({})).await;
        assert_eq!((got.status, got.message()), (400, format!("{field}: Field required").as_str()), "{path}");
    }
}

#[tokio::test]
async fn clients_that_do_not_go_on_hold_nobody_up() {
    let api = Api::start().await;
    let head = "POST /v1/organizations/service_accounts HTTP/1.1\r\nhost: x\r\n";
    let unfinished = ["", "POST", head, &format!("{head}content-length: 100\r\n\r\n{{\"name\"")];
    let mut slow: Vec<TcpStream> = Vec::new();
    for begun in unfinished.iter().cycle().take(40) {
        let mut stream = TcpStream::connect(api.address()).unwrap();
        stream.write_all(begun.as_bytes()).unwrap();
        slow.push(stream);
    }
    api.post("service_accounts", json!({"name": "quick"})).await.ok();
    // Some go away in the middle, some go on in the end.
    slow.truncate(4);
    let body = "{\"name\": \"slow\"}";
    let mut last = slow.remove(2);
    write!(
        last,
        "authorization: Bearer {}\r\nanthropic-version: 2026-10-21\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        api.token,
        body.len()
    )
    .unwrap();
    let answer = tokio::task::spawn_blocking(move || {
        let mut answer = String::new();
        last.read_to_string(&mut answer).map(|_| answer)
    });
    assert!(answer.await.unwrap().unwrap().starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn what_is_no_http_is_turned_away() {
    let api = Api::start().await;
    for nonsense in ["\r\n\r\n\r\n", "GET\r\n\r\n", "\u{16}\u{3}\u{1}TLS", "GET /v1/models HTTP/9.9\r\n\r\n"]
    {
        let mut stream = TcpStream::connect(api.address()).unwrap();
        // A server that waits for more must not keep the test.
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(nonsense.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let answer = tokio::task::spawn_blocking(move || {
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).map(|_| answer)
        });
        let answer = answer.await.unwrap().unwrap_or_else(|error| {
            assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "it hangs on {nonsense:?}");
            Vec::new()
        });
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{nonsense:?}");
    }
    api.get("me").await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_connections_are_all_answered() {
    let api = Api::start().await;
    let address: std::net::SocketAddr = api.address().parse().unwrap();
    let mut crowd = Vec::new();
    while crowd.len() < CROWD {
        crowd.push(tokio::net::TcpStream::connect(address).await.unwrap());
    }
    let ask = format!(
        "GET /v1/organizations/me HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nanthropic-version: 2026-10-21\r\n\
         connection: close\r\n\r\n",
        api.token
    );
    let asked: Vec<_> = crowd
        .into_iter()
        .map(|mut stream| {
            let ask = ask.clone();
            tokio::spawn(async move {
                use tokio::io::{AsyncReadExt, AsyncWriteExt};
                stream.write_all(ask.as_bytes()).await.unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await.unwrap();
                answer.starts_with("HTTP/1.1 200")
            })
        })
        .collect();
    let mut answered = 0;
    for one in asked {
        answered += usize::from(one.await.unwrap());
    }
    assert_eq!(answered, CROWD);
}
