//! `git http-backend` behind a small HTTP server on loopback, which can refuse, redirect and keep silent as hosted
//! servers do.

use crate::git::testing::Fixture;
use crate::git::testing::signature;
use crate::git::transport::tests::BRANCH;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

/// A request that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    /// With its query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What is answered instead of asking Git.
#[derive(Clone, Debug)]
pub struct Page {
    pub status: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// Decides before Git is asked.
type Before = Box<dyn Fn(&Request, &git2::Repository) -> Option<Page> + Send + Sync>;

/// Listens until it is dropped.
pub struct Backend {
    pub fixture: Fixture,
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    scheme: &'static str,
}

struct Shared {
    repository: std::path::PathBuf,
    before: Before,
    tls: Option<Arc<rustls::ServerConfig>>,
    requests: Mutex<Vec<Request>>,
    over: AtomicBool,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    fn is_push(&self) -> bool {
        self.method == "POST" && self.path.ends_with("/git-receive-pack")
    }
}

impl Page {
    pub fn status(status: &'static str) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: String::new(),
        }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn saying(mut self, body: &str) -> Self {
        self.body = body.to_owned();
        self
    }
}

/// A server with an empty repository that everybody may push to.
pub fn start() -> Backend {
    start_with(|_, _| None)
}

/// One that wants this login.
pub fn start_with_login(user: &str, password: &str) -> Backend {
    use base64::Engine as _;
    let coded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    let expected = format!("Basic {coded}");
    start_with(move |request, _| {
        (request.header("authorization") != Some(&expected)).then(|| {
            Page::status("401 Unauthorized").with("WWW-Authenticate", "Basic realm=\"git\"")
        })
    })
}

/// One where somebody else pushes just before our push is taken, once.
pub fn start_with_race() -> Backend {
    let raced = AtomicBool::new(false);
    start_with(move |request, repository| {
        if request.is_push() && request.body.len() > 4 && !raced.swap(true, Ordering::Relaxed) {
            let empty = repository.treebuilder(None).unwrap().write().unwrap();
            let tree = repository.find_tree(empty).unwrap();
            let author = signature();
            repository
                .commit(Some(BRANCH), &author, &author, "somebody else", &tree, &[])
                .unwrap();
        }
        None
    })
}

pub fn start_with(
    before: impl Fn(&Request, &git2::Repository) -> Option<Page> + Send + Sync + 'static,
) -> Backend {
    launch(Box::new(before), None)
}

pub fn start_with_tls(tls: Arc<rustls::ServerConfig>) -> Backend {
    launch(Box::new(|_, _| None), Some(tls))
}

fn launch(before: Before, tls: Option<Arc<rustls::ServerConfig>>) -> Backend {
    let fixture = Fixture::bare();
    let mut config = fixture.repository().config().unwrap();
    config.set_bool("http.receivepack", true).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let scheme = if tls.is_some() { "https" } else { "http" };
    let shared = Arc::new(Shared {
        repository: fixture.dir().to_path_buf(),
        before,
        tls,
        requests: Mutex::default(),
        over: AtomicBool::new(false),
    });
    let serving = Arc::clone(&shared);
    let thread = std::thread::spawn(move || {
        for stream in listener.incoming() {
            if serving.over.load(Ordering::SeqCst) {
                break;
            }
            let shared = Arc::clone(&serving);
            std::thread::spawn(move || shared.serve(stream.unwrap()));
        }
    });
    Backend {
        fixture,
        address,
        shared,
        thread: Some(thread),
        scheme,
    }
}

impl Backend {
    pub fn url(&self) -> String {
        format!("{}://{}/x.git", self.scheme, self.address)
    }

    pub fn address(&self) -> String {
        self.address.to_string()
    }

    pub fn url_with(&self, login: &str) -> String {
        format!("{}://{login}@{}/x.git", self.scheme, self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Installs a hook of the server.
    pub fn hook(&self, name: &str, text: &str) {
        let hooks = self.fixture.dir().join("hooks");
        std::fs::create_dir_all(&hooks).unwrap();
        super::script(&hooks.join(name), text);
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) {
        match &self.tls {
            None => self.answer(&stream, &stream),
            Some(config) => {
                let connection = rustls::ServerConnection::new(Arc::clone(config)).unwrap();
                let mut stream = rustls::StreamOwned::new(connection, stream);
                // a client that does not believe us goes away here
                if let Some(request) = read(&mut stream) {
                    let _ = stream.write_all(&self.reply(request));
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                }
            }
        }
    }

    fn answer(&self, mut reading: impl Read, mut writing: impl Write) {
        if let Some(request) = read(&mut reading) {
            let _ = writing.write_all(&self.reply(request));
        }
    }

    fn reply(&self, request: Request) -> Vec<u8> {
        self.requests.lock().unwrap().push(request.clone());
        let repository = git2::Repository::open(&self.repository).unwrap();
        match (self.before)(&request, &repository) {
            Some(page) => {
                let mut reply = format!("HTTP/1.1 {}\r\n", page.status);
                for (name, value) in &page.headers {
                    reply.push_str(&format!("{name}: {value}\r\n"));
                }
                reply.push_str(&format!(
                    "Content-Length: {}\r\nConnection: close\r\n\r\n{}",
                    page.body.len(),
                    page.body
                ));
                reply.into_bytes()
            }
            None => http_backend(&self.repository, &request),
        }
    }
}

fn read(stream: &mut impl Read) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        method,
        path: target,
        headers,
        body,
    })
}

/// One CGI call.
fn http_backend(repository: &Path, request: &Request) -> Vec<u8> {
    // a proxy is asked for whole URLs
    let path = match request.path.split_once("://") {
        Some((_, rest)) => &rest[rest.find('/').unwrap()..],
        None => &request.path,
    };
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let name = repository.file_name().unwrap().to_str().unwrap();
    let path = path.replacen("/x.git", &format!("/{name}"), 1);
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", repository.parent().unwrap())
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("REQUEST_METHOD", &request.method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env(
            "CONTENT_TYPE",
            request.header("content-type").unwrap_or_default(),
        )
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(&request.body);
    let output = child.wait_with_output().unwrap().stdout;
    let end = output
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let (head, body) = (&output[..end], &output[end + 4..]);
    let head = String::from_utf8(head.to_vec()).unwrap();
    let status = head
        .lines()
        .find_map(|line| line.strip_prefix("Status: "))
        .unwrap_or("200 OK");
    let mut reply = format!(
        "HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    reply.extend_from_slice(body);
    reply
}
