//! What a person or the system says to a driver: keys at a terminal, the first Ctrl-C there asks, everything else acts,
//! and a further signal leaves as soon as the traffic is right.

use crate::cli::args::promote::OnInterrupt;
use crate::controller::Word;
use crate::rollout::event::Signal;
use crate::rollout::observation::Request;
use crate::ui::live::Part;

#[cfg(unix)]
mod unix;

#[cfg(unix)]
pub use unix::listen;

/// How signals are answered.
#[derive(Clone, Copy, Debug)]
pub struct Answering {
    /// `--on-interrupt`.
    pub on_interrupt: OnInterrupt,
    /// Is a person at the terminal who can be asked?
    pub asks: bool,
    /// Are the keys of the live view shown to them?
    pub shows_keys: bool,
}

/// What was said so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Said {
    /// Nothing.
    #[default]
    Nothing,
    /// The question after Ctrl-C stands.
    Asked,
    /// The question whether a rollback was meant stands.
    Aborting,
    /// It is being done.
    Done,
}

/// What follows from a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The driver hears it.
    Say(Word),
    /// The view opens or closes the question whether to roll back.
    AskToAbort(bool),
    /// The view shows or hides a part.
    Toggle(Part),
}

/// A person's or the system's side of a run.
#[derive(Clone, Copy, Debug)]
pub struct Conversation {
    answering: Answering,
    said: Said,
    paused: bool,
}

impl Conversation {
    /// Nothing was said yet.
    #[must_use]
    pub const fn new(answering: Answering) -> Self {
        Self {
            answering,
            said: Said::Nothing,
            paused: false,
        }
    }

    /// What a signal means after what was said.
    pub const fn signal(&mut self, signal: Signal) -> Word {
        let (word, said) = match (self.said, signal) {
            (Said::Nothing | Said::Aborting, Signal::Int) if self.answering.asks => {
                (Word::Ask(signal), Said::Asked)
            }
            (
                Said::Nothing | Said::Aborting | Said::Asked,
                Signal::Int | Signal::Term | Signal::Hup,
            ) => (Word::Do(self.answering.request(signal)), Said::Done),
            (Said::Done, Signal::Int | Signal::Term | Signal::Hup) => {
                (Word::Do(Request::Leave(signal)), Said::Done)
            }
        };
        self.said = said;
        word
    }

    /// What a key means after what was said; nothing for most.
    pub fn key(&mut self, key: char) -> Option<Deed> {
        let key = key.to_ascii_lowercase();
        let (deed, said) = match (self.said, key) {
            (Said::Asked, 'r') => (
                Deed::Say(Word::Do(Request::Interrupt(Signal::Int))),
                Said::Done,
            ),
            (Said::Asked, 'h') => (Deed::Say(Word::Do(Request::Hold(Signal::Int))), Said::Done),
            (Said::Asked, 'c') => (Deed::Say(Word::CarryOn), Said::Nothing),
            _ if !self.answering.shows_keys => return None,
            (Said::Aborting, 'y') => (Deed::Say(Word::Do(Request::Abort)), Said::Done),
            (Said::Aborting, 'n' | 'c') => (Deed::AskToAbort(false), Said::Nothing),
            (Said::Nothing, 'a') => (Deed::AskToAbort(true), Said::Aborting),
            (Said::Nothing, 'p') => {
                self.paused = !self.paused;
                let word = if self.paused {
                    Word::Pause
                } else {
                    Word::Resume
                };
                (Deed::Say(word), Said::Nothing)
            }
            (said, 'd') => (Deed::Toggle(Part::Details), said),
            (said, '?') => (Deed::Toggle(Part::Help), said),
            (Said::Nothing | Said::Asked | Said::Aborting | Said::Done, _) => return None,
        };
        self.said = said;
        Some(deed)
    }
}

impl Answering {
    const fn request(self, signal: Signal) -> Request {
        match self.on_interrupt {
            OnInterrupt::Rollback => Request::Interrupt(signal),
            OnInterrupt::Hold => Request::Hold(signal),
        }
    }
}

/// The keys of what was read at once. Arrows and other keys that send several characters begin with ESC and mean
/// nothing here, and must not be taken for the letters they end with.
#[must_use]
pub fn keys(read: &[u8]) -> Vec<char> {
    read.iter()
        .take_while(|byte| **byte != 0x1b)
        .filter(|byte| byte.is_ascii_graphic())
        .map(|byte| char::from(*byte))
        .collect()
}

/// Ctrl-C alone exists there.
///
/// # Errors
/// Never.
#[cfg(not(unix))]
pub fn listen(
    answering: Answering,
    _terminal: crate::cli::terminal::Handle,
    words: tokio::sync::mpsc::UnboundedSender<Word>,
) -> std::io::Result<()> {
    tokio::spawn(async move {
        let mut conversation = Conversation::new(answering);
        while tokio::signal::ctrl_c().await.is_ok() {
            if words.send(conversation.signal(Signal::Int)).is_err() {
                return;
            }
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests;
