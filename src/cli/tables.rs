//! Tables that are made from data: in the help, the man page, the README and the documentation.

use crate::alerts;
use crate::cli::error::CliError;
use crate::error::EXIT_CODES;
use crate::metrics;
use crate::metrics::Address;
use crate::metrics::Secret;
use std::fmt::Write as _;

mod providers;

/// Name and text of every table a page may ask for with `<!-- generated: NAME -->` … `<!-- end -->`.
#[must_use]
pub fn all() -> Vec<(&'static str, String)> {
    vec![
        ("chats", chats_as_markdown()),
        ("exit-codes", exit_codes_as_markdown()),
        ("metrics", metrics_as_markdown()),
        ("providers", providers::objects()),
        ("strategies", providers::strategies()),
        ("built-in-checks", providers::queries()),
        ("rights-of-routes", providers::rights()),
    ]
}

/// For `help exit-codes`.
#[must_use]
pub fn exit_codes_as_text() -> String {
    let mut text = String::from("Exit codes. The tens digit says where the traffic is:\n");
    text.push_str(
        "0 new version serving, 1-9 nothing moved, 1x old version serving, 2x look now\n\n",
    );
    for row in EXIT_CODES {
        let code = row.code.to_string();
        for (index, line) in wrapped(row.meaning, 60).iter().enumerate() {
            // A `String` takes everything.
            let _ = if index == 0 {
                writeln!(text, "{code:>5}  {:<12} {line}", row.name)
            } else {
                writeln!(text, "{:20}{line}", "")
            };
        }
    }
    text
}

/// For pages.
#[must_use]
pub fn exit_codes_as_markdown() -> String {
    let mut text = String::from("| Code | Name | Meaning |\n|---|---|---|\n");
    for row in EXIT_CODES {
        // A `String` takes everything.
        let _ = writeln!(text, "| {} | {} | {} |", row.code, row.name, row.meaning);
    }
    text
}

/// Chats that take alerts, for pages.
#[must_use]
pub fn chats_as_markdown() -> String {
    let mut text = String::from("| `spec.type` | Chat | Beside the address |\n|---|---|---|\n");
    for chat in alerts::PROVIDERS {
        // A `String` takes everything.
        let _ = writeln!(text, "| `{}` | {} | {} |", chat.name, chat.title, chat.uses);
    }
    text
}

/// Metric sources, for pages.
#[must_use]
pub fn metrics_as_markdown() -> String {
    let mut text = String::from(
        "| `type` | `address` | Secret | Time that is asked about | Answers within |\n|---|---|---|---|---|\n",
    );
    for provider in metrics::PROVIDERS {
        let address = match provider.address {
            Address::Required => "needed".to_owned(),
            Address::Default(usual) => format!("else `{usual}`"),
            Address::ApiServer => "else the API server".to_owned(),
            Address::Region => "`region` is needed instead".to_owned(),
            Address::Fixed("") => "always the API server".to_owned(),
            Address::Fixed(always) => format!("always `{always}`"),
        };
        let logins = provider.secret.logins().iter().map(|login| {
            let keys: Vec<String> = login.iter().map(|key| format!("`{key}`")).collect();
            keys.join(" and ")
        });
        let mut secret = logins.collect::<Vec<_>>().join(", or ");
        for key in provider.more_keys {
            // A `String` takes everything.
            let _ = write!(secret, ", perhaps `{key}`");
        }
        let secret = match provider.secret {
            Secret::Required(_) => format!("needed: {secret}"),
            Secret::Optional([]) => "–".to_owned(),
            Secret::Optional(_) => secret,
        };
        // A `String` takes everything.
        let _ = writeln!(
            text,
            "| `{}` | {address} | {secret} | {} | {} s |",
            provider.name,
            provider.window,
            provider.timeout.as_secs()
        );
    }
    text
}

/// The page with its tables renewed; the same page where it asks for none.
///
/// # Errors
/// A table without end, or one that nobody makes.
pub fn fill(path: &str, page: &str) -> Result<String, CliError> {
    let tables = all();
    let mut filled = String::with_capacity(page.len());
    let mut lines = page.split_inclusive('\n');
    while let Some(line) = lines.next() {
        filled.push_str(line);
        let Some(name) = line
            .trim()
            .strip_prefix("<!-- generated: ")
            .and_then(|rest| rest.strip_suffix(" -->"))
        else {
            continue;
        };
        let Some((_, table)) = tables.iter().find(|(known, _)| *known == name) else {
            return Err(CliError::UnknownTable {
                path: path.to_owned(),
                table: name.to_owned(),
            });
        };
        let Some(end) = lines.find(|line| line.trim() == "<!-- end -->") else {
            return Err(CliError::UnendedTable {
                path: path.to_owned(),
                table: name.to_owned(),
            });
        };
        filled.push_str(table);
        filled.push_str(end);
    }
    Ok(filled)
}

/// Lines of at most that many characters, broken between words.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let open = lines.last().map_or(0, |line| line.chars().count());
        if open > 0 && open + 1 + word.chars().count() > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_table_fits_eighty_columns() {
        for line in exit_codes_as_text().lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn a_table_is_renewed_between_its_marks_and_nothing_else_changes() {
        let page = "# T\n<!-- generated: exit-codes -->\nold\n<!-- end -->\nrest";
        let filled = fill("README.md", page).unwrap();
        assert!(filled.starts_with("# T\n<!-- generated: exit-codes -->\n| Code |"));
        assert!(filled.ends_with("|\n<!-- end -->\nrest"));
        assert_eq!(fill("README.md", &filled).unwrap(), filled);
    }

    #[test]
    fn a_page_without_tables_stays_as_it_is() {
        assert_eq!(fill("a.md", "x\n\ny").unwrap(), "x\n\ny");
    }

    #[test]
    fn unknown_and_unended_tables_are_errors() {
        assert!(matches!(
            fill("a.md", "<!-- generated: nope -->\n<!-- end -->"),
            Err(CliError::UnknownTable { .. })
        ));
        assert!(matches!(
            fill("a.md", "<!-- generated: exit-codes -->\n"),
            Err(CliError::UnendedTable { .. })
        ));
    }
}
