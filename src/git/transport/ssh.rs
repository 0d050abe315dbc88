//! Git's protocol over the user's `ssh` program: its configuration, agent, jumps, hardware keys and known hosts are
//! what they are for `git` itself.
//!
//! Hosts and paths that a program could take for options are refused.

mod address;
mod complaint;

use crate::git::transport::failure::NetworkFailure;
use crate::git::transport::program::confine;
use crate::git::transport::program::through_shell;
use crate::git::transport::session::Session;
use crate::git::transport::ssh::address::Place;
use crate::git::transport::ssh::address::place;
use crate::git::transport::ssh::complaint::meaning;
use git2::transport::Service;
use git2::transport::SmartSubtransportStream;
use std::io;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Child;
use tokio::process::ChildStderr;
use tokio::process::ChildStdin;
use tokio::process::ChildStdout;
use tokio::process::Command;

/// What is kept of what the program complains, bytes.
const COMPLAINTS: usize = 4 * 1024;
/// How long a program that is done may take to end. A master connection it leaves behind holds its standard error
/// open for longer.
const FAREWELL: Duration = Duration::from_secs(1);

/// Which options the program understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variant {
    OpenSsh,
    /// PuTTY's, and TortoiseGit's.
    Plink,
    /// None at all.
    Simple,
}

/// Runs `ssh`, which runs Git's program on the server; both directions of its stream.
pub(super) fn connect(
    session: &Arc<Session>,
    url: &str,
    action: Service,
) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
    let service = match action {
        Service::UploadPackLs | Service::UploadPack => "git-upload-pack",
        Service::ReceivePackLs | Service::ReceivePack => "git-receive-pack",
    };
    let stream = place(url)
        .and_then(|place| Ok((command(session, &place, service)?, place)))
        .and_then(|(command, place)| SshStream::open(session, command, place));
    match stream {
        Ok(stream) => Ok(Box::new(stream)),
        Err(failure) => Err(session.fail(failure)),
    }
}

/// The program with all its arguments: `GIT_SSH_COMMAND`, else `core.sshCommand`, else `GIT_SSH`, else `ssh`.
fn command(session: &Session, place: &Place, service: &str) -> Result<Command, NetworkFailure> {
    let environment = &session.network.environment;
    let settings = &session.settings;
    let configured = settings.plain("core", "sshcommand");
    let (mut command, program) = if let Some(line) = &environment.ssh_command {
        (through_shell(line), first_word(line))
    } else if let Some(value) = configured {
        if !value.ours && !environment.trust_repository {
            return Err(NetworkFailure::denied(
                "its configuration names a program of its own to connect with (core.sshCommand), which is not run",
                "if you trust the repository: --trust-repo-config; or set GIT_SSH_COMMAND",
            ));
        }
        (through_shell(value.text), first_word(value.text))
    } else {
        let program = environment.ssh.as_deref().unwrap_or("ssh");
        (Command::new(program), program)
    };
    let wanted = environment
        .ssh_variant
        .as_deref()
        .or_else(|| settings.plain("ssh", "variant").map(|value| value.text));
    let variant = variant(wanted, program);
    let port = place.port.map(|port| port.to_string());
    match variant {
        Variant::OpenSsh => {
            let connect = session.network.limits.connect.as_secs().max(1);
            command.arg("-o").arg(format!("ConnectTimeout={connect}"));
            if !environment.interactive {
                command.arg("-o").arg("BatchMode=yes");
            }
            if let Some(port) = port {
                command.arg("-p").arg(port);
            }
            command.arg("--");
        }
        Variant::Plink => {
            if !environment.interactive {
                command.arg("-batch");
            }
            if let Some(port) = port {
                command.arg("-P").arg(port);
            }
        }
        Variant::Simple => {
            if port.is_some() {
                return Err(NetworkFailure::denied(
                    "its URL has a port, which a simple ssh program cannot be given",
                    "set GIT_SSH_VARIANT=ssh if the program takes OpenSSH's options",
                ));
            }
        }
    }
    let host = &place.host;
    command.arg(match &place.user {
        Some(user) => format!("{user}@{host}"),
        None => host.clone(),
    });
    command.arg(format!("{service} {}", quoted(&place.path)));
    Ok(command)
}

/// What was asked for, else what the program's name says.
fn variant(wanted: Option<&str>, program: &str) -> Variant {
    let name = Path::new(program)
        .file_stem()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    match wanted.unwrap_or(name).to_ascii_lowercase().as_str() {
        "plink" | "putty" | "tortoiseplink" => Variant::Plink,
        "simple" => Variant::Simple,
        _ => Variant::OpenSsh,
    }
}

fn first_word(line: &str) -> &str {
    line.split_whitespace()
        .next()
        .unwrap_or_default()
        .trim_matches(['"', '\''])
}

