//! What to do next, as commands that can be copied as they are.
//!
//! Must not advise a verb that this binary does not have.

use crate::rollout::words::figures;
use crate::ui::report::RunReport;
use crate::ui::report::Verdict;
use crate::ui::summary::SummaryOptions;

/// A command and what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Advice {
    pub(super) label: &'static str,
    pub(super) command: String,
}

/// The commands that follow an outcome, the most useful first.
pub(super) fn advice(
    report: &RunReport,
    verdict: &Verdict,
    options: &SummaryOptions,
) -> Vec<Advice> {
    let metric = report
        .last_held
        .as_ref()
        .and_then(|held| held.misses.first())
        .filter(|name| !report.history(name).is_empty());
    let run = figures::short_run(&report.run);
    let name = report.canary.as_str();
    let why = ("why", "events", vec![run]);
    let again = ("again", "promote", vec![name]);
    let retry = ("again", "promote", vec![name, "--retry"]);
    let watch = ("watch", "status", vec![name]);
    let back = ("back", "abort", vec![name]);
    let lines: Vec<(&'static str, &'static str, Vec<&str>)> = match verdict.exit_code {
        10 => {
            let mut lines = vec![why];
            if let Some(metric) = metric {
                lines.push(("query", "analyze", vec![name, "--metric", metric]));
            }
            lines.push(retry);
            lines
        }
        11..=13 => vec![why, retry],
        20 => vec![watch, why],
        21 => vec![again, back],
        22 => vec![again],
        23 | 24 => vec![watch],
        _ => vec![why, again],
    };
    lines
        .into_iter()
        .filter(|(_, verb, _)| options.verbs.contains(verb))
        .map(|(label, verb, words)| Advice {
            label,
            command: command(report, options, verb, &words),
        })
        .collect()
}

/// The one command that brings all traffic to one version again. A command that the driver gave as help comes first,
/// because it knows which side is whole.
pub(super) fn repair(report: &RunReport, options: &SummaryOptions) -> String {
    let told = report.error.as_ref().and_then(|error| error.help.clone());
    let told = told.filter(|help| help.starts_with("kubectl "));
    told.unwrap_or_else(|| {
        let verb = if options.verbs.contains(&"abort") {
            "abort"
        } else {
            "promote"
        };
        command(report, options, verb, &[&report.canary])
    })
}

fn command(report: &RunReport, options: &SummaryOptions, verb: &str, words: &[&str]) -> String {
    let mut line = format!("kubectl flagger {verb}");
    let mut push = |word: &str| {
        line.push(' ');
        line.push_str(&quoted(word));
    };
    let mut words = words.iter();
    if let Some(first) = words.next() {
        push(first);
    }
    push("-n");
    push(&report.namespace);
    if let Some(context) = &options.context {
        push("--context");
        push(context);
    }
    words.for_each(|word| push(word));
    line
}

/// A word as a POSIX shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:@%+=,-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_only_where_a_shell_would_split_them() {
        assert_eq!(quoted("prod-eu"), "prod-eu");
        assert_eq!(
            quoted("arn:aws:eks:eu-1:1:cluster/x"),
            "arn:aws:eks:eu-1:1:cluster/x"
        );
        assert_eq!(quoted("my cluster"), "'my cluster'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
