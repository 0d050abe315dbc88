//! The environment, read once. Everything else is given what it needs of it.

use crate::cli::args::display::ColorChoice;
use std::collections::BTreeMap;
use std::io::IsTerminal as _;

/// Variables and terminals as they were when the process began.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    /// Is standard input a terminal?
    pub stdin_is_terminal: bool,
    /// Is standard output a terminal?
    pub stdout_is_terminal: bool,
    /// Is standard error a terminal?
    pub stderr_is_terminal: bool,
    /// Columns of the terminal behind standard error, if there is one.
    pub terminal_width: Option<u16>,
}

impl Environment {
    /// Reads it. Called by `main` alone.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the environment is read"
    )]
    pub fn read() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self {
            variables,
            stdin_is_terminal: std::io::stdin().is_terminal(),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
            terminal_width: console::Term::stderr()
                .size_checked()
                .map(|(_, columns)| columns),
        }
    }

    /// One that has these variables and no terminal.
    #[must_use]
    pub fn from_variables(variables: &[(&str, &str)]) -> Self {
        Self {
            variables: variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Self::default()
        }
    }

    /// A variable that is set and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Does a CI host say that it runs us? It changes the rendering, never the meaning.
    #[must_use]
    pub fn is_ci(&self) -> bool {
        self.get("CI").is_some_and(|value| value != "false")
    }

    /// Columns to write for: the terminal's, else `COLUMNS`, else 80. A terminal that says 0 is not believed.
    #[must_use]
    pub fn width(&self) -> u16 {
        self.terminal_width
            .or_else(|| self.get("COLUMNS")?.parse().ok())
            .filter(|columns| *columns > 0)
            .unwrap_or(80)
    }

    /// Does the terminal wrap what is on it anew when it is made narrower? Most do; xterm, the Linux console and GNU
    /// screen cut instead.
    #[must_use]
    pub fn terminal_reflows(&self) -> bool {
        let cuts = self.get("XTERM_VERSION").is_some()
            || self.get("STY").is_some()
            || self.get("TERM") == Some("linux");
        !cuts
    }

    /// Colours on a stream? `NO_COLOR` takes colour away, not motion.
    #[must_use]
    pub fn color(&self, choice: ColorChoice, is_terminal: bool) -> bool {
        match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                let forced = ["CLICOLOR_FORCE", "FORCE_COLOR"]
                    .iter()
                    .any(|name| self.get(name).is_some_and(|value| value != "0"));
                if self.get("NO_COLOR").is_some() {
                    false
                } else {
                    forced || (is_terminal && self.get("TERM") != Some("dumb"))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_counts_as_absent() {
        let environment = Environment::from_variables(&[("KUBECONFIG", "")]);
        assert_eq!(environment.get("KUBECONFIG"), None);
    }

    #[test]
    fn no_color_wins_over_a_forced_colour_and_the_flag_over_both() {
        let environment = Environment::from_variables(&[("NO_COLOR", "1"), ("FORCE_COLOR", "1")]);
        assert!(!environment.color(ColorChoice::Auto, true));
        assert!(environment.color(ColorChoice::Always, false));
    }

    #[test]
    fn a_dumb_terminal_gets_no_colour() {
        let environment = Environment::from_variables(&[("TERM", "dumb")]);
        assert!(!environment.color(ColorChoice::Auto, true));
        assert!(Environment::default().color(ColorChoice::Auto, true));
    }

    #[test]
    fn a_terminal_without_columns_is_not_believed() {
        let environment = Environment {
            terminal_width: Some(0),
            ..Environment::default()
        };
        assert_eq!(environment.width(), 80);
        assert_eq!(
            Environment::from_variables(&[("COLUMNS", "132")]).width(),
            132
        );
    }
}
