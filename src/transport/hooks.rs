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
use crate::port::transport::HttpResponse;
use crate::port::transport::Transport;
use crate::port::transport::TransportError;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use std::rc::Rc;
use std::time::Duration;

/// Longest wait between two attempts, also where the server asks for more.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// So that a receiver knows a call that it has had already.
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

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

    /// May all of them be called? Nothing is sent: a call may set things going.
    ///
    /// # Errors
    /// An address that is never dialled. What may pass is no reason.
    pub async fn check(&self) -> Result<(), TransportError> {
        for wired in &self.hooks {
            match wired
                .transport
                .admits(&request(wired, Vec::new(), ""))
                .await
            {
                Err(refused @ TransportError::Refused { .. }) => return Err(refused),
                Ok(())
                | Err(TransportError::Unreachable { .. } | TransportError::Denied { .. }) => {}
            }
        }
        Ok(())
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
            post(wired, &*self.clock, body, &call.key).await
        })
    }
}

/// Posts to a hook until an attempt is its last. Every attempt has the same key.
pub(super) async fn post(wired: &Wired, clock: &dyn Clock, body: Vec<u8>, key: &str) -> HookAnswer {
    let request = request(wired, body, key);
    let began = clock.boot();
    let mut attempt = 0;
    let sent = loop {
        let sent = wired.transport.send(&request).await;
        let wait = wait_before_another(&sent, attempt, clock.now());
        match wait.filter(|_| attempt < wired.hook.retries) {
            Some(wait) => clock.sleep(wait).await,
            None => break sent,
        }
        attempt += 1;
    };
    answer(sent, clock.boot().saturating_sub(began))
}

fn request(wired: &Wired, body: Vec<u8>, key: &str) -> HttpRequest {
    HttpRequest {
        method: "POST",
        url: wired.hook.url.clone(),
        headers: vec![
            ("Content-Type".to_owned(), "application/json".to_owned()),
            (IDEMPOTENCY_KEY.to_owned(), key.to_owned()),
        ],
        body,
        timeout: wired.hook.timeout(),
    }
}

/// How long until another attempt could fare better; `None` where it could not.
fn wait_before_another(
    sent: &Result<HttpResponse, TransportError>,
    attempt: u32,
    now: Timestamp,
) -> Option<Duration> {
    let asked = match sent {
        Err(TransportError::Unreachable { .. }) => None,
        Err(TransportError::Refused { .. } | TransportError::Denied { .. }) => return None,
        Ok(response) => match response.status {
            429 | 503 => {
                let text = response.retry_after.as_deref();
                text.and_then(|text| wait_asked_for(text, now))
            }
            501 | ..500 => return None,
            500.. => None,
        },
    };
    let doubling = || Duration::from_secs(1 << attempt.min(5));
    Some(asked.unwrap_or_else(doubling).min(LONGEST_WAIT))
}

/// `Retry-After`: seconds, or a time.
fn wait_asked_for(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = rfc2822::parse(text.trim()).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
}

fn answer(sent: Result<HttpResponse, TransportError>, took: Duration) -> HookAnswer {
    match sent {
        Ok(HttpResponse { status, body, .. }) => {
            let passed = (200..=202).contains(&status);
            let said = beginning(String::from_utf8_lossy(&body).trim());
            let text = match status {
                300..=399 => format!("answered {status}; redirects are not followed"),
                _ if said.is_empty() && !passed => format!("answered {status}"),
                _ => said,
            };
            HookAnswer {
                passed,
                status: Some(status),
                text,
                took,
            }
        }
        Err(error) => HookAnswer {
            passed: false,
            status: None,
            text: beginning(&error.to_string()),
            took,
        },
    }
}

/// As much of a text as is kept.
pub(super) fn beginning(text: &str) -> String {
    text.get(..text.floor_char_boundary(TEXT_LIMIT))
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests;
