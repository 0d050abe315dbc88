//! Which view a run gets: the live region, plain lines, or none.
//!
//! Detection changes how things look, never what is done.

use crate::ui::summary::Quiet;

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

/// What the view is chosen by.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// Is standard error a terminal that can move its cursor? (Not with `TERM=dumb`.)
    pub stderr_is_terminal: bool,
    /// Do we run under a CI system? Its terminals are logs that somebody reads later.
    pub ci: bool,
    /// What was asked for.
    pub progress: Progress,
    /// How much is said.
    pub quiet: Quiet,
}

/// The view of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// The live region.
    Live,
    /// Plain lines.
    Lines,
    /// Nothing.
    Hidden,
}

impl Wish {
    /// The view that fits.
    #[must_use]
    pub const fn screen(self) -> Screen {
        let lines = match self.quiet {
            Quiet::No => match self.progress {
                Progress::Auto => !self.stderr_is_terminal || self.ci,
                // a region needs a cursor to move; without one every frame would be lost
                Progress::Live => !self.stderr_is_terminal,
                Progress::Lines => true,
                Progress::None => return Screen::Hidden,
            },
            Quiet::Verdict | Quiet::Silent => return Screen::Hidden,
        };
        if lines { Screen::Lines } else { Screen::Live }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn screen(terminal: bool, ci: bool, progress: Progress, quiet: Quiet) -> Screen {
        let wish = Wish {
            stderr_is_terminal: terminal,
            ci,
            progress,
            quiet,
        };
        wish.screen()
    }

    #[test]
    fn a_person_at_a_terminal_gets_the_live_view() {
        assert_eq!(screen(true, false, Progress::Auto, Quiet::No), Screen::Live);
    }

    #[test]
    fn pipes_and_ci_systems_get_lines() {
        for (terminal, ci) in [(false, false), (true, true)] {
            assert_eq!(
                screen(terminal, ci, Progress::Auto, Quiet::No),
                Screen::Lines
            );
        }
    }

    #[test]
    fn asking_for_the_live_view_works_in_ci_but_not_without_a_cursor() {
        assert_eq!(screen(true, true, Progress::Live, Quiet::No), Screen::Live);
        assert_eq!(
            screen(false, false, Progress::Live, Quiet::No),
            Screen::Lines
        );
    }

    #[test]
    fn quiet_hides_every_view() {
        for progress in [Progress::Auto, Progress::Live, Progress::Lines] {
            for quiet in [Quiet::Verdict, Quiet::Silent] {
                assert_eq!(screen(true, false, progress, quiet), Screen::Hidden);
            }
        }
        assert_eq!(
            screen(true, false, Progress::None, Quiet::No),
            Screen::Hidden
        );
    }
}
