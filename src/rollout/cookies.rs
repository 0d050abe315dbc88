//! The cookies of session affinity, by Flagger's names in the status. Unlike Flagger's their values are derived: a
//! driver that takes over in the middle of a move writes the same ones, so that users stay where they are.

use crate::canary::spec::Canary;
use crate::canary::status::CanaryStatus;
use crate::canary::weight::Weight;
use sha2::Digest as _;
use sha2::Sha256;

/// Letters of a value, as many as Flagger's have.
const LETTERS: usize = 10;

/// Which cookies a canary wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affinity {
    cookie: String,
    primary_cookie: Option<String>,
    /// Of the run: another one has other values.
    pub seed: String,
}

impl Affinity {
    /// Those of the spec; the seed is still empty.
    #[must_use]
    pub fn of(canary: &Canary) -> Option<Self> {
        let affinity = canary.analysis.session_affinity.as_ref()?;
        Some(Self {
            cookie: affinity.cookie_name.clone(),
            primary_cookie: affinity.primary_cookie_name.clone(),
            seed: String::new(),
        })
    }

    /// One cookie of that name.
    #[cfg(test)]
    pub(super) fn named(cookie: &str) -> Self {
        Self {
            cookie: cookie.to_owned(),
            primary_cookie: None,
            seed: String::new(),
        }
    }

    /// The cookies that go with a share of the canary: without one, its cookie is taken back from the users.
    pub fn moved(&self, status: &mut CanaryStatus, revision: &str, to: Weight) {
        if to.is_zero() {
            if let Some(old) = status.session_affinity_cookie.take() {
                status.previous_session_affinity_cookie = Some(old);
            }
            return;
        }
        let cookie = |name: &str| format!("{name}={}", self.letters(revision, name));
        status
            .session_affinity_cookie
            .get_or_insert_with(|| cookie(&self.cookie));
        if let Some(name) = &self.primary_cookie {
            status
                .primary_session_affinity_cookie
                .get_or_insert_with(|| cookie(name));
        }
    }

    fn letters(&self, revision: &str, name: &str) -> String {
        // No part contains the separator.
        let hash = Sha256::digest(format!("{}\n{revision}\n{name}", self.seed));
        let letter = |byte: u8| {
            let place = byte % 52;
            char::from(if place < 26 {
                b'a' + place
            } else {
                b'A' + place - 26
            })
        };
        hash.iter()
            .take(LETTERS)
            .map(|byte| letter(*byte))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn affinity(seed: &str) -> Affinity {
        Affinity {
            cookie: "to-canary".to_owned(),
            primary_cookie: Some("to-primary".to_owned()),
            seed: seed.to_owned(),
        }
    }

    fn cookies(affinity: &Affinity, revision: &str) -> CanaryStatus {
        let mut status = CanaryStatus::default();
        affinity.moved(&mut status, revision, Weight::FULL);
        status
    }

    #[test]
    fn a_driver_that_takes_over_gives_users_the_same_cookie() {
        assert_eq!(cookies(&affinity("1"), "v2"), cookies(&affinity("1"), "v2"));
        let other = |seed, revision| cookies(&affinity(seed), revision).session_affinity_cookie;
        assert_ne!(other("1", "v2"), other("1", "v3"));
        assert_ne!(other("1", "v2"), other("2", "v2"));
    }

    #[test]
    fn a_value_is_ten_letters_after_its_name() {
        let cookie = cookies(&affinity("1"), "v2")
            .session_affinity_cookie
            .unwrap();
        let value = cookie.strip_prefix("to-canary=").unwrap();
        assert_eq!(value.len(), 10);
        assert!(value.bytes().all(|byte| byte.is_ascii_alphabetic()));
    }

    #[test]
    fn without_weight_the_canarys_cookie_is_taken_back_and_the_primarys_stays() {
        let affinity = affinity("1");
        let mut status = cookies(&affinity, "v2");
        let before = status.clone();
        affinity.moved(&mut status, "v2", Weight::ZERO);
        assert_eq!(status.session_affinity_cookie, None);
        assert_eq!(
            status.previous_session_affinity_cookie,
            before.session_affinity_cookie
        );
        assert_eq!(
            status.primary_session_affinity_cookie,
            before.primary_session_affinity_cookie
        );
    }

    #[test]
    fn later_steps_keep_the_cookie() {
        let affinity = affinity("1");
        let mut status = cookies(&affinity, "v2");
        let before = status.clone();
        affinity.moved(&mut status, "v3", Weight::FULL);
        assert_eq!(status, before);
    }
}
