//! One row of text in columns: pieces with a meaning, laid out by width first and coloured last.
//!
//! Must not let text from outside reach a terminal with control characters in it.

use crate::rollout::words::figures;
use crate::ui::theme::Theme;
use crate::ui::theme::Tone;
use console::measure_text_width;

/// A row under construction.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pieces: Vec<(Tone, String)>,
    width: usize,
}

impl Row {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds text; what comes from outside may be given as it is.
    #[must_use]
    pub fn text(mut self, tone: Tone, text: impl AsRef<str>) -> Self {
        self.push(tone, text.as_ref());
        self
    }

    /// The same, in place.
    pub fn push(&mut self, tone: Tone, text: &str) {
        let clean = if text.chars().any(char::is_control) {
            figures::one_line(text)
        } else {
            text.to_owned()
        };
        self.width += measure_text_width(&clean);
        self.pieces.push((tone, clean));
    }

    /// Fills with blanks up to that column; at least one where the row is already there.
    #[must_use]
    pub fn to(mut self, column: usize) -> Self {
        let blanks = column.saturating_sub(self.width).max(1);
        self.push(Tone::Plain, &" ".repeat(blanks));
        self
    }

    /// Adds text so that it ends at that column, or two blanks further on if there is no room.
    #[must_use]
    pub fn right(self, column: usize, tone: Tone, text: &str) -> Self {
        let start = column.saturating_sub(measure_text_width(text));
        let start = start.max(self.width + 2);
        self.to(start).text(tone, text)
    }

    /// Adds another row.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        self.width += other.width;
        self.pieces.extend(other.pieces);
        self
    }

    /// Columns it takes.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// As text of at most that many columns, cut with a sign where it is longer.
    #[must_use]
    pub fn paint(&self, columns: usize, theme: Theme) -> String {
        let cut = theme.glyphs().cut;
        let room = if self.width <= columns {
            columns
        } else {
            columns.saturating_sub(measure_text_width(cut))
        };
        let mut used = 0;
        let mut line = String::new();
        'pieces: for (tone, text) in &self.pieces {
            let mut part = String::new();
            for c in text.chars() {
                let width = measure_text_width(c.encode_utf8(&mut [0; 4]));
                if used + width > room {
                    line.push_str(&theme.paint(*tone, &part));
                    break 'pieces;
                }
                used += width;
                part.push(c);
            }
            line.push_str(&theme.paint(*tone, &part));
        }
        if self.width > columns {
            if used + measure_text_width(cut) <= columns {
                line.push_str(cut);
            }
            return line;
        }
        line.truncate(line.trim_end_matches(' ').len());
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Theme = Theme {
        color: false,
        ascii: false,
    };

    #[test]
    fn columns_line_up_by_width_not_by_bytes() {
        let row = Row::new()
            .text(Tone::Plain, "→日")
            .to(6)
            .text(Tone::Plain, "x");
        assert_eq!(row.paint(80, PLAIN), "→日   x");
        assert_eq!(row.width(), 7);
    }

    #[test]
    fn a_long_row_is_cut_with_a_sign() {
        let row = Row::new().text(Tone::Plain, "abcdef");
        assert_eq!(row.paint(6, PLAIN), "abcdef");
        assert_eq!(row.paint(5, PLAIN), "abcd…");
        assert_eq!(row.paint(1, PLAIN), "…");
        assert_eq!(row.paint(0, PLAIN), "");
    }

    #[test]
    fn a_wide_character_is_never_cut_in_half() {
        let row = Row::new().text(Tone::Plain, "日本語");
        assert_eq!(row.paint(4, PLAIN), "日…");
    }

    #[test]
    fn text_from_outside_loses_its_control_characters() {
        let row = Row::new().text(Tone::Plain, "a\u{1b}[2Jb");
        assert_eq!(row.paint(80, PLAIN), "a [2Jb");
    }

    #[test]
    fn right_aligned_text_ends_at_its_column() {
        let row = Row::new()
            .text(Tone::Plain, "ab")
            .right(10, Tone::Plain, "xyz");
        assert_eq!(row.paint(80, PLAIN), "ab     xyz");
    }
}
