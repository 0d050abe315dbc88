//! Recordings of the real Flagger against our driver: every file in `testdata/tapes/` is replayed in the embedded
//! world, on Flagger's own ticks, and what was done must be equal. `--nocapture` prints one row a tape.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its files has failed"
)]
#![expect(clippy::print_stdout, reason = "the table is what people run it for")]

#[path = "tapes/difference.rs"]
mod difference;
#[path = "tapes/recorded.rs"]
mod recorded;
#[path = "tapes/replay.rs"]
mod replay;
#[path = "tapes/sequences.rs"]
mod sequences;

use difference::differences;
use recorded::Tape;
use replay::Replay;
use sequences::Sequences;
use std::path::Path;

#[test]
fn the_driver_does_what_flagger_did() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/tapes");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
        .collect();
    paths.sort();
    let mut rows = Vec::new();
    let mut wrong = Vec::new();
    let mut equal = 0;
    for path in paths {
        let tape = Tape::read(&std::fs::read_to_string(&path).unwrap());
        let verdict = match replay::play(&tape) {
            Replay::WaitsFor(reasons) => format!("waits for {}", reasons.join(", ")),
            Replay::Failed(why) => {
                wrong.push(format!("{}: {why}", tape.name));
                "fails".to_owned()
            }
            Replay::Played(played) => {
                let recorded = Sequences::recorded(&tape);
                let ours = Sequences::played(&tape, &played);
                let found = differences(&recorded, &ours);
                if found.is_empty() {
                    equal += 1;
                    format!("equal   {}", recorded.size())
                } else {
                    wrong.extend(found.iter().map(|one| format!("{}: {one}", tape.name)));
                    let said = played.events.join("\n  ");
                    wrong.push(format!("{}: the driver said\n  {said}", tape.name));
                    format!("differs in {}", found.len())
                }
            }
        };
        rows.push(format!("{:<28} {verdict}", tape.name));
    }
    println!("{}", rows.join("\n"));
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    assert!(equal > 0, "no tape was replayed");
}
