//! Files that are made from the definitions: completions, man pages, tables. A test compares them with what is
//! committed.

use crate::cli::BINARY;
use crate::cli::COMPLETER;
use crate::cli::command;
use crate::cli::error::CliError;
use crate::cli::man;
use crate::cli::tables;
use clap_complete::Shell;
use std::fs;
use std::path::Path;

/// Found by kubectl on the PATH; the binary under that name does the same.
const COMPLETER_SCRIPT: &str = "\
#!/bin/sh
# kubectl runs this to complete \"kubectl flagger\".
exec kubectl-flagger __complete \"$@\"
";

/// The completion script of a shell, for the command `kubectl-flagger`.
#[must_use]
pub fn completion(shell: Shell) -> String {
    let all = command();
    // The generators of scripts do not know hidden verbs.
    let mut visible = clap::Command::new(BINARY)
        .version(env!("CARGO_PKG_VERSION"))
        .args(all.get_arguments().cloned())
        .subcommands(
            all.get_subcommands()
                .filter(|verb| !verb.is_hide_set())
                .cloned(),
        );
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut visible, BINARY, &mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Path below the project's top folder, and text, of every generated file.
#[must_use]
pub fn files() -> Vec<(String, String)> {
    let mut files = vec![
        (
            format!("completions/{BINARY}.bash"),
            completion(Shell::Bash),
        ),
        (
            format!("completions/{BINARY}.fish"),
            completion(Shell::Fish),
        ),
        (format!("completions/_{BINARY}"), completion(Shell::Zsh)),
        (
            format!("completions/{COMPLETER}"),
            COMPLETER_SCRIPT.to_owned(),
        ),
    ];
    for (name, text) in man::pages(&command()) {
        files.push((format!("man/{name}"), text));
    }
    files
}

/// Pages below the project's top folder that may have generated tables: the README and those in `docs/`.
///
/// # Errors
/// `docs/` exists but cannot be listed.
pub fn pages(dir: &Path) -> Result<Vec<String>, CliError> {
    let mut pages = vec!["README.md".to_owned()];
    let docs = dir.join("docs");
    if docs.is_dir() {
        let entries = fs::read_dir(&docs).map_err(|source| CliError::Read {
            path: docs.display().to_string(),
            source,
        })?;
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".md") {
                pages.push(format!("docs/{name}"));
            }
        }
    }
    pages.retain(|page| dir.join(page).is_file());
    pages.sort();
    Ok(pages)
}

/// Writes all of it.
///
/// # Errors
/// A file that cannot be read or written, or a page whose tables are wrong.
pub fn write(dir: &Path) -> Result<(), CliError> {
    for (path, text) in files() {
        put(&dir.join(path), &text)?;
    }
    make_executable(&dir.join("completions").join(COMPLETER))?;
    for page in pages(dir)? {
        let path = dir.join(&page);
        let text = fs::read_to_string(&path).map_err(|source| CliError::Read {
            path: page.clone(),
            source,
        })?;
        put(&path, &tables::fill(&page, &text)?)?;
    }
    Ok(())
}

fn put(path: &Path, text: &str) -> Result<(), CliError> {
    let written = path
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, text));
    written.map_err(|source| CliError::Write {
        path: path.display().to_string(),
        source,
    })
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result<(), CliError> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).map_err(|source| CliError::Write {
        path: path.display().to_string(),
        source,
    })
}

#[cfg(not(unix))]
fn make_executable(_path: &Path) -> Result<(), CliError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_written_below_the_folder_and_writing_again_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(
            dir.path().join("README.md"),
            "<!-- generated: exit-codes -->\n<!-- end -->\n",
        )
        .unwrap();
        write(dir.path()).unwrap();
        let readme = fs::read_to_string(dir.path().join("README.md")).unwrap();
        assert!(readme.contains("| 0 | ok |"), "{readme}");
        assert!(dir.path().join("man/kubectl-flagger.1").is_file());
        assert!(dir.path().join("completions/_kubectl-flagger").is_file());
        write(dir.path()).unwrap();
        assert_eq!(
            fs::read_to_string(dir.path().join("README.md")).unwrap(),
            readme
        );
    }

    #[test]
    fn completions_are_for_the_executables_name() {
        assert!(completion(Shell::Bash).contains("kubectl-flagger"));
        assert!(!completion(Shell::Bash).contains("exit-codes"));
    }
}
