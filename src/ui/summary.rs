//! The last words of a run: a block of facts where the new version serves, else what happened, why, where in the
//! user's own file, where the traffic is, and the next command, ready to be copied.
//!
//! Must not say more than the events did.

use crate::port::subscriber::Subscriber;
use crate::rollout::event::Event;
use crate::rollout::event::Sample;
use crate::rollout::words::figures;
use crate::ui::report::RunReport;
use crate::ui::report::Verdict;
use crate::ui::row::Row;
use crate::ui::theme::Theme;
use crate::ui::theme::Tone;
use std::io::Write;
use std::ops::Range;

mod advice;
mod failure;
mod narrated;

/// How much is said where all went well. Failures are always told in full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quiet {
    /// Everything.
    #[default]
    No,
    /// The verdict (`-q`).
    Verdict,
    /// Nothing (`-qq`).
    Silent,
}

/// The user's file and the places in it that a failure can point to, as byte ranges. A range that does not fit the
/// text is left out.
#[derive(Clone, Debug, Default)]
pub struct SpecPlaces {
    /// Path from the top of the repository.
    pub path: String,
    /// The whole file.
    pub text: String,
    /// `spec.analysis.threshold`.
    pub threshold: Option<Range<usize>>,
    /// The limits of each metric, by its name.
    pub metrics: Vec<(String, Range<usize>)>,
}

/// How the summary is told.
#[derive(Clone, Debug)]
pub struct SummaryOptions {
    /// Colours and glyphs.
    pub theme: Theme,
    /// Is it a terminal? Else failures are narrated instead of drawn.
    pub terminal: bool,
    /// Columns.
    pub width: usize,
    /// How much.
    pub quiet: Quiet,
    /// Did a log tell the verdict as its last line? Then it is not said twice where there is nothing to add.
    pub told: bool,
    /// Where failures can point to.
    pub places: Option<SpecPlaces>,
    /// The `--context` to repeat in commands, if one was given.
    pub context: Option<String>,
    /// The verbs that this binary has; no other is advised.
    pub verbs: &'static [&'static str],
}

/// Writes the summary when the run has ended.
pub struct Summary<W: Write> {
    out: W,
    options: SummaryOptions,
    report: RunReport,
}

impl<W: Write> Summary<W> {
    /// To that writer.
    pub fn new(out: W, options: SummaryOptions) -> Self {
        Self {
            out,
            options,
            report: RunReport::default(),
        }
    }
}

impl<W: Write> Subscriber for Summary<W> {
    fn on_event(&mut self, event: &Event) {
        self.report.on_event(event);
        let Some(verdict) = &self.report.verdict else {
            return;
        };
        let text = if verdict.exit_code == 0 {
            success(&self.report, verdict, &event.msg, &self.options)
        } else {
            failure::render(&self.report, verdict, &self.options)
        };
        // a terminal that went away must not change how a run ends
        let _ = self.out.write_all(text.as_bytes());
        let _ = self.out.flush();
    }
}

fn success(report: &RunReport, verdict: &Verdict, words: &str, options: &SummaryOptions) -> String {
    let lines = match options.quiet {
        Quiet::Silent => Vec::new(),
        Quiet::Verdict => vec![headline(words, options)],
        Quiet::No => {
            if verdict.outcome == "promoted" {
                facts(report, verdict, words, options)
            } else if options.told {
                Vec::new()
            } else {
                vec![headline(words, options)]
            }
        }
    };
    lines
        .iter()
        .map(|row| row.paint(options.width.max(MIN_WIDTH), options.theme) + "\n")
        .collect()
}

/// Narrower is not cut: a terminal may wrap the verdict, but not lose it.
const MIN_WIDTH: usize = 40;
/// From this width on, two facts share a line.
const TWO_COLUMNS: usize = 80;
/// Where the second one begins.
const SECOND: usize = 54;

fn headline(words: &str, options: &SummaryOptions) -> Row {
    Row::new()
        .text(Tone::Good, options.theme.glyphs().ok)
        .text(Tone::Plain, " ")
        .text(Tone::Strong, words)
}

