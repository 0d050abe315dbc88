//! Time in the embedded cluster: a fixed base plus tokio's time, which a paused runtime advances by itself.
//!
//! Must not look at the machine's time of day.

use crate::port::Job;
use crate::port::clock::Clock;
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::Instant;

/// 2026-01-05T09:00:00Z, a Monday.
const BASE_SECONDS: i64 = 1_767_603_600;

/// A clock that starts at its base when it is made and runs `speed` times as fast as tokio's.
///
/// In a runtime built with `start_paused(true)` it jumps from one due time to the next; all that waits must then
/// wait on tokio time in that same runtime.
#[derive(Clone, Copy, Debug)]
pub struct SandboxClock {
    base: Timestamp,
    started: Instant,
    speed: f64,
}

impl SandboxClock {
    /// Starts at `base`, now, in the runtime it will be used in; `speed` is virtual seconds a second, at least 0.001.
    #[must_use]
    pub fn new(base: Timestamp, speed: f64) -> Self {
        Self {
            base,
            started: Instant::now(),
            speed: speed.max(0.001),
        }
    }

    /// Starts at 2026-01-05T09:00:00Z.
    #[must_use]
    pub fn at_speed(speed: f64) -> Self {
        Self::new(
            Timestamp::from_second(BASE_SECONDS).unwrap_or(Timestamp::UNIX_EPOCH),
            speed,
        )
    }

    /// Virtual time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        scaled(self.started.elapsed(), self.speed)
    }

    /// Time of day at that virtual time since the start.
    #[must_use]
    pub fn time_at(&self, elapsed: Duration) -> Timestamp {
        self.base.checked_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    /// The tokio instant at which that much virtual time has passed since the start.
    #[must_use]
    pub fn instant_at(&self, elapsed: Duration) -> Instant {
        self.started + scaled(elapsed, 1.0 / self.speed)
    }

    /// How long that much virtual time takes on tokio's clock.
    #[must_use]
    pub fn real(&self, duration: Duration) -> Duration {
        scaled(duration, 1.0 / self.speed)
    }
}

/// Exact at speed 1, where durations must not pick up rounding errors.
fn scaled(duration: Duration, factor: f64) -> Duration {
    if factor == 1.0 {
        return duration;
    }
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

impl Clock for SandboxClock {
    fn now(&self) -> Timestamp {
        self.time_at(self.elapsed())
    }

    fn boot(&self) -> Duration {
        self.elapsed()
    }

    fn sleep(&self, duration: Duration) -> Job<'_, ()> {
        Box::pin(tokio::time::sleep(self.real(duration)))
    }
}

#[cfg(test)]
mod tests {
    use super::SandboxClock;
    use crate::port::clock::Clock as _;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn starts_on_a_fixed_morning_and_follows_tokio_time() {
        let clock = SandboxClock::at_speed(1.0);
        assert_eq!(clock.now().to_string(), "2026-01-05T09:00:00Z");
        clock.sleep(Duration::from_millis(90_250)).await;
        assert_eq!(clock.now().to_string(), "2026-01-05T09:01:30.25Z");
        assert_eq!(clock.boot(), Duration::from_millis(90_250));
    }

    #[tokio::test(start_paused = true)]
    async fn runs_faster_than_tokio_time_by_its_speed() {
        let clock = SandboxClock::at_speed(20.0);
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(clock.boot(), Duration::from_secs(60));
    }
}
