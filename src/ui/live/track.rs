//! The row of steps: what is done, where the run is, what is to come.

use crate::canary::phase::Phase;
use crate::rollout::words::figures;
use crate::ui::live::state::LiveState;
use crate::ui::row::Row;
use crate::ui::theme::Theme;
use crate::ui::theme::Tone;

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Done,
    Here,
    Failed,
    Ahead,
}

struct Step {
    mark: Mark,
    name: String,
}

/// Position in the plan: 0 is `ready`, then the weights, then `promote` and `finish`; one more when all is done.
fn position(state: &LiveState) -> usize {
    let report = &state.report;
    if is_bootstrap(state) {
        let ready = usize::from(state.primary_ready_ms.is_some());
        return ready + usize::from(report.phase == Phase::Initialized);
    }
    let weights = report.planned.len();
    let at_weight = report.reached.last().map(|reached| {
        let found = report.planned.iter().position(|step| step >= reached);
        1 + found.unwrap_or(weights.saturating_sub(1))
    });
    match report.phase {
        Phase::WaitingPromotion | Phase::Promoting => 1 + weights,
        Phase::Finalising => 2 + weights,
        Phase::Succeeded => 3 + weights,
        Phase::New
        | Phase::Initializing
        | Phase::Initialized
        | Phase::Waiting
        | Phase::Progressing
        | Phase::Failed
        | Phase::Terminating
        | Phase::Terminated => at_weight.unwrap_or(0),
    }
}

/// Is the primary only being created? Then there are no weights to go through.
fn is_bootstrap(state: &LiveState) -> bool {
    let report = &state.report;
    report.planned.is_empty() && matches!(report.phase, Phase::Initializing | Phase::Initialized)
}

/// About how long it takes from the next look on; nothing once it cannot be said.
pub(super) fn left_ms(state: &LiveState) -> Option<u64> {
    let report = &state.report;
    let weights = report.planned.len();
    let position = position(state);
    if report.rollback.is_some() || position == 0 || position > weights {
        return None;
    }
    let looks = u64::try_from(weights - position).ok()? + 1;
    let all_looks = u64::try_from(weights)
        .ok()?
        .checked_mul(report.interval_ms)?;
    let around = report.estimate_ms.saturating_sub(all_looks);
    looks.checked_mul(report.interval_ms)?.checked_add(around)
}

fn steps(state: &LiveState) -> Vec<Step> {
    let report = &state.report;
    let here = position(state);
    let ready = state.ready_ms.map_or_else(
        || "ready".to_owned(),
        |ms| format!("ready {}", figures::duration(ms)),
    );
    let names: Vec<String> = if is_bootstrap(state) {
        vec!["primary".to_owned(), "finish".to_owned()]
    } else {
        let weights = report.planned.iter().map(ToString::to_string);
        let ends = ["promote".to_owned(), "finish".to_owned()];
        std::iter::once(ready).chain(weights).chain(ends).collect()
    };
    names
        .into_iter()
        .enumerate()
        .map(|(at, name)| {
            let mark = match at.cmp(&here) {
                std::cmp::Ordering::Less => Mark::Done,
                std::cmp::Ordering::Equal if report.rollback.is_some() => Mark::Failed,
                std::cmp::Ordering::Equal => Mark::Here,
                std::cmp::Ordering::Greater => Mark::Ahead,
            };
            Step { mark, name }
        })
        .collect()
}

/// The row, with as many steps around the present one as fit into that many columns.
pub(super) fn row(state: &LiveState, columns: usize, theme: Theme) -> Row {
    let steps = steps(state);
    let pieces: Vec<Row> = steps.iter().map(|step| piece(step, theme)).collect();
    let widths: Vec<usize> = pieces.iter().map(|piece| piece.width() + GAP).collect();
    let cut = theme.glyphs().cut;
    let here = position(state).min(steps.len().saturating_sub(1));
    let (first, last) = window(&widths, here, columns.saturating_sub(2 * (GAP + 1)));
    let mut row = Row::new().text(Tone::Plain, " ");
    if first > 0 {
        row = row.text(Tone::Dim, cut).text(Tone::Plain, "   ");
    }
    for (at, piece) in pieces.into_iter().enumerate() {
        if at < first || at > last {
            continue;
        }
        if at > first {
            row = row.text(Tone::Plain, "   ");
        }
        row = row.join(piece);
    }
    if last + 1 < steps.len() {
        row = row.text(Tone::Plain, "   ").text(Tone::Dim, cut);
    }
    row
}

