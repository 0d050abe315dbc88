//! The event stream for programs: one JSON object a line (`-o ndjson`, `--events FILE`).
//!
//! Must not leave anything out or change a word: readers rely on `seq` having no gaps.

use crate::port::subscriber::Subscriber;
use crate::rollout::event::Event;
use std::io::Write;

/// Writes each event as one line, flushed, so that a killed run leaves whole lines.
pub struct NdjsonWriter<W: Write> {
    out: W,
}

impl<W: Write> NdjsonWriter<W> {
    /// To that file or pipe.
    pub const fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write> Subscriber for NdjsonWriter<W> {
    fn on_event(&mut self, event: &Event) {
        let Ok(mut line) = serde_json::to_vec(event) else {
            return; // only a map with keys that are no strings fails, and the stream has none
        };
        line.push(b'\n');
        // a reader that went away must not stop a rollout
        let _ = self.out.write_all(&line);
        let _ = self.out.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::recorded;

    #[test]
    fn a_recorded_success_is_one_whole_object_a_line() {
        let mut out = Vec::new();
        recorded::feed(&mut NdjsonWriter::new(&mut out), &recorded::success());
        recorded::golden("success.ndjson", &String::from_utf8(out).unwrap());
    }

    #[test]
    fn a_reader_that_went_away_is_ignored() {
        struct Broken;
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
        }
        recorded::feed(&mut NdjsonWriter::new(Broken), &recorded::success());
    }
}
