//! Recordings of the real Flagger against our driver: every file in `testdata/tapes/` is replayed in the embedded
//! world, on Flagger's ticks and without them, and what was done must be equal. `--nocapture` prints one row a tape.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its files has failed"
)]
#![expect(clippy::print_stdout, reason = "the table is what people run it for")]

#[path = "tapes/departures.rs"]
mod departures;
#[path = "tapes/difference.rs"]
mod difference;
#[path = "tapes/recorded.rs"]
mod recorded;
#[path = "tapes/replay.rs"]
mod replay;
#[path = "tapes/sequences.rs"]
mod sequences;

use difference::Difference;
use difference::differences;
use kubectl_flagger::rollout::plan::Timing;
use recorded::Tape;
use replay::Played;
use replay::Replay;
use replay::play;
use sequences::Sequences;
use std::path::Path;

/// The router on which tapes of routers that are still to come are replayed, without comparing routes.
const STAND_IN: &str = "traefik";

/// Where we do something else than Flagger, on purpose: the first place of that sequence which differs.
struct Departure {
    tape: &'static str,
    sequence: &'static str,
    number: usize,
    why: &'static str,
}

const DEPARTURES: &[Departure] = &[
    Departure {
        tape: "promotion-fails",
        sequence: "virtualservices.networking.istio.io/podinfo",
        number: 3,
        why: "with all traffic where pods are ready",
    },
    Departure {
        tape: "promotion-fails",
        sequence: "status",
        number: 6,
        why: "a stuck promotion has an exit",
    },
    Departure {
        tape: "skip-analysis",
        sequence: "status",
        number: 4,
        why: "the primary must be ready before the canary is scaled down",
    },
];

/// What the table says of a tape, and what is wrong.
struct Verdict {
    row: String,
    wrong: Vec<String>,
    replayed: bool,
}

#[test]
fn the_driver_does_what_flagger_did() {
    judge_all(Timing::Grid);
}

#[test]
fn it_does_the_same_without_flaggers_waiting() {
    judge_all(Timing::Event);
}

fn judge_all(timing: Timing) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/tapes");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
        .collect();
    // TAPES=gate looks at those alone whose names have it.
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever runs the tests decides which tapes"
    )]
    let wanted = std::env::var("TAPES").unwrap_or_default();
    paths.retain(|path| path.to_string_lossy().contains(&wanted));
    paths.sort();
    let mut rows = format!("{timing:?} timing\n");
    let mut wrong = Vec::new();
    let mut replayed = 0;
    for path in paths {
        let tape = Tape::read(&std::fs::read_to_string(&path).unwrap());
        let verdict = judge(&tape, timing);
        rows.push_str(&format!("  {:<28} {}\n", tape.name, verdict.row));
        wrong.extend(
            verdict
                .wrong
                .iter()
                .map(|why| format!("{}: {why}", tape.name)),
        );
        replayed += usize::from(verdict.replayed);
    }
    println!("{rows}");
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    assert!(replayed > 0, "no tape was replayed");
}

#[test]
fn a_recording_that_says_something_else_is_noticed() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/testdata/tapes/canary-traefik.jsonl"
    );
    let text = std::fs::read_to_string(path).unwrap();
    for (said, instead, sequence) in [
        (
            r#""weight": 90"#,
            r#""weight": 91"#,
            "traefikservices.traefik.io/podinfo",
        ),
        (r#""value": 99.5"#, r#""value": 99.4"#, "asked"),
        (r#""canaryWeight": 50"#, r#""canaryWeight": 51"#, "status"),
    ] {
        let tape = Tape::read(&text.replacen(said, instead, 1));
        let Replay::Played(played) = play(&tape, Timing::Grid) else {
            panic!("it is not replayed");
        };
        let found = differences(
            &Sequences::recorded(&tape),
            &Sequences::played(&tape, &played),
        );
        let found: Vec<&str> = found.iter().map(|one| one.sequence.as_str()).collect();
        assert_eq!(found, [sequence]);
    }
}

#[test]
fn two_replays_send_the_same_requests_at_the_same_moments() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/testdata/tapes/canary-traefik.jsonl"
    );
    let tape = Tape::read(&std::fs::read_to_string(path).unwrap());
    let requests = || match play(&tape, Timing::Event) {
        Replay::Played(played) => played.requests,
        Replay::WaitsFor(_) | Replay::Refused(_) | Replay::Failed(_) => Vec::new(),
    };
    let first = requests();
    assert!(!first.is_empty());
    assert!(first == requests());
}

fn judge(tape: &Tape, timing: Timing) -> Verdict {
    let lacking = match play(tape, timing) {
        Replay::Played(played) => {
            return compare(tape, &played, timing, Sequences::recorded(tape), "equal");
        }
        Replay::Refused(why) | Replay::Failed(why) => return fails(why),
        Replay::WaitsFor(reasons) => reasons,
    };
    let waits = |reasons: Vec<String>| Verdict {
        row: format!("waits for {}", reasons.join(", ")),
        wrong: Vec::new(),
        replayed: false,
    };
    // Everything but the routes is the same on every router.
    let Some(elsewhere) = tape.on(STAND_IN) else {
        return waits(lacking);
    };
    match play(&elsewhere, timing) {
        Replay::Played(played) => {
            let recorded = Sequences::recorded(&elsewhere).without_routes();
            let equal = format!("equal on {STAND_IN}, waits for {}:", lacking.join(", "));
            compare(&elsewhere, &played, timing, recorded, &equal)
        }
        Replay::Failed(why) => fails(why),
        Replay::WaitsFor(more) => {
            let new = more.into_iter().filter(|one| !lacking.contains(one));
            waits(lacking.iter().cloned().chain(new).collect())
        }
        // What another router can do is nothing for the stand-in.
        Replay::Refused(_) => waits(lacking),
    }
}

fn fails(why: String) -> Verdict {
    Verdict {
        row: "fails".to_owned(),
        wrong: vec![why],
        replayed: false,
    }
}

fn compare(
    tape: &Tape,
    played: &Played,
    timing: Timing,
    mut recorded: Sequences,
    equal: &str,
) -> Verdict {
    let mut ours = Sequences::played(tape, played);
    if recorded.routes_left_out {
        ours = ours.without_routes();
    }
    match timing {
        Timing::Grid => {}
        Timing::Event if ours.statuses != recorded.statuses => {
            recorded = recorded.without_last_failed_check();
        }
        Timing::Event => {}
    }
    let found = differences(&recorded, &ours);
    let own: Vec<&Departure> = DEPARTURES
        .iter()
        .filter(|one| one.tape == tape.name)
        .collect();
    let is = |departure: &Departure, one: &Difference| {
        departure.sequence == one.sequence && departure.number == one.number
    };
    let mut wrong: Vec<String> = found
        .iter()
        .filter(|one| !own.iter().any(|departure| is(departure, one)))
        .map(|one| one.text.clone())
        .collect();
    for departure in &own {
        if !found.iter().any(|one| is(departure, one)) {
            wrong.push(format!("is no departure any more: {}", departure.why));
        }
    }
    let row = if !wrong.is_empty() {
        wrong.push(format!("the driver said\n  {}", played.events.join("\n  ")));
        format!("differs in {}", found.len())
    } else if own.is_empty() {
        format!("{equal} {}", recorded.size())
    } else {
        let why: Vec<&str> = own.iter().map(|departure| departure.why).collect();
        format!("{equal} {}; but {}", recorded.size(), why.join(", "))
    };
    Verdict {
        row,
        wrong,
        replayed: true,
    }
}
