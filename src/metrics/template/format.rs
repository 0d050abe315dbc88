//! `printf`, as far as queries need it. What Go would print as a mistake is an error here.

use crate::metrics::template::value::Value;
use std::fmt::Write as _;

/// Digits behind the point, at most. The formatter of the standard library panics from 65,536 on.
const MOST_DIGITS: usize = 100;

/// The text, or what is wrong.
pub(super) fn printf(format: &str, arguments: &[Value]) -> Result<String, String> {
    let mut text = String::new();
    let mut rest = format;
    let mut arguments = arguments.iter();
    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (size, after) = rest.split_at(end);
        let mut chars = after.chars();
        let verb = chars.next().ok_or("% without a verb at the end")?;
        rest = chars.as_str();
        if verb == '%' && size.is_empty() {
            text.push('%');
            continue;
        }
        let value = arguments
            .next()
            .ok_or_else(|| format!("nothing is left for %{verb}"))?;
        let shown = match (verb, value) {
            ('s' | 'v', Value::Text(value)) => value.clone(),
            ('v', value) => value.to_string(),
            ('q', Value::Text(value)) => format!("{value:?}"),
            ('d', Value::Int(value)) => value.to_string(),
            ('t', Value::Bool(value)) => value.to_string(),
            ('f', Value::Float(value)) => fixed(*value, size)?,
            ('s' | 'q' | 'd' | 't' | 'f', value) => {
                return Err(format!("%{verb} cannot show {}", value.kind()));
            }
            (other, _) => return Err(format!("%{other} is not known in queries")),
        };
        if !size.is_empty() && verb != 'f' {
            return Err(format!("%{size}{verb} is not known in queries"));
        }
        text.push_str(&shown);
    }
    text.push_str(rest);
    match arguments.next() {
        None => Ok(text),
        Some(_) => Err(format!(
            "{format:?} has no place for everything it is given"
        )),
    }
}

fn fixed(value: f64, size: &str) -> Result<String, String> {
    let precision = match size.strip_prefix('.') {
        Some(digits) => digits.parse().ok(),
        None if size.is_empty() => Some(6),
        None => None,
    };
    // the digits of a float end long before, and a longer field would only be memory
    let precision = precision.filter(|digits: &usize| *digits <= MOST_DIGITS);
    let precision = precision.ok_or_else(|| format!("%{size}f is not known in queries"))?;
    let mut text = String::new();
    write!(text, "{value:.precision$}").map_err(|error| error.to_string())?;
    Ok(text)
}

/// As `print` does: operands with spaces between those of which neither is text.
pub(super) fn print(arguments: &[Value]) -> String {
    let mut text = String::new();
    let is_text = |value: &Value| matches!(value, Value::Text(_));
    for (index, value) in arguments.iter().enumerate() {
        let before = index
            .checked_sub(1)
            .and_then(|before| arguments.get(before));
        if before.is_some_and(|before| !is_text(before) && !is_text(value)) {
            text.push(' ');
        }
        // A `String` takes everything.
        let _infallible = write!(text, "{value}");
    }
    text
}

/// As `println` does: operands with spaces, and a new line.
pub(super) fn println(arguments: &[Value]) -> String {
    let shown: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    format!("{}\n", shown.join(" "))
}
