//! The frame of the live view as rows of text: a pure function of what is known, the time, the size and the theme.
//!
//! Rules: at most twenty rows and one column less than the terminal has; what does not fit goes in this order: last
//! events, blank rows, details, checks; under 60 columns one line is left. The last row is never given up, because
//! the question after Ctrl-C stands there.

use crate::canary::phase::Phase;
use crate::canary::weight::Weight;
use crate::rollout::words::figures;
use crate::ui::live::checks;
use crate::ui::live::state::LiveState;
use crate::ui::live::track;
use crate::ui::row::Row;
use crate::ui::theme::Theme;
use crate::ui::theme::Tone;
use jiff::Timestamp;

/// Size of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// More rows would push the transcript off most terminals.
const MAX_ROWS: usize = 20;
/// Narrower terminals get one line.
const MIN_WIDTH: usize = 60;
/// Events shown where there is room.
const MAX_EVENTS: usize = 4;
/// Longest bar.
const MAX_BAR: usize = 50;
/// Width of `primary` and what surrounds it.
const LABEL: usize = 9;
/// More failed checks than this are not drawn one by one.
const MAX_MARKS: u32 = 10;

/// What a frame of that height has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Plan {
    events: usize,
    blanks: bool,
    details: bool,
    /// Rows for the table of checks, heading included.
    checks: usize,
}

impl Plan {
    const fn rows(self) -> usize {
        // header, steps, canary, last row
        let fixed = 4;
        let details = if self.details { 2 } else { 0 };
        let sections = 2 + (self.checks > 0) as usize + (self.events > 0) as usize;
        let blanks = if self.blanks { sections + 1 } else { 0 };
        fixed + details + blanks + self.checks + self.events
    }

    /// `None` where not even the fixed rows fit.
    fn fit(checks: usize, rows: usize) -> Option<Self> {
        let all = Self {
            events: MAX_EVENTS,
            blanks: true,
            details: true,
            checks,
        };
        let fewer_events = (0..=MAX_EVENTS).rev().map(|events| Self { events, ..all });
        let bare = Self { events: 0, ..all };
        let dense = Self {
            blanks: false,
            ..bare
        };
        let plain = Self {
            details: false,
            ..dense
        };
        let fewer_checks = (0..=checks).rev().map(|checks| Self { checks, ..plain });
        fewer_events
            .chain([dense, plain])
            .chain(fewer_checks)
            .find(|plan| plan.rows() <= rows)
    }
}

fn plan(state: &LiveState, area: Area) -> Option<Plan> {
    if area.width < MIN_WIDTH {
        return None;
    }
    let report = &state.report;
    let unplanned = report
        .histories
        .iter()
        .filter(|history| !report.metrics.contains(&history.name));
    let metrics = report.metrics.len() + unplanned.count();
    let checks = if metrics == 0 { 0 } else { metrics + 1 };
    Plan::fit(checks, MAX_ROWS.min(area.height.saturating_sub(1)))
}

/// How many of the last events the frame shows; the others belong to the transcript.
#[must_use]
pub fn event_rows(state: &LiveState, area: Area) -> usize {
    plan(state, area).map_or(0, |plan| plan.events)
}

/// The rows of the region.
#[must_use]
pub fn frame(state: &LiveState, now: Timestamp, area: Area, theme: Theme) -> Vec<String> {
    // a row that fills the terminal makes some terminals scroll
    let columns = area.width.saturating_sub(1);
    let rows = match plan(state, area) {
        None => vec![one_line(state, now, columns, theme)],
        Some(plan) => full(state, now, columns, plan, theme),
    };
    rows.iter().map(|row| row.paint(columns, theme)).collect()
}

fn full(state: &LiveState, now: Timestamp, columns: usize, plan: Plan, theme: Theme) -> Vec<Row> {
    let mut rows = Vec::new();
    let gap = |rows: &mut Vec<Row>| {
        if plan.blanks {
            rows.push(Row::new());
        }
    };
    rows.push(header(state, now, columns, theme));
    gap(&mut rows);
    rows.push(steps(state, now, columns, theme));
    gap(&mut rows);
    rows.push(canary_bar(state, columns, theme));
    if plan.details {
        rows.push(primary_bar(state, columns, theme));
        rows.push(pods(state, columns, theme));
    }
    if plan.checks > 0 {
        gap(&mut rows);
        rows.extend(checks::rows(state, plan.checks, columns, theme));
    }
    if plan.events > 0 {
        gap(&mut rows);
        let lines = state.last_lines(plan.events);
        rows.extend(lines.iter().map(|line| line.row()));
        // a stable height: the region must not jump with the first events
        rows.extend(std::iter::repeat_n(Row::new(), plan.events - lines.len()));
    }
    if !state.is_finished() {
        gap(&mut rows);
        rows.push(last_row(state, now, columns, theme));
    }
    rows
}