/// For the shell on the server.
fn quoted(path: &str) -> String {
    let mut quoted = String::from("'");
    for c in path.chars() {
        match c {
            // csh expands ! even between quotes
            '\'' | '!' => {
                quoted.push_str("'\\");
                quoted.push(c);
                quoted.push('\'');
            }
            _ => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

struct SshStream {
    session: Arc<Session>,
    place: Place,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    stderr: ChildStderr,
    complaints: Vec<u8>,
    heard: bool,
}

impl SshStream {
    fn open(
        session: &Arc<Session>,
        mut command: Command,
        place: Place,
    ) -> Result<Self, NetworkFailure> {
        if session.network.environment.interactive {
            // its questions need the terminal, so it stays in our group
            command.kill_on_drop(true);
        } else {
            confine(&mut command);
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = session
            .wait(async { command.spawn() })?
            .map_err(|error| not_started(&error))?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(NetworkFailure::unreachable("ssh has no streams"));
        };
        Ok(Self {
            session: Arc::clone(session),
            place,
            child,
            stdin: Some(stdin),
            stdout,
            stderr,
            complaints: Vec::new(),
            heard: false,
        })
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, NetworkFailure> {
        let mut said = [0; 1024];
        loop {
            let (stdout, stderr) = (&mut self.stdout, &mut self.stderr);
            // both at once: a program whose complaints nobody reads stands still
            let (length, complained) = self.session.wait(async {
                tokio::select! {
                    biased;
                    length = stdout.read(buffer) => (Some(length), None),
                    complained = stderr.read(&mut said) => (None, Some(complained)),
                }
            })?;
            match (length, complained) {
                (Some(Ok(0)), _) => return self.ended(),
                (Some(Ok(length)), _) => {
                    self.heard = true;
                    self.session.count(length)?;
                    return Ok(length);
                }
                (_, Some(Ok(more))) if more > 0 => self.complain(&said[..more]),
                // nothing more to complain of
                (None, _) => {
                    let stdout = &mut self.stdout;
                    let length = self.session.wait(stdout.read(buffer))?;
                    let length = length.map_err(|error| {
                        NetworkFailure::unreachable(format!("ssh cannot be read: {error}"))
                    })?;
                    if length == 0 {
                        return self.ended();
                    }
                    self.heard = true;
                    self.session.count(length)?;
                    return Ok(length);
                }
                (Some(Err(error)), _) => {
                    return Err(NetworkFailure::unreachable(format!(
                        "ssh cannot be read: {error}"
                    )));
                }
            }
        }
    }

    /// The program said all it had to say: an error, unless the server spoke before.
    fn ended(&mut self) -> Result<usize, NetworkFailure> {
        if self.heard {
            return Ok(0);
        }
        let mut rest = Vec::new();
        let stderr = &mut self.stderr;
        let _ = self.session.wait_briefly(FAREWELL, async {
            // what came until the patience ran out is kept
            while stderr.read_buf(&mut rest).await.is_ok_and(|more| more > 0) {}
        });
        self.complain(&rest);
        let complaints = String::from_utf8_lossy(&self.complaints).into_owned();
        Err(meaning(&complaints, &self.place))
    }

    fn complain(&mut self, text: &[u8]) {
        self.complaints.extend_from_slice(text);
        let surplus = self.complaints.len().saturating_sub(COMPLAINTS);
        self.complaints.drain(..surplus);
    }

    fn send(&mut self, buffer: &[u8]) -> Result<(), NetworkFailure> {
        let Some(stdin) = &mut self.stdin else {
            return Err(NetworkFailure::unreachable("the connection was closed"));
        };
        let written = self.session.wait(async {
            stdin.write_all(buffer).await?;
            stdin.flush().await
        })?;
        match written {
            Ok(()) => Ok(()),
            // it ended, and its complaints say why
            Err(_) if !self.heard => self.ended().map(|_| ()),
            Err(error) => Err(NetworkFailure::unreachable(format!(
                "the connection broke off: {error}"
            ))),
        }
    }
}

impl Read for SshStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.receive(buffer)
            .map_err(|failure| self.session.fail_io(failure))
    }
}

impl Write for SshStream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self.send(buffer) {
            Ok(()) => Ok(buffer.len()),
            Err(failure) => Err(self.session.fail_io(failure)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for SshStream {
    /// Lets the server see the end before the program is killed.
    fn drop(&mut self) {
        self.stdin = None;
        let child = &mut self.child;
        let _ = self.session.wait_briefly(FAREWELL, child.wait());
    }
}

fn not_started(error: &io::Error) -> NetworkFailure {
    if error.kind() == io::ErrorKind::NotFound {
        return NetworkFailure::denied(
            "there is no ssh program",
            "install OpenSSH's client, or use an https remote",
        );
    }
    NetworkFailure::denied(
        format!("ssh cannot be run: {error}"),
        "check GIT_SSH_COMMAND, core.sshCommand and GIT_SSH",
    )
}

#[cfg(test)]
mod tests;
