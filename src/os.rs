//! What only the operating system or a library's process-wide state can give, behind safe functions.
//!
//! The one module that may be `unsafe`; every use says why it is sound.
#![expect(
    unsafe_code,
    reason = "git2 marks its process-wide settings as unsafe because they are not synchronised"
)]

use std::sync::Mutex;
use std::sync::Once;
use std::sync::PoisonError;

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
