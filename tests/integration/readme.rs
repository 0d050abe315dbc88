//! The README shows what the command really prints.

use crate::support::golden::check;
use crate::support::sandbox::Sandbox;
use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- sandbox run";
const END: &str = "<!-- end of sandbox run -->";

#[test]
fn the_readme_shows_what_the_sandbox_prints() {
    let sandbox = Sandbox::play("error-spike", &[]);
    assert_eq!(sandbox.code, Some(10), "{}", sandbox.said);
    // The rollout, without the bootstrap before it and the place of the sandbox's folder after it.
    let (_, rollout) = sandbox.said.split_once("bootstrapped on 6.0.0\n").unwrap();
    let (rollout, _) = rollout.split_once("\n  read it").unwrap();
    let path = Path::new("README.md");
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (mark, rest) = rest.split_once('\n').unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let shown = format!("{before}{BEGIN}{mark}\n```text\n{rollout}```\n{END}{after}");
    check(path, &shown);
}
