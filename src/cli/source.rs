//! Reads the specs: from a commit, from rendered files, or from standard input.

use crate::canary::load::Loaded;
use crate::canary::load::load;
use crate::canary::source::SourceFile;
use crate::cli::args::promote::Source;
use crate::cli::error::CliError;
use crate::error::Error;
use crate::git::repository::Repository;
use crate::git::repository::SpecCommit;
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;

/// A canary and where it was read.
pub struct Spec {
    /// The canary and what it names.
    pub loaded: Loaded,
    /// The commit; absent for rendered input.
    pub commit: Option<SpecCommit>,
    /// A folder of the repository that keeps the record.
    pub repo: PathBuf,
    /// Was a file read from the work tree that differs from its commit?
    pub dirty: bool,
}

impl Spec {
    /// The commit for records: its id, marked where the work tree was read, or `-`.
    #[must_use]
    pub fn commit_id(&self) -> String {
        match (&self.commit, self.dirty) {
            (Some(commit), false) => commit.id.clone(),
            (Some(commit), true) => format!("{}-dirty", commit.id),
            (None, _) => "-".to_owned(),
        }
    }
}

/// Reads the canary that is meant and everything it names.
///
/// # Errors
/// It cannot be read, is not there or not valid, or differs from its commit.
pub fn read(source: &Source, name: Option<&str>, namespace: Option<&str>) -> Result<Spec, Error> {
    let repo = source.repo.clone().unwrap_or_else(|| PathBuf::from("."));
    if !source.filename.is_empty() {
        let files = source
            .filename
            .iter()
            .map(|path| rendered(path))
            .collect::<Result<Vec<_>, _>>()?;
        let loaded = load(&files, name, namespace)?;
        return Ok(Spec {
            loaded,
            commit: None,
            repo,
            dirty: false,
        });
    }
    let repository = Repository::open(&repo)?;
    let commit = repository.commit(&source.reference)?;
    let mut files = repository.manifests(&commit, source.path.as_deref())?;
    let paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
    let differing: BTreeSet<String> = repository.dirty(&commit, &paths)?.into_iter().collect();
    if source.allow_dirty {
        for file in files
            .iter_mut()
            .filter(|file| differing.contains(&file.path))
        {
            *file = repository.read_worktree(&file.path)?;
        }
    }
    let loaded = load(&files, name, namespace)?;
    let dirty: Vec<String> = loaded
        .files()
        .filter(|path| differing.contains(*path))
        .map(str::to_owned)
        .collect();
    if !dirty.is_empty() && !source.allow_dirty {
        return Err(CliError::Dirty {
            files: dirty.join(", "),
            commit: commit.short,
        }
        .into());
    }
    Ok(Spec {
        loaded,
        commit: Some(commit),
        repo,
        dirty: !dirty.is_empty(),
    })
}

fn rendered(path: &Path) -> Result<SourceFile, CliError> {
    let unread = |source| CliError::Read {
        path: path.display().to_string(),
        source,
    };
    let text = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(unread)?;
        text
    } else {
        std::fs::read_to_string(path).map_err(unread)?
    };
    Ok(SourceFile {
        path: path.display().to_string(),
        text: text.into(),
    })
}
