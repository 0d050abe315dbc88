//! The gates of Flagger's load tester: people open and close them, hooks ask whether they are open. Closed until then.

use serde_json::Value;
use std::collections::BTreeSet;

/// Which gates are open, by what they gate and `NAME.NAMESPACE` of the canary.
#[derive(Clone, Debug, Default)]
pub struct Gates(BTreeSet<(&'static str, String)>);

/// What may be asked of a gate, and of the gate before rollbacks.
const KINDS: [&str; 2] = ["gate", "rollback"];

/// Is that the path of a gate? Then which kind, and what is asked of it.
#[must_use]
pub fn at(path: &str) -> Option<(&'static str, &str)> {
    let mut parts = path.rsplit('/');
    let (verb, kind) = (parts.next()?, parts.next()?);
    let kind = KINDS.into_iter().find(|known| *known == kind)?;
    let known: &[&str] = match kind {
        "gate" => &["approve", "halt", "check", "open", "close"],
        _ => &["check", "open", "close"],
    };
    known.contains(&verb).then_some((kind, verb))
}

impl Gates {
    /// Status of the answer to what [`at`] found; the body names the canary.
    pub fn answer(&mut self, kind: &'static str, verb: &str, body: &[u8]) -> u16 {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let (Some(name), Some(namespace)) = (body["name"].as_str(), body["namespace"].as_str())
        else {
            return 400;
        };
        let gate = (kind, format!("{name}.{namespace}"));
        match verb {
            "approve" => 200,
            "check" if self.0.contains(&gate) => 200,
            "open" => {
                self.0.insert(gate);
                202
            }
            "close" => {
                self.0.remove(&gate);
                202
            }
            _ => 403,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PODINFO: &[u8] = br#"{"name":"podinfo","namespace":"shop"}"#;
    const OTHER: &[u8] = br#"{"name":"other","namespace":"shop"}"#;

    fn asked(gates: &mut Gates, path: &str, body: &[u8]) -> Option<u16> {
        let (kind, verb) = at(path)?;
        Some(gates.answer(kind, verb, body))
    }

    #[test]
    fn a_gate_is_closed_until_it_is_opened_for_that_canary() {
        let mut gates = Gates::default();
        let mut ask = |path: &str, body| asked(&mut gates, path, body);
        assert_eq!(ask("/gate/check", PODINFO), Some(403));
        assert_eq!(ask("/gate/open", PODINFO), Some(202));
        assert_eq!(ask("/gate/check", PODINFO), Some(200));
        assert_eq!(ask("/gate/check", OTHER), Some(403));
        assert_eq!(ask("/rollback/check", PODINFO), Some(403));
        assert_eq!(ask("/rollback/open", PODINFO), Some(202));
        assert_eq!(ask("/gate/close", PODINFO), Some(202));
        assert_eq!(ask("/gate/check", PODINFO), Some(403));
        assert_eq!(ask("/rollback/check", PODINFO), Some(200));
    }

    #[test]
    fn some_gates_are_always_open_and_some_never() {
        let mut gates = Gates::default();
        assert_eq!(asked(&mut gates, "/gate/approve", PODINFO), Some(200));
        assert_eq!(asked(&mut gates, "/gate/halt", PODINFO), Some(403));
        assert_eq!(asked(&mut gates, "/gate/check", b"?"), Some(400));
    }

    #[test]
    fn every_other_path_is_no_gate() {
        for path in ["/", "/gate", "/gate/other", "/rollback/halt", "/check"] {
            assert_eq!(at(path), None, "{path}");
        }
    }
}
