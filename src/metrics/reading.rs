//! Responses, as providers read them: what went wrong is said in the backend's own words, and briefly.

use crate::canary::answer::Answer;
use crate::canary::http::HttpResponse;
use serde_json::Value;

/// Characters of a backend's own words.
const WORDS: usize = 200;

/// Where backends put their words.
const PLACES: [&str; 7] = [
    "/error/message",
    "/error_description",
    "/error",
    "/errors/0/message",
    "/errors/0",
    "/message",
    "/0/error/message",
];

/// The body of a success.
pub(super) fn success<'a>(who: &str, response: &'a HttpResponse) -> Result<&'a [u8], String> {
    let status = response.status;
    if (200..300).contains(&status) {
        return Ok(&response.body);
    }
    let hint = match status {
        401 | 403 => " (is its login right?)",
        404 => " (is its address right?)",
        429 => " (it is asked too often)",
        300..=399 => " (redirects are not followed)",
        _ => "",
    };
    Err(format!(
        "{who} answers {status}: {}{hint}",
        words(&response.body)
    ))
}

/// The body of a success, as JSON.
pub(super) fn json(who: &str, response: &HttpResponse) -> Result<Value, String> {
    let body = success(who, response)?;
    serde_json::from_slice(body).map_err(|error| {
        let shown = match words(body) {
            page if page == PAGE => page,
            _ => error.to_string(),
        };
        format!("the answer is not {who}'s JSON: {shown}")
    })
}

/// What a web page is called.
const PAGE: &str = "it is a web page";

fn words(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    let parsed: Option<Value> = serde_json::from_str(text).ok();
    let own = parsed.and_then(|json| {
        let mut places = PLACES.iter();
        places.find_map(|place| json.pointer(place)?.as_str().map(str::to_owned))
    });
    let text = match own {
        Some(own) => own,
        None if text.starts_with('<') && text.to_lowercase().contains("<html") => PAGE.to_owned(),
        None => tag(text, "Message").unwrap_or(text).to_owned(),
    };
    text.chars().take(WORDS).collect()
}

/// Only one series is an answer.
pub(super) fn only<'a, T>(series: &'a [T], what: &str) -> Result<Option<&'a T>, String> {
    match series {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        more => Err(format!(
            "{} {what} instead of one number: aggregate the query",
            more.len()
        )),
    }
}

/// A JSON number, or the text of one.
pub(super) fn number(value: &Value) -> Answer {
    match value {
        Value::Null => Answer::NoValues,
        Value::String(text) => number_in(text),
        value => value.as_f64().map_or_else(
            || Answer::Error(format!("{value} is not a number")),
            Answer::Value,
        ),
    }
}

/// A number as backends write it in text.
pub(super) fn number_in(text: &str) -> Answer {
    match text {
        "NaN" => Answer::NoValues,
        "+Inf" | "Inf" => Answer::Value(f64::INFINITY),
        "-Inf" => Answer::Value(f64::NEG_INFINITY),
        text => text.parse().map_or_else(
            |_| Answer::Error(format!("{text:?} is not a number")),
            Answer::Value,
        ),
    }
}

/// What stands in the first element of that name; AWS answers simple XML.
pub(super) fn tag<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    element(xml, name).map(|(inside, _)| inside)
}

/// The elements of a list in AWS's XML.
pub(super) fn members(list: &str) -> Vec<&str> {
    let mut members = Vec::new();
    let mut rest = list;
    while let Some((member, after)) = element(rest, "member") {
        members.push(member);
        rest = after;
    }
    members
}

/// What stands in the first element of that name, and what comes after it.
fn element<'a>(xml: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let inside = &xml[xml.find(&open)? + open.len()..];
    let mut depth = 1;
    let mut at = 0;
    loop {
        let end = at + inside[at..].find(&close)?;
        // A list within a list has elements of the same name.
        depth += inside[at..end].matches(&open).count();
        depth -= 1;
        at = end + close.len();
        if depth == 0 {
            return Some((&inside[..end], &inside[at..]));
        }
    }
}
