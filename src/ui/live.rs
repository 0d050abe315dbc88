//! The live region at the bottom of a terminal: redrawn under the transcript, which is never touched again.
//!
//! Must not decide what is shown (that is `layout`) and must not use the alternate screen: what was said stays.

use crate::port::subscriber::Subscriber;
use crate::rollout::event::Event;
use crate::ui::live::layout::Area;
use crate::ui::live::painter::Painter;
use crate::ui::live::state::LiveState;
use crate::ui::theme::Theme;
use indicatif::MultiProgress;
use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;
use jiff::Timestamp;
use std::io::Write;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::TryLockError;
use std::time::Duration;

pub mod checks;
pub mod keys;
pub mod layout;
pub mod painter;
pub mod state;
pub mod track;

/// Asked before every redraw, so that the view follows the size of the terminal.
pub type Measure = Arc<dyn Fn() -> Area + Send + Sync>;

/// How often the region may be redrawn, a second. More is not seen and floods slow connections.
pub const REDRAWS: u8 = 10;
/// How often it is looked at whether something changed: often enough for a countdown that moves each second, and for
/// a terminal that changes its size.
pub const TICK: Duration = Duration::from_millis(100);

/// The size of the terminal behind standard error, 80 by 24 where it does not say.
#[must_use]
pub fn stderr_size() -> Measure {
    let term = console::Term::stderr();
    Arc::new(move || {
        let (height, width) = term
            .size_checked()
            .filter(|(height, width)| *height > 0 && *width > 0)
            .unwrap_or((24, 80));
        Area {
            width: usize::from(width),
            height: usize::from(height),
        }
    })
}

/// What a live view is made of.
pub struct LiveOptions {
    /// Opens the terminal that it is drawn on; again after it was left for somebody else.
    pub open: Box<dyn Fn() -> Box<dyn Write + Send> + Send>,
    /// Its size.
    pub measure: Measure,
    /// [`REDRAWS`]; `None` for as often as something changes.
    pub redraws: Option<u8>,
    /// Does that terminal wrap its rows anew when its width changes?
    pub reflows: bool,
    /// Colours and glyphs.
    pub theme: Theme,
    /// Are single keys heard?
    pub keys: bool,
    /// [`TICK`] in the time of the driver; `None` where its clock jumps.
    pub tick: Option<Duration>,
}

/// The view. Clones are handles of the same one: the driver tells it what happens, the terminal which keys are
/// pressed.
#[derive(Clone)]
pub struct Live {
    view: Arc<Mutex<View>>,
    tick: Option<Duration>,
}

struct View {
    options: LiveOptions,
    region: MultiProgress,
    bar: ProgressBar,
    state: LiveState,
    drawn: String,
    now: Timestamp,
    /// Somebody else has the terminal.
    away: bool,
}

impl Live {
    /// Nothing is shown before the first event.
    #[must_use]
    pub fn new(options: LiveOptions) -> Self {
        let (region, bar) = region(&options);
        Self {
            tick: options.tick,
            view: Arc::new(Mutex::new(View {
                region,
                bar,
                state: LiveState::new(options.keys),
                options,
                drawn: String::new(),
                now: Timestamp::UNIX_EPOCH,
                away: false,
            })),
        }
    }

    fn view(&self) -> MutexGuard<'_, View> {
        // a panic while drawing must not end the rollout
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows or hides what can be done without; `?` likewise for the explanation of the keys.
    pub fn toggle(&self, part: Part) {
        let mut view = self.view();
        let shown = match part {
            Part::Details => &mut view.state.compact,
            Part::Help => &mut view.state.help,
        };
        *shown = !*shown;
        view.redraw_now();
    }

    /// Opens or closes the question whether to roll back, in place of the last row.
    pub fn ask_to_abort(&self, asks: bool) {
        let mut view = self.view();
        view.state.aborting = asks;
        view.redraw_now();
    }

    /// Leaves the terminal to somebody else: the region makes room for a line that stays.
    pub fn suspend(&self, why: &str) {
        self.view().suspend(why);
    }

    /// Is back on the terminal, below whatever was written there meanwhile.
    pub fn resume(&self) {
        self.view().resume();
    }

    /// How much traffic the canary has, percent, while a run is shown.
    #[must_use]
    pub fn weight(&self) -> Option<u8> {
        let view = self.view();
        let runs = view.state.is_started() && !view.state.is_finished();
        runs.then(|| view.state.report.weight.percent())
    }

    /// The last frame stays where it is and nothing is drawn over it: the process ends, or has something to say.
    pub fn close(&self) {
        self.view().leave_frame();
    }

