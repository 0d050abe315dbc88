//! Is a workload ready? Flagger's rules for Deployments, with one more deadline: its own check lets a workload that
//! is only partly available wait for ever, ours ends after the same `progressDeadlineSeconds`.

use crate::rollout::observation::Workload;
use jiff::SignedDuration;
use jiff::Timestamp;

/// Said while the status still speaks of an older template.
pub const NOT_BEGUN: &str = "its rollout has not begun";

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Rolled out and available.
    Ready,
    /// Not yet.
    Waiting(String),
    /// It had its time.
    TimedOut(String),
}

/// Pods that must be available: the share of `count`, rounded down, but one where there is any.
#[must_use]
pub fn needed(count: u32, percent: u32) -> u32 {
    let share = u64::from(count) * u64::from(percent.min(100)) / 100;
    let floor = u64::from(count > 0 && percent > 0);
    u32::try_from(share.max(floor)).unwrap_or(count)
}

/// First match wins. `waiting_since` is when this step began to wait.
#[must_use]
pub fn readiness(
    workload: &Workload,
    percent: u32,
    deadline: SignedDuration,
    waiting_since: Option<Timestamp>,
    at: Timestamp,
) -> Readiness {
    let overdue =
        |since: Option<Timestamp>| since.is_some_and(|since| at.duration_since(since) >= deadline);
    let Some(why) = missing(workload, percent) else {
        return Readiness::Ready;
    };
    let observed = workload.generation <= workload.observed_generation;
    if observed && workload.deadline_exceeded {
        return Readiness::TimedOut(format!("{why}; its own progress deadline was exceeded"));
    }
    if (observed && overdue(workload.unavailable_since)) || overdue(waiting_since) {
        return Readiness::TimedOut(format!("{why} after {} s", deadline.as_secs()));
    }
    Readiness::Waiting(why)
}

fn missing(workload: &Workload, percent: u32) -> Option<String> {
    let Workload {
        desired,
        replicas,
        updated,
        available,
        ..
    } = *workload;
    if workload.generation > workload.observed_generation {
        return Some(NOT_BEGUN.to_owned());
    }
    if workload.deadline_exceeded {
        return Some("no progress".to_owned());
    }
    if updated < desired {
        return Some(format!("{} new", of(updated, desired)));
    }
    if replicas > updated {
        let old = replicas - updated;
        let pods = if old == 1 { "pod is" } else { "pods are" };
        return Some(format!("{old} old {pods} still there"));
    }
    let needed = needed(updated, percent);
    (available < needed).then(|| format!("{} available", of(available, needed)))
}

fn of(some: u32, all: u32) -> String {
    let verb = if some == 1 { "is" } else { "are" };
    format!("{some} of {all} pods {verb}")
}

/// Pods of the wanted template that are available, for people: the status counts old and new ones together, so these
/// are the ones that must be new even if every old one is available.
#[must_use]
pub fn new_pods(workload: &Workload) -> u32 {
    if workload.generation > workload.observed_generation {
        return 0;
    }
    let old = workload.replicas.saturating_sub(workload.updated);
    workload
        .available
        .saturating_sub(old)
        .min(workload.updated)
        .min(workload.desired)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINE: SignedDuration = SignedDuration::from_secs(60);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    fn rolled_out() -> Workload {
        Workload {
            generation: 3,
            observed_generation: 3,
            desired: 2,
            replicas: 2,
            updated: 2,
            ready: 2,
            available: 2,
            ..Workload::default()
        }
    }

    fn judge(workload: &Workload) -> Readiness {
        readiness(workload, 100, DEADLINE, None, at(0))
    }

    #[test]
    fn a_rolled_out_deployment_is_ready() {
        assert_eq!(judge(&rolled_out()), Readiness::Ready);
    }

    #[test]
    fn a_change_that_was_not_observed_waits() {
        let workload = Workload {
            generation: 4,
            ..rolled_out()
        };
        assert!(matches!(judge(&workload), Readiness::Waiting(_)));
    }

    #[test]
    fn a_condition_of_an_older_generation_does_not_end_the_wait() {
        let workload = Workload {
            generation: 4,
            deadline_exceeded: true,
            ..rolled_out()
        };
        assert!(matches!(judge(&workload), Readiness::Waiting(_)));
    }

    #[test]
    fn its_own_progress_deadline_ends_the_wait() {
        let workload = Workload {
            deadline_exceeded: true,
            ..rolled_out()
        };
        assert!(matches!(judge(&workload), Readiness::TimedOut(_)));
    }

    #[test]
    fn too_long_without_minimum_availability_ends_the_wait() {
        let workload = Workload {
            available: 0,
            unavailable_since: Some(at(-61)),
            ..rolled_out()
        };
        assert!(matches!(judge(&workload), Readiness::TimedOut(_)));
        let workload = Workload {
            available: 0,
            unavailable_since: Some(at(-59)),
            ..rolled_out()
        };
        assert!(matches!(judge(&workload), Readiness::Waiting(_)));
    }

    #[test]
    fn a_partly_available_workload_does_not_wait_for_ever() {
        let workload = Workload {
            available: 1,
            ..rolled_out()
        };
        assert!(matches!(
            readiness(&workload, 100, DEADLINE, Some(at(-61)), at(0)),
            Readiness::TimedOut(_)
        ));
    }

    #[test]
    fn old_pods_are_not_counted_as_new_ones() {
        let rolling = |replicas, updated, available| Workload {
            replicas,
            updated,
            available,
            ..rolled_out()
        };
        assert_eq!(new_pods(&rolling(3, 1, 2)), 0);
        assert_eq!(new_pods(&rolling(3, 1, 3)), 1);
        assert_eq!(new_pods(&rolling(3, 2, 3)), 2);
        assert_eq!(new_pods(&rolled_out()), 2);
        let unobserved = Workload {
            generation: 4,
            ..rolled_out()
        };
        assert_eq!(new_pods(&unobserved), 0);
    }

    #[test]
    fn one_pod_is_told_in_the_singular() {
        let workload = Workload {
            replicas: 3,
            ..rolled_out()
        };
        assert_eq!(
            judge(&workload),
            Readiness::Waiting("1 old pod is still there".to_owned())
        );
    }

    #[test]
    fn thresholds_round_down_but_ask_for_one_pod() {
        assert_eq!(needed(3, 50), 1);
        assert_eq!(needed(1, 50), 1);
        assert_eq!(needed(4, 100), 4);
        assert_eq!(needed(4, 0), 0);
        assert_eq!(needed(0, 100), 0);
    }
}
