//! Metrics whose values a script sets, for worlds without traffic: the caller says which metric was asked.

use crate::sandbox::prometheus;
use crate::sandbox::scenario::words::Change;
use jiff::Timestamp;

/// Which metric an expression asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// `request-success-rate`.
    Success,
    /// `request-duration`.
    Duration,
    /// A metric template.
    Custom,
}

/// The values from now on; `None` means that there are no samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScriptedMetrics {
    /// Percent.
    pub success: Option<f64>,
    /// In the unit of the provider's expression.
    pub duration: Option<f64>,
    /// Of every metric template.
    pub custom: Option<f64>,
}

impl Default for ScriptedMetrics {
    fn default() -> Self {
        Self {
            success: Some(99.5),
            duration: Some(0.05),
            custom: Some(1.0),
        }
    }
}

impl ScriptedMetrics {
    /// Takes a word over if it is about metrics; says whether it was.
    pub fn set(&mut self, change: &Change) -> bool {
        match change {
            Change::Success(value) => self.success = *value,
            Change::Duration(value) => self.duration = *value,
            Change::Custom(value) => self.custom = *value,
            Change::Upgrade
            | Change::Downgrade
            | Change::Break
            | Change::UpgradeToNine
            | Change::Image(_)
            | Change::Config
            | Change::Secret
            | Change::Hook { .. }
            | Change::Suspend
            | Change::Resume
            | Change::Skip
            | Change::Delete => return false,
        }
        true
    }

    /// The value now.
    #[must_use]
    pub const fn value(&self, asked: Asked) -> Option<f64> {
        match asked {
            Asked::Success => self.success,
            Asked::Duration => self.duration,
            Asked::Custom => self.custom,
        }
    }

    /// Status and body of Prometheus' answer.
    #[must_use]
    pub fn answer(&self, asked: Asked, now: Timestamp) -> (u16, String) {
        prometheus::answer_with(self.value(asked), now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_about_metrics_set_their_values() {
        let mut metrics = ScriptedMetrics::default();
        assert!(metrics.set(&Change::Success(None)));
        assert!(metrics.set(&Change::Custom(Some(3.0))));
        assert!(!metrics.set(&Change::Upgrade));
        assert_eq!(metrics.value(Asked::Success), None);
        assert_eq!(metrics.value(Asked::Duration), Some(0.05));
        assert_eq!(metrics.value(Asked::Custom), Some(3.0));
    }

    #[test]
    fn no_samples_are_an_empty_vector() {
        let metrics = ScriptedMetrics {
            success: None,
            ..ScriptedMetrics::default()
        };
        let (status, body) = metrics.answer(Asked::Success, Timestamp::UNIX_EPOCH);
        assert_eq!(status, 200);
        assert!(body.contains(r#""result":[]"#), "{body}");
    }
}
