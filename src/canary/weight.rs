//! Shares of the traffic. Percent everywhere; providers convert from and to their own scale.

use serde::Deserialize;
use serde::Serialize;
use std::fmt;

/// A share of the requests, 0 to 100 percent.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Weight(u8);

impl Weight {
    /// No traffic.
    pub const ZERO: Self = Self(0);
    /// All traffic.
    pub const FULL: Self = Self(100);

    /// `None` above 100.
    #[must_use]
    pub const fn new(percent: u8) -> Option<Self> {
        if percent <= 100 {
            Some(Self(percent))
        } else {
            None
        }
    }

    /// The nearest weight to any number.
    #[must_use]
    pub fn saturating(percent: i64) -> Self {
        Self(u8::try_from(percent.clamp(0, 100)).unwrap_or(100))
    }

    /// Percent, 0 to 100.
    #[must_use]
    pub const fn percent(self) -> u8 {
        self.0
    }

    /// What is left of 100.
    #[must_use]
    pub const fn rest(self) -> Self {
        Self(100 - self.0)
    }

    /// Is it nothing?
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How the traffic is divided. Both sides always sum to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Routes {
    /// Share of the canary, percent.
    pub canary: Weight,
    /// Is a copy of the traffic sent to the canary?
    #[serde(default)]
    pub mirrored: bool,
}

impl Routes {
    /// Everything on the primary, nothing mirrored.
    pub const PRIMARY: Self = Self {
        canary: Weight::ZERO,
        mirrored: false,
    };
    /// Everything on the canary.
    pub const CANARY: Self = Self {
        canary: Weight::FULL,
        mirrored: false,
    };

    /// That share on the canary, the rest on the primary.
    #[must_use]
    pub const fn split(canary: Weight) -> Self {
        Self {
            canary,
            mirrored: false,
        }
    }

    /// Share of the primary, percent.
    #[must_use]
    pub const fn primary(&self) -> Weight {
        self.canary.rest()
    }
}

/// Does the data plane use the route as it is written?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Yes.
    InEffect,
    /// Not yet.
    Pending(String),
    /// The router has no way to tell.
    Unknown,
}
