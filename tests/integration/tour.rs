//! `docs/tour.md` is what its own commands print.

use crate::serve::kubectl_is_there;
use crate::support::golden::check;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

const PAGE: &str = "docs/tour.md";

#[test]
fn the_tour_is_what_its_commands_print() {
    if !kubectl_is_there() {
        return;
    }
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(top.join(PAGE)).unwrap();
    let commands: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("$ "))
        .collect();
    let printed = walk(&commands);
    assert_eq!(printed.len(), commands.len(), "{printed:?}");
    check(Path::new(PAGE), &filled(&page, &printed));
}

/// What each command prints.
#[expect(
    clippy::disallowed_methods,
    reason = "the program under test comes first on the PATH"
)]
fn walk(commands: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_kubectl-flagger"));
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell =
        Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/tour.sh"))
            .current_dir(folder.path())
            .env_clear()
            .env(
                "PATH",
                format!("{}:{path}", program.parent().unwrap().display()),
            )
            .env("HOME", folder.path())
            .env("COLUMNS", "80")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
    let script = commands.join("\n") + "\n";
    shell
        .stdin
        .take()
        .unwrap()
        .write_all(script.as_bytes())
        .unwrap();
    let output = shell.wait_with_output().unwrap();
    let home = folder.path().canonicalize().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).replace(&*home.to_string_lossy(), "~");
    let mut printed: Vec<String> = text.split('\0').map(masked).collect();
    printed.pop();
    printed
}

/// Without what differs from run to run.
fn masked(text: &str) -> String {
    let mut lines = String::new();
    for line in text.lines() {
        let mut words = String::new();
        let mut before = "";
        for word in line.split_inclusive(' ') {
            let bare = word.trim_end();
            let end = &word[bare.len()..];
            let is_figure = bare.starts_with(|first: char| first.is_ascii_digit());
            let shown = if bare.starts_with("https://127.0.0.1:") {
                "https://127.0.0.1:PORT."
            } else if is_figure && bare.ends_with('Z') && bare.contains(':') {
                "TIME"
            } else if is_figure && bare.ends_with('s') && !bare.contains('.') {
                "NNs"
            } else if before == "run" {
                "RUN"
            } else if let Some((pod, _)) = bare.split_once("podinfo-primary-") {
                &format!("{pod}podinfo-primary-…")
            } else {
                bare
            };
            words.push_str(shown);
            words.push_str(end);
            before = bare;
        }
        let _ = writeln!(lines, "{}", words.trim_end());
    }
    lines
}

/// The page with what the commands printed under them.
fn filled(page: &str, printed: &[String]) -> String {
    let mut printed = printed.iter();
    let mut filled = String::new();
    let mut inside = false;
    for line in page.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if inside && !line.starts_with("$ ") {
            continue;
        }
        let _ = writeln!(filled, "{line}");
        if line.starts_with("$ ") {
            filled.push_str(printed.next().unwrap());
        }
    }
    filled
}
