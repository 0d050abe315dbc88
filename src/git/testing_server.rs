//! A Git server in this process, reached by its own URL scheme: a bare repository behind the wire protocol, which
//! can be told to answer as hosted servers do when they refuse.

use crate::git::testing::Fixture;
use crate::git::testing::register_transports;
use crate::git::testing::signature;
use git2::transport::Service;
use git2::transport::SmartSubtransport;
use git2::transport::SmartSubtransportStream;
use std::collections::BTreeMap;
use std::io;
use std::io::Read;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

pub const SCHEME: &str = "flagger-test";
const BRANCH: &str = "refs/heads/flagger-status";
static NEXT: AtomicUsize = AtomicUsize::new(0);
static SERVERS: Mutex<BTreeMap<String, Arc<State>>> = Mutex::new(BTreeMap::new());

/// What the server does at the next push; once, then it accepts again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Accept,
    /// `ng` with these words.
    Refuse(&'static str),
    /// An HTTP status instead of an answer, at any request.
    Http(&'static str),
    /// A report without the branch.
    Silence,
    /// Takes the push and then does not report it.
    AcceptSilently,
    /// Somebody else pushes between our fetch and our connection for the push.
    MoveBeforePush,
    /// Somebody takes the branch's last commit away between our fetch and our connection for the push.
    ResetBeforePush,
    /// Somebody else pushes after the server advertised its branches for our push.
    MoveDuringPush,
}

struct State {
    dir: PathBuf,
    answer: Mutex<Answer>,
    pushes: AtomicUsize,
}

/// A server that listens until the test ends.
pub struct Server {
    fixture: Fixture,
    name: String,
    state: Arc<State>,
}

/// Starts one with an empty repository.
pub fn start() -> Server {
    register_transports();
    let fixture = Fixture::bare();
    let name = format!("{SCHEME}://{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let state = Arc::new(State {
        dir: fixture.dir().to_path_buf(),
        answer: Mutex::new(Answer::Accept),
        pushes: AtomicUsize::new(0),
    });
    let mut servers = SERVERS.lock().unwrap();
    servers.insert(name.clone(), Arc::clone(&state));
    drop(servers);
    Server {
        fixture,
        name,
        state,
    }
}

impl Server {
    pub fn url(&self) -> String {
        self.name.clone()
    }

    pub fn fixture(&self) -> &Fixture {
        &self.fixture
    }

    pub fn answer(&self, answer: Answer) {
        *self.state.answer.lock().unwrap() = answer;
    }

    pub fn pushes(&self) -> usize {
        self.state.pushes.load(Ordering::Relaxed)
    }
}

impl State {
    fn repository(&self) -> git2::Repository {
        git2::Repository::open(&self.dir).unwrap()
    }

    /// Is it that answer's turn? Then it is over.
    fn turn(&self, answer: Answer) -> bool {
        let mut next = self.answer.lock().unwrap();
        let mine = *next == answer;
        if mine {
            *next = Answer::Accept;
        }
        mine
    }

    /// Another writer's commit on the branch.
    fn move_branch(&self) {
        let repository = self.repository();
        let parent = repository.find_reference(BRANCH).unwrap();
        let parent = parent.peel_to_commit().unwrap();
        let author = signature();
        let tree = parent.tree().unwrap();
        repository
            .commit(
                Some(BRANCH),
                &author,
                &author,
                "somebody else",
                &tree,
                &[&parent],
            )
            .unwrap();
    }

    /// The branch without its last commit.
    fn reset_branch(&self) {
        let repository = self.repository();
        let tip = repository.find_reference(BRANCH).unwrap();
        let parent = tip.peel_to_commit().unwrap().parent_id(0).unwrap();
        repository.reference(BRANCH, parent, true, "").unwrap();
    }

    /// The branches, and the capabilities behind a NUL.
    fn advertisement(&self, capabilities: &str) -> Vec<u8> {
        let repository = self.repository();
        let mut out = Vec::new();
        let mut first = true;
        for reference in repository.references().unwrap() {
            let reference = reference.unwrap();
            let (id, name) = (reference.target().unwrap(), reference.name().unwrap());
            let tail = if first { capabilities } else { "" };
            let nul = if first { "\0" } else { "" };
            packet(&mut out, format!("{id} {name}{nul}{tail}\n").as_bytes());
            first = false;
        }
        if first {
            let id = git2::Oid::ZERO_SHA1;
            packet(
                &mut out,
                format!("{id} capabilities^{{}}\0{capabilities}\n").as_bytes(),
            );
        }
        out.extend_from_slice(b"0000");
        out
    }

