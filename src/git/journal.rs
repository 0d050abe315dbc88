//! The status branch: one commit for each transition of a run, each at most once.
//!
//! Builds commits on the branch's tip without a work tree or an index; where the branch lives and how it moves is
//! `git::push`'s.

use crate::git::error::GitError;
use crate::git::layout;
use crate::git::layout::Folder;
use crate::git::message;
use crate::git::message::Author;
use crate::git::push;
use crate::git::push::Target;
use crate::git::recorded;
use crate::git::recorded::RecordedStatus;
use crate::git::refusal::Failure;
use crate::git::remote;
use crate::git::repository::Identity;
use crate::git::repository::Repository;
use crate::git::transport::Network;
use crate::git::transport::environment::GitEnvironment;
use crate::port::Job;
use crate::port::journal::JournalError;
use crate::port::journal::Recorded;
use crate::port::journal::StatusJournal;
use crate::port::journal::Transition;
use git2::Oid;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// The branch that the record goes to by default.
pub const DEFAULT_REFERENCE: &str = "flagger-status";
/// How many commits are searched for one that is known to be there.
const SEARCHED: usize = 5000;

/// Waits that long: the driver's clock, so that rehearsals wait on theirs.
pub type Sleeper = Rc<dyn Fn(Duration) -> Job<'static, ()>>;

/// How a journal is opened.
pub struct JournalOptions {
    /// A folder of the repository.
    pub dir: PathBuf,
    /// The branch, such as [`DEFAULT_REFERENCE`].
    pub reference: String,
    /// Name of the remote it is pushed to, `.` for none. By default the one of the checked-out branch, else `origin`,
    /// else the only one; without any the record stays in this repository.
    pub remote: Option<String>,
    /// The branch the spec comes from, which the record must not go to.
    pub spec_branch: Option<String>,
    /// The cluster's name in the record.
    pub cluster: String,
    /// UID of the cluster's namespace `kube-system`, where it can be read.
    pub cluster_uid: Option<String>,
    /// Namespace of the canary.
    pub namespace: String,
    /// Name of the canary.
    pub name: String,
    /// This machine's name, for commits where Git knows no author.
    pub host: String,
    /// Such as `kubectl-flagger/0.1.0`.
    pub driver: String,
    /// Who started the run, where a CI system says so.
    pub actor: Option<String>,
    /// What the environment says about reaching Git servers.
    pub environment: GitEnvironment,
    /// How to wait before the next try.
    pub sleeper: Sleeper,
}

/// The record of one canary in a Git repository.
pub struct Journal {
    writer: Arc<Writer>,
    sleeper: Sleeper,
}

/// All that one attempt needs; opened repositories are not kept, since they may not be shared between threads.
#[derive(Debug)]
struct Writer {
    gitdir: PathBuf,
    target: Target,
    reference: String,
    folder: Folder,
    author: Author,
    identity: Identity,
    network: Arc<Network>,
}

impl Journal {
    /// Checks that the record can go where it should; writes nothing. Whether the remote takes it shows with the
    /// first transition.
    ///
    /// # Errors
    /// No repository, no such remote, or the branch is in use: it is where the spec comes from, or, without a
    /// remote, it is checked out.
    pub fn open(options: JournalOptions) -> Result<Self, GitError> {
        let repository = Repository::open(&options.dir)?;
        let target = remote::choose(&repository, options.remote.as_deref())?;
        let reference = remote::branch(&options.reference)?;
        let refuse = |why: &str| {
            Err(GitError::RecordRef {
                reference: options.reference.clone(),
                why: String::from(why),
            })
        };
        if options.spec_branch.as_deref() == Some(push::short(&reference).as_str()) {
            return refuse("the spec comes from it");
        }
        if target == Target::Here && push::checked_out(&repository.inner, &reference) {
            return refuse("it is checked out");
        }
        Ok(Self {
            writer: Arc::new(Writer {
                gitdir: repository.inner.path().to_path_buf(),
                identity: repository.identity(&options.host),
                target,
                reference,
                network: Network::new(options.environment),
                folder: Folder::new(&options.cluster, &options.namespace, &options.name),
                author: Author {
                    namespace: options.namespace,
                    name: options.name,
                    driver: options.driver,
                    actor: options.actor,
                    cluster_uid: options.cluster_uid,
                },
            }),
            sleeper: options.sleeper,
        })
    }

    /// The remote that is pushed to, `None` if the record stays in this repository.
    #[must_use]
    pub fn remote(&self) -> Option<&str> {
        match &self.writer.target {
            Target::Here => None,
            Target::Folder { remote, .. } | Target::Server { remote } => Some(remote),
        }
    }

    /// What the branch's tip says about this canary; `None` if nothing was recorded yet.
    ///
    /// # Errors
    /// The remote or the repository cannot be read.
    pub async fn read_status(&self) -> Result<Option<RecordedStatus>, JournalError> {
        self.retrying(0, Writer::read_status).await
    }

