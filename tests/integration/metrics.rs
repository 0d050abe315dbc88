//! Every metric provider against a server on loopback: what goes over the wire, byte for byte, and what is made of
//! the answer. One file a provider, `testdata/metrics/NAME.txt`: the settings of a case, then `>` the request, `<`
//! the response with its body, and `=` what comes of it.

use crate::support::golden::check;
use jiff::Timestamp;
use kubectl_flagger::canary::answer::Answer;
use kubectl_flagger::metrics::Address;
use kubectl_flagger::metrics::Backend;
use kubectl_flagger::metrics::Cloud;
use kubectl_flagger::metrics::CloudKind;
use kubectl_flagger::metrics::MetricProvider;
use kubectl_flagger::metrics::PROVIDERS;
use kubectl_flagger::metrics::aws;
use kubectl_flagger::metrics::google;
use kubectl_flagger::port::Job;
use kubectl_flagger::port::clock::Clock;
use kubectl_flagger::port::metric_source::MetricSource as _;
use kubectl_flagger::port::proxy::ProxySettings;
use kubectl_flagger::port::transport::HttpRequest;
use kubectl_flagger::port::transport::HttpResponse;
use kubectl_flagger::port::transport::Transport;
use kubectl_flagger::port::transport::TransportError;
use kubectl_flagger::transport::http::Dialling;
use kubectl_flagger::transport::http::DirectTransport;
use kubectl_flagger::transport::metrics::Metrics;
use kubectl_flagger::transport::metrics::Question;
use kubectl_flagger::transport::metrics::Ways;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

/// Time that passes only while somebody waits.
#[derive(Default)]
struct Noon(Cell<Duration>);

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        "2026-01-02T03:04:05Z".parse().unwrap()
    }

    fn boot(&self) -> Duration {
        self.0.get()
    }

    fn sleep(&self, duration: Duration) -> Job<'_, ()> {
        self.0.set(self.0.get() + duration);
        Box::pin(std::future::ready(()))
    }
}

/// Takes every host to the server of the test, which is told which host was meant.
struct ToLoopback {
    port: u16,
    direct: DirectTransport,
}

impl Transport for ToLoopback {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> Job<'a, Result<HttpResponse, TransportError>> {
        let (scheme, rest) = request.url.split_once("://").unwrap_or(("", &request.url));
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = if host.is_empty() { "api-server" } else { host };
        let mut rewritten = request.clone();
        rewritten.url = format!("http://127.0.0.1:{}{path}", self.port);
        let meant = format!("{scheme} {host}").trim().to_owned();
        rewritten.headers.push(("x-meant".to_owned(), meant));
        Box::pin(async move { self.direct.send(&rewritten).await })
    }
}

#[derive(Default)]
struct Case<'a> {
    settings: Vec<&'a str>,
    responses: Vec<(u16, String)>,
}

impl<'a> Case<'a> {
    fn parse(text: &'a str) -> Self {
        let mut case = Self::default();
        for line in text.lines().filter(|line| !line.starts_with(['>', '='])) {
            if let Some(status) = line.strip_prefix("< ") {
                case.responses
                    .push((status.parse().unwrap(), String::new()));
            } else if let Some((_, body)) = case.responses.last_mut() {
                body.push_str(line);
                body.push('\n');
            } else {
                case.settings.push(line);
            }
        }
        case
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let prefix = format!("{name} ");
        let lines: Vec<&str> = self.settings.clone();
        lines
            .into_iter()
            .filter_map(move |line| line.strip_prefix(&prefix))
    }

    fn pairs(&self, name: &str) -> BTreeMap<String, String> {
        let pair = |text: &str| {
            let (key, value) = text.split_once(' ').unwrap();
            (key.to_owned(), value.to_owned())
        };
        self.all(name).map(pair).collect()
    }