    fn upload_pack(&self, input: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        packet(&mut out, b"NAK\n");
        let (lines, _) = packets(input);
        if !lines.iter().any(|line| line.starts_with("done")) {
            return out;
        }
        let repository = self.repository();
        let mut pack = repository.packbuilder().unwrap();
        let mut walk = repository.revwalk().unwrap();
        for want in lines.iter().filter_map(|line| line.strip_prefix("want ")) {
            walk.push(git2::Oid::from_str(&want[..40]).unwrap())
                .unwrap();
        }
        pack.insert_walk(&mut walk).unwrap();
        pack.foreach(|bytes| {
            out.extend_from_slice(bytes);
            true
        })
        .unwrap();
        out
    }

    fn receive_pack(&self, input: &[u8]) -> Vec<u8> {
        self.pushes.fetch_add(1, Ordering::Relaxed);
        let (lines, pack) = packets(input);
        let command = lines[0].split(['\0', '\n']).next().unwrap();
        let words = command.split(' ').collect::<Vec<_>>();
        let (old, new, name) = (words[0], words[1], words[2]);
        if self.turn(Answer::MoveDuringPush) {
            self.move_branch();
        }
        let repository = self.repository();
        let mut verdict = format!("ok {name}\n");
        let answer = *self.answer.lock().unwrap();
        if let Answer::Refuse(words) = answer {
            verdict = format!("ng {name} {words}\n");
        } else if answer != Answer::Silence {
            let odb = repository.odb().unwrap();
            let mut writer = odb.packwriter().unwrap();
            writer.write_all(&pack).unwrap();
            writer.commit().unwrap();
            let now = repository
                .refname_to_id(name)
                .unwrap_or(git2::Oid::ZERO_SHA1);
            if now.to_string() == old {
                let new = git2::Oid::from_str(new).unwrap();
                repository.reference(name, new, true, "").unwrap();
            } else {
                verdict = format!("ng {name} failed to update ref\n");
            }
        }
        let mut out = Vec::new();
        packet(&mut out, b"unpack ok\n");
        let silent = self.turn(Answer::Silence) || self.turn(Answer::AcceptSilently);
        if !silent {
            packet(&mut out, verdict.as_bytes());
        }
        out.extend_from_slice(b"0000");
        out
    }
}

/// One `<length><payload>` of the wire protocol.
fn packet(out: &mut Vec<u8>, payload: &[u8]) {
    out.extend_from_slice(format!("{:04x}", payload.len() + 4).as_bytes());
    out.extend_from_slice(payload);
}

/// The packets as text, flushes left out, and what follows the last of them: a pack.
fn packets(mut input: &[u8]) -> (Vec<String>, Vec<u8>) {
    let mut lines = Vec::new();
    while input.len() >= 4 && !input.starts_with(b"PACK") {
        let length = std::str::from_utf8(&input[..4]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap().max(4);
        if length > 4 {
            lines.push(String::from_utf8(input[4..length].to_vec()).unwrap());
        }
        input = &input[length..];
    }
    (lines, input.to_vec())
}

/// A connection to one of them.
pub struct Connection;

impl SmartSubtransport for Connection {
    fn action(
        &self,
        url: &str,
        action: Service,
    ) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        let state = Arc::clone(&SERVERS.lock().unwrap()[url]);
        if let Answer::Http(status) = *state.answer.lock().unwrap() {
            return Err(git2::Error::new(
                git2::ErrorCode::GenericError,
                git2::ErrorClass::Http,
                format!("unexpected HTTP status code: {status}"),
            ));
        }
        let receives = action == Service::ReceivePackLs;
        if receives && state.turn(Answer::MoveBeforePush) {
            state.move_branch();
        }
        if receives && state.turn(Answer::ResetBeforePush) {
            state.reset_branch();
        }
        let capabilities = if receives {
            "report-status delete-refs ofs-delta"
        } else {
            "ofs-delta"
        };
        Ok(Box::new(Stream {
            output: state.advertisement(capabilities),
            input: Vec::new(),
            receives,
            state,
        }))
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}

/// Both directions of one connection. The client says all it has to say before it reads.
struct Stream {
    state: Arc<State>,
    receives: bool,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.output.is_empty() && !self.input.is_empty() {
            let input = std::mem::take(&mut self.input);
            self.output = if self.receives {
                self.state.receive_pack(&input)
            } else {
                self.state.upload_pack(&input)
            };
        }
        let length = self.output.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.output[..length]);
        self.output.drain(..length);
        Ok(length)
    }
}

impl Write for Stream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.input.extend_from_slice(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
