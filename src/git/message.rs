//! The commit message of a transition: a subject that reads as a line of the story, a body for people, trailers for
//! machines.
//!
//! Pure. Whatever comes from outside passes [`one_line`], so that nothing can forge a trailer.

use crate::canary::phase::Phase;
use crate::port::journal::Measured;
use crate::port::journal::Transition;
use crate::rollout::event::Miss;

/// Longest subject, characters: what `git log --oneline` and forges show whole.
const SUBJECT: usize = 72;
/// Longest value of a trailer, characters.
const TRAILER: usize = 256;
/// Longest reason in the body, characters.
const REASON: usize = 1024;
/// Most metrics listed in the body.
const MEASURED: usize = 32;

/// What the messages of one journal have in common.
#[derive(Clone, Debug)]
pub(in crate::git) struct Author {
    pub namespace: String,
    pub name: String,
    /// Such as `kubectl-flagger/0.1.0`.
    pub driver: String,
    /// Who pressed the button, where a CI system says so.
    pub actor: Option<String>,
    /// UID of the namespace `kube-system`.
    pub cluster_uid: Option<String>,
}

/// The whole message, ending in a newline.
pub(in crate::git) fn message(transition: &Transition, author: &Author) -> String {
    let mut text = subject(transition, author);
    text.push('\n');
    let table = table(&transition.measured);
    if !table.is_empty() {
        text.push('\n');
        text.push_str(&table);
    }
    text.push_str(&format!(
        "\n  failed checks {} of {}\n",
        transition.status.failed_checks, transition.threshold
    ));
    if let Some(reason) = &transition.reason {
        text.push_str(&format!("  because {}\n", one_line(reason, REASON)));
    }
    if let Some(actor) = &author.actor {
        text.push_str(&format!("  started by {}\n", one_line(actor, TRAILER)));
    }
    text.push('\n');
    for (key, value) in trailers(transition, author) {
        let value = one_line(&value, TRAILER);
        let value = if value.is_empty() { "-" } else { &value };
        text.push_str(&format!("{key}: {value}\n"));
    }
    text
}

/// `flagger(<ns>/<name>): <Phase> <from>% -> <to>%`, and what happened where the weight stood still.
fn subject(transition: &Transition, author: &Author) -> String {
    let status = &transition.status;
    let moved = format!(
        "{} {}% -> {}%",
        phase(status.phase),
        transition.from,
        status.canary_weight
    );
    // A failed look is no new iteration.
    let iterating = status.phase == Phase::Progressing
        && transition.measured.iter().all(|measured| measured.ok)
        && u32::try_from(status.iterations)
            .is_ok_and(|done| (1..=transition.iterations).contains(&done));
    let detail = if let Some(result) = &transition.result {
        Some(one_line(result, 20))
    } else if iterating {
        Some(format!(
            "iteration {}/{}",
            status.iterations, transition.iterations
        ))
    } else if transition.from != status.canary_weight {
        None
    } else if status.failed_checks > 0 {
        Some(format!(
            "{}/{} checks failed",
            status.failed_checks, transition.threshold
        ))
    } else if transition.mirrored {
        Some(String::from("mirrored"))
    } else {
        None
    };
    let namespace = one_line(&author.namespace, SUBJECT);
    let name = one_line(&author.name, SUBJECT);
    let full = |canary: &str, tail: &str| format!("flagger({canary}): {moved}{tail}");
    let canary = format!("{namespace}/{name}");
    let tail = detail
        .map(|detail| format!(", {detail}"))
        .unwrap_or_default();
    for subject in [full(&canary, &tail), full(&canary, "")] {
        if subject.chars().count() <= SUBJECT {
            return subject;
        }
    }
    let room = SUBJECT.saturating_sub(full("", "").chars().count());
    full(&one_line(&canary, room), "")
}