    /// Runs `attempt` until nobody else got in between. Here in place, which keeps virtual time exact; towards a
    /// remote on a thread that may block.
    async fn retrying<T: Send + 'static>(
        &self,
        seed: u64,
        attempt: impl Fn(&Writer) -> Result<T, Failure> + Clone + Send + 'static,
    ) -> Result<T, JournalError> {
        let mut attempts = 0;
        loop {
            let result = match &self.writer.target {
                Target::Here => attempt(&self.writer),
                Target::Folder { .. } | Target::Server { .. } => {
                    let writer = Arc::clone(&self.writer);
                    let attempt = attempt.clone();
                    tokio::task::spawn_blocking(move || attempt(&writer))
                        .await
                        .unwrap_or_else(|error| Err(Failure::Final(broken(&error.to_string()))))
                }
            };
            match result {
                Ok(value) => return Ok(value),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Moved(why)) => {
                    attempts += 1;
                    if attempts == push::ATTEMPTS {
                        return Err(broken(&format!(
                            "{} moved or was locked at {attempts} tries in a row: {why}",
                            push::short(&self.writer.reference)
                        )));
                    }
                    (self.sleeper)(push::backoff(attempts - 1, seed)).await;
                }
            }
        }
    }
}

impl StatusJournal for Journal {
    fn record<'a>(
        &'a self,
        transitions: &'a [Transition],
    ) -> Job<'a, Result<Vec<Recorded>, JournalError>> {
        Box::pin(async move {
            let Some(first) = transitions.first() else {
                return Ok(Vec::new());
            };
            let seed = first.run.bytes().fold(first.seq, |seed, byte| {
                seed.wrapping_mul(31).wrapping_add(u64::from(byte))
            });
            let transitions = Arc::<[Transition]>::from(transitions);
            self.retrying(seed, move |writer| writer.record(&transitions))
                .await
        })
    }
}

/// A commit to build upon and what it says.
struct Tip {
    commit: Option<Oid>,
    status: Option<RecordedStatus>,
}

impl Writer {
    fn read_status(&self) -> Result<Option<RecordedStatus>, Failure> {
        let repository = self.open()?;
        let tip = self
            .target
            .tip(&repository, &self.reference, &self.network)?;
        self.status_at(&repository, tip)
    }

    /// One attempt: fetch, build, push.
    fn record(&self, transitions: &[Transition]) -> Result<Vec<Recorded>, Failure> {
        let repository = self.open()?;
        let theirs = self
            .target
            .tip(&repository, &self.reference, &self.network)?;
        let base = self.base(&repository, theirs);
        let mut tip = Tip {
            commit: base,
            status: self.status_at(&repository, base)?,
        };
        let mut answers = Vec::with_capacity(transitions.len());
        for transition in transitions {
            let commit = match self.already(&repository, &tip, transition)? {
                Some(commit) => commit,
                None => {
                    let commit = self.build(&repository, tip.commit, transition)?;
                    tip = Tip {
                        commit: Some(commit),
                        status: self.status_at(&repository, Some(commit))?,
                    };
                    commit
                }
            };
            answers.push(Recorded {
                commit: commit.to_string(),
                reference: push::short(&self.reference),
                path: self.folder.status(),
            });
        }
        if let Some(commit) = tip.commit {
            if tip.commit != theirs {
                self.target
                    .publish(&repository, &self.reference, theirs, commit, &self.network)?;
            }
            if self.target != Target::Here {
                push::follow(&repository, &self.reference, commit);
            }
        }
        Ok(answers)
    }

    fn open(&self) -> Result<git2::Repository, Failure> {
        git2::Repository::open(&self.gitdir).map_err(Failure::from)
    }

    /// Commits that were made here while there was no remote go along with ours.
    fn base(&self, repository: &git2::Repository, theirs: Option<Oid>) -> Option<Oid> {
        let ours = repository.refname_to_id(&self.reference).ok();
        match (theirs, ours) {
            (Some(theirs), Some(ours))
                if repository
                    .graph_descendant_of(ours, theirs)
                    .unwrap_or(false) =>
            {
                Some(ours)
            }
            (None, ours) => ours,
            (theirs, _) => theirs,
        }
    }

