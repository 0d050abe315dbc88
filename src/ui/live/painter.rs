//! Draws what indicatif asks for with as few bytes as possible: only rows that changed, in one write, between the
//! marks of a synchronized update, and without padding, so that a terminal that is made narrower wraps little.
//!
//! Must not decide what is drawn, nor move the cursor above the rows that it drew itself.

use crate::ui::live::Measure;
use console::measure_text_width;
use indicatif::TermLike;
use std::fmt;
use std::fmt::Write as _;
use std::io;
use std::io::Write;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

/// Terminals that know the mode 2026 show everything up to its end at once; others ignore both.
const BEGIN: &str = "\x1b[?2026h";
const END: &str = "\x1b[?2026l";
/// A row that was laid out just before the terminal was made narrower is cut there, instead of moving those below it.
const CUT: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";

/// A terminal for indicatif.
pub struct Painter {
    measure: Measure,
    /// Does this terminal wrap what is on it anew when its width changes?
    reflows: bool,
    canvas: Mutex<Canvas>,
}

struct Canvas {
    out: Box<dyn Write + Send>,
    /// What indicatif cleared and wrote since the last flush. It writes a row and then the blanks that fill it up.
    cleared: usize,
    pieces: Vec<String>,
    /// What stands on the terminal: the last rows, the cursor at the end of the last of them.
    shown: Vec<String>,
    columns: usize,
}

impl Painter {
    /// On that terminal. Nothing is written before the first flush.
    #[must_use]
    pub fn new(out: Box<dyn Write + Send>, measure: Measure, reflows: bool) -> Self {
        Self {
            measure,
            reflows,
            canvas: Mutex::new(Canvas {
                out,
                cleared: 0,
                pieces: Vec::new(),
                shown: Vec::new(),
                columns: 0,
            }),
        }
    }

    fn canvas(&self) -> MutexGuard<'_, Canvas> {
        // whoever panicked while drawing left at worst a row half drawn
        self.canvas.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Painter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Painter")
            .field("reflows", &self.reflows)
            .finish_non_exhaustive()
    }
}

impl Canvas {
    fn paint(&mut self, columns: usize, reflows: bool) -> io::Result<()> {
        let rows: Vec<String> = std::mem::take(&mut self.pieces)
            .into_iter()
            .step_by(2)
            .collect();
        let cleared = std::mem::take(&mut self.cleared);
        let former = self
            .shown
            .split_off(self.shown.len().saturating_sub(cleared));
        if rows.is_empty() && former.is_empty() {
            return Ok(());
        }
        let resized = columns != self.columns;
        // text that is longer than the terminal takes more rows than one, and what follows is not where it was
        let in_place =
            !resized && rows.len() == former.len() && rows.iter().all(|row| fits(row, columns));
        if in_place && rows == former {
            self.shown = rows;
            return Ok(());
        }
        let narrower = reflows && columns < self.columns;
        let wrapped: usize = former
            .iter()
            .filter(|_| narrower)
            .map(|row| measure_text_width(row).saturating_sub(1) / columns.max(1))
            .sum();
        let up = former.len().saturating_sub(1) + wrapped;
        // text above the region has no end of line yet: it was the last row, and may have been all there is
        let below_text = former.is_empty() && !self.shown.is_empty();
        let start = if below_text { "\r\n" } else { "\r" };
        let mut text = format!("{BEGIN}{CUT}{start}");
        if up > 0 {
            let _ = write!(text, "\x1b[{up}A");
        }
        if !in_place {
            text.push_str("\x1b[J");
        }
        for (at, row) in rows.iter().enumerate() {
            if at > 0 {
                text.push_str("\r\n");
            }
            if !fits(row, columns) {
                // transcript, which no later frame moves over
                let _ = write!(text, "{WRAP}{row}{CUT}");
            } else if !in_place {
                text.push_str(row);
            } else if former.get(at) != Some(row) {
                text.push_str(row);
                text.push_str("\x1b[K");
            }
        }
        text.push_str(WRAP);
        text.push_str(END);
        self.shown = rows;
        self.columns = columns;
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

fn fits(row: &str, columns: usize) -> bool {
    measure_text_width(row) < columns
}

impl TermLike for Painter {
    fn width(&self) -> u16 {
        u16::try_from((self.measure)().width).unwrap_or(u16::MAX)
    }

    fn height(&self) -> u16 {
        u16::try_from((self.measure)().height).unwrap_or(u16::MAX)
    }

    // Where things are is known from what was cleared and written.
    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.canvas().pieces.push(text.to_owned());
        self.write_str("")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.canvas().pieces.push(text.to_owned());
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.canvas().cleared += 1;
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let columns = usize::from(self.width());
        self.canvas().paint(columns, self.reflows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::live::layout::Area;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Bench {
        painter: Painter,
        out: Shared,
        width: Arc<AtomicUsize>,
        shown: usize,
    }

    impl Bench {
        fn new(reflows: bool) -> Self {
            let out = Shared::default();
            let width = Arc::new(AtomicUsize::new(40));
            let measured = Arc::clone(&width);
            let measure: Measure = Arc::new(move || Area {
                width: measured.load(Ordering::Relaxed),
                height: 24,
            });
            Self {
                painter: Painter::new(Box::new(out.clone()), measure, reflows),
                out,
                width,
                shown: 0,
            }
        }

        /// As indicatif does it; the bytes that it cost.
        fn draw(&mut self, rows: &[&str]) -> String {
            for _ in 0..self.shown {
                self.painter.clear_line().unwrap();
            }
            for row in rows {
                self.painter.write_str(row).unwrap();
                self.painter.write_str("  ").unwrap();
            }
            self.painter.flush().unwrap();
            self.shown = rows.len();
            let bytes = std::mem::take(&mut *self.out.0.lock().unwrap());
            String::from_utf8(bytes).unwrap()
        }
    }

    #[test]
    fn only_rows_that_changed_are_written() {
        let mut bench = Bench::new(false);
        bench.draw(&["one", "two", "three"]);
        assert_eq!(
            bench.draw(&["one", "2", "three"]),
            format!("{BEGIN}{CUT}\r\x1b[2A\r\n2\x1b[K\r\n{WRAP}{END}")
        );
    }

    #[test]
    fn what_did_not_change_costs_no_byte() {
        let mut bench = Bench::new(false);
        bench.draw(&["one", "two"]);
        assert_eq!(bench.draw(&["one", "two"]), "");
    }

    #[test]
    fn a_row_that_goes_is_cleared() {
        let mut bench = Bench::new(false);
        bench.draw(&["one", "two"]);
        assert_eq!(
            bench.draw(&["one"]),
            format!("{BEGIN}{CUT}\r\x1b[1A\x1b[Jone{WRAP}{END}")
        );
    }

    #[test]
    fn a_terminal_that_wraps_anew_is_found_where_its_rows_went() {
        for (reflows, up) in [(true, 3), (false, 1)] {
            let mut bench = Bench::new(reflows);
            let long = "x".repeat(39);
            bench.draw(&[&long, "two"]);
            bench.width.store(13, Ordering::Relaxed);
            let text = bench.draw(&["one", "two"]);
            assert!(
                text.starts_with(&format!("{BEGIN}{CUT}\r\x1b[{up}A\x1b[J")),
                "{text:?}"
            );
        }
    }
}
