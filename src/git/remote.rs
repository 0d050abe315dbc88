//! Which remote and which branch the record goes to.

use crate::git::error::GitError;
use crate::git::push::Target;
use crate::git::repository::Repository;
use std::path::Path;
use std::path::PathBuf;

/// The remote that was named, else the one of the checked-out branch, else `origin`, else the only one, else none.
pub(in crate::git) fn choose(
    repository: &Repository,
    named: Option<&str>,
) -> Result<Target, GitError> {
    let names = remotes(&repository.inner)?;
    let remote = match named {
        // Git's own name for the repository itself
        Some(".") => None,
        Some(named) => {
            if !names.iter().any(|name| name == named) {
                return Err(GitError::UnknownRemote {
                    remote: String::from(named),
                    help: (!names.is_empty())
                        .then(|| format!("its remotes are {}", names.join(", "))),
                });
            }
            Some(String::from(named))
        }
        None => tracked(&repository.inner)
            .filter(|tracked| names.contains(tracked))
            .or_else(|| names.iter().find(|name| *name == "origin").cloned())
            .or_else(|| match names.as_slice() {
                [only] => Some(only.clone()),
                _ => None,
            }),
    };
    let Some(remote) = remote else {
        return Ok(Target::Here);
    };
    let url = url(&repository.inner, &remote).map_err(|error| GitError::broken(&error))?;
    Ok(match folder(&url, &repository.inner) {
        Some(path) => Target::Folder { remote, path },
        None => Target::Server { remote },
    })
}

/// The full name of a branch.
pub(in crate::git) fn branch(given: &str) -> Result<String, GitError> {
    let refuse = |why: &str| {
        Err(GitError::RecordRef {
            reference: String::from(given),
            why: String::from(why),
        })
    };
    if given.starts_with("refs/") && !given.starts_with("refs/heads/") {
        return refuse("it is not a branch");
    }
    let name = if given.starts_with("refs/heads/") {
        String::from(given)
    } else {
        format!("refs/heads/{given}")
    };
    if git2::Reference::is_valid_name(&name) && !given.starts_with('-') {
        Ok(name)
    } else {
        refuse("that is not a name of a branch")
    }
}

fn remotes(repository: &git2::Repository) -> Result<Vec<String>, GitError> {
    let names = repository
        .remotes()
        .map_err(|error| GitError::broken(&error))?;
    Ok(names
        .iter()
        .filter_map(|name| name.ok().flatten().map(String::from))
        .collect())
}

/// `branch.<name>.remote` of the branch that HEAD stands on.
fn tracked(repository: &git2::Repository) -> Option<String> {
    let head = repository.find_reference("HEAD").ok()?;
    let branch = head.symbolic_target().ok()??;
    let remote = repository.branch_upstream_remote(branch).ok()?;
    Some(String::from_utf8_lossy(&remote).into_owned())
}

/// Where pushes go.
fn url(repository: &git2::Repository, remote: &str) -> Result<String, git2::Error> {
    let remote = repository.find_remote(remote)?;
    let url = match remote.pushurl()? {
        Some(url) => url,
        None => remote.url()?,
    };
    Ok(String::from(url))
}

/// The folder that a URL names, if it does. Relative paths count from the top of the work tree, as Git has it.
fn folder(url: &str, repository: &git2::Repository) -> Option<PathBuf> {
    if let Some(rest) = url.strip_prefix("file://") {
        let path = rest.strip_prefix("localhost").unwrap_or(rest);
        return Some(PathBuf::from(decoded(path)));
    }
    if url.contains("://") {
        return None;
    }
    let top = repository.workdir().unwrap_or_else(|| repository.path());
    let path = top.join(Path::new(url));
    // `host:path` is ssh, unless there is such a folder or a slash comes first
    let before_colon = url.split_once(':').map(|(host, _)| host);
    let is_ssh = before_colon.is_some_and(|host| host.len() > 1 && !host.contains('/'));
    (!is_ssh || path.is_dir()).then_some(path)
}