    fn question(&self, provider: &'static MetricProvider) -> Question {
        let region = self.all("region").next();
        let given = self.all("address").next().map(str::to_owned);
        let address = match provider.address {
            Address::Required => given.unwrap(),
            Address::Default(usual) => given.unwrap_or_else(|| usual.to_owned()),
            Address::ApiServer => given.unwrap_or_default(),
            Address::Region => aws::address("monitoring", region.unwrap()),
            Address::Fixed(always) => always.to_owned(),
        };
        let (env, files) = (self.pairs("env"), self.pairs("file"));
        let variable = |name: &str| env.get(name).cloned();
        let read = |path: &str| files.get(path).cloned().ok_or_else(|| format!("no {path}"));
        let cloud = (provider.cloud)(&address).map(|kind| match kind {
            CloudKind::Aws => Cloud::Aws(aws::Setup::of_machine(&variable, &read).unwrap()),
            CloudKind::Google => {
                Cloud::Google(google::Login::of_machine(&variable, &read).unwrap())
            }
        });
        let mut secret = self.pairs("secret");
        for value in secret.values_mut() {
            if let Some(file) = value.strip_prefix('@') {
                *value = fs::read_to_string(folder().join(file)).unwrap();
            }
        }
        let query: Vec<&str> = self.all("query").collect();
        let window = self
            .all("window")
            .next()
            .map_or(60, |text| text.parse().unwrap());
        let query = query.join("\n");
        (provider.check)(&query).unwrap();
        Question {
            provider,
            backend: Ok(Backend {
                address,
                headers: self.pairs("header").into_iter().collect(),
                secret,
                region: region.map(str::to_owned),
                cloud,
            }),
            query,
            window: Duration::from_secs(window),
            factor: 1.0,
        }
    }
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/metrics"))
}

/// Head and body of a request, and the connection to answer on.
async fn heard(listener: &TcpListener) -> (String, TcpStream) {
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return (text.into_owned(), socket);
            }
        }
        let count = socket.read(&mut buffer).await.unwrap();
        assert!(count > 0, "cut off: {text}");
        bytes.extend_from_slice(&buffer[..count]);
    }
}

/// As it is shown: without what differs from run to run.
fn shown(request: &str) -> String {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let meant = head
        .lines()
        .find_map(|line| line.strip_prefix("x-meant: "))
        .unwrap();
    let mut text = String::new();
    for line in head.lines().filter(|line| !line.starts_with("x-meant: ")) {
        let line = match line.split_once(": ") {
            Some(("host", _)) => format!("host: {meant}"),
            Some(("user-agent", agent)) => {
                assert_eq!(
                    agent,
                    concat!("kubectl-flagger/", env!("CARGO_PKG_VERSION"))
                );
                continue;
            }
            _ => line.to_owned(),
        };
        text.push_str(&format!("> {line}\n"));
    }
    for line in body.lines() {
        text.push_str(&format!("> {line}\n"));
    }
    text
}

async fn play(provider: &'static MetricProvider, text: &str) -> String {
    let case = Case::parse(text);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let direct = DirectTransport::new(Dialling::Anywhere, &ProxySettings::default()).unwrap();
    let transport: Rc<dyn Transport> = Rc::new(ToLoopback { port, direct });
    let ways = Ways {
        transport: Rc::clone(&transport),
        api_server: transport,
        clock: Rc::new(Noon::default()),
    };
    let metrics = Metrics::new(ways, vec![case.question(provider)]);
    let serving = async {
        let mut shows = String::new();
        for (status, body) in &case.responses {
            let (request, mut socket) = heard(&listener).await;
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            socket.write_all(answer.as_bytes()).await.unwrap();
            shows.push_str(&shown(&request));
            shows.push_str(&format!("< {status}\n{body}"));
        }
        shows
    };
    let (answered, shows) = tokio::join!(metrics.ask(0, ""), serving);
    let result = match answered.answer {
        Answer::Value(value) => value.to_string(),
        Answer::NoValues => "no values".to_owned(),
        Answer::Error(why) => why,
    };
    let settings: String = case
        .settings
        .iter()
        .map(|line| format!("{line}\n"))
        .collect();
    format!("{settings}{shows}= {result}\n")
}

#[tokio::test]
async fn every_provider_asks_as_its_documentation_says_and_reads_what_comes() {
    for provider in PROVIDERS {
        let file = folder().join(format!("{}.txt", provider.name));
        let text = fs::read_to_string(&file).unwrap();
        let mut played = Vec::new();
        for case in text.split("---\n") {
            played.push(play(provider, case).await);
        }
        check(&file, &played.join("---\n"));
    }
}
