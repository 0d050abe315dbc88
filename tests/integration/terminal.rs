//! The real binary in a real terminal: what it shows, what keys and signals do, and that the terminal is left as it
//! was found. Moments are chosen by what the screen shows, not by waiting for a while.

use crate::support::golden::check;
use crate::support::pty::Pty;
use crate::support::pty::Start;
use kubectl_flagger::cli::terminal::Terminal;
use portable_pty::CommandBuilder;
use portable_pty::PtySize;
use portable_pty::native_pty_system;
use std::io::Read as _;
use std::path::Path;
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_kubectl-flagger");
const CTRL_C: &str = "\x03";
const CTRL_Z: &str = "\x1a";

struct Run {
    pty: Pty,
    _folder: TempDir,
}

fn start(words: &[&str], variables: &[(&str, &str)], size: (u16, u16)) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let pty = Pty::start(&Start {
        words: words.to_vec(),
        variables,
        size,
        folder: folder.path(),
    });
    Run {
        pty,
        _folder: folder,
    }
}

/// A rollout that stays at each weight for a second.
fn promote(more: &[&str], variables: &[(&str, &str)], size: (u16, u16)) -> Run {
    let mut words = vec![BINARY, "promote", "--sandbox", "--speed=10"];
    words.extend(more);
    start(&words, variables, size)
}

fn at_ten() -> Run {
    let run = promote(&[], &[], (100, 30));
    run.pty.wait_for("● 10");
    run
}

/// Without what differs from run to run.
fn steady(screen: &str) -> String {
    let mut lines = Vec::new();
    for line in screen.lines() {
        let line = line.trim_end();
        let clock = line.get(..10).filter(|start| start.ends_with('Z'));
        let line = match clock {
            Some(clock) => line.replacen(clock, " HH:MM:SSZ", 1),
            None => line.to_owned(),
        };
        let line = match line.split_once("next look in ") {
            Some((before, after)) => {
                let rest = after.split_once(' ').map_or("", |(_, rest)| rest);
                format!("{before}next look in N {rest}")
            }
            None => line.replace("looking now ", "next look in N "),
        };
        let header = line.contains("podinfo.test") && line.contains('→');
        let line = match line.rsplit_once(':').filter(|_| header) {
            Some((before, _)) => {
                let minutes = before.trim_end_matches(|c: char| c.is_ascii_digit());
                let (start, id) = minutes.split_once(" run ").unwrap();
                format!("{start} run RUNRUN{}MM:SS", &id[6..])
            }
            None => line,
        };
        let line = match line.split_once("✔ ready ") {
            Some((before, after)) => {
                let rest = after.split_once(' ').map_or("", |(_, rest)| rest);
                format!("{before}✔ ready N {rest}")
            }
            None => line,
        };
        let line = match line.split_once("about ") {
            Some((before, _)) if line.ends_with(" left") => {
                format!("{}   about N left", before.trim_end())
            }
            Some(_) | None => line,
        };
        let line = match line.split_once(" ms   ≤") {
            Some((before, after)) => {
                let name = before.trim_end_matches(|c: char| c.is_ascii_digit());
                format!("{name}NN ms   ≤{after}")
            }
            None => line,
        };
        let record = line.contains(" record ") && line.ends_with("on flagger-status");
        lines.push(if record {
            " HH:MM:SSZ record   COMMIT on flagger-status".to_owned()
        } else {
            line
        });
    }
    lines.join("\n") + "\n"
}

/// The region at the end of a screen.
fn region(screen: &str) -> &str {
    let header = screen.rfind("\n podinfo.test   ").map_or(0, |at| at + 1);
    &screen[header..]
}

#[test]
fn the_view_at_three_widths() {
    std::thread::scope(|scope| {
        for width in [60, 80, 120] {
            scope.spawn(move || view_at_thirty(width));
        }
    });
}

