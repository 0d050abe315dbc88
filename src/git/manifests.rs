//! Finding the manifests of a commit that may speak of Flagger, in any folder.
//!
//! Reads blobs only, so line endings, filters and sparse checkouts do not matter. Does not parse: a file is wanted
//! when its bytes contain the API group's name.

use crate::canary::source::SourceFile;
use crate::git::error::GitError;
use crate::git::repository::Repository;
use crate::git::repository::SpecCommit;
use std::sync::Arc;

/// What every object of Flagger carries in its `apiVersion`.
const API_GROUP: &[u8] = b"flagger.app";
/// Longest manifest that is read, bytes.
const MAX_SIZE: usize = 1024 * 1024;
/// First line of a file that Git LFS keeps elsewhere.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";
/// Deepest folder that is looked into.
const MAX_DEPTH: usize = 64;

const SYMLINK: &str = "it is a symbolic link, and links are not followed inside a commit";
const SUBMODULE: &str =
    "it is a submodule, whose files are in another repository: read them there with -C";
const LFS: &str = "it is kept in Git LFS, the commit has only a pointer to it";

impl Repository {
    /// The YAML files of `commit` that mention Flagger's API group, in the order of the tree, from the whole
    /// repository or from the file or folder `path`.
    ///
    /// Links and files in LFS are passed over while something else is found, since a link's target is found by its
    /// own name; they are errors where `path` names them or nothing else is there.
    ///
    /// # Errors
    /// `path` is not in the commit, or a file that mentions the group is no text or longer than 1 MiB.
    pub fn manifests(
        &self,
        commit: &SpecCommit,
        path: Option<&str>,
    ) -> Result<Vec<SourceFile>, GitError> {
        let tree = self
            .find(commit)?
            .tree()
            .map_err(|error| GitError::broken(&error))?;
        let odb = self.inner.odb().map_err(|error| GitError::broken(&error))?;
        let mut search = Search {
            repository: &self.inner,
            odb: &odb,
            found: Vec::new(),
            passed_over: None,
        };
        match path.map(normalized).filter(|path| !path.is_empty()) {
            None => search.walk(&tree, "", 0)?,
            Some(path) => search.enter(&tree, &path, commit)?,
        }
        match search.passed_over {
            Some(error) if search.found.is_empty() => Err(error),
            Some(_) | None => Ok(search.found),
        }
    }
}

struct Search<'repo> {
    repository: &'repo git2::Repository,
    odb: &'repo git2::Odb<'repo>,
    found: Vec<SourceFile>,
    passed_over: Option<GitError>,
}

impl<'repo> Search<'repo> {
    /// Goes to the one file or folder that was asked for.
    fn enter(
        &mut self,
        top: &git2::Tree<'repo>,
        path: &str,
        commit: &SpecCommit,
    ) -> Result<(), GitError> {
        let absent = || GitError::NoSuchPath {
            path: String::from(path),
            commit: commit.short.clone(),
        };
        let mut tree = top.clone();
        let mut walked = String::new();
        let mut names = path.split('/').peekable();
        while let Some(name) = names.next() {
            let entry = tree.get_name(name).ok_or_else(absent)?.to_owned();
            walked = joined(&walked, name);
            match kind(&entry) {
                Kind::Folder => {
                    tree = self.tree(entry.id())?;
                }
                Kind::Submodule => return Err(unreadable(&walked, SUBMODULE)),
                Kind::Symlink => return Err(unreadable(&walked, SYMLINK)),
                Kind::File if names.peek().is_none() => {
                    self.file(entry.id(), walked.as_bytes())?;
                    return match self.passed_over.take() {
                        Some(error) => Err(error),
                        None => Ok(()),
                    };
                }
                Kind::File => return Err(absent()),
            }
        }
        self.walk(&tree, path, 0)
    }

    fn walk(&mut self, tree: &git2::Tree<'_>, folder: &str, depth: usize) -> Result<(), GitError> {
        if depth > MAX_DEPTH {
            return Err(unreadable(folder, "folders are nested more than 64 deep"));
        }
        for entry in tree {
            match kind(&entry) {
                Kind::Folder => {
                    let name = String::from_utf8_lossy(entry.name_bytes());
                    let child = self.tree(entry.id())?;
                    self.walk(&child, &joined(folder, &name), depth + 1)?;
                }
                Kind::File if is_yaml(entry.name_bytes()) => {
                    let mut path = Vec::with_capacity(folder.len() + entry.name_bytes().len() + 1);
                    if !folder.is_empty() {
                        path.extend_from_slice(folder.as_bytes());
                        path.push(b'/');
                    }
                    path.extend_from_slice(entry.name_bytes());
                    self.file(entry.id(), &path)?;
                }
                Kind::Symlink if is_yaml(entry.name_bytes()) => {
                    let name = String::from_utf8_lossy(entry.name_bytes());
                    self.pass_over(&joined(folder, &name), SYMLINK);
                }
                Kind::File | Kind::Symlink | Kind::Submodule => {}
            }
        }
        Ok(())
    }

