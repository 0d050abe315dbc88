//! Time, asked of one place so that tests and rehearsals bring their own.

use crate::port::Job;
use jiff::Timestamp;
use std::time::Duration;

/// The time of day for people and records, the boot clock for deadlines of locks, and waiting.
pub trait Clock {
    /// Time of day.
    fn now(&self) -> Timestamp;
    /// Time since some fixed moment, counting suspend too (`CLOCK_BOOTTIME`).
    fn boot(&self) -> Duration;
    /// Returns after that long on this clock.
    fn sleep(&self, duration: Duration) -> Job<'_, ()>;
}
