//! What is said to the driver while it drives, by signals, keys and other processes. The last word counts.
//!
//! Moves nothing: what was asked is decided upon at the next look.

use crate::canary::phase::Phase;
use crate::controller::Controller;
use crate::controller::Word;
use crate::controller::document::Approval;
use crate::port::ask::Ask;
use crate::port::ask::AskVerb;
use crate::rollout::event::EventKind;
use crate::rollout::event::Signal;
use crate::rollout::observation::Request;
use crate::rollout::status::Approved;
use crate::rollout::status::Asked;
use jiff::SignedDuration;

impl Controller<'_> {
    /// Takes what was asked of the driver meanwhile. The last word counts.
    pub(super) fn hear(&mut self) {
        while let Ok(word) = self.requests.try_recv() {
            self.heard(word);
        }
    }

    pub(super) fn heard(&mut self, word: Word) {
        let signal = |signal, action: &str| EventKind::SignalReceived {
            signal,
            action: action.to_owned(),
        };
        let holder = self.identity.holder.clone();
        let asked = |verb| EventKind::IntentReceived {
            verb,
            by: holder,
            via: "keys",
        };
        let said = match &word {
            Word::Ask(by) => Some(signal(*by, "ask")),
            Word::CarryOn => Some(signal(Signal::Int, "continue")),
            Word::Pause => Some(asked("pause")),
            Word::Resume => Some(asked("resume")),
            Word::LookAgain | Word::Asked(_) => None,
            Word::Do(Request::Interrupt(by)) => Some(signal(*by, self.on_interrupt())),
            Word::Do(Request::Hold(by)) => Some(signal(*by, "hold")),
            Word::Do(Request::Leave(by)) => Some(signal(*by, "leave")),
            Word::Do(Request::Abort) => Some(asked("abort")),
            Word::Do(Request::Lost) => None,
        };
        if let Some(said) = said {
            self.say(said);
        }
        match word {
            Word::Do(request) => self.request = Some(request),
            Word::Pause => self.pause(),
            Word::Resume => self.resume(),
            Word::LookAgain => self.woken = true,
            Word::Asked(ask) => self.asked(ask),
            Word::Ask(_) | Word::CarryOn => {}
        }
    }

    /// Another process' request: done and answered once, and only if it is meant for this run.
    pub(super) fn asked(&mut self, ask: Ask) {
        if ask.run != self.document.run || self.document.answers.contains_key(&ask.id) {
            return;
        }
        self.woken = true;
        match ask.verb {
            AskVerb::Abort => self.request = Some(Request::Abort),
            AskVerb::Pause => self.pause(),
            AskVerb::Resume => self.resume(),
            // What a look asks must not change before it was judged.
            AskVerb::Approve | AskVerb::SkipAnalysis => {
                self.between_looks.push(ask);
                return;
            }
        }
        self.acknowledge(ask);
    }

    /// Does what was put off. What comes too late is answered and not done: whoever asked sees that in the record.
    pub(super) fn answer_between_looks(&mut self) {
        for ask in std::mem::take(&mut self.between_looks) {
            let asked = Asked {
                by: ask.by.clone(),
                at: self.ports.clock.now(),
            };
            match ask.verb {
                AskVerb::Approve => self.approve(&ask, asked),
                AskVerb::SkipAnalysis => self.skip_analysis(&ask, asked),
                AskVerb::Abort | AskVerb::Pause | AskVerb::Resume => {}
            }
            self.acknowledge(ask);
        }
    }

    fn acknowledge(&mut self, ask: Ask) {
        self.say(EventKind::IntentReceived {
            verb: ask.verb.as_str(),
            by: ask.by,
            via: "request",
        });
        let now = self.ports.clock.now();
        self.document.answer(ask.id, now);
        self.answered = true;
    }

    fn approve(&mut self, ask: &Ask, asked: Asked) {
        let status = &mut self.document.status;
        let closed = status
            .gate
            .clone()
            .filter(|gate| Some(gate) == ask.gate.as_ref());
        let Some(gate) = closed else { return };
        let Some(hook) = self.plan.gate(&gate) else {
            return;
        };
        status.next_check = Some(asked.at);
        status.approved.push(Approved {
            hook,
            asked: asked.clone(),
        });
        self.document.approve(Approval {
            request: ask.id.clone(),
            gate,
            asked,
        });
    }

    fn skip_analysis(&mut self, ask: &Ask, asked: Asked) {
        let status = &mut self.document.status;
        if ask.revision.as_ref() == Some(&status.revision) {
            status.skip.get_or_insert(asked);
        }
    }

    /// What an interrupt does in this phase.
    fn on_interrupt(&self) -> &'static str {
        match self.document.status.phase() {
            Phase::Finalising => "finish",
            Phase::Promoting => "hold",
            Phase::New
            | Phase::Initializing
            | Phase::Initialized
            | Phase::Waiting
            | Phase::Progressing
            | Phase::WaitingPromotion
            | Phase::Succeeded
            | Phase::Failed
            | Phase::Terminating
            | Phase::Terminated => "rollback",
        }
    }

    fn pause(&mut self) {
        let now = self.ports.clock.now();
        let status = &mut self.document.status;
        status.paused_since.get_or_insert(now);
        status.paused_until = now.checked_add(self.plan.hold_for).ok();
    }

    /// Time at a pause does not count for `--timeout`, and the next look is due at once: the weight has soaked.
    fn resume(&mut self) {
        let now = self.ports.clock.now();
        let Some(since) = self.document.status.paused_since.take() else {
            return;
        };
        self.document.status.paused_until = None;
        self.prolong(now.duration_since(since));
        let soaked = self
            .document
            .status
            .weight_since
            .is_none_or(|since| now.duration_since(since) >= self.plan.interval);
        if soaked && self.document.status.next_check.is_some() {
            self.document.status.next_check = Some(now);
        }
        self.woken = true;
    }

    /// That time does not count for `--timeout`.
    pub(super) fn prolong(&mut self, by: SignedDuration) {
        let deadline = self.plan.deadline;
        self.plan.deadline = deadline.and_then(|deadline| deadline.checked_add(by).ok());
    }
}
