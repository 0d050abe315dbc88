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

/// Which view that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The live region.
    Live,
    /// Plain lines.
    Lines,
    /// Nothing.
    Hidden,
}

impl View {
    /// The view that fits. `terminal` is whether standard error is one that can move its cursor (not with
    /// `TERM=dumb`); terminals of CI systems are logs that somebody reads later.
    #[must_use]
    pub const fn choose(terminal: bool, ci: bool, progress: Progress, quiet: Quiet) -> Self {
        let lines = match (quiet, progress) {
            (Quiet::Verdict | Quiet::Silent, _) | (Quiet::No, Progress::None) => {
                return Self::Hidden;
            }
            (Quiet::No, Progress::Auto) => !terminal || ci,
            // a region needs a cursor to move; without one every frame would be lost
            (Quiet::No, Progress::Live) => !terminal,
            (Quiet::No, Progress::Lines) => true,
        };
        if lines { Self::Lines } else { Self::Live }
    }
}

/// How the view looks, and where it goes.
pub struct ScreenOptions {
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
    /// That view.
    #[must_use]
    pub fn new(view: View, options: ScreenOptions) -> Self {
        match view {
            View::Live => Self::Live(Box::new(Live::new(
                options.target,
                options.measure,
                options.theme,
            ))),
            View::Lines => Self::Lines(PlainLog::new(options.out)),
            View::Hidden => Self::Hidden,
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

    const PERSON: (bool, bool) = (true, false);
    const PIPE: (bool, bool) = (false, false);
    const CI_TERMINAL: (bool, bool) = (true, true);

    fn view((terminal, ci): (bool, bool), progress: Progress) -> View {
        View::choose(terminal, ci, progress, Quiet::No)
    }

    #[test]
    fn a_person_at_a_terminal_gets_the_live_view() {
        assert_eq!(view(PERSON, Progress::Auto), View::Live);
    }

    #[test]
    fn pipes_and_ci_systems_get_lines() {
        assert_eq!(view(PIPE, Progress::Auto), View::Lines);
        assert_eq!(view(CI_TERMINAL, Progress::Auto), View::Lines);
    }

    #[test]
    fn asking_for_the_live_view_works_in_ci_but_not_without_a_cursor() {
        assert_eq!(view(CI_TERMINAL, Progress::Live), View::Live);
        assert_eq!(view(PIPE, Progress::Live), View::Lines);
    }

    #[test]
    fn quiet_hides_every_view() {
        for progress in [Progress::Auto, Progress::Live, Progress::Lines] {
            for quiet in [Quiet::Verdict, Quiet::Silent] {
                assert_eq!(View::choose(true, false, progress, quiet), View::Hidden);
            }
        }
        assert_eq!(view(PERSON, Progress::None), View::Hidden);
    }
}
