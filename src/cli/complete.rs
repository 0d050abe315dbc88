//! Completion of `kubectl flagger …`. kubectl runs an executable named `kubectl_complete-flagger` with the words typed
//! so far, the last one being the word to complete, and reads `value\tdescription` lines and a final `:N`, a bit set of
//! Cobra's (4: do not offer files).

use crate::cli::Answer;
use crate::cli::BINARY;
use crate::cli::candidates;
use crate::cli::command;
use crate::cli::environment::Environment;
use crate::error::ExitCode;
use std::ffi::OsString;
use std::fmt::Write as _;

/// Candidates for the last of the words. Never fails and never complains: the shell would show it.
#[must_use]
pub fn answer(words: &[OsString], environment: &Environment) -> Answer {
    let mut args = vec![OsString::from(BINARY)];
    args.extend(words.iter().cloned());
    if words.is_empty() {
        args.push(OsString::new());
    }
    let last = args.len() - 1;
    let wanted = args[last].to_string_lossy().into_owned();
    let mut command = candidates::attach(command(), environment);
    let candidates =
        clap_complete::engine::complete(&mut command, args, last, None).unwrap_or_default();
    let mut text = String::new();
    for candidate in candidates {
        let value = candidate.get_value().to_string_lossy();
        // kubectl offers flags only once a dash was typed.
        if candidate.is_hide_set() || (value.starts_with('-') && !wanted.starts_with('-')) {
            continue;
        }
        let help = candidate.get_help().map(ToString::to_string);
        let first_line = help.as_deref().and_then(|help| help.lines().next());
        // A `String` takes everything.
        let _ = match first_line {
            Some(line) => writeln!(text, "{value}\t{line}"),
            None => writeln!(text, "{value}"),
        };
    }
    text.push_str(":4\n");
    Answer {
        text,
        asked_for: true,
        code: ExitCode::OK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(words: &[&str]) -> String {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        answer(&words, &Environment::default()).text
    }

    #[test]
    fn verbs_come_with_their_description() {
        assert_eq!(
            completed(&["pro"]),
            "promote\tDrive one rollout to its end\n:4\n"
        );
    }

    #[test]
    fn an_empty_word_offers_verbs_and_no_flags_and_nothing_hidden() {
        let text = completed(&[""]);
        assert!(
            text.contains("version\t") && text.contains("completion\t"),
            "{text}"
        );
        assert!(!text.contains("--") && !text.contains("generate"), "{text}");
        assert_eq!(completed(&[]), text);
    }

    #[test]
    fn flags_of_the_verb_and_of_kubectl_are_offered_after_a_dash() {
        let text = completed(&["promote", "--t"]);
        for flag in [
            "--timeout\t",
            "--timing\t",
            "--token\t",
            "--tls-server-name\t",
        ] {
            assert!(text.contains(flag), "{text}");
        }
    }

    #[test]
    fn values_of_a_flag_are_offered() {
        assert_eq!(
            completed(&["promote", "--timing", "g"]),
            "grid\tAt Flagger's ticks, for comparison\n:4\n"
        );
        assert_eq!(
            completed(&["promote", "--timing=e"]),
            "--timing=event\tAn interval after a weight is in effect; everything else as soon as it can\n:4\n"
        );
    }

    #[test]
    fn words_that_make_no_sense_get_no_candidates() {
        assert_eq!(completed(&["promote", "podinfo", "nope", "x"]), ":4\n");
    }
}
