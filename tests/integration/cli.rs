//! Command lines with their exact output, from `testdata/cli/*.txt`:
//!
//! ```text
//! $ kubectl-flagger version
//! kubectl-flagger 0.1.0
//! ? 0
//! ```
//!
//! Standard output comes first, standard error after it with `! ` before each line, the exit code last. Lines outside
//! a block are for readers. `NAME=VALUE` before the command sets a variable; everything else of the environment is
//! cleared. The command runs in an empty folder; its path is shown as `[DIR]`. Files without a block are not ours.

use crate::support::golden::check;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

#[test]
fn command_lines_print_what_their_files_say() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut blocks = 0;
    let mut files: Vec<_> = fs::read_dir(top.join("testdata/cli"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        if !text.lines().any(|line| line.starts_with("$ ")) {
            continue;
        }
        let (played, count) = play(&text);
        blocks += count;
        check(&file, &played);
    }
    assert!(blocks > 0, "no block was found");
}

/// The file with its blocks' output as it is now, and how many blocks it has.
fn play(text: &str) -> (String, usize) {
    let mut played = String::new();
    let mut blocks = 0;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let _ = writeln!(played, "{line}");
        let Some(command) = line.strip_prefix("$ ") else {
            continue;
        };
        blocks += 1;
        played.push_str(&run(command));
        // The old output, up to its code.
        lines.find(|line| line.starts_with("? "));
    }
    (played, blocks)
}

fn run(line: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let words = words(line);
    let variables = words.iter().take_while(|word| is_assignment(word)).count();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-flagger"));
    #[cfg(unix)]
    std::os::unix::process::CommandExt::arg0(&mut command, &words[variables]);
    command
        .args(&words[variables + 1..])
        .env_clear()
        .env("HOME", folder.path())
        .env("COLUMNS", "80")
        .current_dir(folder.path())
        .stdin(Stdio::null());
    for word in &words[..variables] {
        let (name, value) = word.split_once('=').unwrap();
        command.env(name, value);
    }
    let output = command.output().unwrap();
    let dir = folder.path().to_string_lossy();
    let mut text = String::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let _ = writeln!(text, "{}", line.replace(&*dir, "[DIR]"));
    }
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        let line = format!("! {}", line.replace(&*dir, "[DIR]"));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let code = output
        .status
        .code()
        .map_or_else(|| "killed".to_owned(), |code| code.to_string());
    let _ = writeln!(text, "? {code}");
    text
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
    })
}

/// Words as a shell would split them, with single quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut open: Option<String> = None;
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => {
                quoted = !quoted;
                open.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(open.take()),
            _ => open.get_or_insert_default().push(c),
        }
    }
    words.extend(open);
    words
}
