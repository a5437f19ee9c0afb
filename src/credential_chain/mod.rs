//! Which credential a Claude client sends, and what keeps federation from being it.
//!
//! In every client a static credential comes before federation, so that a left-over key makes a
//! half-finished migration look finished. [`resolve`] is what a client does before its first
//! request, as a pure function: [`Sources`] in, an [`Outcome`] out. Behavior that changed between
//! versions is one table. The differential test runs the published SDKs beside it.

mod chain;
mod claude_code;
mod client;
mod describe;
mod evidence;
mod federation;
mod found;
mod hide;
mod outcome;
mod profile;
mod remedy;
mod request;
mod resolver;
mod sources;
mod stored;
#[cfg(test)]
mod tests;
mod traits;

pub use client::{Client, Product, Version};
pub use outcome::{
    Carried, Exchange, Failure, Fate, Found, Grant, Header, Kind, Origin, Outcome, Place, Remedy, Tier,
};
pub use sources::{Arguments, File, Sources};

use resolver::Resolver;

/// Tells what this client would send, and why. Makes no call and keeps no secret.
pub fn resolve(client: &Client, sources: &Sources) -> Outcome {
    let claude_code = client.product == Product::ClaudeCode;
    let merged = claude_code.then(|| sources.with_settings());
    let resolver = Resolver::new(client, merged.as_ref().unwrap_or(sources));
    let decision = match claude_code {
        true => resolver.decide_claude_code(sources),
        false => resolver.decide(),
    };
    let found = resolver.found(&decision, sources);
    let remedies = resolver.remedies(&decision, &found);
    let outcome = Outcome {
        client: *client,
        tier: decision.tier,
        headers: decision.headers,
        exchange: decision.exchange,
        base_url: decision.base_url,
        workspace_header: decision.workspace_header,
        failure: decision.failure,
        found,
        remedies,
    };
    outcome.without_secrets()
}
