//! `keyless simulate` in a process of its own, and another person at its API.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Child;

use serde_json::{Value, json};

use super::Environment;

/// Ends with the value.
pub(crate) struct Simulator {
    child: Child,
    address: String,
    // Held open, so that the program can write to it to the end.
    _told: Box<dyn Read>,
}

/// The address in the first line of a stream.
fn address(stream: &mut impl BufRead) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    let (_, address) = line.trim().split_once("http://").unwrap_or_else(|| panic!("no address in {line:?}"));
    address.to_owned()
}

impl Simulator {
    /// Starts it and waits for the line that tells where it listens.
    pub(crate) fn start(environment: &Environment) -> Simulator {
        Simulator::told(environment, &[])
    }

    /// The same with more arguments.
    pub(crate) fn told(environment: &Environment, arguments: &[&str]) -> Simulator {
        let mut child = environment.command(&[&["simulate"], arguments].concat()).spawn().unwrap();
        let mut stream = BufReader::new(child.stdout.take().unwrap());
        let address = address(&mut stream);
        Simulator { child, address, _told: Box::new(stream) }
    }

    /// The same with standard output in a file, so that all that is for people is on standard error.
    pub(crate) fn exporting(environment: &Environment, arguments: &[&str], file: &str) -> Simulator {
        let mut command = environment.command(&[&["simulate"], arguments].concat());
        command.stdout(std::fs::File::create(environment.path(file)).unwrap());
        let mut child = command.spawn().unwrap();
        let mut stream = BufReader::new(child.stderr.take().unwrap());
        let address = address(&mut stream);
        Simulator { child, address, _told: Box::new(stream) }
    }

    fn call(&self, method: &str, path: &str, token: Option<&str>, body: Option<&Value>) -> Value {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let body = body.map(Value::to_string).unwrap_or_default();
        let credential = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             anthropic-version: 2023-06-01\r\n{credential}content-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{method} {path}: {answer}");
        serde_json::from_str(body).unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.call("GET", path, None, None)
    }

    /// Reads with a credential.
    pub(crate) fn get_as(&self, credential: &str, path: &str) -> Value {
        self.call("GET", path, Some(credential), None)
    }

    /// Lets time pass.
    pub(crate) fn advance_hours(&self, hours: u64) {
        self.call("POST", "/_simulator/clock", None, Some(&json!({ "advance_seconds": hours * 3600 })));
    }

    /// Lets something go wrong.
    pub(crate) fn fault(&self, fault: &Value) {
        self.call("POST", "/_simulator/faults", None, Some(fault));
    }

    /// Lets nothing go wrong any more.
    pub(crate) fn mend(&self) {
        self.call("DELETE", "/_simulator/faults", None, None);
    }

    /// How often each fault has met a call.
    pub(crate) fn faults_met(&self) -> Vec<u64> {
        let told = self.get("/_simulator/faults");
        told["faults"].as_array().unwrap().iter().map(|fault| fault["met"].as_u64().unwrap()).collect()
    }

    /// Lets every workload call once; how they fare.
    pub(crate) fn run_workloads(&self) -> Vec<Value> {
        let told = self.call("POST", "/_simulator/workloads/run", None, None);
        told["workloads"].as_array().unwrap().clone()
    }

    /// Lets a workload do nothing any more.
    pub(crate) fn pause(&self, workload: &str) {
        let path = format!("/_simulator/workloads/{workload}");
        self.call("POST", &path, None, Some(&json!({ "paused": true })));
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes an identity token from a simulated identity provider.
    pub(crate) fn identity_token(&self, provider: &str, claims: &Value) -> String {
        let path = format!("/_simulator/identity_providers/{provider}/token");
        let answer = self.call("POST", &path, None, Some(claims));
        answer["token"].as_str().unwrap().to_owned()
    }

    /// Does something at the API as the second member of the organization.
    pub(crate) fn as_person(&self, path: &str, body: &Value) -> Value {
        let tokens = self.get("/_simulator/tokens");
        let path = format!("/v1/organizations/{path}");
        self.call("POST", &path, tokens["person"].as_str(), Some(body))
    }

    /// Takes something away at the API as the second member of the organization.
    pub(crate) fn as_person_deletes(&self, path: &str) -> Value {
        let tokens = self.get("/_simulator/tokens");
        let path = format!("/v1/organizations/{path}");
        self.call("DELETE", &path, tokens["person"].as_str(), None)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