fn facts(report: &RunReport, verdict: &Verdict, words: &str, options: &SummaryOptions) -> Vec<Row> {
    let wide = options.width >= TWO_COLUMNS;
    let run = figures::short_run(&report.run);
    let took = figures::duration(verdict.duration_ms);
    let mut rows = Vec::new();
    let head = headline(words, options);
    if wide {
        let end = format!("{took}   run {run}");
        rows.push(head.right(options.width.min(88), Tone::Dim, &end));
    } else {
        rows.push(head);
        rows.push(fact("run").text(Tone::Plain, format!("{run}, {took}")));
    }
    rows.insert(1, Row::new());
    let checks = format!(
        "{} passed, {} held, limit {}",
        report.passed, report.held, report.threshold
    );
    let weights = fact("weights").text(Tone::Plain, path(report, options.theme));
    let both = weights
        .clone()
        .to(SECOND)
        .text(Tone::Dim, "checks ")
        .text(Tone::Plain, &checks);
    if wide && weights.width() + 2 <= SECOND && both.width() <= options.width {
        rows.push(both);
    } else {
        rows.push(weights);
        rows.push(fact("checks").text(Tone::Plain, checks));
    }
    rows.extend(worst(verdict, options));
    let traffic = format!("{} % primary = {}", verdict.traffic.primary, report.to);
    rows.push(fact("traffic").text(Tone::Plain, traffic));
    if let Some(recorded) = &report.recorded {
        let place = format!(
            "{} on {}",
            figures::short_commit(&recorded.commit),
            figures::short_ref(&recorded.reference)
        );
        if wide {
            let place = format!("{} at {place}", recorded.path);
            rows.push(fact("recorded").text(Tone::Plain, place));
        } else {
            rows.push(fact("recorded").text(Tone::Plain, place));
            rows.push(fact("").text(Tone::Plain, &recorded.path));
        }
    }
    rows
}

fn fact(label: &str) -> Row {
    Row::new()
        .text(Tone::Plain, "  ")
        .text(Tone::Dim, label)
        .to(13)
}

/// The weights as they were reached; planned ones that were skipped are not among them.
fn path(report: &RunReport, theme: Theme) -> String {
    let mut steps: Vec<String> = report.reached.iter().map(ToString::to_string).collect();
    steps.push("primary".to_owned());
    steps.join(&format!(" {} ", theme.glyphs().then))
}

/// The worst samples, as many on a line as fit.
fn worst(verdict: &Verdict, options: &SummaryOptions) -> Vec<Row> {
    let room = options.width.max(MIN_WIDTH);
    let mut rows: Vec<Row> = Vec::new();
    for sample in &verdict.worst {
        let limits = limits(sample, options.theme);
        let limits = if limits.is_empty() {
            limits
        } else {
            format!(" ({limits})")
        };
        let text = format!("{} {}{limits}", sample.name, value(sample));
        let next = Row::new().text(Tone::Plain, text);
        match rows.pop() {
            None => rows.push(fact("worst").join(next)),
            Some(row) if row.width() + 3 + next.width() <= room => {
                rows.push(row.text(Tone::Plain, "   ").join(next));
            }
            Some(row) => {
                rows.push(row);
                rows.push(fact("").join(next));
            }
        }
    }
    rows
}

/// A value with its unit, such as `98.71 %`.
pub(in crate::ui) fn value(sample: &Sample) -> String {
    let unit = sample.unit.unwrap_or_default();
    let limit = [sample.min, sample.max].into_iter().flatten().next();
    let text = match (sample.value, limit) {
        (None, _) => return "no value".to_owned(),
        (Some(value), Some(limit)) if !sample.ok => figures::beside(value, limit, unit),
        (Some(value), _) => figures::number(value, unit),
    };
    with_unit(text, unit)
}

fn with_unit(text: String, unit: &str) -> String {
    if unit.is_empty() {
        text
    } else {
        format!("{text} {unit}")
    }
}

/// The limits, such as `≥ 99 %` or `1 … 10`; empty without any.
pub(in crate::ui) fn limits(sample: &Sample, theme: Theme) -> String {
    let glyphs = theme.glyphs();
    let unit = sample.unit.unwrap_or_default();
    match (sample.min, sample.max) {
        (Some(min), Some(max)) => with_unit(
            format!("{}..{}", figures::number(min, ""), figures::number(max, "")),
            unit,
        ),
        (Some(min), None) => with_unit(
            format!("{} {}", glyphs.at_least, figures::number(min, "")),
            unit,
        ),
        (None, Some(max)) => with_unit(
            format!("{} {}", glyphs.at_most, figures::number(max, "")),
            unit,
        ),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests;