fn trailers(transition: &Transition, author: &Author) -> Vec<(&'static str, String)> {
    let status = &transition.status;
    let mut trailers = vec![
        ("Flagger-Run", transition.run.clone()),
        ("Flagger-Seq", transition.seq.to_string()),
        ("Flagger-Epoch", transition.epoch.to_string()),
        ("Flagger-Phase", String::from(phase(status.phase))),
        ("Flagger-Weight", status.canary_weight.to_string()),
        ("Flagger-Iterations", status.iterations.to_string()),
        ("Flagger-Failed-Checks", status.failed_checks.to_string()),
        ("Flagger-Spec-Commit", transition.spec_commit.clone()),
        ("Flagger-Spec-Path", transition.spec_path.clone()),
        ("Flagger-Target-Revision", transition.revision.clone()),
    ];
    if let Some(result) = &transition.result {
        trailers.push(("Flagger-Result", result.clone()));
    }
    if let Some(uid) = &author.cluster_uid {
        trailers.push(("Flagger-Cluster", uid.clone()));
    }
    trailers.push((
        "Flagger-Driver",
        format!("{} {}", author.driver, transition.holder),
    ));
    trailers.push(("Flagger-Observed-At", transition.at.to_string()));
    trailers
}

/// The value of a trailer in a message that [`message`] wrote: in its last paragraph.
pub(in crate::git) fn trailer<'a>(message: &'a str, key: &str) -> Option<&'a str> {
    let last = message.trim_end().rsplit("\n\n").next()?;
    last.lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))
}

/// Flagger's empty phase needs a word here.
fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::New => "New",
        Phase::Initializing
        | Phase::Initialized
        | Phase::Waiting
        | Phase::Progressing
        | Phase::WaitingPromotion
        | Phase::Promoting
        | Phase::Finalising
        | Phase::Succeeded
        | Phase::Failed
        | Phase::Terminating
        | Phase::Terminated => phase.as_str(),
    }
}

/// One line a metric: name, value, limit, verdict; indented, so that it is no trailer and no comment.
fn table(measured: &[Measured]) -> String {
    let rows = measured
        .iter()
        .take(MEASURED)
        .map(|measured| {
            [
                one_line(&measured.name, 64),
                measured
                    .value
                    .map_or_else(|| lacking(measured.miss).to_owned(), number),
                limit(measured),
                String::from(if measured.ok { "ok" } else { "failed" }),
            ]
        })
        .collect::<Vec<_>>();
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let (name, value, limit) = (width(0), width(1), width(2));
    let mut text = String::new();
    for row in &rows {
        text.push_str(&format!(
            "  {:name$}  {:>value$}  {:limit$}  {}\n",
            row[0], row[1], row[2], row[3]
        ));
    }
    if measured.len() > MEASURED {
        text.push_str(&format!("  and {} more\n", measured.len() - MEASURED));
    }
    text
}

/// What there is instead of a value.
const fn lacking(miss: Option<Miss>) -> &'static str {
    match miss {
        Some(Miss::ProviderError) => "no answer",
        Some(Miss::NoData | Miss::Breach) | None => "no value",
    }
}

fn limit(measured: &Measured) -> String {
    match (measured.min, measured.max) {
        (Some(min), Some(max)) => format!("{} to {}", number(min), number(max)),
        (Some(min), None) => format!(">= {}", number(min)),
        (None, Some(max)) => format!("<= {}", number(max)),
        (None, None) => String::from("-"),
    }
}

/// At most three decimals: enough to see on which side of a limit a value is, short enough to read.
fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    if text.contains('.') {
        String::from(text.trim_end_matches('0').trim_end_matches('.'))
    } else {
        text
    }
}

