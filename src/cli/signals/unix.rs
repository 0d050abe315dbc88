//! Signals and keys where there are signals and terminals as POSIX knows them.

use crate::cli::signals::Answering;
use crate::cli::signals::Conversation;
use crate::cli::signals::Deed;
use crate::cli::signals::keys;
use crate::cli::terminal::Handle;
use crate::controller::Word;
use crate::os;
use crate::os::DefaultAction;
use crate::rollout::event::Signal;
use std::io::BufRead as _;
use std::io::Stdin;
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::sync::mpsc::UnboundedSender;

/// How often a process in the background asks whether it is in the foreground again: shells do not tell.
const FOREGROUND: Duration = Duration::from_millis(250);

/// Listens to signals, and to keys where the terminal was taken, for as long as the driver drives.
///
/// # Errors
/// The system lets nobody listen.
pub fn listen(
    answering: Answering,
    terminal: Handle,
    words: UnboundedSender<Word>,
) -> std::io::Result<()> {
    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut terminations = signal(SignalKind::terminate())?;
    let mut hangups = signal(SignalKind::hangup())?;
    let mut quits = signal(SignalKind::from_raw(DefaultAction::Quit.signal()))?;
    let mut stops = signal(SignalKind::from_raw(DefaultAction::Stop.signal()))?;
    let mut continued = signal(SignalKind::from_raw(os::CONTINUED))?;
    let mut keyboard = terminal.has_keys().then(Keyboard::open).flatten();
    tokio::spawn(async move {
        let mut conversation = Conversation::new(answering);
        // a stop of our own is over before the signal that ended it is heard
        let mut came_back = false;
        loop {
            let background = terminal.has_keys() && !terminal.is_taken();
            let word = tokio::select! {
                Some(()) = interrupts.recv() => Some(conversation.signal(Signal::Int)),
                Some(()) = terminations.recv() => Some(conversation.signal(Signal::Term)),
                Some(()) = hangups.recv() => Some(conversation.signal(Signal::Hup)),
                Some(()) = quits.recv() => {
                    terminal.step_aside(DefaultAction::Quit);
                    None
                }
                Some(()) = stops.recv() => {
                    terminal.step_aside(DefaultAction::Stop);
                    terminal.come_back();
                    came_back = true;
                    Some(Word::LookAgain)
                }
                Some(()) = continued.recv() => {
                    if !std::mem::take(&mut came_back) {
                        terminal.come_back();
                    }
                    Some(Word::LookAgain)
                }
                pressed = next_keys(keyboard.as_ref()), if !background => {
                    match pressed {
                        Some(pressed) => {
                            for key in pressed {
                                if !act(conversation.key(key), &terminal, &words) {
                                    return;
                                }
                            }
                        }
                        None => keyboard = None,
                    }
                    None
                }
                () = tokio::time::sleep(FOREGROUND), if background => {
                    if os::in_foreground() == Some(true) {
                        terminal.come_back();
                    }
                    None
                }
            };
            if let Some(word) = word
                && words.send(word).is_err()
            {
                return;
            }
        }
    });
    Ok(())
}

/// Does what a key meant; no once nobody listens any more.
fn act(deed: Option<Deed>, terminal: &Handle, words: &UnboundedSender<Word>) -> bool {
    match deed {
        None => {}
        Some(Deed::Say(word)) => return words.send(word).is_ok(),
        Some(Deed::AskToAbort(asks)) => {
            if let Some(live) = terminal.live() {
                live.ask_to_abort(asks);
            }
        }
        Some(Deed::Toggle(part)) => {
            if let Some(live) = terminal.live() {
                live.toggle(part);
            }
        }
    }
    true
}

async fn next_keys(keyboard: Option<&Keyboard>) -> Option<Vec<char>> {
    match keyboard {
        Some(keyboard) => keyboard.read().await,
        None => std::future::pending().await,
    }
}

/// Standard input, asked for what is there only when something is: a read that waits would keep the process from
/// everything else, and the descriptor is shared with the shell, which must not find it changed.
struct Keyboard(AsyncFd<Stdin>);

impl Keyboard {
    /// `None` where the system cannot watch it.
    fn open() -> Option<Self> {
        os::watch_stdin().ok().map(Self)
    }

    /// What was pressed; `None` at the end of the input.
    async fn read(&self) -> Option<Vec<char>> {
        let mut ready = self.0.readable().await.ok()?;
        // A terminal that went away can be read for ever, and has nothing to say.
        if !os::in_foreground()? {
            ready.clear_ready();
            return Some(Vec::new());
        }
        let mut input = self.0.get_ref().lock();
        let read = input.fill_buf().ok()?.to_vec();
        input.consume(read.len());
        ready.clear_ready();
        (!read.is_empty()).then(|| keys(&read))
    }
}
