//! The first difference of each sequence, in words.

use crate::sequences::Sequences;
use serde_json::Value;
use std::collections::BTreeSet;

/// Where one sequence differs.
#[derive(Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name: that of an object, or what is listed.
    pub sequence: String,
    /// From 1.
    pub number: usize,
    /// For people.
    pub text: String,
}

/// What differs; empty where nothing does.
pub fn differences(recorded: &Sequences, ours: &Sequences) -> Vec<Difference> {
    let mut found = Vec::new();
    let names: BTreeSet<&String> = recorded
        .contents
        .keys()
        .chain(ours.contents.keys())
        .collect();
    for name in names {
        let none = Vec::new();
        let theirs = recorded.contents.get(name).unwrap_or(&none);
        let own = ours.contents.get(name).unwrap_or(&none);
        found.extend(first(name, theirs, own));
    }
    found.extend(first("asked", &recorded.asked, &ours.asked));
    found.extend(first("told", &recorded.told, &ours.told));
    found.extend(first("alert", &recorded.alerts, &ours.alerts));
    found.extend(first("status", &recorded.statuses, &ours.statuses));
    found
}

fn first(sequence: &str, recorded: &[Value], ours: &[Value]) -> Option<Difference> {
    let length = recorded.len().max(ours.len());
    let at = (0..length).find(|at| recorded.get(*at) != ours.get(*at))?;
    let place = format!(
        "{sequence}, number {} (Flagger has {}, we have {})",
        at + 1,
        recorded.len(),
        ours.len()
    );
    let text = match (recorded.get(at), ours.get(at)) {
        (Some(theirs), Some(own)) => format!("{place}:{}", fields("", theirs, own)),
        (Some(theirs), None) => format!("{place}:\n    Flagger {theirs}"),
        (None, Some(own)) => format!("{place}:\n    we      {own}"),
        (None, None) => place,
    };
    Some(Difference {
        sequence: sequence.to_owned(),
        number: at + 1,
        text,
    })
}

/// All fields that differ, each with its path.
fn fields(path: &str, theirs: &Value, own: &Value) -> String {
    if theirs == own {
        return String::new();
    }
    match (theirs, own) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            let inner = keys.into_iter().map(|key| {
                let absent = Value::String("(absent)".to_owned());
                let theirs = a.get(key).unwrap_or(&absent);
                let own = b.get(key).unwrap_or(&absent);
                fields(&format!("{path}/{key}"), theirs, own)
            });
            inner.collect()
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let pairs = a.iter().zip(b).enumerate();
            pairs
                .map(|(at, (theirs, own))| fields(&format!("{path}/{at}"), theirs, own))
                .collect()
        }
        _ => format!("\n    {path}\n      Flagger {theirs}\n      we      {own}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_difference_is_shown_with_the_path_of_its_fields() {
        let recorded = Sequences {
            statuses: vec![json!({"weight": 10}), json!({"weight": 20, "phase": "a"})],
            ..Sequences::default()
        };
        let ours = Sequences {
            statuses: vec![json!({"weight": 10}), json!({"weight": 30, "phase": "a"})],
            ..Sequences::default()
        };
        let texts: Vec<String> = differences(&recorded, &ours)
            .into_iter()
            .map(|one| one.text)
            .collect();
        assert_eq!(
            texts,
            [
                "status, number 2 (Flagger has 2, we have 2):\n    /weight\n      Flagger 20\n      we      30"
            ]
        );
        assert!(differences(&recorded, &recorded).is_empty());
    }

    #[test]
    fn what_only_one_side_did_is_a_difference() {
        let ours = Sequences {
            contents: [("services/a".to_owned(), vec![json!(1)])].into(),
            ..Sequences::default()
        };
        let found = differences(&Sequences::default(), &ours);
        assert_eq!(
            found,
            [Difference {
                sequence: "services/a".to_owned(),
                number: 1,
                text: "services/a, number 1 (Flagger has 0, we have 1):\n    we      1".to_owned(),
            }]
        );
    }
}
