//! The state machine: *(plan, status, observation, check results)* to a [`decision::Decision`]. It cannot wait, read
//! or write.
//!
//! ```text
//!  New ─▶ Initializing ─▶ Initialized ─┐                 ┌──────────┴─────────▶ Failed
//!                                      ├─▶ [Waiting] ─▶ Progressing ─▶ [WaitingPromotion] ─▶ Promoting ─▶ Finalising ─▶ Succeeded
//!                  Succeeded, Failed ──┘                 ▲ │ new revision: weight 0, again
//!                                                        └─┘
//! ```
//!
//! 1. [`status::Status`] is the only memory. Given the same four arguments, [`step::step`] returns the same decision,
//!    today or in a replay.
//! 2. The router beats the record: a weight that differs from ours was moved by someone else, and is answered.
//! 3. Effects are idempotent and ordered. The first failure ends the interval; status is recorded only after all
//!    succeeded, so after a crash the next step derives the same decision and finishes the work.
//! 4. A bad metric or an unready pod is data ([`decision::CheckResult`]), never an error. `step` cannot fail.
//! 5. No catch-all arm over our enums: a new variant must be thought about everywhere.
//! 6. Time is a field, not a call.
//! 7. Every change of weight or phase is in the decision's events with *from* and *to*; no other code announces it.
//! 8. Which side may have the users depends on the phase; one function decides it: [`safe_side::safe_side`].

#![deny(clippy::wildcard_enum_match_arm)]

pub mod analysis;
pub mod conditions;
pub mod cookies;
pub mod decision;
pub mod event;
pub mod notice;
pub mod observation;
pub mod plan;
pub mod readiness;
pub mod release;
pub mod safe_side;
pub mod status;
pub mod step;
pub mod weights;
pub mod words;
