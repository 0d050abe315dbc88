//! A failure for logs and pipes: one fact a line, places as `file:line:column`, which editors and CI systems open.

use crate::ui::summary::failure::Failure;
use crate::ui::summary::failure::label;
use crate::ui::theme::Theme;
use crate::ui::theme::Tone;
use std::error::Error as _;

/// What happened, why, its code, and where in the user's file.
pub(super) fn narrate(failure: &Failure, theme: Theme) -> String {
    let mut text = format!("Error: {}\n", failure.what);
    let mut add = |name: &str, words: String| {
        let row = label(name).text(Tone::Plain, words);
        // what is read later is never cut
        text.push_str(&row.paint(usize::MAX, theme));
        text.push('\n');
    };
    let mut cause = failure.source();
    let mut name = "why";
    while let Some(reason) = cause {
        add(name, reason.to_string());
        name = "";
        cause = reason.source();
    }
    add("code", failure.code.clone());
    let Some(source) = &failure.source else {
        return text;
    };
    let mut name = "spec";
    for place in &failure.labels {
        let file = source.inner();
        let Some((before, rest)) = file.split_at_checked(place.offset()) else {
            continue;
        };
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default();
        let end = rest.split('\n').next().unwrap_or_default();
        let words = format!("{column}{end}");
        let words = words.trim().trim_start_matches("- ");
        let at = format!("{}:{line}:{}", source.name(), column.chars().count() + 1);
        let said = place
            .label()
            .map_or_else(String::new, |said| format!(", {said}"));
        add(name, format!("{at}: {words}{said}"));
        name = "";
    }
    text
}
