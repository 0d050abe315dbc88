//! The pages name what exists.

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn rust_below(folder: &str, text: &mut String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_below(&path.to_string_lossy(), text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_event_type_is_documented() {
    let page = read("docs/events.md");
    let source = read("src/rollout/event.rs");
    let (_, names) = source.split_once("pub const fn type_name(").unwrap();
    let types: Vec<&str> = names
        .lines()
        .filter_map(|line| line.trim().split_once(" => \"")?.1.strip_suffix("\","))
        .collect();
    assert!(types.contains(&"run.finished"), "{types:?}");
    for name in types {
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
    }
}

#[test]
fn every_provider_says_what_it_writes_and_what_it_cannot_do() {
    let page = read("docs/providers.md");
    let (_, by_hand) = page.split_once("## Written, proved, limited").unwrap();
    for provider in kubectl_flagger::router::PROVIDERS {
        let row = format!("\n| `{}` | ", provider.name);
        assert!(by_hand.contains(&row), "{}", provider.name);
    }
}

#[test]
fn every_test_that_a_departure_names_exists() {
    let mut sources = String::new();
    rust_below("src", &mut sources);
    rust_below("tests", &mut sources);
    let page = read("docs/departures.md");
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| ") && !line.ends_with(" Test |"));
    for row in rows {
        let test = row
            .trim_end_matches(" |")
            .rsplit("| ")
            .next()
            .unwrap_or_default();
        let names: Vec<&str> = test.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test plays: {row}");
        for name in names {
            assert!(sources.contains(&format!("fn {name}(")), "{name}");
        }
    }
}

#[test]
fn every_diagnostic_code_is_used_once() {
    let mut sources = String::new();
    rust_below("src", &mut sources);
    let mut codes: Vec<&str> = sources
        .match_indices("code(flagger::")
        .filter_map(|(at, _)| sources[at + 5..].split(')').next())
        .collect();
    codes.sort_unstable();
    let twice: Vec<&str> = codes
        .windows(2)
        .filter(|pair| pair[0] == pair[1])
        .map(|pair| pair[0])
        .collect();
    assert!(codes.len() > 5 && twice.is_empty(), "{twice:?}");
}
