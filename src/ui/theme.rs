//! Colours and glyphs. Every colour is doubled by a glyph or a word, so both can be switched off alone.
//!
//! Must not find out by itself whether there is colour: that is decided once, by the command line.

use console::Style;

/// What a piece of text means; its colour follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Values and names.
    Plain,
    /// Labels.
    Dim,
    /// Headings.
    Strong,
    /// Within its limits, done.
    Good,
    /// Held, waiting, a question.
    Held,
    /// Failing, and nothing else.
    Bad,
}

/// How things are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// With ANSI colours?
    pub color: bool,
    /// ASCII glyphs only?
    pub ascii: bool,
}

/// The signs a view is made of.
#[derive(Debug)]
pub struct Glyphs {
    /// Done, within limits.
    pub ok: &'static str,
    /// Out of limits, failed.
    pub bad: &'static str,
    /// Needs a look.
    pub warn: &'static str,
    /// The step that runs.
    pub here: &'static str,
    /// A step to come.
    pub ahead: &'static str,
    /// From one version to the next.
    pub arrow: &'static str,
    /// From one weight to the next.
    pub then: &'static str,
    /// Filled part of a bar.
    pub full: &'static str,
    /// Empty part of a bar.
    pub empty: &'static str,
    /// The last planned weight in a bar.
    pub goal: &'static str,
    /// A failed check.
    pub used: &'static str,
    /// A failed check that is still allowed.
    pub free: &'static str,
    /// Lower limit.
    pub at_least: &'static str,
    /// Upper limit.
    pub at_most: &'static str,
    /// Between facts of a line.
    pub dot: &'static str,
    /// Where text was cut.
    pub cut: &'static str,
    /// Eight heights; the limit lies between the sixth and the seventh for upper limits.
    pub spark: [&'static str; 8],
    /// A look without a value.
    pub no_value: &'static str,
}

static UNICODE: Glyphs = Glyphs {
    ok: "✔",
    bad: "✘",
    warn: "‼",
    here: "●",
    ahead: "○",
    arrow: "→",
    then: "›",
    full: "█",
    empty: "░",
    goal: "┊",
    used: "▮",
    free: "▯",
    at_least: "≥",
    at_most: "≤",
    dot: "·",
    cut: "…",
    spark: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    no_value: " ",
};

static ASCII: Glyphs = Glyphs {
    ok: "ok",
    bad: "X",
    warn: "!",
    here: "*",
    ahead: "o",
    arrow: "->",
    then: ">",
    full: "#",
    empty: ".",
    goal: "|",
    used: "#",
    free: ".",
    at_least: ">=",
    at_most: "<=",
    dot: "-",
    cut: "~",
    // a miss is told by its direction, a value within its limits is not drawn as a height
    spark: [".", ".", ".", ".", ".", ".", ".", "."],
    no_value: " ",
};

impl Theme {
    /// No colour, ASCII glyphs.
    pub const BARE: Self = Self {
        color: false,
        ascii: true,
    };

    /// The signs.
    #[must_use]
    pub const fn glyphs(self) -> &'static Glyphs {
        if self.ascii { &ASCII } else { &UNICODE }
    }

    /// The text in the tone's colour.
    #[must_use]
    pub fn paint(self, tone: Tone, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        let style = Style::new().force_styling(true);
        let style = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Dim => style.dim(),
            Tone::Strong => style.bold(),
            Tone::Good => style.green(),
            Tone::Held => style.yellow(),
            Tone::Bad => style.red(),
        };
        style.apply_to(text).to_string()
    }

    /// How miette draws under this theme.
    #[must_use]
    pub fn miette(self) -> miette::GraphicalTheme {
        miette::GraphicalTheme {
            characters: if self.ascii {
                miette::ThemeCharacters::ascii()
            } else {
                miette::ThemeCharacters::unicode()
            },
            styles: if self.color {
                miette::ThemeStyles::ansi()
            } else {
                miette::ThemeStyles::none()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colour_text_is_left_as_it_is() {
        let theme = Theme {
            color: false,
            ascii: false,
        };
        assert_eq!(theme.paint(Tone::Bad, "no"), "no");
    }

    #[test]
    fn with_colour_text_is_wrapped_in_ansi_codes() {
        let theme = Theme {
            color: true,
            ascii: false,
        };
        assert_eq!(theme.paint(Tone::Bad, "no"), "\u{1b}[31mno\u{1b}[0m");
        assert_eq!(theme.paint(Tone::Plain, "no"), "no");
    }

    #[test]
    fn ascii_glyphs_are_ascii() {
        let text = format!("{:?}", Theme::BARE.glyphs());
        assert!(text.is_ascii(), "{text}");
    }
}