fn view_at_thirty(width: u16) {
    let words = [BINARY, "promote", "--sandbox", "--speed=4"];
    let mut run = start(&words, &[("NO_COLOR", "1")], (width, 40));
    run.pty.wait_for("● 30");
    run.pty.press("p");
    let screen = run.pty.wait_for("p resume");
    assert!(screen.contains("● 30"), "{screen}");
    let text = steady(region(&screen));
    // the last events differ with the moment of the pause
    let facts: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with(" HH:MM:SSZ"))
        .collect();
    let file = format!("testdata/cli/terminal-{width}.txt");
    check(Path::new(&file), &(facts.join("\n") + "\n"));
    run.pty.signal("TERM");
    assert_eq!(run.pty.end(), 143);
}

#[test]
fn a_promotion_leaves_its_transcript_its_last_frame_and_its_verdict() {
    let mut run = start(
        &[BINARY, "promote", "--sandbox", "--speed=20"],
        &[],
        (120, 120),
    );
    let code = run.pty.end();
    let screen = run.pty.wait_for("log flagger-status");
    assert_eq!(code, 0);
    for text in [
        "start ",
        "weight   10 -> 20",
        "✔ finish",
        "podinfo.test is on 6.0.1",
    ] {
        assert!(screen.contains(text), "{text}:\n{screen}");
    }
    let bytes = run.pty.bytes();
    let begun = bytes.matches("\x1b[?2026h").count();
    assert!(begun > 5);
    assert_eq!(begun, bytes.matches("\x1b[?2026l").count());
    assert!(!bytes.contains("\x1b[2J") && !bytes.contains("\x1b[?1049h"));
}

#[test]
fn ctrl_c_asks_in_the_last_row_and_c_carries_on() {
    let mut run = at_ten();
    run.pty.press(CTRL_C);
    let asked = run.pty.wait_for("stop?   r roll back now   h hold at");
    assert!(!asked.contains("^C"), "{asked}");
    run.pty.press("c");
    run.pty.wait_for("p pause");
    run.pty.wait_for("● 30");
    run.pty.signal("TERM");
    assert_eq!(run.pty.end(), 143);
}

#[test]
fn ctrl_c_and_r_roll_back() {
    let mut run = at_ten();
    run.pty.press(CTRL_C);
    run.pty.wait_for("stop?");
    run.pty.press("r");
    assert_eq!(run.pty.end(), 130);
    run.pty.wait_for("traffic  100 % on primary");
}

#[test]
fn ctrl_c_and_h_hold() {
    let mut run = at_ten();
    run.pty.press(CTRL_C);
    run.pty.wait_for("stop?");
    run.pty.press("h");
    assert_eq!(run.pty.end(), 21);
}

#[test]
fn ctrl_c_twice_rolls_back() {
    let mut run = at_ten();
    run.pty.press(CTRL_C);
    run.pty.wait_for("stop?");
    run.pty.press(CTRL_C);
    assert_eq!(run.pty.end(), 130);
}

#[test]
fn a_termination_and_a_hangup_roll_back_without_a_question() {
    for (signal, code) in [("TERM", 143), ("HUP", 129)] {
        let mut run = at_ten();
        run.pty.signal(signal);
        assert_eq!(run.pty.end(), code);
        assert!(!run.pty.bytes().contains("stop?"));
    }
}

#[test]
fn quit_gives_the_terminal_back_before_it_ends_the_process() {
    let mut run = at_ten();
    run.pty.press("\x1c");
    run.pty.end();
}

#[test]
fn p_holds_the_weight_and_p_lets_it_go_on() {
    let mut run = at_ten();
    run.pty.press("p");
    let paused = run.pty.wait_for("p resume");
    assert!(paused.contains("paused, checks go on"), "{paused}");
    assert_ne!(run.pty.modes(), run.pty.first_modes());
    run.pty.press("p");
    run.pty.wait_for("p pause");
    run.pty.wait_for("● 40");
    run.pty.signal("TERM");
    assert_eq!(run.pty.end(), 143);
}

#[test]
fn a_and_y_roll_back_and_n_does_not() {
    let mut run = at_ten();
    run.pty.press("p");
    run.pty.wait_for("p resume");
    run.pty.press("a");
    run.pty.wait_for("n no, carry on");
    run.pty.press("n");
    run.pty.wait_for("p resume");
    run.pty.press("a");
    run.pty.wait_for("y yes");
    run.pty.press("y");
    assert_eq!(run.pty.end(), 12);
}

