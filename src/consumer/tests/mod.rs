//! Drivers of stores against faithful servers, over real sockets.

mod aws;
mod azure;
mod credentials;
mod gcp;
mod github;
mod gitlab;
mod http;
mod kubernetes;
mod server;

use serde_json::Value;

use super::environment::Environment;
use super::{CallError, Outcome, Work, on_store};
use crate::config::ConsumerDriver;

/// What must never be read or told.
const VALUE: &str = "sk-ant-api03-canary-value";

/// A driver and where it finds its store.
struct Trial {
    driver: ConsumerDriver,
    environment: Environment,
}

impl Trial {
    fn new(driver: ConsumerDriver, environment: &[(&str, &str)]) -> Trial {
        Trial { driver, environment: Environment::of(environment) }
    }

    async fn check(&self) -> Result<bool, CallError> {
        match on_store(&self.driver, Work::Check, &self.environment).await? {
            Outcome::HoldsKey(held) => Ok(held),
            _ => panic!("asked whether the key is there"),
        }
    }

    async fn take_out(&self) -> Result<Option<Value>, CallError> {
        match on_store(&self.driver, Work::TakeOut, &self.environment).await? {
            Outcome::TakenOut(receipt) => {
                assert!(!format!("{receipt:?}").contains("sk-ant"), "the receipt holds the value");
                Ok(receipt)
            }
            _ => panic!("asked to take the key out"),
        }
    }

    async fn put_back(&self, receipt: Option<&Value>) -> Result<(), CallError> {
        on_store(&self.driver, Work::PutBack(receipt), &self.environment).await.map(|_| ())
    }

    /// Takes the key out twice and puts it back twice, and looks every time.
    async fn there_and_back(&self) -> Option<Value> {
        assert!(self.check().await.expect("before"));
        let receipt = self.take_out().await.expect("taken out");
        assert!(!self.check().await.expect("between"));
        self.take_out().await.expect("taken out again");
        assert!(!self.check().await.expect("between again"));
        self.put_back(receipt.as_ref()).await.expect("put back");
        assert!(self.check().await.expect("after"));
        self.put_back(receipt.as_ref()).await.expect("put back again");
        assert!(self.check().await.expect("after again"));
        receipt
    }
}
