//! Compares text with a file of `testdata/`; `UPDATE_GOLDEN=1 cargo test` rewrites the files.

use std::path::Path;

/// Fails with the first line that differs.
pub fn check(path: &Path, got: &str) {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test asks its own environment whether to rewrite the files"
    )]
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    if update {
        std::fs::write(path, got).unwrap();
        return;
    }
    let want = std::fs::read_to_string(path).unwrap_or_default();
    let want = want.replace("\r\n", "\n");
    if want == got {
        return;
    }
    let mut want_lines = want.lines();
    let mut got_lines = got.lines();
    let mut number = 0;
    loop {
        number += 1;
        let (wanted, is) = (want_lines.next(), got_lines.next());
        assert!(
            wanted == is,
            "{}:{number} differs (UPDATE_GOLDEN=1 rewrites it)\n  wanted: {}\n  got:    {}\n\n{got}",
            path.display(),
            wanted.unwrap_or("(end)"),
            is.unwrap_or("(end)"),
        );
        assert!(
            wanted.is_some(),
            "{}: only line ends differ",
            path.display()
        );
    }
}
