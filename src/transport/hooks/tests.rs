use super::*;
use crate::canary::phase::Phase;
use crate::canary::webhook::HookType;
use crate::sandbox::clock::SandboxClock;
use std::cell::RefCell;

type Answers = Vec<Result<HttpResponse, TransportError>>;

/// Gives one answer after the other, the last for ever, and keeps what it was sent and when.
struct Server {
    answers: RefCell<Answers>,
    clock: SandboxClock,
    heard: RefCell<Vec<(u64, HttpRequest)>>,
}

impl Transport for Server {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> Job<'a, Result<HttpResponse, TransportError>> {
        self.heard
            .borrow_mut()
            .push((self.clock.elapsed().as_secs(), request.clone()));
        let mut answers = self.answers.borrow_mut();
        let answer = if answers.len() > 1 {
            answers.remove(0)
        } else {
            answers[0].clone()
        };
        Box::pin(std::future::ready(answer))
    }
}

impl Server {
    fn times(&self) -> Vec<u64> {
        self.heard.borrow().iter().map(|(at, _)| *at).collect()
    }
}

fn says(status: u16, body: &str) -> Result<HttpResponse, TransportError> {
    Ok(HttpResponse {
        status,
        body: body.as_bytes().to_vec(),
        retry_after: None,
    })
}

fn asks_to_wait(status: u16, retry_after: &str) -> Result<HttpResponse, TransportError> {
    Ok(HttpResponse {
        status,
        body: Vec::new(),
        retry_after: Some(retry_after.to_owned()),
    })
}

fn silent() -> Result<HttpResponse, TransportError> {
    Err(TransportError::Unreachable {
        host: "gate.test:80".to_owned(),
        why: "nothing came within 3 s".to_owned(),
    })
}

async fn called(retries: u32, answers: Answers) -> (HookAnswer, Rc<Server>) {
    let clock = SandboxClock::at_speed(1.0);
    let server = Rc::new(Server {
        answers: RefCell::new(answers),
        clock,
        heard: RefCell::default(),
    });
    let hook = Webhook {
        kind: HookType::ConfirmRollout,
        name: "gate".to_owned(),
        url: "http://gate.test/gate/check".to_owned(),
        timeout: Some(Duration::from_secs(3)),
        retries,
        metadata: None,
        mute_alert: false,
        disable_tls: false,
    };
    let wired = Wired {
        hook,
        transport: Rc::<Server>::clone(&server),
    };
    let hooks = Webhooks::new(("shop", "podinfo"), vec![wired], Rc::new(clock));
    let call = HookCall {
        hook: 0,
        phase: Phase::Progressing,
        checksum: "77ab".to_owned(),
        key: "01RUN/4/1".to_owned(),
    };
    (hooks.call(&call).await, server)
}

#[tokio::test(start_paused = true)]
async fn a_call_is_a_post_of_the_payload_with_its_key() {
    let (answer, server) = called(0, vec![says(200, "")]).await;
    assert_eq!((answer.passed, answer.status), (true, Some(200)));
    let heard = server.heard.borrow();
    let (_, request) = &heard[0];
    assert_eq!(
        (request.method, request.timeout),
        ("POST", Duration::from_secs(3))
    );
    assert_eq!(
        request.headers,
        [
            ("Content-Type".to_owned(), "application/json".to_owned()),
            ("Idempotency-Key".to_owned(), "01RUN/4/1".to_owned()),
        ]
    );
    assert_eq!(
        String::from_utf8_lossy(&request.body),
        r#"{"name":"podinfo","namespace":"shop","phase":"Progressing","checksum":"77ab"}"#
    );
}

#[tokio::test(start_paused = true)]
async fn yes_is_200_201_and_202_and_nothing_else() {
    for (status, passed) in [
        (200, true),
        (201, true),
        (202, true),
        (203, false),
        (204, false),
        (302, false),
        (403, false),
        (500, false),
    ] {
        let (answer, _) = called(0, vec![says(status, "")]).await;
        assert_eq!(answer.passed, passed, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_no_has_the_servers_own_words() {
    let (answer, _) = called(0, vec![says(403, "halted by ops\n")]).await;
    assert_eq!(answer.text, "halted by ops");
    let (answer, _) = called(0, vec![says(403, "")]).await;
    assert_eq!(answer.text, "answered 403");
    let (answer, _) = called(0, vec![says(302, "<html>")]).await;
    assert_eq!(answer.text, "answered 302; redirects are not followed");
    let (answer, _) = called(0, vec![silent()]).await;
    assert_eq!(answer.status, None);
    assert_eq!(
        answer.text,
        "no answer from gate.test:80: nothing came within 3 s"
    );
    let (answer, _) = called(0, vec![says(500, &"ä".repeat(TEXT_LIMIT))]).await;
    assert_eq!(answer.text.len(), TEXT_LIMIT);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_fails_is_tried_again_after_ever_longer_waits() {
    let (answer, server) = called(7, vec![says(500, "broken")]).await;
    assert!(!answer.passed);
    assert_eq!(server.times(), [0, 1, 3, 7, 15, 31, 61, 91]);
    assert_eq!(answer.took, Duration::from_secs(91));
}

#[tokio::test(start_paused = true)]
async fn the_first_answer_that_is_no_failure_of_the_server_counts() {
    let (answer, server) = called(5, vec![silent(), says(502, ""), says(202, "open")]).await;
    assert!(answer.passed);
    assert_eq!(server.times(), [0, 1, 3]);
    for status in [403, 404, 501] {
        let (_, server) = called(5, vec![says(status, "")]).await;
        assert_eq!(server.times(), [0], "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_may_say_how_long_to_wait_but_not_for_ever() {
    let (_, server) = called(1, vec![asks_to_wait(429, "5"), says(200, "")]).await;
    assert_eq!(server.times(), [0, 5]);
    let (_, server) = called(1, vec![asks_to_wait(503, "3600"), says(200, "")]).await;
    assert_eq!(server.times(), [0, 30]);
    // The sandbox's clock starts at 09:00:00.
    let later = asks_to_wait(503, "Mon, 05 Jan 2026 09:00:12 GMT");
    let (_, server) = called(1, vec![later, says(200, "")]).await;
    assert_eq!(server.times(), [0, 12]);
    let (_, server) = called(1, vec![asks_to_wait(503, "soon"), says(200, "")]).await;
    assert_eq!(server.times(), [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_may_not_be_reached_is_not_tried_again() {
    let refused = TransportError::Refused {
        host: "10.0.0.1:80".to_owned(),
        why: "it is an address of this machine or of a private network".to_owned(),
        help: String::new(),
    };
    let (answer, server) = called(5, vec![Err(refused)]).await;
    assert_eq!(server.times(), [0]);
    assert!(
        answer
            .text
            .starts_with("10.0.0.1:80 may not be reached: it is an address")
    );
}
