//! A call of a webhook, and its answer, as values.
//!
//! Must not know how a call travels, and decides nothing about answers.

use crate::canary::phase::Phase;
use crate::canary::webhook::Webhook;
use serde::Serialize;
use sha2::Digest as _;
use sha2::Sha256;
use std::collections::BTreeMap;
use std::time::Duration;

/// Longest text of an answer that is kept, bytes.
pub const TEXT_LIMIT: usize = 1024;

/// A hook to call now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookCall {
    /// Its place in `analysis.webhooks`.
    pub hook: usize,
    /// The phase it is told.
    pub phase: Phase,
    /// What is being rolled out, as [`checksum`] says.
    pub checksum: String,
    /// `RUN/SEQ/OCCURRENCE`: equal for all attempts of one call, and for its repeat after a crash.
    pub key: String,
}

/// What came of a call. No answer is an answer that did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookAnswer {
    /// Did it say yes?
    pub passed: bool,
    /// The status of the last attempt; absent where nothing came back.
    pub status: Option<u16>,
    /// What it said, or why nothing came back; at most [`TEXT_LIMIT`] bytes.
    pub text: String,
    /// With all attempts and the time between them.
    pub took: Duration,
}

/// Flagger's payload: its fields in its order.
#[derive(Serialize)]
struct Payload<'a> {
    name: &'a str,
    namespace: &'a str,
    phase: Phase,
    checksum: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<&'a str, &'a str>,
}

/// What a hook is told of an event, beside its own metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The line for people.
    pub message: String,
    /// Did something go wrong?
    pub warning: bool,
    /// Unix time, milliseconds.
    pub at_ms: i64,
}

/// What is posted to a hook of the canary `namespace`/`name`.
#[must_use]
pub fn payload(
    (namespace, name): (&str, &str),
    hook: &Webhook,
    (phase, checksum): (Phase, &str),
) -> Vec<u8> {
    body(&Payload {
        name,
        namespace,
        phase,
        checksum,
        metadata: own(hook.metadata.as_ref()),
    })
}

/// What is posted to an `event` hook. Keys of the hook's own metadata never hide what happened.
#[must_use]
pub fn event_payload(
    (namespace, name): (&str, &str),
    metadata: Option<&BTreeMap<String, String>>,
    (phase, checksum): (Phase, &str),
    told: &Told,
) -> Vec<u8> {
    let at = told.at_ms.to_string();
    let mut metadata = own(metadata);
    metadata.insert("eventMessage", &told.message);
    metadata.insert("eventType", if told.warning { "Warning" } else { "Normal" });
    metadata.insert("timestamp", &at);
    body(&Payload {
        name,
        namespace,
        phase,
        checksum,
        metadata,
    })
}

fn own(metadata: Option<&BTreeMap<String, String>>) -> BTreeMap<&str, &str> {
    metadata
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect()
}

fn body(payload: &Payload<'_>) -> Vec<u8> {
    // Strings in a map cannot fail.
    serde_json::to_vec(payload).unwrap_or_default()
}

/// Names what is being rolled out: another revision or other configs have another one. Not comparable with Flagger's,
/// whose hash depends on how Go prints its types.
#[must_use]
pub fn checksum(tracked_configs: Option<&BTreeMap<String, String>>, revision: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(revision);
    for (config, sum) in tracked_configs.into_iter().flatten() {
        // No name contains the separators.
        hash.update(format!("\n{config}={sum}"));
    }
    hash.finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::webhook::HookType;

    const PODINFO: (&str, &str) = ("shop", "podinfo");

    fn hook(metadata: &[(&str, &str)]) -> Webhook {
        Webhook {
            kind: HookType::Rollout,
            name: "load-test".to_owned(),
            url: "http://loadtester.test/".to_owned(),
            timeout: None,
            retries: 0,
            metadata: Some(
                metadata
                    .iter()
                    .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                    .collect(),
            ),
            mute_alert: false,
            disable_tls: false,
        }
    }

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_hook_is_told_what_flagger_tells_it() {
        let body = payload(
            PODINFO,
            &hook(&[("cmd", "hey http://podinfo-canary.shop/")]),
            (Phase::Progressing, "77ab"),
        );
        assert_eq!(
            text(body),
            r#"{"name":"podinfo","namespace":"shop","phase":"Progressing","checksum":"77ab","metadata":{"cmd":"hey http://podinfo-canary.shop/"}}"#
        );
    }

    #[test]
    fn a_hook_without_metadata_gets_no_such_field() {
        let expected =
            r#"{"name":"podinfo","namespace":"shop","phase":"Succeeded","checksum":"77ab"}"#;
        let state = (Phase::Succeeded, "77ab");
        assert_eq!(text(payload(PODINFO, &hook(&[]), state)), expected);
        let mut without = hook(&[]);
        without.metadata = None;
        assert_eq!(text(payload(PODINFO, &without, state)), expected);
    }

    #[test]
    fn metadata_of_a_hook_never_hides_what_happened() {
        let told = Told {
            message: "20 -> 30".to_owned(),
            warning: false,
            at_ms: 1_700_000_000_123,
        };
        let own = hook(&[("team", "shop"), ("eventType", "forged")]);
        let body = event_payload(
            PODINFO,
            own.metadata.as_ref(),
            (Phase::Progressing, "77ab"),
            &told,
        );
        let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            value["metadata"],
            serde_json::json!({
                "eventMessage": "20 -> 30", "eventType": "Normal", "team": "shop", "timestamp": "1700000000123",
            })
        );
    }

    #[test]
    fn the_checksum_changes_with_the_revision_and_with_each_config() {
        let configs = |sum: &str| BTreeMap::from([("configmap/a".to_owned(), sum.to_owned())]);
        let sums = [
            checksum(None, "r1"),
            checksum(None, "r2"),
            checksum(Some(&configs("1")), "r1"),
            checksum(Some(&configs("2")), "r1"),
        ];
        let different: std::collections::BTreeSet<&String> = sums.iter().collect();
        assert_eq!(different.len(), sums.len());
        assert_eq!(sums[0], checksum(Some(&BTreeMap::new()), "r1"));
    }
}
