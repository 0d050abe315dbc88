//! How kubectl words ages, container lists and selectors.

use crate::sandbox::tree;
use jiff::Timestamp;
use serde_json::Value;

const NONE: &str = "<none>";

/// `5m3s`, `47h`, `3d`: the age of a moment in RFC 3339.
pub(super) fn age(since: &str, now: Timestamp) -> String {
    match since.parse::<Timestamp>() {
        Ok(since) => duration(now.duration_since(since).as_secs()),
        Err(_) => "<unknown>".to_owned(),
    }
}

/// Seconds as kubectl words them: two units at most, fewer the longer it is.
pub(super) fn duration(seconds: i64) -> String {
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let days = hours / 24;
    let pair = |large: i64, unit: &str, small: i64, small_unit: &str| match small {
        0 => format!("{large}{unit}"),
        _ => format!("{large}{unit}{small}{small_unit}"),
    };
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => pair(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => pair(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => pair(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => pair(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}

/// A text, or `<none>`.
pub(super) fn or_none(text: String) -> Value {
    if text.is_empty() {
        NONE.into()
    } else {
        text.into()
    }
}

/// A field of every container of the pod template or pod.
pub(super) fn of_containers(object: &Value, pod: &str, field: &str) -> Value {
    let names: Vec<&str> = tree::items(object, &format!("{pod}/containers"))
        .iter()
        .map(|container| tree::text(container, &format!("/{field}")))
        .collect();
    names.join(",").into()
}

/// `app=podinfo,tier in (a,b)`, or `<none>`.
pub(super) fn labels(map: Option<&Value>) -> Value {
    let mut pairs: Vec<String> = map
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    pairs.sort();
    or_none(pairs.join(","))
}

/// A `LabelSelector` in one line.
pub(super) fn label_selector(object: &Value, pointer: &str) -> Value {
    let Some(selector) = object.pointer(pointer) else {
        return NONE.into();
    };
    let mut terms: Vec<String> = selector
        .get("matchLabels")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    for expression in tree::items(selector, "/matchExpressions") {
        let key = tree::text(expression, "/key");
        let values: Vec<&str> = tree::items(expression, "/values")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        terms.push(match tree::text(expression, "/operator") {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    terms.sort();
    or_none(terms.join(","))
}

/// A few of them, then how many more: `a,b,c + 2 more...`.
pub(super) fn first_of(all: &[String], shown: usize) -> Value {
    let more = all.len().saturating_sub(shown);
    let first: Vec<&str> = all.iter().take(shown).map(String::as_str).collect();
    if more == 0 {
        or_none(first.join(","))
    } else {
        format!("{} + {more} more...", first.join(",")).into()
    }
}