/// `%20` and the like.
pub(in crate::git) fn decoded(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let hex = tail
            .get(..2)
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, hex) {
            (b'%', Some(value)) => {
                bytes.push(value);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::Fixture;

    fn chosen(fixture: &Fixture, named: Option<&str>) -> Result<Option<String>, GitError> {
        let repository = Repository::open(fixture.dir()).unwrap();
        choose(&repository, named).map(|target| match target {
            Target::Here => None,
            Target::Folder { remote, .. } | Target::Server { remote } => Some(remote),
        })
    }

    fn with_remotes(names: &[&str]) -> Fixture {
        let fixture = Fixture::new();
        for name in names {
            fixture
                .repository()
                .remote(name, &format!("https://git.example/{name}.git"))
                .unwrap();
        }
        fixture
    }

    #[test]
    fn without_remotes_the_record_stays_here() {
        assert_eq!(chosen(&with_remotes(&[]), None).unwrap(), None);
    }

    #[test]
    fn the_only_remote_is_taken() {
        let fixture = with_remotes(&["upstream"]);
        assert_eq!(chosen(&fixture, None).unwrap().as_deref(), Some("upstream"));
    }

    #[test]
    fn of_several_origin_is_taken() {
        let fixture = with_remotes(&["a", "origin", "z"]);
        assert_eq!(chosen(&fixture, None).unwrap().as_deref(), Some("origin"));
    }

    #[test]
    fn of_several_without_origin_none_is_guessed() {
        assert_eq!(chosen(&with_remotes(&["a", "z"]), None).unwrap(), None);
    }

    #[test]
    fn the_remote_of_the_checked_out_branch_comes_first() {
        let fixture = with_remotes(&["fork", "origin"]);
        let mut config = fixture.repository().config().unwrap();
        config.set_str("branch.main.remote", "fork").unwrap();
        assert_eq!(chosen(&fixture, None).unwrap().as_deref(), Some("fork"));
    }

    #[test]
    fn a_dot_keeps_the_record_here() {
        assert_eq!(chosen(&with_remotes(&["origin"]), Some(".")).unwrap(), None);
    }

    #[test]
    fn an_unknown_remote_is_answered_with_those_that_exist() {
        let error = chosen(&with_remotes(&["a", "z"]), Some("orgin")).unwrap_err();
        assert_eq!(
            error,
            GitError::UnknownRemote {
                remote: String::from("orgin"),
                help: Some(String::from("its remotes are a, z")),
            }
        );
    }

    #[test]
    fn folders_are_told_from_servers() {
        let fixture = Fixture::bare();
        let folder = |url: &str| folder(url, fixture.repository());
        assert_eq!(
            folder("file:///srv/a%20b.git"),
            Some(PathBuf::from("/srv/a b.git"))
        );
        assert_eq!(
            folder("file://localhost/srv/100%.git"),
            Some(PathBuf::from("/srv/100%.git"))
        );
        assert_eq!(folder("/srv/x.git"), Some(PathBuf::from("/srv/x.git")));
        assert_eq!(
            folder("../x.git"),
            Some(fixture.repository().path().join("../x.git"))
        );
        assert_eq!(folder("https://git.example/x.git"), None);
        assert_eq!(folder("git@git.example:x.git"), None);
        assert_eq!(folder("ssh://git@git.example/x.git"), None);
    }

    #[test]
    fn the_record_goes_to_branches_only() {
        assert_eq!(
            branch("flagger-status").unwrap(),
            "refs/heads/flagger-status"
        );
        assert_eq!(branch("refs/heads/a/b").unwrap(), "refs/heads/a/b");
        for given in ["refs/tags/v1", "", "a..b", "-x", "a b"] {
            assert!(branch(given).is_err(), "{given}");
        }
    }
}
