//! When a failed request is sent again: at most four times, for at most 15 seconds, which is below the time after which
//! a driver that could not renew its Lease must stop.
//!
//! Sends nothing itself.

use crate::port::cluster_error::ClusterError;
use rand::RngExt as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use std::cell::RefCell;
use std::time::Duration;

/// Requests sent at most, the first included.
pub const TRIES: u32 = 4;
/// Neither waits nor `Retry-After` go beyond this, counted from the first request.
pub const TOTAL: Duration = Duration::from_secs(15);
/// First wait, doubled each time.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// Waits vary by this share in both directions.
const JITTER: f64 = 0.2;

/// May the request be sent again when nobody knows whether it was carried out?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Nothing is changed by it.
    Read,
    /// A second one finds out that the first was carried out: it is guarded by a version or a test, or changes nothing.
    GuardedWrite,
    /// A second one could undo what happened in between.
    UnguardedWrite,
}

/// The source of the variation of waits.
pub struct Jitter(RefCell<StdRng>);

impl Jitter {
    /// The same seed gives the same waits.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(RefCell::new(StdRng::seed_from_u64(seed)))
    }

    /// A wait of about that length.
    #[must_use]
    pub fn around(&self, wait: Duration) -> Duration {
        wait.mul_f64(
            self.0
                .borrow_mut()
                .random_range(1.0 - JITTER..=1.0 + JITTER),
        )
    }
}

/// How long to wait before the next try, or `None` to give up. `tries` were made, `elapsed` passed since the first;
/// `retry_after` is what the server asked for.
#[must_use]
pub fn next_wait(
    error: &ClusterError,
    repeat: Repeat,
    tries: u32,
    elapsed: Duration,
    retry_after: Option<Duration>,
    jitter: &Jitter,
) -> Option<Duration> {
    if tries >= TRIES || !error.is_retryable() || !may_repeat(error, repeat) {
        return None;
    }
    let wait = retry_after
        .unwrap_or_else(|| jitter.around(FIRST_WAIT * 2_u32.pow(tries.saturating_sub(1))));
    (elapsed + wait < TOTAL).then_some(wait)
}

fn may_repeat(error: &ClusterError, repeat: Repeat) -> bool {
    // The server says that it did nothing.
    let turned_away = matches!(
        error,
        ClusterError::Other {
            code: Some(429),
            ..
        }
    );
    let timed_out = matches!(error, ClusterError::Timeout { .. });
    match repeat {
        Repeat::Read => true,
        // After a timeout the caller reads again before it decides anything.
        Repeat::GuardedWrite => !timed_out,
        Repeat::UnguardedWrite => turned_away,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16) -> ClusterError {
        ClusterError::Other {
            code: Some(code),
            message: String::new(),
        }
    }

    fn wait(error: &ClusterError, repeat: Repeat, tries: u32) -> Option<Duration> {
        next_wait(error, repeat, tries, Duration::ZERO, None, &Jitter::new(1))
    }

    #[test]
    fn waits_double_and_vary_by_a_fifth() {
        for (tries, about) in [(1, 250), (2, 500), (3, 1000)] {
            let waited = wait(&status(500), Repeat::Read, tries).unwrap().as_millis();
            assert!(
                (about * 8 / 10..=about * 12 / 10).contains(&waited),
                "{waited}"
            );
        }
    }

    #[test]
    fn the_fourth_failure_is_the_last() {
        assert_eq!(wait(&status(500), Repeat::Read, 4), None);
    }

    #[test]
    fn an_unguarded_write_is_repeated_only_if_the_server_did_nothing() {
        assert_eq!(wait(&status(500), Repeat::UnguardedWrite, 1), None);
        assert!(wait(&status(429), Repeat::UnguardedWrite, 1).is_some());
    }

    #[test]
    fn a_write_that_timed_out_is_not_repeated() {
        let timeout = ClusterError::Timeout {
            server: String::new(),
            after_ms: 10_000,
        };
        assert_eq!(wait(&timeout, Repeat::GuardedWrite, 1), None);
        assert!(wait(&timeout, Repeat::Read, 1).is_some());
    }

    #[test]
    fn the_servers_wish_is_honoured_within_the_total() {
        let asked = |seconds| {
            next_wait(
                &status(429),
                Repeat::Read,
                1,
                Duration::from_secs(1),
                Some(Duration::from_secs(seconds)),
                &Jitter::new(1),
            )
        };
        assert_eq!(asked(5), Some(Duration::from_secs(5)));
        assert_eq!(asked(15), None);
    }
}
