//! The machine's clocks. The only module that asks for the time.

use crate::os::boot_time;
use crate::port::Job;
use crate::port::clock::Clock;
use jiff::Timestamp;
use std::time::Duration;

/// Real time.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "everybody else asks the time of this clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn boot(&self) -> Duration {
        boot_time()
    }

    fn sleep(&self, duration: Duration) -> Job<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_day_is_after_this_was_written() {
        assert!(SystemClock.now() > Timestamp::UNIX_EPOCH);
        assert!(SystemClock.boot() > Duration::ZERO);
    }
}
