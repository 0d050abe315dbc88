//! Reads the crate's sources as a reader of code would: without comments, strings and tests.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// A source file with its strings and comments blanked, so that only code is judged.
pub struct Source {
    pub path: String,
    pub raw: String,
    pub code: String,
}

impl Source {
    pub fn module(&self) -> &str {
        let below = self.path.trim_start_matches("src/");
        below
            .split('/')
            .next()
            .unwrap_or(below)
            .trim_end_matches(".rs")
    }

    /// Files that its `mod NAME;` lines may mean.
    pub fn declares(&self) -> Vec<String> {
        self.declarations()
            .into_iter()
            .flat_map(|(files, _)| files)
            .collect()
    }

    /// Files that a `mod NAME;` line may mean, and whether the module exists for tests alone.
    fn declarations(&self) -> Vec<(Vec<String>, bool)> {
        let beside = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let below = ["/mod.rs", "/lib.rs", "/main.rs", ".rs"]
            .iter()
            .find_map(|end| self.path.strip_suffix(end))
            .unwrap_or_default();
        let mut found = Vec::new();
        let (mut for_tests, mut named) = (false, None);
        for (code, raw) in self.code.lines().zip(self.raw.lines()) {
            let (code, raw) = (code.trim(), raw.trim());
            if code == "#[cfg(test)]" {
                for_tests = true;
            } else if let Some(name) = raw.strip_prefix("#[path = \"") {
                named = name.strip_suffix("\"]").map(str::to_owned);
            } else if !code.starts_with("#[") && !code.is_empty() {
                let module = code
                    .strip_suffix(';')
                    .and_then(|code| code.rsplit_once("mod "))
                    .filter(|(before, _)| before.is_empty() || before.starts_with("pub"));
                if let Some((_, name)) = module {
                    let files = match named.take() {
                        Some(file) => vec![format!("{beside}/{file}")],
                        None => vec![
                            format!("{below}/{name}.rs"),
                            format!("{below}/{name}/mod.rs"),
                        ],
                    };
                    found.push((files, for_tests));
                }
                (for_tests, named) = (false, None);
            }
        }
        found
    }

    /// Lines before the tests: they may do what the floor may not.
    pub fn product(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines: Vec<&str> = self.code.lines().collect();
        let end = (0..lines.len())
            .find(|&at| {
                lines[at].trim() == "#[cfg(test)]"
                    && lines[at + 1..]
                        .iter()
                        .find(|line| !line.trim().starts_with("#["))
                        .is_some_and(|line| {
                            line.trim().starts_with("mod ") && line.trim().ends_with('{')
                        })
            })
            .unwrap_or(lines.len());
        lines
            .into_iter()
            .take(end)
            .enumerate()
            .map(|(at, line)| (at + 1, line))
    }
}

/// Every product source below `src/`; files that only exist for tests are left out.
pub fn sources() -> Vec<Source> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    walk(&top.join("src"), &mut files);
    files.sort();
    let mut sources: Vec<Source> = files
        .iter()
        .map(|file| {
            let raw = fs::read_to_string(file).unwrap();
            let path = file
                .strip_prefix(top)
                .unwrap()
                .to_string_lossy()
                .replace('\\', "/");
            let code = blanked(&raw);
            Source { path, raw, code }
        })
        .collect();
    // A module that exists for tests alone, and everything below it.
    let of_tests: Vec<String> = sources
        .iter()
        .flat_map(Source::declarations)
        .filter(|(_, for_tests)| *for_tests)
        .flat_map(|(files, _)| files)
        .collect();
    sources.retain(|source| {
        !of_tests.iter().any(|file| {
            let folder = file.trim_end_matches("/mod.rs").trim_end_matches(".rs");
            source.path == *file || source.path.starts_with(&format!("{folder}/"))
        })
    });
    sources
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Paths after `crate::` in a line of code.
pub fn imported(line: &str) -> Vec<String> {
    line.match_indices("crate::")
        .filter(|(at, _)| !line[..*at].ends_with('$') && !line[..*at].ends_with(is_word))
        .map(|(at, found)| {
            let rest = &line[at + found.len()..];
            let end = rest
                .find(|c: char| !is_word(c) && c != ':')
                .unwrap_or(rest.len());
            rest[..end].trim_end_matches(':').to_owned()
        })
        .filter(|path| !path.is_empty())
        .collect()
}

/// Is that word, and not a longer one, in the line?
pub fn mentions(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let open_end = word.ends_with("::") || word.ends_with('!');
        !before.is_some_and(is_word) && (open_end || !after.is_some_and(is_word))
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The text with comments, strings and character literals replaced by blanks; lines stay.
pub fn blanked(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = skipped(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(
                chars[at..end]
                    .iter()
                    .map(|c| if *c == '\n' { '\n' } else { ' ' }),
            );
            at = end;
        }
    }
    out
}

/// Where the comment or literal that begins here ends; here, if none begins.
fn skipped(chars: &[char], at: usize) -> usize {
    let rest = &chars[at..];
    let after_word = at > 0 && is_word(chars[at - 1]);
    match rest {
        ['/', '/', ..] => at + until(rest, 0, |window| window[0] == '\n'),
        ['/', '*', ..] => {
            at + (until(rest, 2, |window| window.starts_with(&['*', '/'])) + 2).min(rest.len())
        }
        ['r', '#' | '"', ..] if !after_word => raw_string(rest).map_or(at, |length| at + length),
        ['"', ..] => at + quoted(rest, '"'),
        ['\'', '\\', ..] => at + quoted(rest, '\''),
        // Not a lifetime: those have no second quote.
        ['\'', _, '\'', ..] => at + 3,
        _ => at,
    }
}

fn until(rest: &[char], from: usize, ends: impl Fn(&[char]) -> bool) -> usize {
    (from..rest.len())
        .find(|&at| ends(&rest[at..]))
        .unwrap_or(rest.len())
}

fn quoted(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

fn raw_string(rest: &[char]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return None;
    }
    let mut end = vec!['"'];
    end.extend(vec!['#'; hashes]);
    let body = 2 + hashes;
    Some((until(rest, body, |window| window.starts_with(&end)) + end.len()).min(rest.len()))
}
