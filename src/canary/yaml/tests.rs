//! Places of values, and text that must not be read.

use super::*;
use serde_json::json;

const GROUP: &str = "flagger.app/";

fn documents(text: &str) -> Vec<Document> {
    let file = SourceFile {
        path: "deploy/canary.yaml".to_owned(),
        text: text.into(),
    };
    let (found, broken) = read(&file, GROUP);
    assert!(broken.is_empty(), "{broken:?}");
    found
}

fn refused(text: &str) -> YamlError {
    let file = SourceFile {
        path: "deploy/canary.yaml".to_owned(),
        text: format!("# {GROUP}\n{text}").into(),
    };
    read(&file, GROUP).1.pop().unwrap()
}

fn at<'a>(document: &'a Document, pointer: &str) -> &'a str {
    &document.file.text[document.span(pointer).unwrap()]
}

#[test]
fn every_value_knows_its_bytes() {
    let text = "apiVersion: flagger.app/v1beta1\nspec:\n  a/b: [1, {c: 'ü', d: x}]\n  text: |\n    one\n    two\n  last: 5 # five\n";
    let document = &documents(text)[0];
    assert_eq!(at(document, "/spec/a~1b"), "[1, {c: 'ü', d: x}]");
    assert_eq!(at(document, "/spec/a~1b/1"), "{c: 'ü', d: x}");
    assert_eq!(at(document, "/spec/a~1b/1/c"), "'ü'");
    assert_eq!(at(document, "/spec/a~1b/1/d"), "x");
    assert_eq!(at(document, "/spec/last"), "5");
    assert!(at(document, "/spec").starts_with("a/b:"));
    assert!(at(document, "/spec").ends_with("last: 5"));
    assert_eq!(&text[document.key_span("/spec/last").unwrap()], "last");
    assert_eq!(document.key_span(""), None);
    assert_eq!(document.value["spec"]["text"], json!("one\ntwo\n"));
}

#[test]
fn places_are_right_in_later_documents_of_windows_files() {
    let text = "\u{feff}a: ü\r\n---\r\napiVersion: flagger.app/v1beta1\r\nkind: Canary\r\n";
    let found = documents(text);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].index, 1);
    assert_eq!(found[0].line(), 3);
    assert_eq!(at(&found[0], "/kind"), "Canary");
    let first = &documents("\u{feff}apiVersion: flagger.app/v1beta1\r\n")[0];
    assert_eq!(at(first, ""), "apiVersion: flagger.app/v1beta1");
}

#[test]
fn scalars_are_read_as_kubectl_reads_them() {
    let document = &documents(
        "apiVersion: flagger.app/v1beta1\nv: [yes, off, 0777, 1e2, ~, null, 5.0, '5', 2026-01-01]\n",
    )[0];
    assert_eq!(
        document.value["v"],
        json!([true, false, 511, 100.0, null, null, 5.0, "5", "2026-01-01"])
    );
}

#[test]
fn anchors_and_merges_point_to_where_they_are_used() {
    let text = "apiVersion: flagger.app/v1beta1\nbase: &base {port: 80}\nother: *base\nmore: {<<: *base, name: x}\n";
    let document = &documents(text)[0];
    assert_eq!(document.value["other"], json!({"port": 80}));
    assert_eq!(document.value["more"]["port"], json!(80));
    assert_eq!(at(document, "/other"), "*base");
}

#[test]
fn a_repeated_key_keeps_both_places() {
    let text = "apiVersion: flagger.app/v1beta1\nspec: {a: 1, b: 2, a: 3}\n";
    let document = &documents(text)[0];
    let [(pointer, first, second)] = document.duplicates.as_slice() else {
        panic!("one repeated key");
    };
    assert_eq!(pointer, "/spec/a");
    assert!(first.start < second.start);
    assert_eq!((&text[first.clone()], &text[second.clone()]), ("a", "a"));
}

#[test]
fn items_of_lists_are_documents_too() {
    let text = "kind: List\nitems:\n- apiVersion: flagger.app/v1beta1\n  kind: Canary\n- kind: List\n  items:\n  - {apiVersion: flagger.app/v1beta1, kind: AlertProvider}\n";
    let kinds: Vec<_> = documents(text)
        .iter()
        .map(|document| at(document, "/kind").to_owned())
        .collect();
    assert_eq!(kinds, ["Canary", "AlertProvider"]);
}

#[test]
fn json_is_yaml_too() {
    let document =
        &documents("{\n\t\"apiVersion\": \"flagger.app/v1beta1\",\n\t\"kind\": \"Canary\"\n}\n")[0];
    assert_eq!(at(document, "/kind"), "\"Canary\"");
}

#[test]
fn bombs_and_abysses_are_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..8 {
        let alias = format!("*a{}, ", level - 1).repeat(10);
        bomb.push_str(&format!("a{level}: &a{level} [{alias}]\n"));
    }
    assert!(refused(&bomb).why.contains("aliases"));
    for opened in 33..300 {
        let deep = format!("a: {}{}", "[".repeat(opened), "]".repeat(opened));
        assert!(refused(&deep).why.contains("levels"), "{opened}");
    }
    let block: String = (0..200).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    assert!(refused(&block).why.contains("levels"));
    assert!(
        refused(&format!("a: {}", "x".repeat(MAX_BYTES)))
            .why
            .contains("1 MiB")
    );
}

#[test]
fn a_broken_document_leaves_the_others_alone() {
    let file = SourceFile {
        path: "all.yaml".to_owned(),
        text: "apiVersion: flagger.app/v1beta1\nkind: One\n---\nunrelated: [\n--- # two\n\
               apiVersion: flagger.app/v1beta1\nkind: [\n---\napiVersion: flagger.app/v1beta1\nkind: Two\n"
            .into(),
    };
    let (found, broken) = read(&file, GROUP);
    let lines: Vec<_> = found.iter().map(|d| (d.index, d.line())).collect();
    assert_eq!(lines, [(0, 1), (3, 9)]);
    let offset = broken[0].offset().unwrap();
    assert_eq!(line_column(&file.text, offset).0, 7);
    assert_eq!(broken.len(), 1);
}

#[test]
fn a_line_and_column_count_characters() {
    assert_eq!(line_column("aü\nbü c", 7), (2, 3));
    assert_eq!(line_column("aü\nbü c", 99), (2, 5));
    assert_eq!(line_column("", 0), (1, 1));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[-a-z:{}\\[\\]&*!|>'\"#%@?, \n\t\u{feff}ü0-9.]{0,80}") {
        let file = SourceFile { path: "x".to_owned(), text: format!("apiVersion: flagger.app/x\n{text}").into() };
        for document in read(&file, GROUP).0 {
            for place in document.spans.values() {
                proptest::prop_assert!(document.file.text.get(place.value.clone()).is_some());
            }
        }
    }
}