    /// Keeps the file if it is wanted. Most are not: those are never turned into text.
    fn file(&mut self, id: git2::Oid, path: &[u8]) -> Result<(), GitError> {
        let shown = || String::from_utf8_lossy(path);
        let object = self
            .odb
            .read(id)
            .map_err(|error| missing(&shown(), &error))?;
        let bytes = object.data();
        if bytes.starts_with(LFS_POINTER) {
            self.pass_over(&shown(), LFS);
            return Ok(());
        }
        if !contains(bytes, API_GROUP) {
            return Ok(());
        }
        if bytes.len() > MAX_SIZE {
            return Err(unreadable(
                &shown(),
                &format!("it has {} bytes, more than 1 MiB", bytes.len()),
            ));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            unreadable(
                &shown(),
                &format!("it is not UTF-8 at byte {}", error.valid_up_to()),
            )
        })?;
        let path = std::str::from_utf8(path)
            .map_err(|_not_utf8| unreadable(&shown(), "its name is not UTF-8"))?;
        self.found.push(SourceFile {
            path: String::from(path),
            text: Arc::from(text),
        });
        Ok(())
    }

    fn pass_over(&mut self, path: &str, why: &str) {
        if self.passed_over.is_none() {
            self.passed_over = Some(unreadable(path, why));
        }
    }

    fn tree(&self, id: git2::Oid) -> Result<git2::Tree<'repo>, GitError> {
        self.repository
            .find_tree(id)
            .map_err(|error| GitError::broken(&error))
    }
}

enum Kind {
    Folder,
    File,
    Symlink,
    Submodule,
}

/// By the file mode, which alone tells a link from a file.
fn kind(entry: &git2::TreeEntry<'_>) -> Kind {
    match entry.filemode() & 0o170_000 {
        0o040_000 => Kind::Folder,
        0o120_000 => Kind::Symlink,
        0o160_000 => Kind::Submodule,
        _ => Kind::File,
    }
}

fn is_yaml(name: &[u8]) -> bool {
    name.ends_with(b".yaml") || name.ends_with(b".yml")
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// Without `./`, doubled and trailing slashes.
pub(in crate::git) fn normalized(path: &str) -> String {
    path.split('/')
        .filter(|name| !name.is_empty() && *name != ".")
        .collect::<Vec<_>>()
        .join("/")
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        String::from(name)
    } else {
        format!("{folder}/{name}")
    }
}

fn unreadable(path: &str, why: &str) -> GitError {
    GitError::Unreadable {
        path: String::from(path),
        why: String::from(why),
    }
}

