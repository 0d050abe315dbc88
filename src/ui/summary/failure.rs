//! The block at the end of a run that did not put the new version in front of users.
//!
//! Order matters: what, why, where in the user's file, where the traffic is, what next.

use crate::canary::phase::Phase;
use crate::rollout::event::Sample;
use crate::rollout::words::figures;
use crate::ui::report::Held;
use crate::ui::report::RunReport;
use crate::ui::report::Verdict;
use crate::ui::row::Row;
use crate::ui::summary::MIN_WIDTH;
use crate::ui::summary::SpecPlaces;
use crate::ui::summary::SummaryOptions;
use crate::ui::summary::advice;
use crate::ui::summary::limits;
use crate::ui::summary::narrated;
use crate::ui::summary::value;
use crate::ui::theme::Theme;
use crate::ui::theme::Tone;
use miette::Diagnostic;
use miette::GraphicalReportHandler;
use miette::LabeledSpan;
use miette::NamedSource;
use miette::SourceCode;
use std::fmt;

/// The exit code that asks for hands.
const SPLIT: u8 = 20;
/// Samples told beside a limit.
const LAST: usize = 5;

/// The whole block.
pub(super) fn render(report: &RunReport, verdict: &Verdict, options: &SummaryOptions) -> String {
    let theme = options.theme;
    let failure = Failure::new(report, verdict, options.places.as_ref());
    let mut text = String::new();
    let repair = (verdict.exit_code == SPLIT).then(|| {
        let command = advice::repair(report, options);
        Row::new()
            .text(Tone::Bad, "repair   ")
            .text(Tone::Strong, command)
            .paint(usize::MAX, theme)
    });
    if let Some(repair) = &repair {
        text.push_str(repair);
        text.push_str("\n\n");
    }
    text.push_str(&draw(&failure, options));
    for row in rows(report, verdict, options) {
        // commands are never cut: a terminal wraps them, and they can still be copied
        text.push_str(&row.paint(usize::MAX, theme));
        text.push('\n');
    }
    text.push_str(&format!("exit {}\n", verdict.exit_code));
    if let Some(repair) = &repair {
        text.push_str(repair);
        text.push('\n');
    }
    text
}

fn draw(failure: &Failure, options: &SummaryOptions) -> String {
    if !options.terminal {
        return narrated::narrate(failure, options.theme);
    }
    let mut text = String::from("Error: ");
    let drawn = GraphicalReportHandler::new_themed(options.theme.miette())
        .with_links(false)
        .with_width(options.width.max(MIN_WIDTH))
        .render_report(&mut text, failure);
    if drawn.is_err() {
        // a place that the text does not have; what happened is still said
        text = format!("Error: {}\n\n  {failure}\n", failure.code);
    }
    text
}

fn rows(report: &RunReport, verdict: &Verdict, options: &SummaryOptions) -> Vec<Row> {
    let mut rows = vec![label("traffic").text(Tone::Plain, traffic(report, verdict))];
    if let (Some(error), true) = (&report.unrecorded, verdict.exit_code != 22) {
        let text = format!("the record could not be pushed: {error}");
        rows.push(label("record").text(Tone::Held, text));
    }
    for (at, each) in advice::advice(report, verdict, options)
        .into_iter()
        .enumerate()
    {
        rows.push(
            label(if at == 0 { "help" } else { "" })
                .text(Tone::Dim, each.label)
                .to(19)
                .text(Tone::Plain, each.command),
        );
    }
    rows
}

pub(super) fn label(text: &str) -> Row {
    Row::new()
        .text(Tone::Plain, "  ")
        .text(Tone::Dim, text)
        .to(11)
}