#[test]
fn d_and_the_question_mark_show_and_hide() {
    let mut run = at_ten();
    run.pty.press("p");
    run.pty.wait_for("p resume");
    run.pty.press("d");
    run.pty
        .wait_until("no primary", |screen| !region(screen).contains(" primary "));
    run.pty.press("?");
    run.pty.wait_for("roll back now, after one more question");
    run.pty.press("?d");
    run.pty.wait_until("the primary again", |screen| {
        region(screen).contains(" primary ") && !screen.contains("one more question")
    });
    // an arrow is no letter
    run.pty.press("\x1b[A");
    run.pty.signal("TERM");
    assert_eq!(run.pty.end(), 143);
    assert!(!run.pty.bytes().contains("y yes"));
}

#[test]
fn a_resize_midway_leaves_one_region() {
    let mut run = promote(&[], &[], (120, 40));
    run.pty.wait_for("● 10");
    run.pty.press("p");
    run.pty.wait_for("p resume");
    for width in [60, 40, 200, 80] {
        run.pty.resize(width, 40);
        // a row that is drawn for the new width ends with the time, one column before the edge
        run.pty.wait_until("the new width", |screen| {
            let mut rows = screen.lines().rev();
            if width < 60 {
                rows.next()
                    .is_some_and(|row| row.starts_with("podinfo.test 10 %"))
            } else {
                let header = |row: &&str| row.starts_with(" podinfo.test   ");
                rows.find(header)
                    .is_some_and(|row| row.chars().count() == usize::from(width) - 1)
            }
        });
    }
    let screen = run.pty.screen();
    assert!(screen.ends_with("? keys"), "{screen}");
    assert_eq!(screen.matches(" CHECK ").count(), 1, "{screen}");
    run.pty.signal("TERM");
    assert_eq!(run.pty.end(), 143);
}

#[test]
fn ctrl_z_says_that_traffic_is_unwatched_and_fg_goes_on_below() {
    let line = format!("{BINARY} promote --sandbox --speed=10; echo code $?\n");
    let mut run = start(
        &["bash", "--norc", "--noediting", "-i"],
        &[("PS1", "$ ")],
        (100, 60),
    );
    run.pty.wait_for("$ ");
    run.pty.press(&line);
    run.pty.wait_for("● 10");
    run.pty.press("p");
    run.pty.wait_for("p resume");
    run.pty.press(CTRL_Z);
    let stopped = run.pty.wait_for("Stopped");
    assert!(
        stopped.contains("10 % of the traffic is on the canary, and nobody watches it"),
        "{stopped}"
    );
    assert!(!stopped.contains("p resume"), "{stopped}");
    run.pty.press("fg\n");
    run.pty.wait_for("p resume");
    run.pty.press("p");
    run.pty.wait_for("● 20");
    run.pty.press(CTRL_C);
    run.pty.wait_for("stop?");
    run.pty.press("r");
    run.pty.wait_for("exit 130");
    let shell = run.pty.wait_until("the prompt", |screen| {
        screen.ends_with("$ ") || screen.ends_with('$')
    });
    assert!(shell.contains("[1]+  Stopped"), "{shell}");
    run.pty.press("exit\n");
    run.pty.end();
}

#[test]
fn without_a_keyboard_a_signal_acts_at_once() {
    let line = format!("exec {BINARY} promote --sandbox --speed=10 </dev/null");
    let mut run = start(&["sh", "-c", &line], &[], (100, 30));
    let screen = run.pty.wait_for("● 10");
    assert!(screen.contains("Ctrl-C to stop"), "{screen}");
    run.pty.press(CTRL_C);
    assert_eq!(run.pty.end(), 130);
    assert!(!run.pty.bytes().contains("stop?"));
}

#[test]
fn no_color_takes_colour_and_leaves_motion() {
    let mut run = promote(&[], &[("NO_COLOR", "1")], (100, 30));
    run.pty.wait_for("● 10");
    run.pty.signal("TERM");
    assert_eq!(run.pty.end(), 143);
    let bytes = run.pty.bytes();
    assert!(bytes.contains("A"), "the cursor moves");
    assert!(!bytes.contains("\x1b[3") && !bytes.contains("\x1b[1m"));
}

