//! Asks the driver of a canary for something, wherever it runs, and waits for what it says.
//!
//! Does nothing that is asked itself.

use crate::canary::holder::Holder;
use crate::cli::environment::Environment;
use crate::cli::error::CliError;
use crate::cli::promote::place;
use crate::cli::remote;
use crate::cli::remote::Remote;
use crate::controller::Document;
use crate::controller::RunError;
use crate::error::Error;
use crate::kubernetes::mailbox::Mailbox;
use crate::os;
use crate::port::ask::Ask;
use crate::port::ask::AskVerb;
use crate::port::lease::Lease as _;
use futures::StreamExt as _;
use rand::Rng as _;
use std::time::Duration;

/// A living driver answers within a second; one that renews its lock every ten is given a bit more.
pub const PATIENCE: Duration = Duration::from_secs(12);

/// Who asks, and about which canary.
pub struct Asking<'a> {
    /// The cluster.
    pub remote: Remote,
    /// Its name.
    pub name: &'a str,
    /// Who asks.
    pub by: Holder,
}

impl<'a> Asking<'a> {
    /// Somebody here, who asks there.
    #[must_use]
    pub fn at(remote: Remote, name: &'a str, environment: &Environment) -> Self {
        let now = u64::try_from(remote.clock.now().as_millisecond()).unwrap_or(0);
        let id = ulid::Ulid::from_parts(now, u128::from(rand::rng().next_u64()));
        Self {
            remote,
            name,
            by: Holder {
                run: id.to_string(),
                place: place(environment),
            },
        }
    }

    /// `NAME.NAMESPACE`.
    #[must_use]
    pub fn canary(&self) -> String {
        format!("{}.{}", self.name, self.remote.connection.namespace)
    }

    /// Who holds the lock, for people; `None` where nobody does, or its process is known to be gone.
    ///
    /// # Errors
    /// The lock cannot be read.
    pub async fn holder(&self) -> Result<Option<String>, Error> {
        let lease = self.remote.lease(self.name, self.by.clone());
        let held = lease.observe().await.map_err(RunError::from)?;
        Ok(held.and_then(|held| {
            let theirs = Holder::parse(&held.holder);
            let process = theirs.as_ref().and_then(|theirs| self.by.neighbour(theirs));
            let gone = process.is_some_and(|(pid, started)| os::is_gone(pid, started));
            let short = theirs.map_or(held.holder, |theirs| theirs.short());
            (!gone && !short.is_empty()).then_some(short)
        }))
    }

    /// The run under way, and who drives it.
    ///
    /// # Errors
    /// Nobody drives it, or that cannot be read.
    pub async fn driven(&self) -> Result<(Document, String), Error> {
        let document = self.remote.document(self.name).await?;
        match self.holder().await? {
            Some(holder) if document.is_unfinished() => Ok((document, holder)),
            Some(_) | None => Err(self.idle(&document)),
        }
    }

    /// Leaves the request and waits for the answer: the record that has it, or `None` where none came. It is taken
    /// away again either way.
    ///
    /// # Errors
    /// It cannot be left, or the record cannot be read.
    pub async fn answered(
        &self,
        verb: AskVerb,
        document: &Document,
    ) -> Result<Option<Document>, Error> {
        let namespace = &self.remote.connection.namespace;
        let mailbox = Mailbox::new(self.remote.requests.clone(), namespace, self.name);
        let status = &document.status;
        let ask = Ask {
            id: self.by.run.clone(),
            verb,
            run: document.run.clone(),
            gate: status.gate.clone().filter(|_| verb == AskVerb::Approve),
            revision: (verb == AskVerb::SkipAnalysis).then(|| status.revision.clone()),
            by: self.by.short(),
            at: self.remote.clock.now(),
        };
        mailbox.post(&ask).await?;
        let answer = tokio::time::timeout(PATIENCE, self.answer(&ask)).await;
        let _best_effort = mailbox.withdraw(&ask.id).await;
        answer.ok().transpose()
    }

    async fn answer(&self, ask: &Ask) -> Result<Document, Error> {
        let mut records = self.remote.record(self.name).follow();
        loop {
            let found = records.next().await.and_then(Result::ok).flatten();
            if let Some(record) = found {
                let document = remote::document(&record)?;
                // A run that ended meanwhile has nothing more to answer.
                let over = document.run != ask.run || !document.is_unfinished();
                if document.answers.contains_key(&ask.id) || over {
                    return Ok(document);
                }
            }
        }
    }

    /// Nobody is there who could be asked.
    fn idle(&self, document: &Document) -> Error {
        let weight = document.status.weight();
        let phase = document.status.phase().as_str();
        let why = if document.is_unfinished() {
            format!("its driver is gone, at {phase} and {weight} %")
        } else {
            format!("it is {phase}")
        };
        CliError::Idle {
            canary: self.canary(),
            name: self.name.to_owned(),
            why,
        }
        .into()
    }

    /// Who is there does not answer.
    #[must_use]
    pub fn no_answer(&self, by: String) -> Error {
        CliError::NoAnswer {
            canary: self.canary(),
            by,
            seconds: PATIENCE.as_secs(),
        }
        .into()
    }
}
