//! What only the operating system or a library's process-wide state can give: the clock that counts suspend, which
//! process is which, signals, the modes of a terminal, libgit2's settings.
//!
//! The only module with `unsafe`; each use says why it is sound.
#![allow(
    unsafe_code,
    reason = "calls of the C library and of git2's process-wide settings, each with its reason"
)]

use crate::canary::holder::Kernel;
use crate::canary::holder::Process;
#[cfg(unix)]
use std::io::Stdin;
use std::sync::Mutex;
use std::sync::Once;
use std::sync::PoisonError;
use std::time::Duration;
#[cfg(unix)]
use tokio::io::Interest;
#[cfg(unix)]
use tokio::io::unix::AsyncFd;

/// This process, as the lock of a canary names it.
#[must_use]
pub fn this_process(user: &str) -> Process {
    let pid = std::process::id();
    Process {
        user: user.to_owned(),
        host: host_name().unwrap_or_else(|| "localhost".to_owned()),
        pid,
        kernel: kernel_view(pid),
    }
}

fn kernel_view(pid: u32) -> Option<Kernel> {
    Some(Kernel {
        boot_id: boot_id()?,
        pid_namespace: pid_namespace()?,
        started: process_start(pid)?,
    })
}

/// Time since boot, suspend included where the system can tell.
#[cfg(unix)]
#[must_use]
pub fn boot_time() -> Duration {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const BOOT: libc::clockid_t = libc::CLOCK_BOOTTIME;
    // On macOS this one goes on while the machine sleeps.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const BOOT: libc::clockid_t = libc::CLOCK_MONOTONIC;

    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid timespec that the call only writes to, for the time of the call.
    let answer = unsafe { libc::clock_gettime(BOOT, &raw mut time) };
    if answer != 0 {
        // Kernels without this clock: a constant would never expire a lock, so the older clock is asked.
        // SAFETY: as above.
        let _monotonic_always_exists =
            unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    }
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}

/// Time since the first call, where the system has no clock that counts suspend and that we know of.
#[cfg(not(unix))]
#[must_use]
pub fn boot_time() -> Duration {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    #[expect(
        clippy::disallowed_methods,
        reason = "this module is where the clock's answer comes from"
    )]
    START.get_or_init(std::time::Instant::now).elapsed()
}

/// Lets a closed pipe end the process, as other command line programs do, instead of failing each write.
#[cfg(unix)]
pub fn end_on_closed_pipe() {
    // SAFETY: the default action is installed, no handler of ours; called before any thread is started.
    let _former_handler = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

/// The modes of a terminal: whether it edits lines and echoes, and which keys are signals (termios(3)).
#[cfg(unix)]
#[derive(Clone, Copy)]
pub struct TerminalModes(libc::termios);

#[cfg(unix)]
impl TerminalModes {
    /// Those of the terminal behind standard input; `None` where there is none.
    #[must_use]
    pub fn of_stdin() -> Option<Self> {
        let mut modes = std::mem::MaybeUninit::<libc::termios>::uninit();
        // SAFETY: the call writes a whole termios to the place, or fails.
        let answer = unsafe { libc::tcgetattr(libc::STDIN_FILENO, modes.as_mut_ptr()) };
        // SAFETY: it succeeded, so the place is initialised.
        (answer == 0).then(|| Self(unsafe { modes.assume_init() }))
    }

    /// The same, with every key at once and without echo. Keys that are signals stay signals; Ctrl-S does not, because
    /// a driver that waits for its output would neither watch nor renew its lock.
    #[must_use]
    pub const fn for_single_keys(mut self) -> Self {
        self.0.c_lflag &= !(libc::ICANON | libc::ECHO | libc::ECHONL | libc::IEXTEN);
        self.0.c_lflag |= libc::ISIG;
        self.0.c_iflag &= !libc::IXON;
        self.0.c_cc[libc::VMIN] = 1;
        self.0.c_cc[libc::VTIME] = 0;
        self
    }

    /// Gives the terminal behind standard input these modes, if this process may: one in the background would be
    /// stopped, or take them away from the shell.
    pub fn apply(&self) -> bool {
        // SAFETY: the call reads a termios that lives as long as we do.
        in_foreground() == Some(true)
            && unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &raw const self.0) } == 0
    }
}

/// Standard input, so that it can be waited for without a read that blocks. Call it inside a runtime.
///
/// # Errors
/// The system cannot wait for what it is, such as a file.
#[cfg(unix)]
pub fn watch_stdin() -> std::io::Result<AsyncFd<Stdin>> {
    // SAFETY: the handle of standard input always has descriptor 0, and nobody here closes it.
    unsafe { AsyncFd::register_with_interest(std::io::stdin(), Interest::READABLE) }
        .map_err(std::io::Error::from)
}

/// SIGCONT: a stopped process goes on.
#[cfg(unix)]
pub const CONTINUED: i32 = libc::SIGCONT;

/// Does the terminal behind standard input send its keys to us? `None` where there is none, or none any more.
#[cfg(unix)]
#[must_use]
pub fn in_foreground() -> Option<bool> {
    // SAFETY: both only ask the kernel; a descriptor that is no terminal answers -1.
    let (foreground, ours) = unsafe { (libc::tcgetpgrp(libc::STDIN_FILENO), libc::getpgrp()) };
    (foreground != -1).then_some(foreground == ours)
}

/// A signal that a program which does not listen is stopped or ended by.
#[cfg(unix)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultAction {
    /// SIGTSTP, as Ctrl-Z sends it.
    Stop,
    /// SIGQUIT, as Ctrl-\ sends it.
    Quit,
}