const GAP: usize = 3;

fn piece(step: &Step, theme: Theme) -> Row {
    let glyphs = theme.glyphs();
    let (tone, sign) = match step.mark {
        Mark::Done => (Tone::Good, glyphs.ok),
        Mark::Here => (Tone::Strong, glyphs.here),
        Mark::Failed => (Tone::Bad, glyphs.bad),
        Mark::Ahead => (Tone::Dim, glyphs.ahead),
    };
    Row::new()
        .text(tone, sign)
        .text(Tone::Plain, " ")
        .text(tone, &step.name)
}

/// First and last index of what fits around `here`, what is to come first.
fn window(widths: &[usize], here: usize, columns: usize) -> (usize, usize) {
    let (mut first, mut last) = (here, here);
    let mut used = widths.get(here).copied().unwrap_or_default();
    loop {
        let mut grown = false;
        if let Some(width) = widths.get(last + 1)
            && used + width <= columns
        {
            used += width;
            last += 1;
            grown = true;
        }
        if let Some(before) = first.checked_sub(1)
            && let Some(width) = widths.get(before)
            && used + width <= columns
        {
            used += width;
            first = before;
            grown = true;
        }
        if !grown {
            return (first, last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::weight::Weight;
    use crate::rollout::event::Event;
    use crate::ui::recorded;

    const PLAIN: Theme = Theme {
        color: false,
        ascii: false,
    };

    fn state(events: &[Event]) -> LiveState {
        let mut state = LiveState::default();
        for event in events {
            state.on_event(event);
        }
        state
    }

    #[test]
    fn steps_before_are_done_and_steps_after_are_ahead() {
        let state = state(&recorded::midway());
        assert_eq!(
            row(&state, 120, PLAIN).paint(120, PLAIN),
            " ✔ ready 21s   ✔ 10   ✔ 20   ● 30   ○ 40   ○ 50   ○ promote   ○ finish"
        );
    }

    #[test]
    fn a_rollback_marks_the_step_it_happened_at() {
        let state = state(&recorded::failure());
        let text = row(&state, 120, PLAIN).paint(120, PLAIN);
        assert!(text.contains("✔ 20   ✘ 30   ○ 40"), "{text}");
    }

    #[test]
    fn all_steps_are_done_at_the_end() {
        let state = state(&recorded::success());
        let text = row(&state, 120, PLAIN).paint(120, PLAIN);
        assert!(text.ends_with("✔ promote   ✔ finish"), "{text}");
    }

    #[test]
    fn a_hundred_steps_show_those_around_the_present_one() {
        let mut state = state(&recorded::midway());
        state.report.planned = (1..=100).map(Weight::saturating).collect();
        let text = row(&state, 60, PLAIN).paint(60, PLAIN);
        assert_eq!(
            text,
            " …   ✔ 27   ✔ 28   ✔ 29   ● 30   ○ 31   ○ 32   ○ 33   …"
        );
    }

    #[test]
    fn a_run_without_weights_has_three_steps() {
        let mut state = state(&recorded::midway());
        state.report.planned.clear();
        let text = row(&state, 60, PLAIN).paint(60, PLAIN);
        assert_eq!(text, " ✔ ready 21s   ● promote   ○ finish");
        assert_eq!(left_ms(&state), None);
    }

    #[test]
    fn a_bootstrap_has_no_weights_to_go_through() {
        let mut state = LiveState::default();
        state.report.phase = Phase::Initializing;
        assert_eq!(
            row(&state, 60, PLAIN).paint(60, PLAIN),
            " ● primary   ○ finish"
        );
        state.report.phase = Phase::Initialized;
        state.primary_ready_ms = Some(4000);
        assert_eq!(
            row(&state, 60, PLAIN).paint(60, PLAIN),
            " ✔ primary   ✔ finish"
        );
    }

    #[test]
    fn what_is_left_counts_the_looks_to_come() {
        // three looks, 30 to 50, and 100 s around all five
        assert_eq!(left_ms(&state(&recorded::midway())), Some(280_000));
        assert_eq!(left_ms(&state(&recorded::failure())), None);
        assert_eq!(left_ms(&state(&recorded::success())), None);
    }
}