    /// The same for the hook of a panic, which must not wait for whoever panicked while drawing.
    pub fn close_in_panic(&self) {
        let view = match self.view.try_lock() {
            Ok(view) => Some(view),
            Err(TryLockError::Poisoned(view)) => Some(view.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        let Some(mut view) = view else { return };
        if view.drawn.is_empty() || view.away {
            return;
        }
        // indicatif draws nothing while a thread panics: the frame stays as it is, and what follows begins below it
        view.end_row();
        view.state.keys = false;
        view.renew_region();
    }
}

/// A part of the view that a key shows or hides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The primary, the pods and the last events.
    Details,
    /// The explanation of the keys.
    Help,
}

fn region(options: &LiveOptions) -> (MultiProgress, ProgressBar) {
    let painter = Painter::new(
        (options.open)(),
        Arc::clone(&options.measure),
        options.reflows,
    );
    let target = match options.redraws {
        Some(hertz) => ProgressDrawTarget::term_like_with_hz(Box::new(painter), hertz),
        None => ProgressDrawTarget::term_like(Box::new(painter)),
    };
    let region = MultiProgress::with_draw_target(target);
    let bar = bar(&region);
    (region, bar)
}

fn bar(region: &MultiProgress) -> ProgressBar {
    let bar = region.add(ProgressBar::no_length());
    if let Ok(style) = ProgressStyle::with_template("{msg}") {
        bar.set_style(style);
    }
    bar
}

impl View {
    /// A newer revision midway opens another run under what the first one left.
    fn begin_again(&mut self) {
        self.bar = bar(&self.region);
        let compact = self.state.compact;
        self.state = LiveState::new(self.state.keys);
        self.state.compact = compact;
        self.drawn.clear();
    }

    fn renew_region(&mut self) {
        // a bar that is dropped before its end would clear rows that are somebody else's by now
        self.region.set_draw_target(ProgressDrawTarget::hidden());
        (self.region, self.bar) = region(&self.options);
        self.drawn.clear();
    }

    fn suspend(&mut self, why: &str) {
        self.bar.finish_and_clear();
        if !why.is_empty() {
            // the row after it is where others begin
            let _ = self.region.println(format!("{why}\n\n"));
        }
        self.drawn.clear();
        self.away = true;
    }

    fn resume(&mut self) {
        if !std::mem::take(&mut self.away) && !self.drawn.is_empty() {
            // nobody said that others would write below the frame: it stays there
            self.end_row();
        }
        self.renew_region();
        self.redraw_now();
    }

    fn end_row(&self) {
        let mut out = (self.options.open)();
        let _ = out.write_all(b"\r\n").and_then(|()| out.flush());
    }

    /// Turns the region into transcript, which nothing redraws any more, and sets it off from what follows.
    fn leave_frame(&mut self) {
        if self.bar.is_finished() {
            return;
        }
        self.bar.finish_and_clear();
        if !self.drawn.is_empty() {
            // a terminal that went away must not change how a run ends
            let _ = self.region.println(format!("{}\n\n\n", self.drawn));
            self.drawn.clear();
        }
    }

    fn redraw_now(&mut self) {
        if self.state.is_started() && !self.state.is_finished() {
            self.redraw(self.now);
        }
    }

    fn redraw(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        if self.away {
            return;
        }
        let area = (self.options.measure)();
        // what does not fit into the region belongs to the transcript above it, in order
        let rows = layout::event_rows(&self.state, area);
        let scrolled = self.state.take_scrolled(rows);
        let lines: Vec<String> = scrolled
            .iter()
            .map(|line| line.row().paint(usize::MAX, self.options.theme))
            .collect();
        self.drawn = layout::frame(&self.state, self.now, area, self.options.theme).join("\n");
        // also when nothing changed: what was drawn too often for the last frame comes with this one
        self.bar.set_message(self.drawn.clone());
        if !lines.is_empty() {
            // after the frame that no longer shows them; a terminal that went away must not stop a rollout
            let _ = self.region.println(lines.join("\n"));
        }
    }
}

impl Subscriber for Live {
    fn on_event(&mut self, event: &Event) {
        let mut view = self.view();
        if view.state.is_finished() && event.run != view.state.report.run {
            view.begin_again();
        }
        view.state.on_event(event);
        view.redraw(event.at);
        if view.state.is_finished() {
            view.leave_frame();
        }
    }

    fn on_tick(&mut self, now: Timestamp) {
        let mut view = self.view();
        if view.state.is_started() && !view.state.is_finished() {
            view.redraw(now);
        }
    }

    fn tick(&self) -> Option<Duration> {
        self.tick
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // indicatif clears a bar that is dropped before its end; the last frame is worth most just then
        self.leave_frame();
    }
}

#[cfg(test)]
mod tests;
