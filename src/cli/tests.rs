//! What may be typed, and what comes of it.

use crate::cli::Answer;
use crate::cli::Cli;
use crate::cli::Verb;
use crate::cli::args::promote::PromoteArgs;
use crate::cli::command;
use crate::cli::environment::Environment;
use crate::cli::parse;
use crate::error::ExitCode;
use std::ffi::OsString;
use std::path::PathBuf;

fn parsed(line: &str) -> Result<Cli, Answer> {
    parse(
        line.split_whitespace().map(OsString::from),
        &Environment::default(),
    )
}

pub fn promote(line: &str) -> PromoteArgs {
    match parsed(line).unwrap().verb {
        Verb::Promote(args) => *args,
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn clap_accepts_the_whole_definition() {
    command().debug_assert();
}

#[test]
fn every_long_flag_can_be_set_by_its_variable() {
    fn check(command: &clap::Command) {
        for arg in command.get_arguments() {
            let Some(long) = arg.get_long() else { continue };
            if long == "help" || long == "version" {
                continue;
            }
            // What means something else here than in promote must not be set by its variable.
            let flag = match (command.get_name(), long) {
                (verb @ ("analyze" | "get" | "status"), "output" | "watch") => {
                    format!("{verb}_{long}")
                }
                _ => long.replace('-', "_"),
            };
            let wanted = format!("KUBECTL_FLAGGER_{}", flag.to_uppercase());
            assert_eq!(
                arg.get_env().and_then(|name| name.to_str()),
                Some(wanted.as_str()),
                "--{long}"
            );
        }
        command.get_subcommands().for_each(check);
    }
    check(&command());
}

#[test]
fn the_first_line_of_every_help_has_no_full_stop() {
    fn check(command: &clap::Command) {
        let about = command
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default();
        assert!(!about.is_empty(), "{}", command.get_name());
        assert!(
            !about.lines().next().unwrap_or_default().ends_with('.'),
            "{about}"
        );
        for arg in command.get_arguments() {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(
                !help.is_empty() && !help.ends_with('.'),
                "{}: {help}",
                arg.get_id()
            );
        }
        command.get_subcommands().for_each(check);
    }
    check(&command());
}

#[test]
fn kubectls_flags_are_accepted_before_and_after_the_verb() {
    for line in [
        "kubectl-flagger -n shop promote podinfo",
        "kubectl-flagger promote -n shop podinfo",
        "kubectl-flagger promote podinfo --namespace=shop",
    ] {
        assert_eq!(
            parsed(line).unwrap().globals.namespace.as_deref(),
            Some("shop"),
            "{line}"
        );
    }
}

#[test]
fn the_sandbox_takes_its_scenario_only_after_an_equals_sign() {
    let args = promote("kubectl-flagger promote --sandbox podinfo");
    assert_eq!(args.sandbox.sandbox, Some(None));
    assert_eq!(args.name.as_deref(), Some("podinfo"));
    let args = promote("kubectl-flagger promote --sandbox=slow.yaml");
    assert_eq!(args.sandbox.sandbox, Some(Some(PathBuf::from("slow.yaml"))));
}

#[test]
fn speed_without_a_sandbox_is_a_usage_error() {
    let answer = parsed("kubectl-flagger promote --speed max").unwrap_err();
    assert_eq!(answer.code, ExitCode::USAGE);
    assert!(answer.text.contains("--sandbox"), "{}", answer.text);
}

#[test]
fn lists_stand_for_themselves_and_names_follow_them() {
    let args = promote("kubectl-flagger promote --selector-labels app,name podinfo -f a.yaml -f -");
    assert_eq!(args.flagger.target.selector_labels, ["app", "name"]);
    assert_eq!(args.name.as_deref(), Some("podinfo"));
    assert_eq!(
        args.source.filename,
        [PathBuf::from("a.yaml"), PathBuf::from("-")]
    );
}

#[test]
fn defaults_are_flaggers_and_ours() {
    let args = promote("kubectl-flagger promote");
    assert_eq!(args.name, None);
    assert_eq!(
        args.flagger.target.selector_labels,
        ["app", "name", "app.kubernetes.io/name"]
    );
    let ingress = args.flagger.target.ingress_settings();
    assert_eq!(ingress, crate::canary::spec::IngressSettings::default());
    assert_eq!(args.drain, std::time::Duration::from_secs(5));
    assert_eq!(args.source.reference, "HEAD");
    assert_eq!(args.record.record_ref, "flagger-status");
    assert_eq!(args.display.quiet, 0);
    assert_eq!(promote("kubectl-flagger promote -qq").display.quiet, 2);
}

#[test]
fn rendered_input_and_a_commit_exclude_each_other() {
    let answer = parsed("kubectl-flagger promote -f - --ref main").unwrap_err();
    assert_eq!(answer.code, ExitCode::USAGE);
}

#[test]
fn the_usage_names_what_was_typed() {
    let answer = parsed("kubectl-flagger promote --nope").unwrap_err();
    assert!(
        answer.text.contains("Usage: kubectl flagger promote"),
        "{}",
        answer.text
    );
    let answer = parsed("/opt/kf promote --nope").unwrap_err();
    assert!(answer.text.contains("Usage: kf promote"), "{}", answer.text);
}

#[test]
fn no_arguments_show_the_short_help_and_are_a_usage_error() {
    let answer = parsed("kubectl-flagger").unwrap_err();
    assert_eq!((answer.asked_for, answer.code), (false, ExitCode::USAGE));
    assert_eq!(
        answer.text.matches("\n  kubectl flagger ").count(),
        2,
        "{}",
        answer.text
    );
    assert!(!answer.text.contains("--tls-server-name"));
}

#[test]
fn help_is_asked_for() {
    let answer = parsed("kubectl-flagger promote --help").unwrap_err();
    assert_eq!((answer.asked_for, answer.code), (true, ExitCode::OK));
    assert!(answer.text.contains("--tls-server-name"));
    assert!(
        answer.text.starts_with("Drive one rollout to its end\n"),
        "{}",
        answer.text
    );
}

#[test]
fn kubectls_endless_request_timeout_is_our_default() {
    let timeout = |line| parsed(line).unwrap().globals.request_timeout();
    assert_eq!(timeout("kubectl-flagger promote --request-timeout=0"), None);
    assert_eq!(
        timeout("kubectl-flagger promote --request-timeout 3"),
        Some(std::time::Duration::from_secs(3))
    );
}
