//! Which proxy an address is reached through, by the rules of Go's HTTP client, which kubectl follows:
//! `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.
//!
//! Asks nobody: names are compared, never resolved.

use std::net::IpAddr;

/// The proxy variables as they were found in the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxySettings {
    /// `HTTPS_PROXY`, else `https_proxy`.
    pub https: Option<String>,
    /// `HTTP_PROXY`, else `http_proxy`.
    pub http: Option<String>,
    /// `NO_PROXY`, else `no_proxy`: names, addresses and networks, separated by commas.
    pub no_proxy: Option<String>,
}

impl ProxySettings {
    /// URL of the proxy for that scheme, host (an IPv6 address without brackets) and port.
    #[must_use]
    pub fn for_address(&self, scheme: &str, host: &str, port: u16) -> Option<String> {
        let proxy = match scheme {
            "https" => self.https.as_deref(),
            _ => self.http.as_deref(),
        }?;
        if proxy.is_empty() || self.is_exempt(host, port) {
            return None;
        }
        Some(if proxy.contains("://") {
            proxy.to_owned()
        } else {
            format!("http://{proxy}")
        })
    }

    /// Is the address reached without a proxy, whatever proxy there is?
    #[must_use]
    pub fn is_exempt(&self, host: &str, port: u16) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let address: Option<IpAddr> = host.parse().ok();
        if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
            return true;
        }
        self.no_proxy
            .as_deref()
            .unwrap_or_default()
            .split(',')
            .map(|entry| entry.trim().to_ascii_lowercase())
            .any(|entry| matches(&entry, &host, address, port))
    }
}

fn matches(entry: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    if entry.is_empty() {
        return false;
    }
    if entry == "*" {
        return true;
    }
    if let Some((network, bits)) = entry.split_once('/') {
        return match (network.parse(), bits.parse(), address) {
            (Ok(network), Ok(bits), Some(address)) => contains(network, bits, address),
            _ => false,
        };
    }
    let (name, wanted) = split_port(entry);
    if wanted.is_some_and(|wanted| wanted != port) {
        return false;
    }
    if let Ok(listed) = name.parse::<IpAddr>() {
        return address == Some(listed);
    }
    let name = name.strip_prefix('*').unwrap_or(name);
    match name.strip_prefix('.') {
        Some(parent) => host
            .strip_suffix(parent)
            .is_some_and(|left| left.ends_with('.')),
        None => {
            host == name
                || host
                    .strip_suffix(name)
                    .is_some_and(|left| left.ends_with('.'))
        }
    }
}

fn split_port(entry: &str) -> (&str, Option<u16>) {
    if let Some(bracketed) = entry.strip_prefix('[') {
        return match bracketed.split_once(']') {
            Some((name, port)) => (name, port.strip_prefix(':').and_then(|p| p.parse().ok())),
            None => (bracketed, None),
        };
    }
    match entry.rsplit_once(':') {
        // More colons are an IPv6 address.
        Some((name, port)) if !name.contains(':') => (name, port.parse().ok()),
        _ => (entry, None),
    }
}

/// Is the address in the network with that many leading bits?
#[must_use]
pub fn contains(network: IpAddr, bits: u32, address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            bits <= 32 && {
                let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            bits <= 128 && {
                let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxied(no_proxy: &str) -> ProxySettings {
        ProxySettings {
            https: Some("http://proxy:3128".to_owned()),
            http: None,
            no_proxy: Some(no_proxy.to_owned()),
        }
    }

    #[test]
    fn an_exemption_is_compared_with_the_target_not_with_the_proxy() {
        assert_eq!(
            proxied("10.0.0.0/8").for_address("https", "10.1.2.3", 6443),
            None
        );
        assert!(
            proxied("proxy")
                .for_address("https", "10.1.2.3", 6443)
                .is_some()
        );
    }

    #[test]
    fn a_trailing_comma_is_harmless() {
        assert!(proxied("a.example,").is_exempt("a.example", 443));
        assert!(!proxied("a.example,").is_exempt("b.example", 443));
    }

    #[test]
    fn a_name_covers_its_subdomains() {
        let settings = proxied("example.com");
        assert!(settings.is_exempt("example.com", 443));
        assert!(settings.is_exempt("api.Example.com", 443));
        assert!(!settings.is_exempt("badexample.com", 443));
    }

    #[test]
    fn a_leading_dot_or_star_covers_subdomains_only() {
        for entry in [".example.com", "*.example.com"] {
            assert!(proxied(entry).is_exempt("api.example.com", 443));
            assert!(!proxied(entry).is_exempt("example.com", 443));
        }
    }

    #[test]
    fn a_port_must_fit() {
        assert!(proxied("example.com:6443").is_exempt("example.com", 6443));
        assert!(!proxied("example.com:6443").is_exempt("example.com", 443));
    }

    #[test]
    fn addresses_and_networks_of_version_6_are_understood() {
        assert!(proxied("fd00::/8").is_exempt("fd12::1", 6443));
        assert!(proxied("[::2]:6443").is_exempt("::2", 6443));
        assert!(!proxied("::2").is_exempt("::3", 6443));
    }

    #[test]
    fn a_star_exempts_everything() {
        assert!(proxied("*").is_exempt("anything", 1));
    }

    #[test]
    fn loopback_is_never_proxied() {
        assert!(proxied("").is_exempt("127.0.0.1", 8080));
        assert!(proxied("").is_exempt("localhost", 8080));
        assert!(proxied("").is_exempt("::1", 8080));
    }

    #[test]
    fn a_plain_address_has_its_own_proxy() {
        assert_eq!(proxied("").for_address("http", "example.com", 80), None);
    }

    #[test]
    fn a_proxy_without_scheme_is_an_http_proxy() {
        let settings = ProxySettings {
            https: Some("proxy:3128".to_owned()),
            ..ProxySettings::default()
        };
        assert_eq!(
            settings.for_address("https", "example.com", 443).as_deref(),
            Some("http://proxy:3128")
        );
    }
}
