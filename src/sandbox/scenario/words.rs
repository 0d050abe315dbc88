//! The words of a scenario: what is done from outside, and what is waited for. The same words as in recordings of
//! Flagger, so that both drive the same world.

use crate::canary::phase::Phase;
use crate::canary::weight::Weight;
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde::de::value::Error as ValueError;
use std::str::FromStr;
use std::time::Duration;

/// Something done from outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// `upgrade`: the target's image to the next version.
    Upgrade,
    /// `downgrade`: the target's image back to the first.
    Downgrade,
    /// `break`: the next version, whose pods never become ready.
    Break,
    /// `upgrade9`: to patch version 9, whose pods never become ready in the primary.
    UpgradeToNine,
    /// `image=IMAGE`: the target's image to that one.
    Image(String),
    /// `config`: another colour in the ConfigMap.
    Config,
    /// `secret`: another token in the Secret.
    Secret,
    /// `success=V|none`: the success rate answers V percent, or has no samples.
    Success(Option<f64>),
    /// `duration=V|none`: the request duration answers V.
    Duration(Option<f64>),
    /// `custom=V|none`: the metric template answers V.
    Custom(Option<f64>),
    /// `gate=C` and `hook:NAME=C`: the hook of that name answers status C.
    Hook {
        /// The name in the canary.
        name: String,
        /// HTTP status.
        status: u16,
    },
    /// `suspend`: `spec.suspend` is set.
    Suspend,
    /// `resume`: `spec.suspend` is unset.
    Resume,
    /// `skip`: the rest of the analysis is skipped.
    Skip,
    /// `delete`: the canary is given up.
    Delete,
}

impl Change {
    /// Does it change what the target asks for?
    #[must_use]
    pub const fn begins_rollout(&self) -> bool {
        match self {
            Self::Upgrade
            | Self::Downgrade
            | Self::Break
            | Self::UpgradeToNine
            | Self::Image(_)
            | Self::Config
            | Self::Secret => true,
            Self::Success(_)
            | Self::Duration(_)
            | Self::Custom(_)
            | Self::Hook { .. }
            | Self::Suspend
            | Self::Resume
            | Self::Skip
            | Self::Delete => false,
        }
    }
}

/// Something waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// `weight>=N`: the canary has at least that share.
    Weight(Weight),
    /// `phase=P`: the canary is in that phase.
    Phase(Phase),
    /// `wait=S`: that much time has passed.
    Time(Duration),
    /// `end`: the rollout has succeeded or failed.
    End,
    /// `gone`: the canary has been given up.
    Gone,
}

/// One word of a script.
#[derive(Clone, Debug, PartialEq)]
pub enum Word {
    /// Do it.
    Act(Change),
    /// Go on only then.
    Wait(Wait),
}

const CHANGES: &str = "upgrade, downgrade, break, upgrade9, image=IMAGE, config, secret, success=V, duration=V, \
                       custom=V, gate=STATUS, hook:NAME=STATUS, suspend, resume, skip, delete";

impl FromStr for Change {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let Some((key, value)) = word.split_once('=') else {
            return match word {
                "upgrade" => Ok(Self::Upgrade),
                "downgrade" => Ok(Self::Downgrade),
                "break" => Ok(Self::Break),
                "upgrade9" => Ok(Self::UpgradeToNine),
                "config" => Ok(Self::Config),
                "secret" => Ok(Self::Secret),
                "suspend" => Ok(Self::Suspend),
                "resume" => Ok(Self::Resume),
                "skip" => Ok(Self::Skip),
                "delete" => Ok(Self::Delete),
                _ => Err(format!("unknown word `{word}`; known are {CHANGES}")),
            };
        };
        match key {
            "image" if !value.is_empty() => Ok(Self::Image(value.to_owned())),
            "success" => Ok(Self::Success(number(value)?)),
            "duration" => Ok(Self::Duration(number(value)?)),
            "custom" => Ok(Self::Custom(number(value)?)),
            "gate" => Ok(Self::Hook {
                name: "gate".to_owned(),
                status: status(value)?,
            }),
            _ => match key.strip_prefix("hook:") {
                Some(name) if !name.is_empty() => Ok(Self::Hook {
                    name: name.to_owned(),
                    status: status(value)?,
                }),
                Some(_) | None => Err(format!("unknown word `{word}`; known are {CHANGES}")),
            },
        }
    }
}

