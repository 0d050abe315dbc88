use super::*;
use crate::canary::load::load;
use crate::canary::phase::Phase;
use crate::canary::source::SourceFile;
use crate::canary::weight::Weight;
use crate::kubernetes::testing::Server;
use crate::port::Job;
use crate::port::alerts::Alerts as _;
use crate::port::alerts::Lost;
use crate::port::transport::HttpRequest;
use crate::port::transport::HttpResponse;
use crate::port::transport::TransportError;
use crate::rollout::event::EventKind;
use crate::rollout::event::Level;
use crate::sandbox::clock::SandboxClock;
use serde_json::json;
use std::cell::RefCell;

const CANARY: &str = "apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {name: podinfo, namespace: shop}\n\
    spec:\n  provider: traefik\n  targetRef: {apiVersion: apps/v1, kind: Deployment, name: podinfo}\n  \
    service: {port: 80}\n  analysis:\n    interval: 1m\n    threshold: 5\n    stepWeight: 10\n";

const OWN: &str = "    alerts:\n    - {name: team, severity: error, providerRef: {name: team}}\n    \
    - {name: all, providerRef: {name: all, namespace: ops}}\n\
    ---\napiVersion: flagger.app/v1beta1\nkind: AlertProvider\nmetadata: {name: team, namespace: shop}\n\
    spec: {type: slack, channel: team, secretRef: {name: team}}\n\
    ---\napiVersion: flagger.app/v1beta1\nkind: AlertProvider\nmetadata: {name: all, namespace: ops}\n\
    spec: {type: rocket, address: 'https://rocket.example/hooks/1'}\n";

/// Takes everything.
#[derive(Default)]
struct Post200(RefCell<Vec<HttpRequest>>);

impl Transport for Post200 {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> Job<'a, Result<HttpResponse, TransportError>> {
        self.0.borrow_mut().push(request.clone());
        Box::pin(std::future::ready(Ok(HttpResponse {
            status: 200,
            body: Vec::new(),
            retry_after: None,
        })))
    }
}

struct Deaf;

impl Subscriber for Deaf {
    fn on_event(&mut self, _: &Event) {}
}

fn event(kind: EventKind) -> Event {
    Event {
        seq: 4,
        at: Timestamp::UNIX_EPOCH,
        level: Level::Info,
        run: "01K3F6Q8ZJV0X2M5R7T94KQ7D2".to_owned(),
        namespace: "shop".to_owned(),
        canary: "podinfo".to_owned(),
        phase: Phase::Progressing,
        weight: Weight::ZERO,
        checksum: "77ab".to_owned(),
        msg: "phase Initialized -> Progressing".to_owned(),
        kind,
    }
}

fn begins() -> Event {
    event(EventKind::PhaseChanged {
        from: Phase::Initialized,
        to: Phase::Progressing,
    })
}

fn fails() -> Vec<Event> {
    vec![
        event(EventKind::RollbackStarted {
            code: 10,
            reason: "failed checks".to_owned(),
        }),
        event(EventKind::PhaseChanged {
            from: Phase::Progressing,
            to: Phase::Failed,
        }),
    ]
}

/// What is posted for these events, and what is not.
async fn posted(
    spec: &str,
    options: &AlertOptions,
    secrets: &Server,
    events: Vec<Event>,
) -> (Vec<HttpRequest>, Vec<Lost>) {
    let file = SourceFile {
        path: "a.yaml".to_owned(),
        text: format!("{CANARY}{spec}").into(),
    };
    let loaded = load(&[file], None, None).unwrap();
    let sink = Rc::new(Post200::default());
    let transport: Rc<dyn Transport> = Rc::<Post200>::clone(&sink);
    let clock: Rc<dyn Clock> = Rc::new(SandboxClock::at_speed(1.0));
    let courier = Rc::new(Courier::new(Rc::clone(&clock)));
    let post = Post {
        requests: &secrets.requests(),
        transport: &transport,
        clock: &clock,
    };
    let mut deaf = Deaf;
    let mut audience = audience(&mut deaf, &loaded, options, &post, &courier).await;
    for event in events {
        audience.on_event(&event);
    }
    let lost = tokio::select! {
        lost = courier.settle() => lost,
        never = courier.work() => match never {},
    };
    (sink.0.borrow().clone(), lost)
}

