//! The condition `Promoted` of a Canary, by Flagger's rules of status and times.

use crate::canary::phase::Phase;
use crate::canary::status::CanaryStatus;
use crate::canary::status::Condition;
use jiff::Timestamp;

/// Writes time and condition of a status that is about to be published, in whole seconds as Kubernetes has them
/// (`metav1.Time`).
pub fn stamp(status: &mut CanaryStatus, at: Timestamp) {
    let at = Timestamp::from_second(at.as_second()).unwrap_or(at);
    status.last_transition_time = Some(at);
    let (verdict, message) = words(status.phase);
    let reason = status.phase.as_str();
    let old = status.conditions.first();
    if old.is_some_and(|old| old.status == verdict && old.reason == reason) {
        return;
    }
    let same_verdict = old.filter(|old| old.status == verdict);
    let since = same_verdict.map_or(Some(at), |old| old.last_transition_time);
    status.conditions = vec![Condition {
        kind: "Promoted".to_owned(),
        status: verdict.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        last_update_time: Some(at),
        last_transition_time: since,
    }];
}

const fn words(phase: Phase) -> (&'static str, &'static str) {
    match phase {
        Phase::New | Phase::Initializing => ("Unknown", "The primary is being created."),
        Phase::Initialized => ("True", "The primary serves."),
        Phase::Waiting | Phase::WaitingPromotion => ("Unknown", "A gate holds the rollout."),
        Phase::Progressing => ("Unknown", "A new revision is being analysed."),
        Phase::Promoting => (
            "Unknown",
            "The analysis passed; the primary takes the new revision over.",
        ),
        Phase::Finalising => (
            "Unknown",
            "All traffic is on the primary; the canary drains.",
        ),
        Phase::Succeeded => ("True", "The primary serves the new revision."),
        Phase::Failed => ("False", "The new revision was rejected."),
        Phase::Terminating | Phase::Terminated => ("Unknown", "The canary is being given back."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn an_unchanged_condition_keeps_its_times() {
        let mut status = CanaryStatus {
            phase: Phase::Progressing,
            ..CanaryStatus::default()
        };
        stamp(&mut status, at(1));
        stamp(&mut status, at(2));
        assert_eq!(status.last_transition_time, Some(at(2)));
        assert_eq!(status.conditions[0].last_update_time, Some(at(1)));
    }

    #[test]
    fn times_are_whole_seconds_as_kubernetes_has_them() {
        let mut status = CanaryStatus::default();
        stamp(&mut status, Timestamp::new(1, 999_999_999).unwrap());
        assert_eq!(
            serde_json::to_value(&status).unwrap()["lastTransitionTime"],
            "1970-01-01T00:00:01Z"
        );
        let condition = &status.conditions[0];
        assert_eq!(
            (condition.last_update_time, condition.last_transition_time),
            (Some(at(1)), Some(at(1)))
        );
    }

    #[test]
    fn a_new_reason_with_the_same_verdict_keeps_the_transition() {
        let mut status = CanaryStatus {
            phase: Phase::Progressing,
            ..CanaryStatus::default()
        };
        stamp(&mut status, at(1));
        status.phase = Phase::Promoting;
        stamp(&mut status, at(2));
        let condition = &status.conditions[0];
        assert_eq!(
            (condition.last_update_time, condition.last_transition_time),
            (Some(at(2)), Some(at(1)))
        );
        status.phase = Phase::Succeeded;
        stamp(&mut status, at(3));
        assert_eq!(
            (
                status.conditions.len(),
                status.conditions[0].last_transition_time
            ),
            (1, Some(at(3)))
        );
    }
}
