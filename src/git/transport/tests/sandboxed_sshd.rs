//! OpenSSH's sshd on a loopback port, with keys of its own; one process a connection, started by us.

use crate::git::testing::Fixture;
use crate::git::transport::environment::GitEnvironment;
use crate::git::transport::tests::skip;
use std::fs;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use tempfile::TempDir;

const SSHD: &str = "/usr/sbin/sshd";

/// Listens until it is dropped.
pub struct Sshd {
    pub fixture: Fixture,
    dir: TempDir,
    address: SocketAddr,
    user: String,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Is there a server and a client that can be run?
pub fn no_sshd() -> bool {
    let there = Path::new(SSHD).exists()
        && Command::new("ssh")
            .arg("-V")
            .stderr(Stdio::null())
            .status()
            .is_ok()
        // where root runs it, it wants an empty folder that its package's service makes
        && (!is_root() || fs::create_dir_all("/run/sshd").is_ok());
    !there && skip("OpenSSH's sshd is not installed")
}

fn is_root() -> bool {
    printed(Command::new("id").arg("-u")) == "0"
}

fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn make_key(path: &Path) {
    let status = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(path)
        .stdin(Stdio::null())
        .status();
    assert!(status.unwrap().success());
}

pub fn start() -> Sshd {
    let fixture = Fixture::bare();
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    make_key(&file("host"));
    make_key(&file("user"));
    make_key(&file("stranger"));
    fs::copy(file("user.pub"), file("authorized")).unwrap();
    let config = format!(
        "HostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n\
         KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nLogLevel QUIET\n",
        file("host").display(),
        file("authorized").display()
    );
    fs::write(file("sshd_config"), config).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let host_key = fs::read_to_string(file("host.pub")).unwrap();
    let known = format!("[127.0.0.1]:{} {host_key}", address.port());
    fs::write(file("known_hosts"), known).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let config = file("sshd_config");
    let ended = Arc::clone(&over);
    let thread = std::thread::spawn(move || {
        for stream in listener.incoming() {
            if ended.load(Ordering::SeqCst) {
                break;
            }
            serve(stream.unwrap(), &config);
        }
    });
    Sshd {
        fixture,
        dir,
        address,
        user: printed(Command::new("id").arg("-un")),
        over,
        thread: Some(thread),
    }
}

/// One connection, as inetd would start it.
fn serve(stream: TcpStream, config: &Path) {
    let input = OwnedFd::from(stream.try_clone().unwrap());
    let output = OwnedFd::from(stream);
    let mut child = Command::new(SSHD)
        .arg("-i")
        .arg("-f")
        .arg(config)
        .stdin(input)
        .stdout(output)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::spawn(move || child.wait());
}

impl Sshd {
    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `ssh://user@127.0.0.1:port/path`
    pub fn url(&self) -> String {
        format!(
            "ssh://{}@{}{}",
            self.user,
            self.address,
            self.fixture.dir().display()
        )
    }

    /// The same in scp's words.
    pub fn scp_like(&self) -> String {
        format!(
            "{}@[{}]:{}",
            self.user,
            self.address,
            self.fixture.dir().display()
        )
    }

    /// What `ssh` is told: that user's key, that file of known hosts, nothing of the developer's.
    pub fn environment(&self, key: &str, known: &str) -> GitEnvironment {
        GitEnvironment {
            ssh_command: Some(format!(
                "ssh -F /dev/null -i {} -o IdentitiesOnly=yes -o UserKnownHostsFile={} \
                 -o GlobalKnownHostsFile=/dev/null -o IdentityAgent=none",
                self.file(key).display(),
                self.file(known).display()
            )),
            ..GitEnvironment::default()
        }
    }

    /// The login that works.
    pub fn trusted(&self) -> GitEnvironment {
        self.environment("user", "known_hosts")
    }

    /// A file of known hosts in which this server has another's key.
    pub fn mistake_host(&self) -> &'static str {
        let key = fs::read_to_string(self.file("stranger.pub")).unwrap();
        let line = format!("[127.0.0.1]:{} {key}", self.address.port());
        fs::write(self.file("mistaken_hosts"), line).unwrap();
        "mistaken_hosts"
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
