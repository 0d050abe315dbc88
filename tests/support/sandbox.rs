//! Runs `promote --sandbox` as a user would, at full speed, in a folder of its own.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use tempfile::TempDir;

/// A run that has ended.
pub struct Sandbox {
    folder: TempDir,
    /// What people were told.
    pub said: String,
    /// How it ended.
    pub code: Option<i32>,
}

impl Sandbox {
    /// Plays a built-in scenario.
    pub fn play(scenario: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_kubectl-flagger"))
            .arg("promote")
            .arg(format!("--sandbox={scenario}"))
            .args(["--speed", "max", "--sandbox-dir"])
            .arg(folder.path().join("sandbox"))
            .args(more)
            .env_clear()
            .env("HOME", folder.path())
            .env("COLUMNS", "100")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let path = folder.path().to_string_lossy().into_owned();
        Self {
            said: said.replace(&path, ""),
            code: output.status.code(),
            folder,
        }
    }

    /// The folder with its Git repository and what was kept of the cluster.
    pub fn dir(&self) -> PathBuf {
        self.folder.path().join("sandbox")
    }

    /// What the API server was asked, one request a line.
    pub fn requests(&self) -> String {
        fs::read_to_string(self.dir().join("requests.txt")).unwrap()
    }
}