fn traffic(report: &RunReport, verdict: &Verdict) -> String {
    let (canary, primary) = (verdict.traffic.canary, verdict.traffic.primary);
    // between promotion and the end nobody can say by the weights alone what the primary runs
    let mixed = match report.phase {
        Phase::Promoting | Phase::Finalising => true,
        Phase::New
        | Phase::Initializing
        | Phase::Initialized
        | Phase::Waiting
        | Phase::Progressing
        | Phase::WaitingPromotion
        | Phase::Succeeded
        | Phase::Failed
        | Phase::Terminating
        | Phase::Terminated => false,
    };
    let version = match verdict.exit_code {
        22 => Some(&report.to),
        24 => None,
        _ if mixed => None,
        _ => Some(&report.from),
    };
    let version = version
        .filter(|version| !version.is_empty())
        .map(|version| format!(" {version}"))
        .unwrap_or_default();
    if !canary.is_zero() {
        let warning = if verdict.exit_code == SPLIT {
            ". Look now."
        } else {
            ""
        };
        return format!(
            "{canary} % on canary {}, {primary} % on primary{version}{warning}",
            report.to
        );
    }
    let since = report.rollback.as_ref().and_then(|rollback| {
        let at = rollback.finished_at?;
        Some(format!(
            " since {} ({} after the decision). Users are safe.",
            at.strftime("%H:%M:%SZ"),
            figures::duration(rollback.took_ms)
        ))
    });
    format!(
        "{primary} % on primary{version}{}",
        since.unwrap_or_default()
    )
}

/// What happened, as miette wants it.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) what: String,
    pub(super) code: String,
    pub(super) cause: Option<Cause>,
    pub(super) source: Option<NamedSource<String>>,
    pub(super) labels: Vec<LabeledSpan>,
}

/// One reason of a chain.
#[derive(Debug)]
pub(super) struct Cause {
    what: String,
    next: Option<Box<Cause>>,
}

