//! Which hosts an issuer may have: public names that lead to public addresses.
//!
//! The name is checked in the parsed URL and the addresses are checked when the name is resolved
//! for the connection itself, so that a name cannot lead elsewhere between check and use.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Refuses a URL that the service would not fetch either, and says why.
pub(crate) fn check_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("it cannot be parsed ({error})"))?;
    if url.scheme() != "https" {
        return Err("it is not https".to_owned());
    }
    if url.port_or_known_default() != Some(443) {
        return Err("its port is not 443".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a user name or password".to_owned());
    }
    let host = url.host_str().unwrap_or_default();
    if host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok() {
        return Err("its host is an address and not a name".to_owned());
    }
    let name = host.trim_end_matches('.');
    let private = ["localhost", "local", "internal", "invalid", "test", "onion", "arpa"];
    match name.rsplit_once('.') {
        Some((_, last)) if !private.contains(&last) => Ok(url),
        _ => Err(format!("its host `{host}` is no public name")),
    }
}

/// Whether an address can belong to a host of the public internet.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = a == 0
        || a == 10
        || a == 127
        || (a == 100 && (64..128).contains(&b))
        || (a == 169 && b == 254)
        || (a == 172 && (16..32).contains(&b))
        || (a == 192 && b == 168)
        || (a == 192 && b == 0 && (c == 0 || c == 2))
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19))
        || (a == 198 && b == 51 && c == 100)
        || (a == 203 && b == 0 && c == 113)
        || a >= 224;
    !special
}

/// Only `2000::/3` is in public use; within it, addresses that carry an IPv4 address inside and
/// those kept for documentation and tests are refused.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let s = address.segments();
    let in_use = s[0] & 0xe000 == 0x2000;
    let special = s[0] == 0x2002
        || (s[0] == 0x2001 && s[1] < 0x0200)
        || (s[0] == 0x2001 && s[1] == 0x0db8)
        || (s[0] == 0x3fff && s[1] < 0x1000);
    in_use && !special
}

/// Looks names up, and refuses a name as soon as one of its addresses is not public.
pub(crate) struct PublicResolver;

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let addresses = only_public(&name, found)?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

impl PublicResolver {
    pub(crate) fn shared() -> Arc<PublicResolver> {
        Arc::new(PublicResolver)
    }
}

fn only_public(name: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, String> {
    match found.iter().find(|address| !is_public(address.ip())) {
        Some(address) => Err(format!("`{name}` leads to {}, which is not a public address", address.ip())),
        None => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: Option<&str>) {
        match (check_url(url), expected) {
            (Ok(_), None) => {}
            (Err(why), Some(words)) => assert!(why.contains(words), "{url}: {why}"),
            (found, _) => panic!("{url}: {found:?}"),
        }
    }

    #[test]
    fn issuers_have_public_names_over_https() {
        check("https://token.actions.githubusercontent.com", None);
        check("https://oidc.eks.eu-west-1.amazonaws.com:443/id/ABC", None);
        check("https://issuer.example.com./", None);
        check("http://issuer.example.com", Some("not https"));
        check("https://issuer.example.com:8443", Some("port"));
        check("https://user@issuer.example.com", Some("user name"));
        check("https://localhost", Some("no public name"));
        check("https://kubernetes.default.svc.cluster.local", Some("no public name"));
        check("https://metadata.google.internal", Some("no public name"));
        check("https://intranet", Some("no public name"));
        check("file:///etc/passwd", Some("not https"));
        check("issuer.example.com", Some("cannot be parsed"));
    }

    #[test]
    fn addresses_in_any_spelling_are_refused() {
        for host in
            ["127.0.0.1", "2130706433", "0x7f.1", "8.8.8.8", "[::1]", "[::ffff:127.0.0.1]", "[2606::1]"]
        {
            check(&format!("https://{host}/"), Some("an address"));
        }
    }

    #[test]
    fn special_addresses_are_not_public() {
        let special = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:a00:1::",
            "3fff::1",
        ];
        for text in special {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in ["8.8.8.8", "100.63.0.1", "100.128.0.1", "172.32.0.1", "198.20.0.1", "2606:4700::1111"] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn one_private_address_among_public_ones_is_enough_to_refuse() {
        let address = |text: &str| SocketAddr::new(text.parse().unwrap(), 0);
        assert!(only_public("a.example", vec![address("8.8.8.8")]).is_ok());
        let why = only_public("a.example", vec![address("8.8.8.8"), address("10.0.0.1")]).unwrap_err();
        assert!(why.contains("10.0.0.1"), "{why}");
    }

    #[tokio::test]
    async fn the_resolver_refuses_this_machine() {
        let found = PublicResolver.resolve("localhost".parse().unwrap()).await;
        assert!(found.is_err());
    }
}
