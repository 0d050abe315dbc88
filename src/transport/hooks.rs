//! Calls webhooks: the port over any transport, with Flagger's attempts and the waits between them.
//!
//! Decides nothing about answers, but whether they are a yes.

use crate::canary::hook::HookAnswer;
use crate::canary::hook::HookCall;
use crate::canary::hook::TEXT_LIMIT;
use crate::canary::hook::payload;
use crate::canary::webhook::Webhook;
use crate::port::Job;
use crate::port::clock::Clock;
use crate::port::hooks::Hooks;
use crate::port::transport::HttpRequest;
use crate::port::transport::Transport;
use crate::port::transport::TransportError;
use std::rc::Rc;
use std::time::Duration;

/// Wait before the second attempt; it doubles.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A webhook and the way to it.
#[derive(Clone)]
pub struct Wired {
    /// As the spec has it.
    pub hook: Webhook,
    /// Carries its calls.
    pub transport: Rc<dyn Transport>,
}

/// The webhooks of one canary.
pub struct Webhooks {
    namespace: String,
    canary: String,
    hooks: Vec<Wired>,
    clock: Rc<dyn Clock>,
}

impl Webhooks {
    /// Of the canary `namespace`/`canary`, in the order of the spec.
    #[must_use]
    pub fn new((namespace, canary): (&str, &str), hooks: Vec<Wired>, clock: Rc<dyn Clock>) -> Self {
        Self {
            namespace: namespace.to_owned(),
            canary: canary.to_owned(),
            hooks,
            clock,
        }
    }

    /// One attempt: what came back, and whether another one may do better.
    async fn attempt(&self, wired: &Wired, request: &HttpRequest) -> (Option<u16>, String, bool) {
        match wired.transport.send(request).await {
            Ok(response) => {
                let status = response.status;
                let again = status == 429 || (status >= 500 && status != 501);
                let text = String::from_utf8_lossy(&response.body);
                (Some(status), text.trim().to_owned(), again)
            }
            Err(error) => {
                let again = match error {
                    TransportError::Unreachable { .. } => true,
                    TransportError::Refused { .. } | TransportError::Denied { .. } => false,
                };
                (None, error.to_string(), again)
            }
        }
    }
}

impl Hooks for Webhooks {
    fn call<'a>(&'a self, call: &'a HookCall) -> Job<'a, HookAnswer> {
        Box::pin(async move {
            let wired = &self.hooks[call.hook];
            let body = payload(
                (&self.namespace, &self.canary),
                &wired.hook,
                (call.phase, &call.checksum),
            );
            let request = HttpRequest {
                method: "POST",
                url: wired.hook.url.clone(),
                headers: vec![
                    ("Content-Type".to_owned(), "application/json".to_owned()),
                    ("Idempotency-Key".to_owned(), call.key.clone()),
                ],
                body,
                timeout: wired.hook.timeout(),
            };
            let began = self.clock.boot();
            let (mut left, mut wait) = (wired.hook.retries, FIRST_WAIT);
            loop {
                let (status, mut text, again) = self.attempt(wired, &request).await;
                if !again || left == 0 {
                    while text.len() > TEXT_LIMIT {
                        text.pop();
                    }
                    return HookAnswer {
                        passed: status.is_some_and(|status| (200..=202).contains(&status)),
                        status,
                        text,
                        took: self.clock.boot().saturating_sub(began),
                    };
                }
                left -= 1;
                self.clock.sleep(wait).await;
                wait = wait.saturating_mul(2).min(LONGEST_WAIT);
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::phase::Phase;
    use crate::canary::webhook::HookType;
    use crate::port::transport::HttpResponse;
    use jiff::Timestamp;
    use std::cell::Cell;
    use std::cell::RefCell;

    /// Time passes by sleeping alone.
    #[derive(Default)]
    struct Sleeper(Cell<Duration>);

    impl Clock for Sleeper {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }

        fn boot(&self) -> Duration {
            self.0.get()
        }

        fn sleep(&self, duration: Duration) -> Job<'_, ()> {
            self.0.set(self.0.get() + duration);
            Box::pin(std::future::ready(()))
        }
    }

    /// Answers with one status after another, and writes down the keys of the calls.
    #[derive(Default)]
    struct Answers {
        statuses: RefCell<Vec<u16>>,
        keys: RefCell<Vec<String>>,
    }

    impl Transport for Answers {
        fn send<'a>(
            &'a self,
            request: &'a HttpRequest,
        ) -> Job<'a, Result<HttpResponse, TransportError>> {
            let (_, key) = request.headers[1].clone();
            self.keys.borrow_mut().push(key);
            let status = self.statuses.borrow_mut().remove(0);
            Box::pin(async move {
                Ok(HttpResponse {
                    status,
                    body: b"busy\n".to_vec(),
                })
            })
        }
    }

    async fn called(statuses: &[u16], retries: u32) -> (HookAnswer, Vec<String>) {
        let answers = Rc::new(Answers::default());
        answers.statuses.borrow_mut().extend(statuses);
        let hook = Webhook {
            kind: HookType::Rollout,
            name: "load".to_owned(),
            url: "http://loadtester.test/".to_owned(),
            timeout: None,
            retries,
            metadata: None,
            mute_alert: false,
            disable_tls: false,
        };
        let wired = Wired {
            hook,
            transport: Rc::<Answers>::clone(&answers),
        };
        let clock = Rc::new(Sleeper::default());
        let hooks = Webhooks::new(("shop", "podinfo"), vec![wired], clock);
        let call = HookCall {
            hook: 0,
            phase: Phase::Progressing,
            checksum: "77ab".to_owned(),
            key: "run/3/0".to_owned(),
        };
        let answer = hooks.call(&call).await;
        let keys = answers.keys.borrow().clone();
        (answer, keys)
    }

    #[tokio::test]
    async fn a_hook_that_is_busy_is_called_again_with_the_same_key() {
        let (answer, keys) = called(&[500, 429, 202], 3).await;
        assert!(answer.passed);
        assert_eq!(answer.took, Duration::from_secs(3));
        assert_eq!(keys, ["run/3/0"; 3]);
    }

    #[tokio::test]
    async fn a_no_is_an_answer_and_attempts_end() {
        let (answer, keys) = called(&[403], 3).await;
        assert_eq!((answer.passed, answer.status), (false, Some(403)));
        assert_eq!((answer.text.as_str(), keys.len()), ("busy", 1));
        let (answer, keys) = called(&[500, 500], 1).await;
        assert_eq!((answer.passed, keys.len()), (false, 2));
        assert!(
            !called(&[204], 0).await.0.passed,
            "Flagger takes 200 to 202 alone"
        );
    }
}
