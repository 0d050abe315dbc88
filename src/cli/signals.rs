//! What a person or the system says to a driver: the first Ctrl-C at a terminal asks, everything else acts, and a
//! further signal leaves as soon as the traffic is right.

use crate::cli::args::promote::OnInterrupt;
use crate::controller::Word;
use crate::rollout::event::Signal;
use crate::rollout::observation::Request;
#[cfg(unix)]
use std::io::Read as _;
use tokio::sync::mpsc::UnboundedSender;

/// How signals are answered.
#[derive(Clone, Copy, Debug)]
pub struct Answering {
    /// `--on-interrupt`.
    pub on_interrupt: OnInterrupt,
    /// Is a person at the terminal who can be asked?
    pub asks: bool,
}

/// What was said so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Said {
    /// Nothing.
    #[default]
    Nothing,
    /// The question stands.
    Asked,
    /// It is being done.
    Done,
}

impl Answering {
    /// What a signal means after what was said, and what is said then.
    #[must_use]
    pub const fn answer(self, said: Said, signal: Signal) -> (Word, Said) {
        match (said, signal) {
            (Said::Nothing, Signal::Int) if self.asks => (Word::Ask(signal), Said::Asked),
            (Said::Nothing | Said::Asked, Signal::Int | Signal::Term | Signal::Hup) => {
                (Word::Do(self.request(signal)), Said::Done)
            }
            (Said::Done, Signal::Int | Signal::Term | Signal::Hup) => {
                (Word::Do(Request::Leave(signal)), Said::Done)
            }
        }
    }

    /// What a key under the question means; `None` for any other.
    #[must_use]
    pub const fn typed(key: u8) -> Option<(Word, Said)> {
        match key.to_ascii_lowercase() {
            b'r' => Some((Word::Do(Request::Interrupt(Signal::Int)), Said::Done)),
            b'h' => Some((Word::Do(Request::Hold(Signal::Int)), Said::Done)),
            b'c' => Some((Word::CarryOn, Said::Nothing)),
            _ => None,
        }
    }

    const fn request(self, signal: Signal) -> Request {
        match self.on_interrupt {
            OnInterrupt::Rollback => Request::Interrupt(signal),
            OnInterrupt::Hold => Request::Hold(signal),
        }
    }
}

/// Listens to INT, TERM and HUP for as long as the driver drives.
///
/// # Errors
/// The system lets nobody listen.
#[cfg(unix)]
pub fn listen(answering: Answering, words: UnboundedSender<Word>) -> std::io::Result<()> {
    use tokio::signal::unix::SignalKind;
    use tokio::signal::unix::signal;
    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut terminations = signal(SignalKind::terminate())?;
    let mut hangups = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        let mut said = Said::default();
        let (keys, mut typed) = tokio::sync::mpsc::unbounded_channel::<u8>();
        let mut keys = Some(keys);
        loop {
            let (word, now) = tokio::select! {
                Some(()) = interrupts.recv() => answering.answer(said, Signal::Int),
                Some(()) = terminations.recv() => answering.answer(said, Signal::Term),
                Some(()) = hangups.recv() => answering.answer(said, Signal::Hup),
                Some(key) = typed.recv(), if said == Said::Asked => {
                    let Some(answer) = Answering::typed(key) else { continue };
                    answer
                }
            };
            said = now;
            if said == Said::Asked {
                // What was typed before the question is no answer to it.
                while typed.try_recv().is_ok() {}
                if let Some(keys) = keys.take() {
                    read_keys(keys);
                }
            }
            if words.send(word).is_err() {
                return;
            }
        }
    });
    Ok(())
}

/// Ctrl-C alone exists there.
///
/// # Errors
/// Never.
#[cfg(not(unix))]
pub fn listen(answering: Answering, words: UnboundedSender<Word>) -> std::io::Result<()> {
    tokio::spawn(async move {
        let mut said = Said::default();
        while tokio::signal::ctrl_c().await.is_ok() {
            let (word, now) = answering.answer(said, Signal::Int);
            said = now;
            if words.send(word).is_err() {
                return;
            }
        }
    });
    Ok(())
}

/// A thread of its own: a blocked read must keep nobody from leaving.
#[cfg(unix)]
fn read_keys(keys: UnboundedSender<u8>) {
    std::thread::spawn(move || {
        for key in std::io::stdin().lock().bytes() {
            let Ok(key) = key else { return };
            if keys.send(key).is_err() {
                return;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_A_TERMINAL: Answering = Answering {
        on_interrupt: OnInterrupt::Rollback,
        asks: true,
    };
    const IN_CI: Answering = Answering {
        on_interrupt: OnInterrupt::Hold,
        asks: false,
    };

    #[test]
    fn the_first_ctrl_c_at_a_terminal_asks_and_the_second_acts() {
        let (word, said) = AT_A_TERMINAL.answer(Said::Nothing, Signal::Int);
        assert_eq!((word, said), (Word::Ask(Signal::Int), Said::Asked));
        let (word, said) = AT_A_TERMINAL.answer(said, Signal::Int);
        assert_eq!(
            (word, said),
            (Word::Do(Request::Interrupt(Signal::Int)), Said::Done)
        );
        assert_eq!(
            AT_A_TERMINAL.answer(said, Signal::Int).0,
            Word::Do(Request::Leave(Signal::Int))
        );
    }

    #[test]
    fn a_termination_is_never_asked_about() {
        let (word, _) = AT_A_TERMINAL.answer(Said::Nothing, Signal::Term);
        assert_eq!(word, Word::Do(Request::Interrupt(Signal::Term)));
        assert_eq!(AT_A_TERMINAL.answer(Said::Asked, Signal::Hup).1, Said::Done);
    }

    #[test]
    fn without_a_person_the_flag_decides() {
        assert_eq!(
            IN_CI.answer(Said::Nothing, Signal::Int).0,
            Word::Do(Request::Hold(Signal::Int))
        );
    }

    #[test]
    fn three_letters_are_answers() {
        assert_eq!(Answering::typed(b'r').unwrap().1, Said::Done);
        assert_eq!(
            Answering::typed(b'C').unwrap(),
            (Word::CarryOn, Said::Nothing)
        );
        assert!(Answering::typed(b'x').is_none());
        assert!(Answering::typed(b'\n').is_none());
    }
}
