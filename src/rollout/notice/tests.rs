use super::*;
use crate::canary::weight::Weight;
use crate::rollout::event::Level;
use crate::rollout::event::Traffic;
use jiff::Timestamp;

fn event(weight: i64, kind: EventKind) -> Event {
    Event {
        seq: 1,
        at: Timestamp::UNIX_EPOCH,
        level: Level::Info,
        run: "01K3F6Q8ZJV0X2M5R7T94KQ7D2".to_owned(),
        namespace: "shop".to_owned(),
        canary: "podinfo".to_owned(),
        phase: Phase::Progressing,
        weight: Weight::saturating(weight),
        checksum: String::new(),
        msg: String::new(),
        kind,
    }
}

fn started() -> EventKind {
    EventKind::RunStarted {
        from: "6.9.1".to_owned(),
        to: "6.9.2".to_owned(),
        git: "1a2b3c4".to_owned(),
        context: "prod-eu".to_owned(),
        provider: "traefik".to_owned(),
        route: "traefikservice/podinfo".to_owned(),
        resumed: false,
        tool_version: "0".to_owned(),
    }
}

const fn phase(from: Phase, to: Phase) -> EventKind {
    EventKind::PhaseChanged { from, to }
}

fn rollback(code: u8, reason: &str) -> EventKind {
    EventKind::RollbackStarted {
        code,
        reason: reason.to_owned(),
    }
}

const fn finished(exit_code: u8) -> EventKind {
    EventKind::RunFinished {
        outcome: "",
        exit_code,
        traffic: Traffic {
            primary: Weight::FULL,
            canary: Weight::ZERO,
        },
        duration_ms: 0,
        worst: Vec::new(),
    }
}

/// The alerts of a run with these events, the traffic being where they say.
fn alerts(events: Vec<(i64, EventKind)>) -> Vec<Notice> {
    let mut notices = Notices::default();
    std::iter::once((0, started()))
        .chain(events)
        .filter_map(|(weight, kind)| notices.hear(&event(weight, kind)))
        .collect()
}

#[test]
fn a_promotion_alerts_at_its_beginning_and_at_its_end() {
    let said = alerts(vec![
        (0, phase(Phase::Initialized, Phase::Progressing)),
        (50, phase(Phase::Progressing, Phase::Promoting)),
        (0, phase(Phase::Promoting, Phase::Finalising)),
        (0, phase(Phase::Finalising, Phase::Succeeded)),
        (0, finished(0)),
    ]);
    let texts: Vec<&str> = said.iter().map(|notice| notice.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "6.9.1 -> 6.9.2: the analysis begins\ncluster prod-eu, commit 1a2b3c4, run 4KQ7D2",
            "6.9.2 is promoted: the primary serves it\ncluster prod-eu, commit 1a2b3c4, run 4KQ7D2",
        ]
    );
    assert_eq!((said[0].with_plan, said[1].with_plan), (true, false));
}

#[test]
fn every_rollback_alerts_once_and_says_what_to_do() {
    for (code, severity, next) in [
        (
            10,
            Severity::Error,
            "kubectl flagger promote podinfo -n shop --retry",
        ),
        (
            11,
            Severity::Error,
            "kubectl flagger promote podinfo -n shop --retry",
        ),
        (
            12,
            Severity::Warn,
            "kubectl flagger promote podinfo -n shop --retry",
        ),
        (
            13,
            Severity::Error,
            "kubectl flagger promote podinfo -n shop --retry",
        ),
        (
            130,
            Severity::Warn,
            "kubectl flagger promote podinfo -n shop",
        ),
    ] {
        let said = alerts(vec![
            (30, rollback(code, "because\nof this")),
            (0, phase(Phase::Progressing, Phase::Failed)),
            (0, finished(code)),
        ]);
        let [notice] = said.as_slice() else {
            panic!("{code}: {said:?}");
        };
        assert_eq!(notice.severity, severity, "{code}");
        let lines: Vec<&str> = notice.text.lines().collect();
        assert!(
            lines[0].starts_with("6.9.2 was rolled back: because"),
            "{}",
            lines[0]
        );
        assert!(lines[0].ends_with("; users are on 6.9.1"), "{}", lines[0]);
        assert_eq!(lines[2], format!("next: {next}"));
    }
}

#[test]
fn a_rollback_that_was_recorded_by_another_process_does_not_alert_again() {
    assert_eq!(alerts(vec![(0, finished(10))]), []);
}

#[test]
fn split_traffic_alerts_with_where_the_users_are() {
    let said = alerts(vec![
        (50, rollback(20, "the primary did not become ready")),
        (100, phase(Phase::Promoting, Phase::Failed)),
        (100, finished(20)),
    ]);
    assert_eq!(said.len(), 1);
    assert!(said[0].text.starts_with(
        "6.9.2 was not promoted and not rolled back: the primary did not become ready; users are on 6.9.2\n"
    ));
    let said = alerts(vec![(40, finished(20))]);
    assert!(
        said[0]
            .text
            .contains("40% of users are on 6.9.2, 60% on 6.9.1")
    );
}

#[test]
fn a_closed_gate_reopened_is_no_new_beginning() {
    assert_eq!(
        alerts(vec![(
            20,
            phase(Phase::WaitingPromotion, Phase::Progressing)
        )]),
        []
    );
}

#[test]
fn the_name_that_people_gave_the_cluster_stands_in_the_text() {
    let mut notices = Notices::new(Some("production".to_owned()), BTreeSet::new());
    notices.hear(&event(0, started()));
    let notice = notices.hear(&event(0, phase(Phase::Initializing, Phase::Initialized)));
    assert_eq!(
        notice.unwrap().text,
        "6.9.2 is set up: the primary serves it\ncluster production, commit 1a2b3c4, run 4KQ7D2"
    );
}

#[test]
fn a_closed_gate_alerts_unless_it_is_muted() {
    let waiting = |name: &str| EventKind::GateWaiting {
        name: name.to_owned(),
        gate: "confirm-promotion",
    };
    let mut notices = Notices::new(None, BTreeSet::from(["quiet".to_owned()]));
    notices.hear(&event(0, started()));
    let notice = notices.hear(&event(50, waiting("ops"))).unwrap();
    assert_eq!(notice.severity, Severity::Warn);
    assert_eq!(
        notice.text,
        "6.9.2 waits at 50%: the gate ops (confirm-promotion) is closed\ncluster prod-eu, commit 1a2b3c4, run 4KQ7D2\nnext: open ops"
    );
    assert_eq!(notices.hear(&event(50, waiting("quiet"))), None);
}

#[test]
fn listeners_hear_what_flagger_records() {
    let called = |hook, ok| EventKind::WebhookCalled {
        name: "one".to_owned(),
        hook,
        ok,
        status: Some(200),
        error: None,
        took_ms: 1,
    };
    for (kind, recorded) in [
        (called("confirm-rollout", true), Some(false)),
        (called("confirm-rollout", false), None),
        (called("pre-rollout", true), Some(false)),
        (called("rollout", true), None),
        (called("rollback", false), Some(false)),
        (called("rollback", true), Some(true)),
        (called("post-rollout", false), Some(true)),
        (phase(Phase::Initialized, Phase::Progressing), Some(false)),
        (phase(Phase::Promoting, Phase::Finalising), None),
        (phase(Phase::Progressing, Phase::Failed), Some(true)),
        (rollback(10, "because"), Some(true)),
        (finished(10), None),
    ] {
        assert_eq!(as_flaggers_event(&kind), recorded, "{kind:?}");
    }
}