fn header(state: &LiveState, now: Timestamp, columns: usize, theme: Theme) -> Row {
    let report = &state.report;
    let glyphs = theme.glyphs();
    let clock = elapsed(state, now);
    let room = columns.saturating_sub(clock.len() + 2);
    let mut row = Row::new()
        .text(Tone::Strong, format!(" {}", report.who()))
        .text(Tone::Plain, "   ");
    if report.from != report.to {
        row = row
            .text(Tone::Plain, &report.from)
            .text(Tone::Dim, format!(" {} ", glyphs.arrow));
    }
    row = row.text(Tone::Strong, &report.to);
    let dot = format!(" {} ", glyphs.dot);
    let facts = [
        format!("run {}", figures::short_run(&report.run)),
        format!("ctx {}", report.context),
        format!("{} {}", report.provider, report.route),
    ];
    let mut first = true;
    for fact in facts {
        let between = if first { "    " } else { dot.as_str() };
        let next = Row::new().text(Tone::Dim, between).text(Tone::Dim, fact);
        if row.width() + next.width() > room {
            break;
        }
        row = row.join(next);
        first = false;
    }
    row.right(columns, Tone::Plain, &clock)
}

fn steps(state: &LiveState, now: Timestamp, columns: usize, theme: Theme) -> Row {
    let left = track::left_ms(state).map(|ms| {
        // the present look has begun already
        let begun = state.next_look.map_or(0, |next| {
            let wait = next.duration_since(now).as_millis();
            let wait = u64::try_from(wait).unwrap_or(0);
            state.report.interval_ms.saturating_sub(wait)
        });
        format!("about {} left", figures::about(ms.saturating_sub(begun)))
    });
    let Some(left) = left else {
        return track::row(state, columns, theme);
    };
    let room = columns.saturating_sub(left.len() + 2);
    track::row(state, room, theme).right(columns, Tone::Dim, &left)
}

/// Columns of a bar, so that both bars and what stands behind them fit.
fn bar_width(columns: usize) -> usize {
    let behind = 32;
    columns.saturating_sub(LABEL + behind).clamp(10, MAX_BAR)
}

fn bar(label: &str, share: Weight, goal: Option<Weight>, columns: usize, theme: Theme) -> Row {
    let glyphs = theme.glyphs();
    let width = bar_width(columns);
    let cells = |share: Weight| (usize::from(share.percent()) * width + 50) / 100;
    let filled = cells(share);
    let goal = goal.map(cells).filter(|at| *at > filled && *at < width);
    let mut row = Row::new().text(Tone::Dim, format!(" {label}")).to(LABEL);
    row = row.text(Tone::Good, glyphs.full.repeat(filled));
    match goal {
        None => row.push(Tone::Dim, &glyphs.empty.repeat(width - filled)),
        Some(at) => {
            row.push(Tone::Dim, &glyphs.empty.repeat(at - filled));
            row.push(Tone::Dim, glyphs.goal);
            row.push(Tone::Dim, &glyphs.empty.repeat(width - at - 1));
        }
    }
    let percent = format!("{share} %");
    row.right(LABEL + width + 7, Tone::Strong, &percent)
}

fn canary_bar(state: &LiveState, columns: usize, theme: Theme) -> Row {
    let report = &state.report;
    let goal = report.planned.iter().max().copied();
    let row = bar("canary", report.weight, goal, columns, theme);
    if let Some(words) = after_the_analysis(report.phase) {
        return row.text(Tone::Plain, "   ").text(Tone::Dim, words);
    }
    let next = report.planned.iter().find(|step| **step > report.weight);
    let words = match (next, goal) {
        _ if report.verdict.is_some() => String::new(),
        _ if report.rollback.is_some() => "rolling back".to_owned(),
        _ if report.mirrored => "and a copy of the rest".to_owned(),
        (Some(next), Some(goal)) if *next < goal => format!("then {next}, up to {goal}"),
        (Some(next), _) => format!("then {next}"),
        (None, Some(_)) if !report.weight.is_zero() => "then promote".to_owned(),
        (None, _) => String::new(),
    };
    row.text(Tone::Plain, "   ").text(Tone::Dim, words)
}

/// What the steps of the weight no longer say; `None` while they do.
const fn after_the_analysis(phase: Phase) -> Option<&'static str> {
    match phase {
        Phase::Promoting => Some("promoting"),
        Phase::Finalising | Phase::Succeeded | Phase::Failed => Some(""),
        Phase::New
        | Phase::Initializing
        | Phase::Initialized
        | Phase::Waiting
        | Phase::Progressing
        | Phase::WaitingPromotion
        | Phase::Terminating
        | Phase::Terminated => None,
    }
}

