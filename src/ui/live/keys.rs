//! The last row of the view: what is waited for, the keys, and the questions that take their place.

use crate::rollout::words::figures;
use crate::ui::live::state::LiveState;
use crate::ui::row::Row;
use crate::ui::theme::Theme;
use crate::ui::theme::Tone;
use jiff::Timestamp;

/// What each key does, in full.
const KEYS: &[(&str, &str)] = &[
    (
        "p",
        "hold the weight where it is, checks go on; again: go on",
    ),
    ("a", "roll back now, after one more question"),
    ("d", "show or hide primary, pods and events"),
    ("Ctrl-C", "stop: roll back, hold or carry on"),
];

/// The row: a question, or what is waited for and the keys.
pub(super) fn row(state: &LiveState, now: Timestamp, columns: usize, theme: Theme) -> Row {
    if let Some(question) = question(state, columns) {
        return question;
    }
    let mut row = Row::new().text(Tone::Plain, " ");
    if let Some(words) = next_look(state, now) {
        row = row
            .text(Tone::Plain, words)
            .text(Tone::Dim, format!(" {} ", theme.glyphs().dot));
    }
    if !state.keys || state.report.rollback.is_some() {
        return row.text(Tone::Dim, "Ctrl-C to stop");
    }
    let pause = if state.paused { "resume" } else { "pause" };
    let all = [
        ("p", pause),
        ("a", "abort"),
        ("d", "details"),
        ("?", "keys"),
    ];
    let keys = |gap: &str| {
        let mut keys = Row::new();
        for (at, (key, words)) in all.iter().enumerate() {
            if at > 0 {
                keys.push(Tone::Plain, gap);
            }
            keys.push(Tone::Strong, key);
            keys.push(Tone::Dim, &format!(" {words}"));
        }
        keys
    };
    let wide = keys("   ");
    if row.width() + wide.width() <= columns {
        row.join(wide)
    } else {
        row.join(keys("  "))
    }
}

/// What the keys do, in at most that many rows.
pub(super) fn help(rows: usize) -> Vec<Row> {
    let explained = |(key, words): &(&str, &str)| {
        Row::new()
            .text(Tone::Strong, format!(" {key}"))
            .to(9)
            .text(Tone::Plain, words)
    };
    KEYS.iter().take(rows).map(explained).collect()
}

/// The countdown: it moves each second and so shows that the driver lives.
pub(super) fn next_look(state: &LiveState, now: Timestamp) -> Option<String> {
    let left = state.next_look?.duration_since(now).as_millis();
    let left = u64::try_from(left).unwrap_or(0).div_ceil(1000);
    Some(if left == 0 {
        "looking now".to_owned()
    } else {
        format!("next look in {}", figures::duration(left * 1000))
    })
}

/// The question that is open.
pub(super) fn question(state: &LiveState, columns: usize) -> Option<Row> {
    if state.asking {
        return Some(stop(state, columns));
    }
    let short = ask("roll back now?", "   ", &[("y", "yes"), ("n", "no")]);
    let wide = ask(
        &format!("roll back from {} now?", state.report.weight),
        "   ",
        &[("y", "yes, users go to the primary"), ("n", "no, carry on")],
    );
    let fitting = if wide.width() <= columns { wide } else { short };
    state.aborting.then_some(fitting)
}

fn stop(state: &LiveState, columns: usize) -> Row {
    let hold = format!("hold at {} and leave", state.report.weight);
    let long = [("r", "roll back now"), ("h", &hold), ("c", "carry on")];
    let normal = ask("stop?", "   ", &long);
    let wide = normal
        .clone()
        .text(Tone::Dim, "        (Ctrl-C again = roll back)");
    let short = ask(
        "stop?",
        "  ",
        &[("r", "roll back"), ("h", "hold"), ("c", "carry on")],
    );
    [wide, normal]
        .into_iter()
        .find(|row| row.width() <= columns)
        .unwrap_or(short)
}

fn ask(question: &str, gap: &str, answers: &[(&str, &str)]) -> Row {
    let mut row = Row::new().text(Tone::Held, format!(" {question}"));
    for (key, words) in answers {
        row.push(Tone::Plain, gap);
        row.push(Tone::Strong, key);
        row.push(Tone::Plain, &format!(" {words}"));
    }
    row
}
