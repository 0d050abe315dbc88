//! The one golden helper: compares text with a committed file, shows a diff, and rewrites with `UPDATE_GOLDEN=1`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Compares with the file; a relative path begins at the project's top folder.
pub fn check(path: &Path, actual: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let expected = fs::read_to_string(&file)
        .unwrap_or_default()
        .replace("\r\n", "\n");
    if expected == actual {
        return;
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever runs the tests decides about golden files"
    )]
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    if update {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(&file, actual).unwrap();
        return;
    }
    panic!(
        "{} differs (UPDATE_GOLDEN=1 rewrites it)\n{}",
        path.display(),
        diff(&expected, actual)
    );
}

/// Lines that differ, `-` expected and `+` actual, with their places.
pub fn diff(expected: &str, actual: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), actual.lines().collect());
    let same_start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let same_end = old[same_start..]
        .iter()
        .rev()
        .zip(new[same_start..].iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let mut text = String::new();
    let _ = writeln!(text, "from line {}:", same_start + 1);
    for line in &old[same_start..old.len() - same_end] {
        let _ = writeln!(text, "-{line}");
    }
    for line in &new[same_start..new.len() - same_end] {
        let _ = writeln!(text, "+{line}");
    }
    if old == new {
        text.push_str("only the line ends differ\n");
    }
    text
}

#[test]
fn a_diff_shows_only_what_differs() {
    assert_eq!(diff("a\nb\nc\n", "a\nx\nc\n"), "from line 2:\n-b\n+x\n");
    assert_eq!(diff("a\n", "a\nb\n"), "from line 2:\n+b\n");
}
