//! What completion offers for kubectl's flags: names in the kubeconfig, read without asking any cluster.
//!
//! Silent on every error: the shell would show it in the middle of a line.

use crate::cli::environment::Environment;
use clap_complete::engine::ArgValueCandidates;
use clap_complete::engine::CompletionCandidate;
use serde_yaml::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// Bytes of a kubeconfig that completion is willing to read.
const LIMIT: u64 = 1 << 20;

/// The command, whose flags about the kubeconfig know its names.
#[must_use]
pub fn attach(command: clap::Command, environment: &Environment) -> clap::Command {
    let files = kubeconfigs(environment);
    let mut command = command;
    for (flag, list) in [
        ("context", "contexts"),
        ("cluster", "clusters"),
        ("user", "users"),
    ] {
        let files = files.clone();
        command = command.mut_arg(flag, |arg| {
            arg.add(ArgValueCandidates::new(move || {
                candidates(&files, |config| names(config, list))
            }))
        });
    }
    command.mut_arg("namespace", |arg| {
        arg.add(ArgValueCandidates::new(move || {
            candidates(&files, namespaces)
        }))
    })
}

fn kubeconfigs(environment: &Environment) -> Vec<PathBuf> {
    match (environment.get("KUBECONFIG"), environment.get("HOME")) {
        (Some(list), _) => std::env::split_paths(list)
            .filter(|path| !path.as_os_str().is_empty())
            .collect(),
        (None, Some(home)) => vec![Path::new(home).join(".kube").join("config")],
        (None, None) => Vec::new(),
    }
}

fn candidates(files: &[PathBuf], of: impl Fn(&Value) -> Vec<String>) -> Vec<CompletionCandidate> {
    let names: BTreeSet<String> = files
        .iter()
        .filter(|file| fs::metadata(file).is_ok_and(|file| file.is_file() && file.len() <= LIMIT))
        .filter_map(|file| serde_yaml::from_str(&fs::read_to_string(file).ok()?).ok())
        .flat_map(|config: Value| of(&config))
        .collect();
    names.into_iter().map(CompletionCandidate::new).collect()
}

fn names(config: &Value, list: &str) -> Vec<String> {
    entries(config, list)
        .filter_map(|entry| entry.get("name")?.as_str().map(str::to_owned))
        .collect()
}

/// Namespaces that contexts name: those one works in.
fn namespaces(config: &Value) -> Vec<String> {
    entries(config, "contexts")
        .filter_map(|entry| {
            entry
                .get("context")?
                .get("namespace")?
                .as_str()
                .map(str::to_owned)
        })
        .collect()
}

fn entries<'a>(config: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    config
        .get(list)
        .and_then(Value::as_sequence)
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::complete::answer;
    use std::ffi::OsString;

    const CONFIG: &str = "\
contexts:
- {name: prod-eu, context: {cluster: eu, user: alice, namespace: shop}}
- {name: prod-us, context: {cluster: us, user: alice}}
clusters:
- {name: eu, cluster: {server: https://eu}}
users:
- {name: alice, user: {token: secret}}
";

    fn completed(files: &[&Path], words: &[&str]) -> String {
        let list = std::env::join_paths(files).unwrap();
        let environment = Environment::from_variables(&[("KUBECONFIG", list.to_str().unwrap())]);
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        answer(&words, &environment).text
    }

    #[test]
    fn contexts_clusters_users_and_namespaces_of_the_kubeconfig_are_offered() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        fs::write(&file, CONFIG).unwrap();
        for (flag, wanted) in [
            ("--context", "prod-eu\nprod-us\n:4\n"),
            ("--cluster", "eu\n:4\n"),
            ("--user", "alice\n:4\n"),
            ("-n", "shop\n:4\n"),
        ] {
            assert_eq!(
                completed(&[&file], &["promote", flag, ""]),
                wanted,
                "{flag}"
            );
        }
        assert_eq!(
            completed(&[&file], &["promote", "--context", "prod-u"]),
            "prod-us\n:4\n"
        );
    }

    #[test]
    fn a_list_of_files_is_read_and_broken_or_missing_ones_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let (good, broken) = (folder.path().join("good"), folder.path().join("broken"));
        fs::write(&good, CONFIG).unwrap();
        fs::write(&broken, "contexts: [").unwrap();
        let missing = folder.path().join("missing");
        assert_eq!(
            completed(&[&broken, &missing, &good], &["--cluster", ""]),
            "eu\n:4\n"
        );
    }
}
