//! The live region at the bottom of a terminal: redrawn under the transcript, which is never touched again.
//!
//! Must not decide what is shown (that is `layout`) and must not use the alternate screen: what was said stays.

use crate::port::subscriber::Subscriber;
use crate::rollout::event::Event;
use crate::ui::live::layout::Area;
use crate::ui::live::state::LiveState;
use crate::ui::theme::Theme;
use indicatif::MultiProgress;
use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;
use jiff::Timestamp;
use std::time::Duration;

pub mod checks;
pub mod layout;
pub mod state;
pub mod track;

/// Asked before every redraw, so that the view follows the size of the terminal.
pub type Measure = Box<dyn Fn() -> Area>;

/// How often the region may be redrawn, a second. More is not seen and floods slow connections.
const REDRAWS: u8 = 10;
/// Often enough for a countdown that moves each second.
const TICK: Duration = Duration::from_millis(250);

/// Where the region is drawn in real runs.
#[must_use]
pub fn stderr() -> ProgressDrawTarget {
    ProgressDrawTarget::stderr_with_hz(REDRAWS)
}

/// The size of that terminal, 80 by 24 where it does not say.
#[must_use]
pub fn stderr_size() -> Measure {
    let term = console::Term::stderr();
    Box::new(move || {
        let (height, width) = term.size();
        Area {
            width: usize::from(width),
            height: usize::from(height),
        }
    })
}

/// The view.
pub struct Live {
    region: MultiProgress,
    bar: ProgressBar,
    measure: Measure,
    theme: Theme,
    state: LiveState,
    drawn: String,
}

impl Live {
    /// On that terminal. Nothing is shown before the first event.
    #[must_use]
    pub fn new(target: ProgressDrawTarget, measure: Measure, theme: Theme) -> Self {
        let region = MultiProgress::with_draw_target(target);
        Self {
            bar: bar(&region),
            region,
            measure,
            theme,
            state: LiveState::default(),
            drawn: String::new(),
        }
    }

    /// A newer revision midway opens another run under what the first one left.
    fn begin_again(&mut self) {
        self.bar = bar(&self.region);
        self.state = LiveState::default();
        self.drawn.clear();
    }

    /// Turns the region into transcript, which nothing redraws any more, and sets it off from what follows.
    fn leave_frame(&mut self) {
        self.bar.finish_and_clear();
        if !self.drawn.is_empty() {
            // a terminal that went away must not change how a run ends
            let _ = self.region.println(&self.drawn);
            let _ = self.region.println("");
        }
    }

    fn redraw(&mut self, now: Timestamp) {
        let area = (self.measure)();
        // what does not fit into the region belongs to the transcript above it, in order
        let rows = layout::event_rows(&self.state, area);
        let scrolled = self.state.take_scrolled(rows);
        let lines: Vec<String> = scrolled
            .iter()
            .map(|line| line.row().paint(usize::MAX, self.theme))
            .collect();
        if !lines.is_empty() {
            // a terminal that went away must not stop a rollout
            let _ = self.region.println(lines.join("\n"));
        }
        let frame = layout::frame(&self.state, now, area, self.theme).join("\n");
        if frame != self.drawn {
            self.bar.set_message(frame.clone());
            self.drawn = frame;
        }
    }
}

fn bar(region: &MultiProgress) -> ProgressBar {
    let bar = region.add(ProgressBar::no_length());
    if let Ok(style) = ProgressStyle::with_template("{msg}") {
        bar.set_style(style);
    }
    bar
}

impl Subscriber for Live {
    fn on_event(&mut self, event: &Event) {
        if self.state.is_finished() && event.run != self.state.report.run {
            self.begin_again();
        }
        self.state.on_event(event);
        self.redraw(event.at);
        if self.state.is_finished() {
            self.leave_frame();
        }
    }

    fn on_tick(&mut self, now: Timestamp) {
        if self.state.is_started() && !self.state.is_finished() {
            self.redraw(now);
        }
    }

    fn tick(&self) -> Option<Duration> {
        (!self.state.is_finished()).then_some(TICK)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // indicatif clears a bar that is dropped before its end; the last frame is worth most just then
        if !self.bar.is_finished() {
            self.leave_frame();
        }
    }
}

#[cfg(test)]
mod tests;
