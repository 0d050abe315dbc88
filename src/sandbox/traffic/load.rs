//! How many requests there are and how each version answers them, as a scenario file says.

use crate::sandbox::dataplane::Headers;
use crate::sandbox::placed;
use crate::sandbox::traffic::split::Carry;
use serde::Deserialize;
use serde::Deserializer;
use std::collections::BTreeMap;

/// The load on the apex. Numbers are kept in thousandths so that counts are exact.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Load {
    /// Requests per second, open loop.
    #[serde(rename = "rps")]
    pub rate: Thousandths,
    /// Answers with status 500, percent.
    pub error_percent: Percent,
    /// Time of every answer, milliseconds.
    pub latency_ms: u64,
    /// What differs for a version (the tag of the image).
    pub versions: BTreeMap<String, VersionLoad>,
    /// Users whose requests have headers of their own.
    pub groups: Vec<Group>,
    /// How many users there are, each of whom keeps cookies; 0: nobody does, and all are strangers.
    pub cookie_keepers: u16,
}

/// Users whose requests have headers of their own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Group {
    /// Their share of the requests.
    percent: Percent,
    /// By name.
    headers: BTreeMap<String, String>,
}

impl Group {
    /// Thousandths of a percent.
    pub(super) const fn share(&self) -> u64 {
        self.percent.0.0
    }

    /// By lower-case name.
    pub(super) fn headers(&self) -> Headers {
        let headers = self.headers.iter();
        headers
            .map(|(name, value)| (name.to_lowercase(), value.clone()))
            .collect()
    }
}

/// What differs for one version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct VersionLoad {
    /// Answers with status 500, percent.
    pub error_percent: Option<Percent>,
    /// Time of every answer, milliseconds.
    pub latency_ms: Option<u64>,
}

/// A change while requests are running; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LoadChange {
    /// Of that version alone; else of all that have nothing of their own.
    pub version: Option<String>,
    /// Requests per second; of all versions together.
    #[serde(rename = "rps")]
    pub rate: Option<Thousandths>,
    /// Answers with status 500, percent.
    pub error_percent: Option<Percent>,
    /// Time of every answer, milliseconds.
    pub latency_ms: Option<u64>,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            rate: Thousandths(50_000),
            error_percent: Percent(Thousandths(0)),
            latency_ms: 50,
            versions: BTreeMap::new(),
            groups: Vec::new(),
            cookie_keepers: 0,
        }
    }
}

impl Load {
    /// Requests that fall into that many milliseconds.
    pub(super) fn due(&self, carry: &mut Carry, millis: i64) -> u64 {
        let millis = u128::from(millis.unsigned_abs());
        carry.take(u128::from(self.rate.0) * millis, 1_000_000)
    }

    /// How a version answers.
    pub(super) fn of(&self, version: &str) -> Behaviour {
        let own = self.versions.get(version).copied().unwrap_or_default();
        Behaviour {
            errors: own.error_percent.unwrap_or(self.error_percent),
            latency_ms: own.latency_ms.unwrap_or(self.latency_ms),
        }
    }

    pub(super) fn apply(&mut self, change: &LoadChange) {
        if let Some(rate) = change.rate {
            self.rate = rate;
        }
        match &change.version {
            Some(version) => {
                let own = self.versions.entry(version.clone()).or_default();
                own.error_percent = change.error_percent.or(own.error_percent);
                own.latency_ms = change.latency_ms.or(own.latency_ms);
            }
            None => {
                self.error_percent = change.error_percent.unwrap_or(self.error_percent);
                self.latency_ms = change.latency_ms.unwrap_or(self.latency_ms);
            }
        }
    }
}

/// How one version answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Behaviour {
    errors: Percent,
    latency_ms: u64,
}

impl Behaviour {
    /// How many of `n` answers fail.
    pub(super) fn failed(self, carry: &mut Carry, n: u64) -> u64 {
        carry.take(u128::from(self.errors.0.0) * u128::from(n), 100_000)
    }

    pub(super) fn seconds(self) -> f64 {
        self.latency_ms as f64 / 1000.0
    }
}

/// A number of at most three decimals, at least 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Thousandths(u64);

impl<'de> Deserialize<'de> for Thousandths {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        placed::number(deserializer)
    }
}

impl TryFrom<f64> for Thousandths {
    type Error = &'static str;

    fn try_from(number: f64) -> Result<Self, Self::Error> {
        let scaled = number * 1000.0;
        if (0.0..=1e8).contains(&scaled) {
            // Exact in this range but for more than three decimals.
            Ok(Self(scaled.round() as u64))
        } else {
            Err("must be a number from 0 to 100000")
        }
    }
}

/// A share, 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(Thousandths);

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        placed::number(deserializer)
    }
}

impl TryFrom<f64> for Percent {
    type Error = &'static str;

    fn try_from(number: f64) -> Result<Self, Self::Error> {
        match Thousandths::try_from(number) {
            Ok(number) if number.0 <= 100_000 => Ok(Self(number)),
            Ok(_) | Err(_) => Err("must be a percentage from 0 to 100"),
        }
    }
}
