//! Who drives a canary, as it is written into the Lease: enough for a person to find the process, and for another
//! driver on the same machine to know whether it still runs.
//!
//! Must not ask the system about processes.

use std::fmt;

/// Separates what people read from what machines compare.
const DETAILS: &str = " [";

/// One driver. Text form: `alice@mbp/4711/RUN [boot=… pidns=… started=…]` or `https://ci/job/7/RUN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The run's ULID.
    pub run: String,
    /// Where it runs.
    pub place: Place,
}

/// Where a driver runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// On a machine.
    Process(Process),
    /// In a pipeline.
    CiJob {
        /// Page of the job.
        url: String,
    },
}

/// A process, so that it cannot be mistaken for another on any machine at any time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Login name.
    pub user: String,
    /// Host name.
    pub host: String,
    /// Process id.
    pub pid: u32,
    /// What only the same kernel can compare; absent where the system does not say.
    pub kernel: Option<Kernel>,
}

/// What only the same kernel can compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Of the machine's current boot.
    pub boot_id: String,
    /// In which the process id counts.
    pub pid_namespace: String,
    /// Start of the process, clock ticks since boot.
    pub started: u64,
}

impl Holder {
    /// Reads the text form; `None` if somebody else wrote it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (name, details) = match text.split_once(DETAILS) {
            Some((name, details)) => (name, Some(details.strip_suffix(']')?)),
            None => (text, None),
        };
        let (place, run) = name.rsplit_once('/')?;
        if run.is_empty() {
            return None;
        }
        let place = if place.contains("://") {
            Place::CiJob {
                url: place.to_owned(),
            }
        } else {
            let (person, pid) = place.rsplit_once('/')?;
            let (user, host) = person.rsplit_once('@')?;
            Place::Process(Process {
                user: user.to_owned(),
                host: host.to_owned(),
                pid: pid.parse().ok()?,
                kernel: details.and_then(Kernel::parse),
            })
        };
        Some(Self {
            run: run.to_owned(),
            place,
        })
    }

    /// If the other driver's process can be looked up from where this one runs: its id and start.
    #[must_use]
    pub fn neighbour(&self, other: &Self) -> Option<(u32, u64)> {
        match (&self.place, &other.place) {
            (Place::Process(ours), Place::Process(theirs)) => {
                let (ours, seen) = (ours.kernel.as_ref()?, theirs.kernel.as_ref()?);
                (ours.boot_id == seen.boot_id && ours.pid_namespace == seen.pid_namespace)
                    .then_some((theirs.pid, seen.started))
            }
            (Place::CiJob { .. }, _) | (Place::Process(_), Place::CiJob { .. }) => None,
        }
    }

    /// What people read: `alice@mbp/4711`, or the job's page.
    #[must_use]
    pub fn short(&self) -> String {
        match &self.place {
            Place::Process(process) => {
                let Process {
                    user, host, pid, ..
                } = process;
                format!("{}@{}/{pid}", plain(user), plain(host))
            }
            Place::CiJob { url } => url.clone(),
        }
    }
}

impl Kernel {
    fn parse(details: &str) -> Option<Self> {
        let value = |name: &str| {
            details
                .split(' ')
                .find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
        };
        Some(Self {
            boot_id: value("boot")?.to_owned(),
            pid_namespace: value("pidns")?.to_owned(),
            started: value("started")?.parse().ok()?,
        })
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.short(), self.run)?;
        match &self.place {
            Place::Process(Process {
                kernel: Some(kernel),
                ..
            }) => write!(
                f,
                "{DETAILS}boot={} pidns={} started={}]",
                kernel.boot_id, kernel.pid_namespace, kernel.started
            ),
            Place::Process(Process { kernel: None, .. }) | Place::CiJob { .. } => Ok(()),
        }
    }
}

/// Without the characters that part the text form.
fn plain(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_alphanumeric() || "._-+\\".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(boot_id: &str) -> Holder {
        Holder {
            run: "01JRUN".to_owned(),
            place: Place::Process(Process {
                user: "alice".to_owned(),
                host: "mbp".to_owned(),
                pid: 4711,
                kernel: Some(Kernel {
                    boot_id: boot_id.to_owned(),
                    pid_namespace: "4026531836".to_owned(),
                    started: 987,
                }),
            }),
        }
    }

    #[test]
    fn a_process_is_written_for_people_first() {
        assert_eq!(
            process("b").to_string(),
            "alice@mbp/4711/01JRUN [boot=b pidns=4026531836 started=987]"
        );
    }

    #[test]
    fn what_is_written_is_read_back() {
        let bare = Holder {
            run: "01JRUN".to_owned(),
            place: Place::Process(Process {
                user: "bob".to_owned(),
                host: "pc".to_owned(),
                pid: 1,
                kernel: None,
            }),
        };
        let job = Holder {
            run: "01JRUN".to_owned(),
            place: Place::CiJob {
                url: "https://ci.example/job/7".to_owned(),
            },
        };
        for holder in [process("b"), bare, job] {
            assert_eq!(Holder::parse(&holder.to_string()), Some(holder));
        }
    }

    #[test]
    fn somebody_elses_identity_is_not_read() {
        for text in ["", "controller-7f9", "a/b", "a@b/x/run", "a@b/1/"] {
            assert_eq!(Holder::parse(text), None, "{text}");
        }
    }

    #[test]
    fn only_the_same_boot_can_look_a_process_up() {
        assert_eq!(process("b").neighbour(&process("b")), Some((4711, 987)));
        assert_eq!(process("b").neighbour(&process("c")), None);
    }

    #[test]
    fn a_strange_user_name_cannot_break_the_form() {
        let mut holder = process("b");
        if let Place::Process(process) = &mut holder.place {
            process.user = "a/b [x".to_owned();
        }
        let read = Holder::parse(&holder.to_string()).unwrap();
        assert_eq!(read.short(), "a-b--x@mbp/4711");
    }
}