/// At most `max` characters on one line: control characters, line separators and marks that turn the direction of
/// writing become spaces.
pub(in crate::git) fn one_line(text: &str, max: usize) -> String {
    let clean = text
        .chars()
        .map(|c| match c {
            '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => ' ',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect::<String>();
    let clean = clean.trim();
    if clean.chars().count() <= max {
        return String::from(clean);
    }
    let mut short = clean
        .chars()
        .take(max.saturating_sub(1))
        .collect::<String>();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::weight::Weight;
    use crate::git::testing::author;
    use crate::git::testing::transition;

    #[test]
    fn an_iteration_is_told_as_one_of_so_many() {
        let mut step = transition(3, 100, 100);
        step.iterations = 10;
        step.status.iterations = 3;
        let text = message(&step, &author());
        let subject = text.lines().next().unwrap_or_default();
        assert!(
            subject.ends_with(": Progressing 100% -> 100%, iteration 3/10"),
            "{subject}"
        );
        step.iterations = 0;
        step.status.iterations = 0;
        step.mirrored = true;
        assert!(message(&step, &author()).contains(", mirrored\n"));
    }

    #[test]
    fn a_step_reads_as_a_line_of_the_story() {
        let text = message(&transition(3, 20, 30), &author());
        assert_eq!(
            text,
            "\
flagger(test/podinfo): Progressing 20% -> 30%

  request-success-rate  99.4  >= 99     ok
  request-duration       244  <= 500    ok
  checkout-errors        0.5  0 to 1.5  ok

  failed checks 0 of 5

Flagger-Run: 01J8ZQ4M6T0000000000000000
Flagger-Seq: 3
Flagger-Epoch: 1
Flagger-Phase: Progressing
Flagger-Weight: 30
Flagger-Iterations: 0
Flagger-Failed-Checks: 0
Flagger-Spec-Commit: 0123456789012345678901234567890123456789
Flagger-Spec-Path: deploy/canary.yaml
Flagger-Target-Revision: 6f9d8c
Flagger-Cluster: 7d6b3c1e
Flagger-Driver: kubectl-flagger/0.1.0 alice@mbp/4711/01J8
Flagger-Observed-At: 2026-08-22T14:04:05Z
"
        );
    }

    #[test]
    fn a_check_that_failed_at_the_same_weight_is_in_the_subject() {
        let mut transition = transition(4, 30, 30);
        transition.status.failed_checks = 2;
        let text = message(&transition, &author());
        assert!(
            text.starts_with("flagger(test/podinfo): Progressing 30% -> 30%, 2/5 checks failed\n"),
            "{text}"
        );
    }

    #[test]
    fn the_end_names_its_result_and_reason() {
        let mut transition = transition(9, 30, 0);
        transition.status.phase = Phase::Failed;
        transition.result = Some(String::from("rolled-back"));
        transition.reason = Some(String::from("5 of 5 checks failed"));
        let mut author = author();
        author.actor = Some(String::from("octocat"));
        let text = message(&transition, &author);
        assert!(text.starts_with("flagger(test/podinfo): Failed 30% -> 0%, rolled-back\n"));
        assert!(text.contains("\n  because 5 of 5 checks failed\n"));
        assert!(text.contains("\n  started by octocat\n"));
        assert_eq!(trailer(&text, "Flagger-Result"), Some("rolled-back"));
    }

    #[test]
    fn subjects_have_at_most_72_characters() {
        let mut author = author();
        author.namespace = "n".repeat(63);
        author.name = "ä".repeat(253);
        let mut transition = transition(1, 100, 100);
        transition.status.phase = Phase::WaitingPromotion;
        transition.status.failed_checks = 12;
        let text = message(&transition, &author);
        let subject = text.lines().next().unwrap();
        assert_eq!(subject.chars().count(), 72);
        assert!(
            subject.ends_with("…): WaitingPromotion 100% -> 100%"),
            "{subject}"
        );
    }

    #[test]
    fn nothing_from_outside_can_forge_a_trailer() {
        let mut transition = transition(1, 0, 10);
        let forged = "x\n\nFlagger-Epoch: 99\u{2028}\u{85}\rFlagger-Seq: 99\u{1b}[31m";
        transition.holder = String::from(forged);
        transition.spec_path = String::from(forged);
        transition.revision = String::from(forged);
        transition.reason = Some(String::from(forged));
        transition.measured[0].name = String::from(forged);
        transition.result = Some(String::from(forged));
        let mut author = author();
        author.actor = Some(String::from(forged));
        let text = message(&transition, &author);
        assert_eq!(trailer(&text, "Flagger-Epoch"), Some("1"));
        assert_eq!(trailer(&text, "Flagger-Seq"), Some("1"));
        let lines = |prefix: &str| text.lines().filter(|line| line.starts_with(prefix)).count();
        assert_eq!(lines("Flagger-Epoch:"), 1);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
    }

    #[test]
    fn an_empty_value_is_a_dash() {
        let mut transition = transition(1, 0, 0);
        transition.spec_path = String::new();
        let text = message(&transition, &author());
        assert_eq!(trailer(&text, "Flagger-Spec-Path"), Some("-"));
    }

    #[test]
    fn the_same_transition_has_the_same_message() {
        let mut transition = transition(1, 0, 10);
        transition.from = Weight::ZERO;
        assert_eq!(
            message(&transition, &author()),
            message(&transition.clone(), &author())
        );
    }
}