#[cfg(unix)]
impl DefaultAction {
    /// Its number.
    #[must_use]
    pub const fn signal(self) -> i32 {
        match self {
            Self::Stop => libc::SIGTSTP,
            Self::Quit => libc::SIGQUIT,
        }
    }

    /// Does to this process what the signal does to those that do not listen. A stopped one returns from here when it
    /// is continued. The kernel still refuses to stop a process that no shell could continue.
    pub fn take(self) {
        let signal = self.signal();
        let mut ours = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: zeroes are the default action, no flags and an empty mask; the former action is written to `ours`,
        // which is put back afterwards. `raise` is delivered to this thread before it returns.
        unsafe {
            let default = std::mem::zeroed::<libc::sigaction>();
            if libc::sigaction(signal, &raw const default, ours.as_mut_ptr()) == 0 {
                libc::raise(signal);
                libc::sigaction(signal, ours.as_ptr(), std::ptr::null_mut());
            }
        }
    }
}

/// Is there no such process any more? `started` is what [`process_start`] said of it. Says no where it cannot tell.
#[cfg(unix)]
#[must_use]
pub fn is_gone(pid: u32, started: u64) -> bool {
    let Ok(id) = libc::pid_t::try_from(pid) else {
        return false;
    };
    if id <= 0 {
        return false;
    }
    // SAFETY: signal 0 is not delivered, it only asks whether the process exists.
    let answer = unsafe { libc::kill(id, 0) };
    let absent = answer != 0 && std::io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH);
    absent || process_start(pid).is_some_and(|now| now != started)
}

/// Says no: nothing is known about processes here.
#[cfg(not(unix))]
#[must_use]
pub fn is_gone(_pid: u32, _started: u64) -> bool {
    false
}

/// When a process was started, in clock ticks since boot; ids are used again, the pair is not.
/// `None` where there is no `/proc`, or no such process.
#[must_use]
pub fn process_start(pid: u32) -> Option<u64> {
    start_in_stat(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Field 22 of `/proc/PID/stat` (proc_pid_stat(5)); the name in field 2 may hold blanks and parentheses. A process
/// that only waits to be collected (state Z or X) has no start: it does nothing any more.
fn start_in_stat(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return Some(0);
    }
    fields.nth(18)?.parse().ok()
}

/// Identifies this boot of this machine.
#[must_use]
pub fn boot_id() -> Option<String> {
    trimmed("/proc/sys/kernel/random/boot_id")
}

/// The machine's or container's host name.
#[must_use]
pub fn host_name() -> Option<String> {
    trimmed("/proc/sys/kernel/hostname").or_else(|| trimmed("/etc/hostname"))
}

/// Identifies the set of process ids that ours belongs to: containers have their own.
#[must_use]
pub fn pid_namespace() -> Option<String> {
    let link = std::fs::read_link("/proc/self/ns/pid").ok()?;
    let text = link.to_str()?;
    Some(
        text.trim_start_matches("pid:[")
            .trim_end_matches(']')
            .to_owned(),
    )
}

fn trimmed(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Orders our own changes of libgit2's process-wide state.
static GIT_GLOBALS: Mutex<()> = Mutex::new(());

/// Teaches libgit2 a URL scheme. Call it before the first connection is opened: libgit2 does not synchronise its
/// list of schemes with connections that are being made.
///
/// # Errors
/// The scheme is known already, or is not a scheme.
pub fn register_git_transport<F>(scheme: &str, factory: F) -> Result<(), git2::Error>
where
    F: Fn(&git2::Remote<'_>) -> Result<git2::transport::Transport, git2::Error>
        + Send
        + Sync
        + 'static,
{
    let _guard = GIT_GLOBALS.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: registrations are ordered by the lock, and callers register before they connect
    unsafe { git2::transport::register(scheme, factory) }
}

/// Makes libgit2 ignore the configuration of the user and of the machine, in this process, for good. For whatever
/// must not depend on where it runs: tests and rehearsals.
pub fn forget_user_git_config() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        let _guard = GIT_GLOBALS.lock().unwrap_or_else(PoisonError::into_inner);
        for level in [
            git2::ConfigLevel::ProgramData,
            git2::ConfigLevel::System,
            git2::ConfigLevel::XDG,
            git2::ConfigLevel::Global,
        ] {
            // SAFETY: runs once, and callers do so before they open their first repository. A level that this
            // platform lacks is refused, which is what is wanted of it
            let _ = unsafe { git2::opts::set_search_path(level, "") };
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_clock_never_goes_back() {
        let before = boot_time();
        assert!(boot_time() >= before);
        assert!(before > Duration::ZERO);
    }

    #[test]
    fn a_name_with_parentheses_does_not_confuse_the_start_time() {
        let stat = "42 (a) b) S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 200";
        assert_eq!(start_in_stat(stat), Some(987_654));
    }

    #[test]
    fn a_process_that_only_waits_to_be_collected_matches_no_start() {
        let stat = "42 (a) Z 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 0 0";
        assert_eq!(start_in_stat(stat), Some(0));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_can_be_told_from_all_others() {
        let process = this_process("alice");
        assert_eq!(process.pid, std::process::id());
        assert!(process.kernel.is_some());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_not_gone() {
        let pid = std::process::id();
        let started = process_start(pid).unwrap();
        assert!(!is_gone(pid, started));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_id_that_is_used_again_is_another_process() {
        let pid = std::process::id();
        let started = process_start(pid).unwrap();
        assert!(is_gone(pid, started + 1));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_id_beyond_the_systems_limit_is_gone() {
        assert!(is_gone(2_000_000_000, 1));
    }
}
