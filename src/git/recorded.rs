//! Reading the status branch's files back.
//!
//! Pure. Anybody who may push may have edited them, so nothing is taken for granted.

use crate::canary::phase::Phase;
use crate::canary::status::CanaryStatus;
use crate::canary::weight::Weight;
use crate::git::layout::SCHEMA;
use crate::git::message::one_line;
use serde::Deserialize;

/// What the record says about a canary, as far as a driver needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedStatus {
    /// The run that wrote it last.
    pub run: String,
    /// Its last transition.
    pub seq: u64,
    /// Epoch of the driver that wrote it: the next one is at least one more.
    pub epoch: u64,
    /// UID of the cluster's namespace `kube-system`, where it could be read.
    pub cluster_uid: Option<String>,
    /// Phase of the canary.
    pub phase: Phase,
    /// Share of the canary, percent.
    pub weight: Weight,
    /// How the run ended, if it did.
    pub result: Option<String>,
    /// Hash of pod template and tracked configs that was being rolled out.
    pub revision: String,
}

/// Only what is read back; fields that later versions add do not matter.
#[derive(Deserialize)]
struct Recorded {
    status: CanaryStatus,
    driver: RecordedDriver,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordedDriver {
    schema: u32,
    run: String,
    seq: u64,
    epoch: u64,
    #[serde(default)]
    cluster_uid: Option<String>,
    #[serde(default)]
    result: Option<String>,
    #[serde(default)]
    revision: String,
}

#[derive(Deserialize)]
struct RecordedRun {
    seq: u64,
}

/// Reads `status.yaml` back.
///
/// # Errors
/// A later version wrote it, or it was edited into something else.
pub(in crate::git) fn read_status(text: &str) -> Result<RecordedStatus, String> {
    let read = serde_saphyr::from_str::<Recorded>(text).map_err(|error| readable(&error))?;
    let driver = read.driver;
    if driver.schema > SCHEMA {
        return Err(format!(
            "a later version wrote it (schema {}, this one knows {SCHEMA})",
            driver.schema
        ));
    }
    Ok(RecordedStatus {
        run: driver.run,
        seq: driver.seq,
        epoch: driver.epoch,
        cluster_uid: driver.cluster_uid,
        phase: read.status.phase,
        weight: read.status.canary_weight,
        result: driver.result,
        revision: driver.revision,
    })
}

/// The last transition of a finished run.
///
/// # Errors
/// It was edited into something else.
pub(in crate::git) fn read_run(text: &str) -> Result<u64, String> {
    serde_saphyr::from_str::<RecordedRun>(text)
        .map(|run| run.seq)
        .map_err(|error| readable(&error))
}

/// The first line: the rest quotes the file.
fn readable(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    one_line(text.lines().next().unwrap_or_default(), 200)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::layout::run_file;
    use crate::git::layout::status_file;
    use crate::git::testing::author;
    use crate::git::testing::transition;

    #[test]
    fn a_status_is_read_back_as_it_was_written() {
        let mut transition = transition(3, 20, 30);
        // a run of digits and a result that YAML 1.1 takes for a boolean
        transition.run = String::from("00000000000000000000000012");
        transition.result = Some(String::from("no"));
        transition.reason = Some(String::from("a: b # c \"d\" \u{1b}[0m"));
        let read = read_status(&status_file(&transition, &author()).unwrap()).unwrap();
        assert_eq!(
            read,
            RecordedStatus {
                run: String::from("00000000000000000000000012"),
                seq: 3,
                epoch: 1,
                cluster_uid: Some(String::from("7d6b3c1e")),
                phase: Phase::Progressing,
                weight: Weight::saturating(30),
                result: Some(String::from("no")),
                revision: String::from("6f9d8c"),
            }
        );
    }

    #[test]
    fn a_later_schema_is_not_read() {
        let text = status_file(&transition(3, 20, 30), &author())
            .unwrap()
            .replace("schema: 1", "schema: 2");
        assert_eq!(
            read_status(&text).unwrap_err(),
            "a later version wrote it (schema 2, this one knows 1)"
        );
    }

    #[test]
    fn a_file_that_is_something_else_is_an_error() {
        assert!(read_status("kind: Canary\n").is_err());
        assert!(read_status("\u{0}").is_err());
    }

    #[test]
    fn the_last_transition_of_a_finished_run_is_read_back() {
        let text = run_file(&transition(9, 30, 0), "rolled-back", &author()).unwrap();
        assert_eq!(read_run(&text).unwrap(), 9);
    }
}