impl Cause {
    fn chain(reasons: Vec<String>) -> Option<Self> {
        let linked = reasons.into_iter().rev().fold(None, |next, what| {
            Some(Box::new(Self {
                what: figures::one_line(&what),
                next,
            }))
        });
        linked.map(|first| *first)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.next
            .as_deref()
            .map(|next| next as &(dyn std::error::Error + 'static))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause
            .as_ref()
            .map(|cause| cause as &(dyn std::error::Error + 'static))
    }
}

impl Diagnostic for Failure {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.code))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty())
            .then(|| Box::new(self.labels.iter().cloned()) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}

impl Failure {
    fn new(report: &RunReport, verdict: &Verdict, places: Option<&SpecPlaces>) -> Self {
        let held = (verdict.exit_code == 10)
            .then_some(report.last_held.as_ref())
            .flatten();
        let mut reasons: Vec<String> = held.map_or_else(Vec::new, |held| misses(report, held));
        if let Some(error) = &report.error {
            let said = report.rollback.as_ref().map(|rollback| &rollback.reason);
            if said != Some(&error.message) {
                reasons.push(error.message.clone());
            }
            reasons.extend(error.causes.iter().cloned());
        }
        if verdict.exit_code == 22 {
            reasons.extend(report.unrecorded.clone());
        }
        let (source, labels) = match (held, places) {
            (Some(held), Some(places)) => (
                Some(NamedSource::new(
                    figures::one_line(&places.path),
                    harmless(&places.text),
                )),
                labels(report, held, places),
            ),
            (None, _) | (_, None) => (None, Vec::new()),
        };
        Self {
            what: figures::one_line(&what(report, verdict, held)),
            code: code(report, verdict),
            cause: Cause::chain(reasons),
            source,
            labels,
        }
    }
}

/// The file with blanks for control characters, byte for byte, so that ranges still fit.
fn harmless(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && !matches!(c, '\n' | '\r' | '\t') {
            harmless.extend(std::iter::repeat_n(' ', c.len_utf8()));
        } else {
            harmless.push(c);
        }
    }
    harmless
}

fn what(report: &RunReport, verdict: &Verdict, held: Option<&Held>) -> String {
    let (who, to) = (report.who(), &report.to);
    let because = match (held, &report.rollback) {
        (Some(held), _) => format!(": {} of {} failed checks", held.failed, report.threshold),
        (None, Some(rollback)) => format!(": {}", rollback.reason),
        (None, None) => String::new(),
    };
    match (verdict.exit_code, verdict.outcome) {
        (22, _) => format!("{who} is on {to}, but the record could not be pushed"),
        (24, _) => format!("{who} serves a newer revision than {to}"),
        (_, "rolled-back") => format!("{who} {to} rolled back{because}"),
        (_, "held") => format!("{who} {to} left at {} %", verdict.traffic.canary),
        (_, "split") => format!("{who} {to} is neither in nor out{because}"),
        (_, other) => format!("{who} {to} {other}{because}"),
    }
}

fn code(report: &RunReport, verdict: &Verdict) -> String {
    let known = match verdict.exit_code {
        10 => "flagger::analysis::threshold",
        11 => "flagger::workload::not_ready",
        12 => "flagger::run::aborted",
        13 => "flagger::run::timeout",
        SPLIT => "flagger::traffic::split",
        21 => "flagger::run::held",
        22 => "flagger::journal::unrecorded",
        23 => "flagger::run::superseded",
        24 => "flagger::run::replaced",
        129 | 130 | 143 => "flagger::run::interrupted",
        _ => "",
    };
    match (known, &report.error) {
        ("", Some(error)) => error.code.clone(),
        ("", None) => "flagger::run::failed".to_owned(),
        (known, _) => known.to_owned(),
    }
}

fn misses(report: &RunReport, held: &Held) -> Vec<String> {
    held.misses
        .iter()
        .map(|name| {
            report
                .history(name)
                .last()
                .map_or_else(|| format!("{name} failed"), miss)
        })
        .collect()
}

/// A sample out of its limits, as a sentence.
fn miss(sample: &Sample) -> String {
    let name = &sample.name;
    let unit = sample.unit.map(|unit| format!(" {unit}"));
    let unit = unit.unwrap_or_default();
    let Some(measured) = sample.value else {
        let why = sample.error.as_deref().unwrap_or("no data");
        return format!("{name} has no value: {why}");
    };
    let needs = match (sample.min, sample.max) {
        (Some(min), _) if measured < min => {
            format!(", needs at least {}{unit}", figures::number(min, ""))
        }
        (_, Some(max)) if measured > max => {
            format!(", may be at most {}{unit}", figures::number(max, ""))
        }
        (Some(_), _) | (_, Some(_)) => {
            let theme = Theme::BARE;
            format!(", needs {}", limits(sample, theme))
        }
        (None, None) => String::new(),
    };
    format!("{name} measured {}{needs}", value(sample))
}

fn labels(report: &RunReport, held: &Held, places: &SpecPlaces) -> Vec<LabeledSpan> {
    let mut labels = Vec::new();
    if let Some(range) = &places.threshold {
        let text = format!("reached at {}", held.at.strftime("%H:%M:%SZ"));
        labels.push((text, range));
    }
    for (name, range) in &places.metrics {
        if !held.misses.contains(name) {
            continue;
        }
        let history = report.history(name);
        let skipped = history.len().saturating_sub(LAST);
        let last: Vec<String> = history
            .iter()
            .skip(skipped)
            .map(|sample| {
                let number = |value| figures::number(value, sample.unit.unwrap_or_default());
                sample.value.map_or_else(|| "none".to_owned(), number)
            })
            .collect();
        let text = match last.len() {
            0 => "failed".to_owned(),
            1 => format!("measured {}", last.join("")),
            count => format!("last {count}: {}", last.join("  ")),
        };
        labels.push((text, range));
    }
    labels
        .into_iter()
        .filter(|(_, range)| places.text.get((*range).clone()).is_some())
        .map(|(text, range)| LabeledSpan::new(Some(text), range.start, range.len()))
        .collect()
}