    /// The commit of a transition that is recorded already.
    fn already(
        &self,
        repository: &git2::Repository,
        tip: &Tip,
        transition: &Transition,
    ) -> Result<Option<Oid>, Failure> {
        let (Some(commit), Some(status)) = (tip.commit, &tip.status) else {
            return Ok(None);
        };
        let superseded = Failure::Final(JournalError::Superseded {
            theirs: status.epoch,
            ours: transition.epoch,
        });
        let there = if status.run == transition.run {
            status.seq >= transition.seq
        } else {
            // another run wrote since; ours left a summary if it came to its end
            let path = self.folder.run(&transition.run);
            match file(repository, commit, &path)? {
                Some(text) => {
                    recorded::read_run(&text).map_err(|why| unusable(&path, &why))?
                        >= transition.seq
                }
                None => false,
            }
        };
        if !there {
            return if status.epoch > transition.epoch {
                Err(superseded)
            } else {
                Ok(None)
            };
        }
        match find(repository, commit, transition)? {
            // the run was taken over, and its new driver counted on from where we were
            Some((_, epoch)) if epoch > transition.epoch => Err(superseded),
            Some((found, _)) => Ok(Some(found)),
            None if status.epoch > transition.epoch => Err(superseded),
            None => Ok(Some(commit)),
        }
    }

    fn status_at(
        &self,
        repository: &git2::Repository,
        commit: Option<Oid>,
    ) -> Result<Option<RecordedStatus>, Failure> {
        let Some(commit) = commit else {
            return Ok(None);
        };
        let path = self.folder.status();
        file(repository, commit, &path)?
            .map(|text| recorded::read_status(&text).map_err(|why| unusable(&path, &why)))
            .transpose()
    }

    /// One commit on `parent`. Author, time and content decide its id, nothing else.
    fn build(
        &self,
        repository: &git2::Repository,
        parent: Option<Oid>,
        transition: &Transition,
    ) -> Result<Oid, Failure> {
        let parent = parent.map(|id| repository.find_commit(id)).transpose()?;
        let mut update = git2::build::TreeUpdateBuilder::new();
        let mut put = |path: String, text: &str| -> Result<(), Failure> {
            let blob = repository.blob(text.as_bytes())?;
            update.upsert(path, blob, git2::FileMode::Blob);
            Ok(())
        };
        let cannot = |why: String| Failure::Final(JournalError::Broken { why });
        let status = layout::status_file(transition, &self.author).map_err(cannot)?;
        put(self.folder.status(), &status)?;
        if let Some(result) = &transition.result {
            let run = layout::run_file(transition, result, &self.author).map_err(cannot)?;
            put(self.folder.run(&transition.run), &run)?;
        }
        let below = match &parent {
            Some(parent) => parent.tree()?,
            None => {
                put(String::from(layout::README_PATH), layout::README)?;
                repository.find_tree(repository.treebuilder(None)?.write()?)?
            }
        };
        let tree = repository.find_tree(update.create_updated(repository, &below)?)?;
        let time = git2::Time::new(transition.at.as_second(), 0);
        let author = git2::Signature::new(&self.identity.name, &self.identity.email, &time)?;
        let message = message::message(transition, &self.author);
        let parents = parent.iter().collect::<Vec<_>>();
        Ok(repository.commit(None, &author, &author, &message, &tree, &parents)?)
    }
}

/// A file of a commit, `None` if it has none by that path.
fn file(repository: &git2::Repository, commit: Oid, path: &str) -> Result<Option<String>, Failure> {
    let tree = repository.find_commit(commit)?.tree()?;
    let entry = match tree.get_path(path.as_ref()) {
        Ok(entry) => entry,
        Err(error) if error.code() == git2::ErrorCode::NotFound => return Ok(None),
        Err(error) => return Err(Failure::from(error)),
    };
    let blob = repository.find_blob(entry.id())?;
    String::from_utf8(blob.content().to_vec())
        .map(Some)
        .map_err(|_not_utf8| unusable(path, "it is not UTF-8"))
}

/// The commit of a transition and the epoch of the driver that wrote it.
fn find(
    repository: &git2::Repository,
    tip: Oid,
    transition: &Transition,
) -> Result<Option<(Oid, u64)>, Failure> {
    let seq = transition.seq.to_string();
    let mut walk = repository.revwalk()?;
    walk.push(tip)?;
    for id in walk.take(SEARCHED) {
        let id = id?;
        let commit = repository.find_commit(id)?;
        let Ok(message) = commit.message() else {
            continue;
        };
        let is = |key: &str, value: &str| message::trailer(message, key) == Some(value);
        if is("Flagger-Run", &transition.run) && is("Flagger-Seq", &seq) {
            let epoch = message::trailer(message, "Flagger-Epoch")
                .and_then(|epoch| epoch.parse().ok())
                .unwrap_or(transition.epoch);
            return Ok(Some((id, epoch)));
        }
    }
    Ok(None)
}

fn broken(why: &str) -> JournalError {
    JournalError::Broken {
        why: String::from(why),
    }
}

/// A file of ours that somebody else changed. Overwriting it would forget the epoch that fences drivers.
fn unusable(path: &str, why: &str) -> Failure {
    Failure::Final(broken(&format!(
        "{path} at the tip cannot be read: {why}; put it right or delete it there"
    )))
}

#[cfg(test)]
mod tests;
