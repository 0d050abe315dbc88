//! What a driving process takes of memory: the real binary, which promotes on the embedded cluster's socket over TLS,
//! asks metrics, and records in Git. Linux only: the figures come from `/proc`. It takes two minutes of real time.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints what it measured and fails by panicking"
)]

use std::io::BufRead as _;
use std::io::BufReader;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

/// The peak that is promised, MB.
const MOST: f64 = 15.0;

fn main() {
    // `cargo test` runs benches too, to see that they run.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("box");
    let mut server = command(folder.path())
        .args(["sandbox", "serve", "--scenario", "success", "--dir"])
        .arg(&dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(server.stdout.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap() == "Ctrl-C ends it."));
    // The first run sets the example up. The cluster sees that within a moment, and brings the new version.
    let peak = loop {
        let (peak, moved) = promote(&dir);
        if moved {
            break peak;
        }
    };
    let _ = server.kill();
    let _ = server.wait();
    println!(
        "peak       {:.1} MB resident (to be at most {MOST} MB), {:.1} MB without the pages of the executable and of libraries",
        peak.resident, peak.own
    );
}

fn command(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-flagger"));
    command.env_clear().env("HOME", home).stdin(Stdio::null());
    command
}

/// Of a process, MB.
#[derive(Default)]
struct Memory {
    resident: f64,
    own: f64,
}

/// Runs it to its end; the last look before it, and whether traffic moved.
fn promote(dir: &Path) -> (Memory, bool) {
    let mut child = command(dir)
        .args(["promote", "podinfo", "-n", "test", "--kubeconfig"])
        .arg(dir.join("kubeconfig"))
        .current_dir(dir.join("repo"))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut last, mut moved) = (Memory::default(), false);
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        moved |= line.unwrap().contains("weight   40 -> 50");
        last = look(&child).unwrap_or(last);
    }
    assert!(child.wait().unwrap().success());
    (last, moved)
}

/// `None` once it has ended.
fn look(child: &Child) -> Option<Memory> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let megabytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: f64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kibibytes * 1.024 / 1000.0)
    };
    Some(Memory {
        resident: megabytes("VmHWM:")?,
        own: megabytes("RssAnon:")?,
    })
}
