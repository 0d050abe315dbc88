//! The one owner of the terminal's modes: takes single keys without echo while a run is driven, and gives the terminal
//! back as it was found on every way out: the end, an error, a panic, a signal, Ctrl-Z.
//!
//! Must not decide what a key means.

use crate::ui::live::Live;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

#[cfg(unix)]
use crate::os::DefaultAction;
#[cfg(unix)]
use crate::os::TerminalModes;

/// The terminal. It is given back when this is dropped; [`Handle`]s are for those who read keys and hear signals.
pub struct Terminal {
    handle: Handle,
}

/// A handle of the terminal.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Mutex<Shared>>,
    live: Option<Live>,
}

struct Shared {
    /// As it was found, where keys are wanted of it.
    #[cfg(unix)]
    found: Option<TerminalModes>,
    /// Does it have our modes now?
    taken: bool,
}

impl Terminal {
    /// Takes the terminal behind standard input, if `keys` says that a person sits there. `live` is what is shown on
    /// it. Lasts until this is dropped.
    #[must_use]
    pub fn take(keys: bool, live: Option<Live>) -> Self {
        let shared = Shared {
            #[cfg(unix)]
            found: keys.then(TerminalModes::of_stdin).flatten(),
            taken: false,
        };
        let handle = Handle {
            shared: Arc::new(Mutex::new(shared)),
            live,
        };
        handle.take();
        let in_panic = handle.clone();
        let former = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            in_panic.give_back();
            if let Some(live) = &in_panic.live {
                live.close_in_panic();
            }
            former(panic);
        }));
        Self { handle }
    }

    /// For whoever reads keys and hears signals.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(live) = &self.handle.live {
            live.close();
        }
        self.handle.give_back();
    }
}

impl Handle {
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Are keys wanted of this terminal?
    #[must_use]
    pub fn has_keys(&self) -> bool {
        #[cfg(unix)]
        return self.shared().found.is_some();
        #[cfg(not(unix))]
        false
    }

    /// Does it have our modes now? Not while this process is stopped or in the background.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.shared().taken
    }

    /// The view on it.
    #[must_use]
    pub const fn live(&self) -> Option<&Live> {
        self.live.as_ref()
    }

    /// Takes it, again if it was given back. Says whether it has our modes.
    pub fn take(&self) -> bool {
        let mut shared = self.shared();
        #[cfg(unix)]
        if let Some(found) = shared.found {
            shared.taken = found.for_single_keys().apply();
        }
        shared.taken
    }

    /// Gives it back as it was found.
    pub fn give_back(&self) {
        let mut shared = self.shared();
        #[cfg(unix)]
        if let Some(found) = shared.found.filter(|_| shared.taken) {
            found.apply();
        }
        shared.taken = false;
    }

    /// Does what the signal does to a program that does not listen, with the terminal as it was found; for a stop
    /// until the process is continued.
    #[cfg(unix)]
    pub fn step_aside(&self, action: DefaultAction) {
        if let Some(live) = &self.live {
            let unwatched = live.weight().map_or_else(String::new, |weight| {
                format!(" {weight} % of the traffic is on the canary, and nobody watches it until this driver continues (fg)")
            });
            live.suspend(&unwatched);
        }
        self.give_back();
        action.take();
    }

    /// The process was continued: in the foreground it takes the terminal and shows itself again.
    #[cfg(unix)]
    pub fn come_back(&self) {
        if self.has_keys() && !self.take() {
            return;
        }
        if let Some(live) = &self.live {
            live.resume();
        }
    }
}