#[test]
fn ascii_is_ascii_and_a_dumb_terminal_gets_lines() {
    let mut ascii = promote(&["--ascii"], &[], (100, 30));
    let screen = ascii.pty.wait_for("* 10");
    assert!(screen.is_ascii(), "{screen}");
    ascii.pty.signal("TERM");
    assert_eq!(ascii.pty.end(), 143);
    for (more, term) in [
        (&[][..], "dumb"),
        (&["--progress=lines", "--color=never"], "xterm"),
    ] {
        let mut lines = promote(more, &[("TERM", term)], (100, 30));
        lines.pty.wait_for("weight   10 -> 20");
        lines.pty.press(CTRL_C);
        lines.pty.wait_for("c carries on");
        lines.pty.press("r");
        assert_eq!(lines.pty.end(), 130);
        let bytes = lines.pty.bytes();
        assert!(!bytes.contains('\x1b'), "{bytes}");
    }
}

#[test]
fn a_terminal_of_width_zero_is_drawn_for_eighty_columns() {
    // the emulator has no columns to show it in, so the bytes are asked
    let mut run = start(
        &[BINARY, "promote", "--sandbox", "--speed=20"],
        &[("NO_COLOR", "1")],
        (0, 0),
    );
    assert_eq!(run.pty.end(), 0);
    let bytes = run.pty.bytes();
    assert!(bytes.contains(" CHECK    "), "{bytes}");
}

#[test]
fn nothing_is_drawn_where_nothing_was_asked_for() {
    let words = [
        BINARY,
        "promote",
        "--sandbox",
        "--speed=max",
        "--progress=none",
    ];
    let mut run = start(&words, &[], (100, 30));
    assert_eq!(run.pty.end(), 0);
    let screen = run.pty.wait_for("podinfo.test is on 6.0.1");
    assert!(!screen.contains("● 10"), "{screen}");
    assert!(!run.pty.bytes().contains("\x1b[?2026h"));
}

/// Run by the next test in a terminal, and by nobody else.
#[test]
fn a_child_that_panics() {
    #[expect(clippy::disallowed_methods, reason = "the other test says so by it")]
    if std::env::var_os("TEST_PANICS").is_none() {
        return;
    }
    let _terminal = Terminal::take(true, None);
    eprintln!("taken");
    let mut key = [0];
    std::io::stdin().read_exact(&mut key).unwrap();
    panic!("as the test wants it");
}

#[test]
fn a_panic_gives_the_terminal_back() {
    let own = std::env::current_exe().unwrap();
    let mut run = start(
        &[
            own.to_str().unwrap(),
            "--exact",
            "terminal::a_child_that_panics",
            "--nocapture",
        ],
        &[("TEST_PANICS", "1")],
        (100, 30),
    );
    run.pty.wait_for("taken");
    assert_ne!(run.pty.modes(), run.pty.first_modes());
    run.pty.press("x");
    assert_eq!(run.pty.end(), 101);
    run.pty.wait_for("as the test wants it");
}

/// The shell has the terminal, and is told that it went away; the driver is not.
const WITHOUT_A_WORD: &str = "trap '' HUP; timeout --foreground 60 \"$0\" promote --sandbox --speed=50 --ascii; echo $? >code";

#[test]
fn a_terminal_that_goes_away_without_a_word_does_not_stop_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let pair = native_pty_system().openpty(PtySize::default()).unwrap();
    let mut shell = CommandBuilder::new("sh");
    shell.args(["-c", WITHOUT_A_WORD, BINARY]);
    shell.env_clear();
    shell.env("PATH", "/usr/local/bin:/usr/bin:/bin");
    shell.env("TMPDIR", folder.path());
    shell.env("TERM", "xterm");
    shell.cwd(folder.path());
    let mut child = pair.slave.spawn_command(shell).unwrap();
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().unwrap();
    let mut shown = Vec::new();
    while !shown.windows(7).any(|at| at == b"0 -> 10") {
        let mut some = [0; 1024];
        let read = reader.read(&mut some).unwrap();
        shown.extend_from_slice(&some[..read]);
    }
    drop((reader, pair.master));
    child.wait().unwrap();
    assert_eq!(
        std::fs::read_to_string(folder.path().join("code")).unwrap(),
        "0\n"
    );
}
