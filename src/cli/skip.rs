//! `promote --skip-analysis`, or with a spec that says `skipAnalysis`, while another driver is at work: that one is
//! told, and its run followed to the end.
//!
//! Drives nothing.

use crate::canary::spec::Canary;
use crate::cli::Streams;
use crate::cli::asking::Asking;
use crate::cli::environment::Environment;
use crate::cli::remote::Remote;
use crate::cli::status::follow;
use crate::cli::status::say;
use crate::error::Error;
use crate::error::ExitCode;
use crate::kubernetes::client::Connection;
use crate::port::ask::AskVerb;
use crate::port::run_record::RunRecord as _;
use crate::rollout::words::Verb;

/// Revisions that may come between a question and its answer.
const TRIES: usize = 3;

/// Asks whoever drives it to look no further; `None` where nobody does, or nobody answers.
///
/// # Errors
/// The cluster cannot be asked.
pub async fn ask_the_driver(
    connection: &Connection,
    canary: &Canary,
    environment: &Environment,
    streams: &mut Streams<'_>,
) -> Result<Option<ExitCode>, Error> {
    let name = canary.name.as_str();
    let remote = Remote::over(Connection {
        namespace: canary.namespace.clone(),
        ..connection.clone()
    });
    for _ in 0..TRIES {
        let asking = Asking::at(remote.clone(), name, environment);
        if remote.record(name).load().await?.is_none() {
            return Ok(None);
        }
        let document = remote.document(name).await?;
        let holder = asking.holder().await?;
        let (Some(holder), true) = (holder, document.is_unfinished()) else {
            return Ok(None);
        };
        let Some(after) = asking.answered(AskVerb::SkipAnalysis, &document).await? else {
            return Ok(None);
        };
        // A newer revision came between: it is that one which is to be promoted.
        if after.is_unfinished() && after.status.skip.is_none() {
            continue;
        }
        let text = format!("{} is driven by {holder}, who was told", asking.canary());
        say(streams, remote.clock.now(), Verb::Start, &text);
        let lease = remote.lease(name, asking.by.clone());
        let ended = follow(&remote, &lease, name, after, streams).await?;
        return Ok(ended.exit_code().map(ExitCode::from_outcome));
    }
    Ok(None)
}