impl FromStr for Word {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        if let Some(wait) = condition(word)? {
            return Ok(Self::Wait(wait));
        }
        match word {
            "end" => Ok(Self::Wait(Wait::End)),
            "gone" => Ok(Self::Wait(Wait::Gone)),
            _ => match word.strip_prefix("wait=") {
                Some(seconds) => match seconds.parse() {
                    Ok(seconds) => Ok(Self::Wait(Wait::Time(Duration::from_secs(seconds)))),
                    Err(_) => Err(format!("`{seconds}` is not a number of seconds")),
                },
                None => word.parse().map(Self::Act),
            },
        }
    }
}

/// `weight>=N` or `phase=P`; `None` when it is neither.
pub(super) fn condition(word: &str) -> Result<Option<Wait>, String> {
    if let Some(percent) = word.strip_prefix("weight>=") {
        let weight = percent.parse().ok().and_then(Weight::new);
        return match weight {
            Some(weight) => Ok(Some(Wait::Weight(weight))),
            None => Err(format!("`{percent}` is not a weight from 0 to 100")),
        };
    }
    let Some(name) = word.strip_prefix("phase=") else {
        return Ok(None);
    };
    match Phase::deserialize(name.into_deserializer()).map_err(|_: ValueError| ()) {
        Ok(Phase::New) | Err(()) => Err(format!("`{name}` is not a phase of a canary")),
        Ok(phase) => Ok(Some(Wait::Phase(phase))),
    }
}

fn number(text: &str) -> Result<Option<f64>, String> {
    match text {
        "none" => Ok(None),
        _ => text
            .parse()
            .map(Some)
            .map_err(|_| format!("`{text}` is neither a number nor `none`")),
    }
}

fn status(text: &str) -> Result<u16, String> {
    text.parse()
        .ok()
        .filter(|status| (100..600).contains(status))
        .ok_or_else(|| format!("`{text}` is not an HTTP status"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_recordings_is_read() {
        let known = [
            ("upgrade", Word::Act(Change::Upgrade)),
            ("downgrade", Word::Act(Change::Downgrade)),
            ("break", Word::Act(Change::Break)),
            ("upgrade9", Word::Act(Change::UpgradeToNine)),
            ("config", Word::Act(Change::Config)),
            ("secret", Word::Act(Change::Secret)),
            (
                "image=podinfo:6.0.1",
                Word::Act(Change::Image("podinfo:6.0.1".to_owned())),
            ),
            ("success=90", Word::Act(Change::Success(Some(90.0)))),
            ("success=none", Word::Act(Change::Success(None))),
            ("duration=0.7", Word::Act(Change::Duration(Some(0.7)))),
            ("custom=3", Word::Act(Change::Custom(Some(3.0)))),
            (
                "gate=403",
                Word::Act(Change::Hook {
                    name: "gate".to_owned(),
                    status: 403,
                }),
            ),
            (
                "hook:pre=500",
                Word::Act(Change::Hook {
                    name: "pre".to_owned(),
                    status: 500,
                }),
            ),
            ("suspend", Word::Act(Change::Suspend)),
            ("resume", Word::Act(Change::Resume)),
            ("skip", Word::Act(Change::Skip)),
            ("delete", Word::Act(Change::Delete)),
            (
                "weight>=20",
                Word::Wait(Wait::Weight(Weight::saturating(20))),
            ),
            (
                "phase=WaitingPromotion",
                Word::Wait(Wait::Phase(Phase::WaitingPromotion)),
            ),
            ("wait=21", Word::Wait(Wait::Time(Duration::from_secs(21)))),
            ("end", Word::Wait(Wait::End)),
            ("gone", Word::Wait(Wait::Gone)),
        ];
        for (text, word) in known {
            assert_eq!(text.parse(), Ok(word), "{text}");
        }
    }

    #[test]
    fn a_word_that_does_not_exist_is_refused_with_its_reason() {
        for (text, reason) in [
            ("upgrad", "unknown word"),
            ("image=", "unknown word"),
            ("hook:=200", "unknown word"),
            ("weight>=101", "not a weight"),
            ("phase=progressing", "not a phase"),
            ("phase=", "not a phase"),
            ("success=high", "neither a number nor `none`"),
            ("gate=open", "not an HTTP status"),
            ("wait=1m", "not a number of seconds"),
        ] {
            let why = text.parse::<Word>().unwrap_err();
            assert!(why.contains(reason), "{text}: {why}");
        }
    }
}
