//! What the live view costs: processor time while it is redrawn ten times a second, and the memory of the process that
//! drives. Runs the real binary in a real terminal, so both include the embedded cluster that it drives; the same run
//! with plain lines tells the view's share. Linux only: the figures come from `/proc`.

#[path = "../tests/support/pty.rs"]
#[expect(
    clippy::unwrap_used,
    dead_code,
    reason = "shared with the tests, which use all of it and fail by panicking"
)]
mod pty;

use pty::Pty;
use pty::Start;
use std::io::Write as _;
use std::time::Duration;
use std::time::Instant;

/// Ticks of `/proc/PID/stat` a second (`getconf CLK_TCK`); Linux has had the same on all machines for decades.
const TICKS: f64 = 100.0;
const LIVE: Duration = Duration::from_secs(20);
/// A run with lines cannot be paused and is over soon.
const LINES: Duration = Duration::from_secs(4);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `cargo test` runs benches too, to see that they run.
    if !std::env::args().any(|word| word == "--bench") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let start = |progress| Start {
        // ten seconds of the embedded cluster a second: the countdown changes ten times a second
        words: vec![
            env!("CARGO_BIN_EXE_kubectl-flagger"),
            "promote",
            "--sandbox",
            "--speed=10",
            progress,
        ],
        variables: &[],
        size: (120, 40),
        folder: folder.path(),
    };
    let lines = Pty::start(&start("--progress=lines"));
    lines.wait_for("weight   0 -> 10");
    let (without, _) = measure(&lines, LINES)?;
    drop(lines);
    let mut live = Pty::start(&start("--progress=live"));
    live.wait_for("● 10");
    live.press("p");
    live.wait_for("p resume");
    let before = live.bytes();
    let (with, memory) = measure(&live, LIVE)?;
    let drawn = live.bytes().split_off(before.len());
    let frames = drawn.matches("\x1b[?2026h").count();
    live.signal("TERM");
    live.end();
    let seconds = LIVE.as_secs_f64();
    let mut out = std::io::stdout();
    writeln!(
        out,
        "redraws    {:.1} a second, {} bytes each",
        frames as f64 / seconds,
        drawn.len() / frames.max(1)
    )?;
    writeln!(
        out,
        "processor  {with:.1} % of a core with the view, {without:.1} % with lines: {:.1} % for the view",
        with - without
    )?;
    writeln!(
        out,
        "memory     {:.1} MB resident, {:.1} MB without the pages of the executable and of libraries; the embedded cluster included",
        memory.resident, memory.own
    )?;
    Ok(())
}

/// Of a process, MB.
struct Memory {
    resident: f64,
    own: f64,
}

/// Percent of a core that the process takes in that time, and its memory after it.
#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn measure(pty: &Pty, time: Duration) -> Result<(f64, Memory), Box<dyn std::error::Error>> {
    let pid = pty.pid();
    let (ticks, began) = (ticks(pid)?, Instant::now());
    std::thread::sleep(time);
    let used = self::ticks(pid)? - ticks;
    let percent = used / TICKS / began.elapsed().as_secs_f64() * 100.0;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let megabytes = |name: &str| -> Result<f64, Box<dyn std::error::Error>> {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kibibytes = line.and_then(|text| text.split_whitespace().next());
        Ok(kibibytes.ok_or("no such line")?.parse::<f64>()? * 1.024 / 1000.0)
    };
    let memory = Memory {
        resident: megabytes("VmRSS:")?,
        own: megabytes("RssAnon:")?,
    };
    Ok((percent, memory))
}

/// Fields 14 and 15 of proc_pid_stat(5): in user mode and in the kernel.
fn ticks(pid: u32) -> Result<f64, Box<dyn std::error::Error>> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, after_name) = stat.rsplit_once(')').ok_or("no name")?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let field = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok());
    Ok(field(11).ok_or("no utime")? + field(12).ok_or("no stime")?)
}
