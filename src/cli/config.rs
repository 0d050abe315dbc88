//! The user's configuration file: what flags are where neither the command line nor a variable says it.
//!
//! Its keys are names of flags. It is the user's own and never read from a repository: whoever may push there must
//! not decide whom a rollout asks.

use crate::canary::name::nearest;
use crate::cli::environment::Environment;
use serde_saphyr::from_str;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;

/// Names another file.
const VARIABLE: &str = "KUBECTL_FLAGGER_CONFIG";

/// Flags that belong to one command and would surprise in the next, or that no plain file should hold.
const TYPED: &[&str] = &[
    "orphaned",
    "retry",
    "sandbox",
    "send",
    "skip-analysis",
    "token",
];

/// A value, or several of a flag that may be repeated.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Wanted {
    Flag(bool),
    Number(i64),
    Text(String),
    Several(Vec<String>),
}

impl Wanted {
    fn into_values(self) -> Vec<String> {
        match self {
            Self::Flag(yes) => vec![yes.to_string()],
            Self::Number(number) => vec![number.to_string()],
            Self::Text(text) => vec![text],
            Self::Several(all) => all,
        }
    }
}

/// That command line, with what the file says for flags that are not given. Where there is no file, as it is.
///
/// # Errors
/// What is wrong with the file, for people: a named file that is not there, a text that cannot be read, or a key that
/// is no flag.
pub fn configured(
    command: clap::Command,
    environment: &Environment,
) -> Result<clap::Command, String> {
    let named = environment.get(VARIABLE).map(PathBuf::from);
    let Some(path) = named.clone().or_else(|| usual(environment)) else {
        return Ok(command);
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => with(command, &path, &text),
        Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => Ok(command),
        Err(error) => Err(format!("cannot read {}: {error}", path.display())),
    }
}

/// Where programs keep such files (XDG Base Directory Specification).
fn usual(environment: &Environment) -> Option<PathBuf> {
    let folder = match environment.get("XDG_CONFIG_HOME") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(environment.get("HOME")?).join(".config"),
    };
    Some(folder.join("kubectl-flagger/config.yaml"))
}

fn with(command: clap::Command, path: &Path, text: &str) -> Result<clap::Command, String> {
    if text.trim().is_empty() {
        return Ok(command);
    }
    let values: BTreeMap<String, Wanted> =
        from_str(text).map_err(|error| format!("{}: {error}", path.display()))?;
    let known = keys(&command);
    for key in values.keys() {
        let line = text
            .lines()
            .position(|line| line.trim_start().starts_with(key.as_str()));
        let place = format!("{}:{}", path.display(), line.map_or(1, |line| line + 1));
        if TYPED.contains(&key.as_str()) {
            return Err(format!(
                "{place}: {key} cannot be configured, it is typed for each command"
            ));
        }
        if !known.contains(key) {
            let meant = nearest(key, known.iter().map(String::as_str));
            let meant = meant.map_or_else(String::new, |meant| format!(", did you mean {meant}?"));
            return Err(format!("{place}: there is no flag {key}{meant}"));
        }
    }
    let values = values
        .into_iter()
        .map(|(key, wanted)| (key, wanted.into_values()))
        .collect();
    Ok(with_defaults(command, &values))
}

/// The key of a flag: its variable's name, as a flag is written.
fn key(arg: &clap::Arg) -> Option<String> {
    let variable = arg.get_env()?.to_str()?;
    let name = variable.strip_prefix("KUBECTL_FLAGGER_")?;
    Some(name.to_lowercase().replace('_', "-"))
}

fn keys(command: &clap::Command) -> Vec<String> {
    let own = command.get_arguments().filter_map(key);
    own.chain(command.get_subcommands().flat_map(keys))
        .collect()
}

fn with_defaults(command: clap::Command, values: &BTreeMap<String, Vec<String>>) -> clap::Command {
    command
        .mut_args(|arg| {
            let wanted = key(&arg).and_then(|key| values.get(&key));
            match wanted {
                Some(wanted) => arg.default_values(wanted.clone()),
                None => arg,
            }
        })
        .mut_subcommands(|verb| with_defaults(verb, values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use crate::cli::Verb;
    use crate::cli::args::promote::PromoteArgs;
    use crate::cli::command;
    use crate::cli::parse;
    use std::ffi::OsString;

    /// What `promote podinfo` and these words mean with that file.
    fn promote(text: &str, words: &[&str]) -> (Cli, PromoteArgs) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        std::fs::write(&path, text).unwrap();
        let environment = Environment::from_variables(&[(VARIABLE, path.to_str().unwrap())]);
        let line = ["kubectl-flagger", "promote", "podinfo"];
        let line = line.iter().chain(words).map(OsString::from);
        let cli = parse(line, &environment).unwrap_or_else(|answer| panic!("{}", answer.text));
        match cli.verb.clone() {
            Verb::Promote(args) => (cli, *args),
            other => unreachable!("{other:?}"),
        }
    }

    fn refused(text: &str) -> String {
        with(command(), Path::new("config.yaml"), text)
            .err()
            .unwrap()
    }

    #[test]
    fn a_file_says_what_nobody_typed() {
        let text = "namespace: shop\nprovider: nginx\nallow-host: [a.local, b.local]\nquiet: 1\nno-config-tracking: true\ntimeout: 25m\n";
        let (cli, args) = promote(text, &[]);
        assert_eq!(cli.globals.namespace.as_deref(), Some("shop"));
        assert_eq!(args.flagger.target.provider.as_deref(), Some("nginx"));
        assert_eq!(args.flagger.metrics.allow_host, ["a.local", "b.local"]);
        assert_eq!(args.display.quiet, 1);
        assert!(args.flagger.target.no_config_tracking);
        assert!(args.timeout.is_some());
        let (cli, args) = promote(text, &["-n", "other", "--provider", "istio"]);
        assert_eq!(cli.globals.namespace.as_deref(), Some("other"));
        assert_eq!(args.flagger.target.provider.as_deref(), Some("istio"));
    }

    #[test]
    fn a_key_that_is_no_flag_is_answered_with_a_similar_one() {
        assert_eq!(
            refused("namespace: shop\nprovidor: nginx\n"),
            "config.yaml:2: there is no flag providor, did you mean provider?"
        );
    }

    #[test]
    fn what_belongs_to_one_command_cannot_be_configured() {
        assert!(refused("sandbox: ab\n").contains("typed for each command"));
        assert!(refused("token: s3cr3t\n").starts_with("config.yaml:1: token"));
    }

    #[test]
    fn a_text_that_is_no_map_is_told_with_its_place() {
        let text = refused("provider: [nginx\n");
        assert!(text.starts_with("config.yaml: "), "{text}");
    }

    #[test]
    fn a_file_that_is_named_must_be_there_and_the_usual_one_need_not() {
        let named = Environment::from_variables(&[(VARIABLE, "/nowhere/config.yaml")]);
        let error = configured(command(), &named).err().unwrap();
        assert!(
            error.starts_with("cannot read /nowhere/config.yaml"),
            "{error}"
        );
        let usual = Environment::from_variables(&[("HOME", "/nowhere")]);
        assert!(configured(command(), &usual).is_ok());
    }
}
