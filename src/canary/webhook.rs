//! `spec.analysis.webhooks`.

use crate::canary::name::Word;
use crate::canary::reader::At;
use std::collections::BTreeMap;
use std::time::Duration;

/// A hook that is called at its moment of a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// When it is called.
    pub kind: HookType,
    /// Used in messages.
    pub name: String,
    /// Where it is posted to; `http` or `https`.
    pub url: String,
    /// Limit of one attempt, where given.
    pub timeout: Option<Duration>,
    /// Attempts after the first.
    pub retries: u32,
    /// Sent along; `None` differs from empty in the payload.
    pub metadata: Option<BTreeMap<String, String>>,
    /// Are alerts about waiting for it suppressed?
    pub mute_alert: bool,
    /// Is its certificate not verified?
    pub disable_tls: bool,
}

/// When a hook is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HookType {
    /// Before anything starts: a gate.
    ConfirmRollout,
    /// Before the first weight.
    PreRollout,
    /// At every check; the default.
    Rollout,
    /// Before each increase: a gate.
    ConfirmTrafficIncrease,
    /// Before the promotion: a gate.
    ConfirmPromotion,
    /// After the end.
    PostRollout,
    /// Asked whether to roll back.
    Rollback,
    /// Told of every event.
    Event,
}

impl Word for HookType {
    const ALL: &'static [Self] = &[
        Self::ConfirmRollout,
        Self::PreRollout,
        Self::Rollout,
        Self::ConfirmTrafficIncrease,
        Self::ConfirmPromotion,
        Self::PostRollout,
        Self::Rollback,
        Self::Event,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::ConfirmRollout => "confirm-rollout",
            Self::PreRollout => "pre-rollout",
            Self::Rollout => "rollout",
            Self::ConfirmTrafficIncrease => "confirm-traffic-increase",
            Self::ConfirmPromotion => "confirm-promotion",
            Self::PostRollout => "post-rollout",
            Self::Rollback => "rollback",
            Self::Event => "event",
        }
    }
}

impl Webhook {
    /// Limit of one attempt: 10 s where the spec has none.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
            .filter(|timeout| !timeout.is_zero())
            .unwrap_or(Duration::from_secs(10))
    }

    pub(super) fn read(at: At<'_>) -> Option<Self> {
        let mut fields = at.fields()?;
        let name = fields.required("name", At::some_text);
        let url = fields.required("url", url);
        let kind = fields
            .optional("type", At::word_or_empty)
            .unwrap_or(HookType::Rollout);
        let timeout = fields.optional("timeout", At::duration);
        let retries = fields.optional("retries", At::count).unwrap_or(0);
        let metadata = fields.optional("metadata", At::text_map);
        let mute_alert = fields.optional("muteAlert", At::flag).unwrap_or(false);
        let disable_tls = fields.optional("disableTLS", At::flag).unwrap_or(false);
        fields.close();
        Some(Self {
            kind,
            name: name?,
            url: url?,
            timeout,
            retries,
            metadata,
            mute_alert,
            disable_tls,
        })
    }
}

fn url(at: At<'_>) -> Option<String> {
    let text = at.clone().text()?;
    let host = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"))
        .map(|rest| rest.split(['/', '?', '#']).next().unwrap_or(""));
    match host {
        Some(host) if !host.is_empty() && !text.contains(char::is_whitespace) => Some(text),
        Some(_) | None => {
            at.refuse(
                "no address",
                "is not an http or https address",
                "such as http://loadtester.test/gate/check",
            );
            None
        }
    }
}
