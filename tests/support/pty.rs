//! Programs in a real terminal: a PTY, and what it shows as an emulator understands it.

use portable_pty::Child;
use portable_pty::CommandBuilder;
use portable_pty::MasterPty;
use portable_pty::PtySize;
use portable_pty::native_pty_system;
use std::io::Read as _;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::Duration;

/// A test that waits longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// What came out so far.
struct Output {
    emulator: vt100::Parser,
    bytes: Vec<u8>,
}

impl Output {
    /// Is no synchronized update half received? Terminals show none before its end.
    fn is_whole(&self) -> bool {
        let last = |mark: &[u8]| self.bytes.windows(mark.len()).rposition(|at| at == mark);
        last(b"\x1b[?2026h") <= last(b"\x1b[?2026l")
    }
}

/// A program in a terminal of its own.
pub struct Pty {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    output: Arc<(Mutex<Output>, Condvar)>,
    /// Ends when nobody has the terminal any more.
    reader: Option<JoinHandle<()>>,
    modes: String,
}

/// How a program is started.
pub struct Start<'a> {
    /// Program and arguments.
    pub words: Vec<&'a str>,
    /// Variables; nothing else of the environment is passed on but `PATH`.
    pub variables: &'a [(&'a str, &'a str)],
    /// Columns and rows.
    pub size: (u16, u16),
    /// Where.
    pub folder: &'a Path,
}

impl Pty {
    pub fn start(start: &Start<'_>) -> Self {
        let (cols, rows) = start.size;
        let size = PtySize {
            rows,
            cols,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let modes = format!("{:?}", pair.master.get_termios().unwrap());
        let mut command = CommandBuilder::new(start.words[0]);
        command.args(&start.words[1..]);
        command.env_clear();
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.env("HOME", start.folder);
        // so that what a sandbox keeps is gone with the test
        command.env("TMPDIR", start.folder);
        command.env("TERM", "xterm-256color");
        // the emulator does not wrap anew what is on it, as little as xterm does
        command.env("XTERM_VERSION", "test");
        for (name, value) in start.variables {
            command.env(name, value);
        }
        command.cwd(start.folder);
        let child = pair.slave.spawn_command(command).unwrap();
        // the program alone has the terminal, so that its end is the end of what can be read
        drop(pair.slave);
        let keyboard = pair.master.take_writer().unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        // a terminal that does not know its size has one all the same
        let known = |size, usual| if size == 0 { usual } else { size };
        let emulator = vt100::Parser::new(known(rows, 24), known(cols, 80), 1000);
        let output = Arc::new((
            Mutex::new(Output {
                emulator,
                bytes: Vec::new(),
            }),
            Condvar::new(),
        ));
        let shared = Arc::clone(&output);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read) = reader.read(&mut buffer) {
                if read == 0 {
                    return;
                }
                let mut output = shared.0.lock().unwrap();
                output.emulator.process(&buffer[..read]);
                output.bytes.extend_from_slice(&buffer[..read]);
                shared.1.notify_all();
            }
        });
        Self {
            master: pair.master,
            child,
            keyboard,
            output,
            reader: Some(reader),
            modes,
        }
    }

    /// Waits until the screen is like that, and returns it.
    pub fn wait_until(&self, what: &str, is: impl Fn(&str) -> bool) -> String {
        let output = self.output.0.lock().unwrap();
        let (output, late) = self
            .output
            .1
            .wait_timeout_while(output, PATIENCE, |output| {
                !output.is_whole() || !is(&output.emulator.screen().contents())
            })
            .unwrap();
        let screen = output.emulator.screen().contents();
        assert!(!late.timed_out(), "never saw {what}:\n{screen}");
        screen
    }

    pub fn wait_for(&self, text: &str) -> String {
        self.wait_until(text, |screen| screen.contains(text))
    }

    pub fn screen(&self) -> String {
        self.output.0.lock().unwrap().emulator.screen().contents()
    }

    /// Everything that was ever written.
    pub fn bytes(&self) -> String {
        String::from_utf8_lossy(&self.output.0.lock().unwrap().bytes).into_owned()
    }

    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success());
    }

    pub fn resize(&self, cols: u16, rows: u16) {
        let size = PtySize {
            rows,
            cols,
            pixel_width: 0,
            pixel_height: 0,
        };
        let mut output = self.output.0.lock().unwrap();
        output.emulator.screen_mut().set_size(rows, cols);
        self.master.resize(size).unwrap();
    }

    /// The modes of the terminal, now.
    pub fn modes(&self) -> String {
        format!("{:?}", self.master.get_termios().unwrap())
    }

    /// The modes of the terminal before the program was started.
    pub fn first_modes(&self) -> &str {
        &self.modes
    }

    /// Waits for the end and for all that was written, and checks that the terminal is as it was found: its modes, and
    /// a cursor that is seen.
    pub fn end(&mut self) -> u32 {
        let code = self.child.wait().unwrap().exit_code();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        assert_eq!(self.modes(), self.modes);
        let output = self.output.0.lock().unwrap();
        assert!(!output.emulator.screen().hide_cursor());
        assert!(!output.emulator.screen().alternate_screen());
        code
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _has_ended = self.child.kill();
    }
}