fn addresses(posts: &[HttpRequest]) -> Vec<&str> {
    posts.iter().map(|post| post.url.as_str()).collect()
}

fn secret(data: Value) -> Server {
    let server = Server::default();
    server.set(
        "/api/v1/namespaces/shop/secrets/team",
        json!({"data": data}),
    );
    server
}

#[tokio::test(start_paused = true)]
async fn each_provider_hears_what_is_bad_enough_and_one_without_severity_hears_everything() {
    // https://slack.example/x, xoxb-1
    let secrets =
        secret(json!({"address": "aHR0cHM6Ly9zbGFjay5leGFtcGxlL3gK", "token": "eG94Yi0x"}));
    let options = AlertOptions::default();
    let (posts, lost) = posted(OWN, &options, &secrets, vec![begins()]).await;
    assert_eq!(addresses(&posts), ["https://rocket.example/hooks/1"]);
    assert_eq!(lost, []);
    let (posts, _) = posted(OWN, &options, &secrets, fails()).await;
    assert_eq!(
        addresses(&posts),
        ["https://slack.example/x", "https://rocket.example/hooks/1"]
    );
    let bearer = ("Authorization".to_owned(), "Bearer xoxb-1".to_owned());
    assert!(posts[0].headers.contains(&bearer));
}

#[tokio::test(start_paused = true)]
async fn an_alert_whose_secret_is_of_no_use_is_lost_and_the_others_go() {
    for (secrets, why) in [
        (Server::default(), "Secret shop/team: it is not there"),
        (
            secret(json!({"token": "eG94Yi0x"})),
            "Secret shop/team: it has no address",
        ),
    ] {
        let (posts, lost) = posted(OWN, &AlertOptions::default(), &secrets, fails()).await;
        assert_eq!(addresses(&posts), ["https://rocket.example/hooks/1"]);
        let lost: Vec<(&str, &str)> = lost
            .iter()
            .map(|one| (one.receiver.as_str(), one.why.as_str()))
            .collect();
        assert_eq!(lost, [("the alert team", why)]);
    }
}

fn global() -> AlertOptions {
    AlertOptions {
        cluster_name: Some("prod-eu".to_owned()),
        event_webhook: Some(Secret::from("https://events.example/all".to_owned())),
        chat: Some(GlobalChat {
            kind: AlertProviderType::MsTeams,
            address: Secret::from("https://teams.example/hook".to_owned()),
            token: None,
            channel: String::new(),
            username: String::new(),
            proxy: None,
        }),
    }
}

#[tokio::test(start_paused = true)]
async fn the_command_lines_receivers_are_for_canaries_that_name_none() {
    let none = Server::default();
    let (posts, _) = posted("", &global(), &none, vec![begins()]).await;
    assert_eq!(
        addresses(&posts),
        ["https://teams.example/hook", "https://events.example/all"]
    );
    let text = String::from_utf8_lossy(&posts[0].body);
    assert!(text.contains(r#"{"name":"Cluster","value":"prod-eu"},{"name":"Target","value":"Deployment/podinfo.shop"}"#), "{text}");
    assert!(
        text.contains(r#""value":"Weight step: 10 max: 100""#),
        "{text}"
    );
    let (posts, _) = posted(OWN, &global(), &none, vec![begins()]).await;
    assert_eq!(
        addresses(&posts),
        [
            "https://rocket.example/hooks/1",
            "https://events.example/all"
        ]
    );
    let own = "    webhooks:\n    - {name: own, type: event, url: 'https://own.example/', metadata: {team: shop}}\n";
    let (posts, _) = posted(own, &global(), &none, vec![begins()]).await;
    assert_eq!(
        addresses(&posts),
        ["https://teams.example/hook", "https://own.example/"]
    );
    let body: Value = serde_json::from_slice(&posts[1].body).unwrap();
    let expected = json!({
        "name": "podinfo", "namespace": "shop", "phase": "Progressing", "checksum": "77ab",
        "metadata": {
            "eventMessage": "phase Initialized -> Progressing", "eventType": "Normal", "team": "shop", "timestamp": "0",
        },
    });
    assert_eq!(body, expected);
    let key = (
        "Idempotency-Key".to_owned(),
        "01K3F6Q8ZJV0X2M5R7T94KQ7D2/event/4".to_owned(),
    );
    assert!(posts[1].headers.contains(&key));
}