/// Its object is not in the repository: partial clones look like that.
fn missing(path: &str, error: &git2::Error) -> GitError {
    if error.code() == git2::ErrorCode::NotFound {
        unreadable(
            path,
            "its content is not in this clone (a partial clone?): git fetch --refetch brings it",
        )
    } else {
        GitError::broken(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::Fixture;
    use std::fmt::Write as _;

    const CANARY: &[u8] = b"apiVersion: flagger.app/v1beta1\nkind: Canary\n";

    fn found(fixture: &Fixture, path: Option<&str>) -> Result<Vec<String>, GitError> {
        let repository = Repository::open(fixture.dir()).unwrap();
        let commit = repository.commit("main").unwrap();
        Ok(repository
            .manifests(&commit, path)?
            .into_iter()
            .map(|file| file.path)
            .collect())
    }

    #[test]
    fn manifests_are_found_in_any_folder_by_their_content() {
        let fixture = Fixture::bare();
        fixture.commit(&[
            ("README.md", CANARY),
            ("apps/podinfo/canary.yaml", CANARY),
            ("apps/podinfo/deployment.yaml", b"kind: Deployment\n"),
            ("canary.yml", CANARY),
        ]);
        assert_eq!(
            found(&fixture, None).unwrap(),
            ["apps/podinfo/canary.yaml", "canary.yml"]
        );
    }

    #[test]
    fn the_text_is_the_blob_not_the_work_tree() {
        let fixture = Fixture::new();
        fixture.commit(&[("canary.yaml", CANARY)]);
        fixture.write("canary.yaml", "edited");
        let repository = Repository::open(fixture.dir()).unwrap();
        let commit = repository.commit("HEAD").unwrap();
        let files = repository.manifests(&commit, None).unwrap();
        assert_eq!(files[0].text.as_bytes(), CANARY);
    }

    #[test]
    fn a_path_narrows_to_whole_folder_names() {
        let fixture = Fixture::bare();
        fixture.commit(&[
            ("deploy/a.yaml", CANARY),
            ("deploy2/b.yaml", CANARY),
            ("deploy/deep/c.yaml", CANARY),
        ]);
        for path in ["deploy", "./deploy/", "deploy//"] {
            assert_eq!(
                found(&fixture, Some(path)).unwrap(),
                ["deploy/a.yaml", "deploy/deep/c.yaml"],
                "{path}"
            );
        }
        assert_eq!(found(&fixture, Some(".")).unwrap().len(), 3);
    }

    #[test]
    fn a_path_may_name_one_file() {
        let fixture = Fixture::bare();
        fixture.commit(&[("deploy/a.yaml", CANARY), ("deploy/b.yaml", CANARY)]);
        assert_eq!(
            found(&fixture, Some("deploy/b.yaml")).unwrap(),
            ["deploy/b.yaml"]
        );
    }

    #[test]
    fn a_path_outside_the_commit_is_an_error() {
        let fixture = Fixture::bare();
        fixture.commit(&[("deploy/a.yaml", CANARY)]);
        for path in ["depoly", "../etc", "deploy/a.yaml/x"] {
            let error = found(&fixture, Some(path)).unwrap_err();
            assert!(matches!(error, GitError::NoSuchPath { .. }), "{error:?}");
        }
    }

    #[test]
    fn a_wanted_file_that_is_no_text_is_an_error_naming_it() {
        let fixture = Fixture::bare();
        fixture.commit(&[("bad.yaml", b"apiVersion: flagger.app\n\xff")]);
        assert_eq!(
            found(&fixture, None).unwrap_err().to_string(),
            "cannot read bad.yaml: it is not UTF-8 at byte 24"
        );
    }

    #[test]
    fn an_unwanted_file_may_be_anything() {
        let fixture = Fixture::bare();
        fixture.commit(&[("other.yaml", b"\xff\xfe"), ("canary.yaml", CANARY)]);
        assert_eq!(found(&fixture, None).unwrap(), ["canary.yaml"]);
    }

    #[test]
    fn a_wanted_file_above_one_mebibyte_is_an_error_naming_it() {
        let fixture = Fixture::bare();
        let mut big = CANARY.to_vec();
        big.resize(MAX_SIZE + 1, b' ');
        fixture.commit(&[("big.yaml", &big)]);
        assert_eq!(
            found(&fixture, None).unwrap_err().to_string(),
            "cannot read big.yaml: it has 1048577 bytes, more than 1 MiB"
        );
    }

    fn with_special_entries() -> Fixture {
        let fixture = Fixture::bare();
        let target = fixture.repository().blob(b"../base/canary.yaml").unwrap();
        let pointer = fixture
            .repository()
            .blob(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
            .unwrap();
        let module = git2::Oid::from_str("1111111111111111111111111111111111111111").unwrap();
        fixture.commit_entries(&[
            ("linked/canary.yaml", target, git2::FileMode::Link),
            ("large/canary.yaml", pointer, git2::FileMode::Blob),
            ("vendor", module, git2::FileMode::Commit),
        ]);
        fixture
    }

    #[test]
    fn links_submodules_and_lfs_pointers_are_errors_where_they_are_asked_for() {
        let fixture = with_special_entries();
        for (path, word) in [
            ("linked/canary.yaml", "symbolic link"),
            ("linked", "symbolic link"),
            ("large/canary.yaml", "Git LFS"),
            ("vendor", "submodule"),
            ("vendor/deploy", "submodule"),
        ] {
            let error = found(&fixture, Some(path)).unwrap_err().to_string();
            assert!(error.contains(word), "{path}: {error}");
        }
    }

    #[test]
    fn links_are_passed_over_while_their_targets_are_found() {
        let fixture = with_special_entries();
        fixture.commit(&[("base/canary.yaml", CANARY)]);
        assert_eq!(found(&fixture, None).unwrap(), ["base/canary.yaml"]);
    }

    #[test]
    fn a_link_with_nothing_beside_it_is_an_error_naming_it() {
        let fixture = with_special_entries();
        let error = found(&fixture, None).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("cannot read large/canary.yaml"),
            "{error}"
        );
    }

    #[test]
    fn many_files_keep_the_order_of_the_tree() {
        let fixture = Fixture::bare();
        let names = (0..300)
            .map(|n| format!("apps/app{:03}/f{n}.yaml", n / 4))
            .collect::<Vec<_>>();
        let mut text = String::new();
        for n in 0..8 {
            let _ = writeln!(text, "key{n}: value");
        }
        let blob = fixture.repository().blob(text.as_bytes()).unwrap();
        let canary = fixture.repository().blob(CANARY).unwrap();
        let entries = names
            .iter()
            .enumerate()
            .map(|(n, name)| {
                let id = if n % 30 == 0 { canary } else { blob };
                (name.as_str(), id, git2::FileMode::Blob)
            })
            .collect::<Vec<_>>();
        fixture.commit_entries(&entries);
        let found = found(&fixture, None).unwrap();
        assert_eq!(found.len(), 10);
        assert!(found.is_sorted());
    }
}