fn primary_bar(state: &LiveState, columns: usize, theme: Theme) -> Row {
    bar("primary", state.report.weight.rest(), None, columns, theme)
}

fn pods(state: &LiveState, columns: usize, theme: Theme) -> Row {
    let report = &state.report;
    let glyphs = theme.glyphs();
    let mut row = Row::new().text(Tone::Dim, " pods").to(LABEL);
    let all = [
        ("canary", report.canary_pods),
        ("primary", report.primary_pods),
    ];
    let mut first = true;
    for (role, pods) in all {
        let Some(pods) = pods else { continue };
        if !first {
            row.push(Tone::Dim, &format!(" {} ", glyphs.dot));
        }
        let tone = if pods.ready < pods.desired {
            Tone::Held
        } else {
            Tone::Plain
        };
        row.push(tone, &format!("{role} {}/{}", pods.ready, pods.desired));
        first = false;
    }
    if report.threshold == 0 {
        return row;
    }
    let failed = report.failed;
    let tone = if failed == 0 { Tone::Plain } else { Tone::Held };
    let mut marks = Row::new().text(Tone::Dim, "failed checks ");
    if report.threshold <= MAX_MARKS {
        let used = usize::try_from(failed.min(report.threshold)).unwrap_or(0);
        let free = usize::try_from(report.threshold).unwrap_or(0) - used;
        marks.push(tone, &glyphs.used.repeat(used));
        marks.push(Tone::Dim, &glyphs.free.repeat(free));
        marks.push(Tone::Plain, " ");
    }
    marks.push(tone, &format!("{failed} of {}", report.threshold));
    let under_bar = LABEL + bar_width(columns) + 3;
    let column = under_bar.min(columns.saturating_sub(marks.width()));
    row.text(Tone::Plain, "  ").to(column).join(marks)
}

fn last_row(state: &LiveState, now: Timestamp, columns: usize, theme: Theme) -> Row {
    if state.asking {
        return question(state, columns);
    }
    let row = Row::new().text(Tone::Plain, " ");
    let row = match next_look(state, now) {
        Some(words) => row
            .text(Tone::Plain, words)
            .text(Tone::Dim, format!(" {} ", theme.glyphs().dot)),
        None => row,
    };
    row.text(Tone::Dim, "Ctrl-C to stop")
}

/// The countdown: it moves each second and so shows that the driver lives.
fn next_look(state: &LiveState, now: Timestamp) -> Option<String> {
    let left = state.next_look?.duration_since(now).as_millis();
    let left = u64::try_from(left).unwrap_or(0).div_ceil(1000);
    Some(if left == 0 {
        "looking now".to_owned()
    } else {
        format!("next look in {}", figures::duration(left * 1000))
    })
}

fn question(state: &LiveState, columns: usize) -> Row {
    let hold = format!("hold at {} and leave", state.report.weight);
    let wide = ask("   ", "roll back now", &hold, "carry on")
        .text(Tone::Dim, "        (Ctrl-C again = roll back)");
    let normal = ask("   ", "roll back now", &hold, "carry on");
    let short = ask("  ", "roll back", "hold", "carry on");
    [wide, normal]
        .into_iter()
        .find(|row| row.width() <= columns)
        .unwrap_or(short)
}

fn ask(gap: &str, back: &str, hold: &str, on: &str) -> Row {
    let mut row = Row::new().text(Tone::Held, " stop?");
    for (key, words) in [("r", back), ("h", hold), ("c", on)] {
        row.push(Tone::Plain, gap);
        row.push(Tone::Strong, key);
        row.push(Tone::Plain, &format!(" {words}"));
    }
    row
}

/// Everything in one line, the most urgent first because the end may be cut.
fn one_line(state: &LiveState, now: Timestamp, columns: usize, theme: Theme) -> Row {
    let report = &state.report;
    if state.asking {
        return question(state, columns);
    }
    let dot = format!(" {} ", theme.glyphs().dot);
    let mut row = Row::new()
        .text(Tone::Strong, report.who())
        .text(Tone::Plain, format!(" {} %", report.weight));
    if report.failed > 0 {
        row.push(
            Tone::Held,
            &format!("{dot}failed {}/{}", report.failed, report.threshold),
        );
    }
    if let Some(words) = next_look(state, now) {
        row.push(Tone::Dim, &format!("{dot}{words}"));
    }
    row.push(Tone::Dim, &format!("{dot}{}", elapsed(state, now)));
    row
}

/// Time since the first event, as `03:27` or `1:03:27`.
fn elapsed(state: &LiveState, now: Timestamp) -> String {
    let report = &state.report;
    let now = report.verdict.as_ref().and(report.last_at).unwrap_or(now);
    let seconds = report
        .started_at
        .map_or(0, |start| now.duration_since(start).as_secs().max(0));
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}
