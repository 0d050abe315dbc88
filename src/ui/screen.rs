//! Which view a run gets: the live region, plain lines, or none.
//!
//! Detection changes how things look, never what is done.

use crate::port::subscriber::Subscriber;
use crate::rollout::event::Event;
use crate::ui::live::Live;
use crate::ui::live::Measure;
use crate::ui::plain::PlainLog;
use crate::ui::summary::Quiet;
use crate::ui::theme::Theme;
use indicatif::ProgressDrawTarget;
use jiff::Timestamp;
use std::io::Write;
use std::time::Duration;

/// `--progress`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// Live on a terminal that a person sits at, else lines.
    #[default]
    Auto,
    /// The live region.
    Live,
    /// One line a fact.
    Lines,
    /// Nothing until the summary.
    None,
}

/// What the view is chosen by, and where it goes.
pub struct ScreenOptions {
    /// Is standard error a terminal that can move its cursor? (Not with `TERM=dumb`.)
    pub stderr_is_terminal: bool,
    /// Do we run under a CI system? Its terminals are logs that somebody reads later.
    pub ci: bool,
    /// What was asked for.
    pub progress: Progress,
    /// How much is said.
    pub quiet: Quiet,
    /// Colours and glyphs.
    pub theme: Theme,
    /// Size of the terminal; [`crate::ui::live::stderr_size`] in real runs.
    pub measure: Measure,
    /// Where the live region goes; [`crate::ui::live::stderr`] in real runs.
    pub target: ProgressDrawTarget,
    /// Where lines go.
    pub out: Box<dyn Write>,
}

/// The view of a run.
pub enum Screen {
    /// The live region.
    Live(Box<Live>),
    /// Plain lines.
    Lines(PlainLog<Box<dyn Write>>),
    /// Nothing.
    Hidden,
}

impl Screen {
    /// The view that fits.
    #[expect(
        clippy::new_ret_no_self,
        reason = "whoever asks for a screen wants a listener, whichever view it became"
    )]
    #[must_use]
    pub fn new(options: ScreenOptions) -> Box<dyn Subscriber> {
        Box::new(Self::choose(options))
    }

    /// The same, as the view itself.
    #[must_use]
    pub fn choose(options: ScreenOptions) -> Self {
        let lines = match options.quiet {
            Quiet::No => match options.progress {
                Progress::Auto => !options.stderr_is_terminal || options.ci,
                // a region needs a cursor to move; without one every frame would be lost
                Progress::Live => !options.stderr_is_terminal,
                Progress::Lines => true,
                Progress::None => return Self::Hidden,
            },
            Quiet::Verdict | Quiet::Silent => return Self::Hidden,
        };
        if lines {
            Self::Lines(PlainLog::new(options.out))
        } else {
            Self::Live(Box::new(Live::new(
                options.target,
                options.measure,
                options.theme,
            )))
        }
    }
}

impl Subscriber for Screen {
    fn on_event(&mut self, event: &Event) {
        match self {
            Self::Live(live) => live.on_event(event),
            Self::Lines(lines) => lines.on_event(event),
            Self::Hidden => {}
        }
    }

    fn on_tick(&mut self, now: Timestamp) {
        match self {
            Self::Live(live) => live.on_tick(now),
            Self::Lines(lines) => lines.on_tick(now),
            Self::Hidden => {}
        }
    }

    fn tick(&self) -> Option<Duration> {
        match self {
            Self::Live(live) => live.tick(),
            Self::Lines(lines) => lines.tick(),
            Self::Hidden => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::live::layout::Area;

    fn name(terminal: bool, ci: bool, progress: Progress, quiet: Quiet) -> &'static str {
        let screen = Screen::choose(ScreenOptions {
            stderr_is_terminal: terminal,
            ci,
            progress,
            quiet,
            theme: Theme::BARE,
            measure: Box::new(|| Area {
                width: 80,
                height: 24,
            }),
            target: ProgressDrawTarget::hidden(),
            out: Box::new(Vec::new()),
        });
        match screen {
            Screen::Live(_) => "live",
            Screen::Lines(_) => "lines",
            Screen::Hidden => "hidden",
        }
    }

    #[test]
    fn a_person_at_a_terminal_gets_the_live_view() {
        assert_eq!(name(true, false, Progress::Auto, Quiet::No), "live");
    }

    #[test]
    fn pipes_and_ci_systems_get_lines() {
        assert_eq!(name(false, false, Progress::Auto, Quiet::No), "lines");
        assert_eq!(name(true, true, Progress::Auto, Quiet::No), "lines");
    }

    #[test]
    fn asking_for_the_live_view_works_in_ci_but_not_without_a_cursor() {
        assert_eq!(name(true, true, Progress::Live, Quiet::No), "live");
        assert_eq!(name(false, false, Progress::Live, Quiet::No), "lines");
    }

    #[test]
    fn quiet_hides_every_view() {
        for progress in [Progress::Auto, Progress::Live, Progress::Lines] {
            assert_eq!(name(true, false, progress, Quiet::Verdict), "hidden");
            assert_eq!(name(true, false, progress, Quiet::Silent), "hidden");
        }
        assert_eq!(name(true, false, Progress::None, Quiet::No), "hidden");
    }
}
