use super::*;
use crate::rollout::event::Miss;
use crate::rollout::event::Traffic;

fn context() -> WordsContext<'static> {
    WordsContext {
        run: "01k3f6q8zjv0x2m5r7t94kq7d2",
        namespace: "shop",
        canary: "podinfo",
        from: "6.9.1",
        to: "6.9.2",
        weight: Weight::saturating(20),
        level: Level::Info,
    }
}

fn sample(name: &str, value: f64, min: Option<f64>, max: Option<f64>) -> Sample {
    let unit = match name {
        "request-success-rate" => Some("%"),
        "request-duration" => Some("ms"),
        _ => None,
    };
    Sample {
        name: name.to_owned(),
        value: Some(value),
        min,
        max,
        unit,
        ok: true,
        miss: None,
        window_ms: 60_000,
        query: None,
        error: None,
    }
}

#[test]
fn a_weight_move_is_two_numbers() {
    let kind = EventKind::TrafficChanged {
        from: Weight::ZERO,
        to: Weight::saturating(10),
        mirror: false,
        object: "traefikservice/podinfo".to_owned(),
        resource_version: "7".to_owned(),
        took_ms: 12,
    };
    assert_eq!(message(&kind, &context()), "0 -> 10");
    assert_eq!(verb(&kind), Verb::Weight);
}

#[test]
fn a_passed_look_lists_every_value_with_its_limit() {
    let kind = EventKind::CheckPassed {
        failed: 0,
        threshold: 5,
        samples: vec![
            sample("request-success-rate", 99.9123, Some(99.0), None),
            sample("request-duration", 212.4, None, Some(500.0)),
            sample("checkout-errors", 0.0, None, Some(1.0)),
        ],
    };
    assert_eq!(
        message(&kind, &context()),
        "at 20: request-success-rate 99.91% >= 99, request-duration 212ms <= 500, checkout-errors 0 <= 1"
    );
}

#[test]
fn a_held_look_names_the_misses_only() {
    let mut miss = sample("request-success-rate", 98.71, Some(99.0), None);
    miss.ok = false;
    let kind = EventKind::CheckHeld {
        failed: 1,
        threshold: 5,
        misses: vec!["request-success-rate".to_owned(), "load-test".to_owned()],
        why: Miss::Breach,
        counted: true,
        samples: vec![miss, sample("request-duration", 212.0, None, Some(500.0))],
    };
    assert_eq!(
        message(&kind, &context()),
        "at 20: request-success-rate 98.71% < 99, load-test; failed 1/5"
    );
}

#[test]
fn a_value_below_its_limit_never_reads_like_the_limit() {
    let miss = sample("request-success-rate", 98.9999, Some(99.0), None);
    assert_eq!(measured(&miss), "request-success-rate 98.9999% < 99");
    let miss = sample("request-duration", 500.2, None, Some(500.0));
    assert_eq!(measured(&miss), "request-duration 500.2ms > 500");
}

#[test]
fn a_range_is_written_as_a_range() {
    let ok = sample("queue", 5.0, Some(1.0), Some(10.0));
    assert_eq!(measured(&ok), "queue 5 within 1..10");
}

#[test]
fn a_missing_value_says_why() {
    let mut none = sample("queue", 0.0, None, Some(1.0));
    none.value = None;
    assert_eq!(measured(&none), "queue no value (no data)");
    none.miss = Some(Miss::ProviderError);
    none.error = Some("connection refused".to_owned());
    assert_eq!(measured(&none), "queue no answer (connection refused)");
    let kind = EventKind::CheckHeld {
        failed: 0,
        threshold: 5,
        misses: vec!["queue".to_owned()],
        why: Miss::ProviderError,
        counted: false,
        samples: vec![none.clone()],
    };
    assert_eq!(
        message(&kind, &context()),
        "at 20: queue no answer (connection refused); waiting for the backend"
    );
    none.error = Some("timeout after 10s".to_owned());
    assert_eq!(measured(&none), "queue no answer (timeout after 10s)");
}

#[test]
fn the_first_line_carries_what_support_asks_for() {
    let kind = EventKind::RunStarted {
        from: "6.9.1".to_owned(),
        to: "6.9.2".to_owned(),
        git: "3f9c1e2".to_owned(),
        context: "prod-eu".to_owned(),
        provider: "traefik".to_owned(),
        route: "traefikservice/podinfo".to_owned(),
        resumed: false,
        tool_version: "0.1.0".to_owned(),
    };
    assert_eq!(
        message(&kind, &context()),
        "podinfo.shop 6.9.1 -> 6.9.2 run=4kq7d2 context=prod-eu git=3f9c1e2"
    );
}

#[test]
fn the_verdict_says_where_the_traffic_is() {
    let finished = |outcome, exit_code, canary| EventKind::RunFinished {
        outcome,
        exit_code,
        traffic: Traffic {
            primary: Weight::saturating(100 - canary),
            canary: Weight::saturating(canary),
        },
        duration_ms: 1,
        worst: Vec::new(),
    };
    assert_eq!(
        message(&finished("promoted", 0, 0), &context()),
        "podinfo.shop is on 6.9.2"
    );
    assert_eq!(
        message(&finished("promoted", 22, 0), &context()),
        "podinfo.shop is on 6.9.2; exit 22"
    );
    assert_eq!(
        message(&finished("rolled-back", 10, 0), &context()),
        "podinfo.shop 6.9.2 rolled back, traffic 100% on primary 6.9.1; exit 10"
    );
    assert_eq!(
        message(&finished("split", 20, 30), &context()),
        "podinfo.shop split, traffic 30% on canary 6.9.2, 70% on primary; exit 20"
    );
}

#[test]
fn words_from_outside_cannot_move_the_cursor_or_begin_a_line() {
    let kind = EventKind::RollbackStarted {
        code: 11,
        reason: "pod said\n\u{1b}[2Jok\u{202e}\r\n".to_owned(),
    };
    assert_eq!(message(&kind, &context()), "pod said  [2Jok");
}

#[test]
fn a_warning_is_called_one() {
    let kind = EventKind::Diagnostic {
        code: "flagger::route::ignored".to_owned(),
        message: "timeout is ignored by traefik".to_owned(),
        causes: vec!["no such field".to_owned()],
        file: None,
        span: None,
        help: None,
    };
    let context = WordsContext {
        level: Level::Warn,
        ..context()
    };
    assert_eq!(
        message(&kind, &context),
        "warning: flagger::route::ignored: timeout is ignored by traefik: no such field"
    );
}

#[test]
fn iterations_and_gates_are_told_in_a_line_each() {
    let plan = |strategy, iterations, mirror| EventKind::RunPlan {
        strategy,
        weights: vec![Weight::FULL],
        iterations,
        mirror,
        interval_ms: 10_000,
        threshold: 2,
        metrics: Vec::new(),
        gates: vec!["ok".to_owned()],
        estimate_ms: 30_000,
    };
    let line = |kind: EventKind| message(&kind, &context());
    assert_eq!(
        line(plan("A/B testing", 3, false)),
        "A/B testing, 3 iterations, then promote; gates ok; look every 10s; roll back at 2 failed checks; about 30s"
    );
    assert!(
        line(plan("weighted canary", 0, true)).starts_with("mirror, weights 100 then promote; ")
    );
    let kind = EventKind::IterationStarted {
        iteration: 2,
        iterations: 3,
    };
    assert_eq!(verb(&kind), Verb::Weight);
    assert_eq!(line(kind), "at 20: iteration 2/3");
    let kind = EventKind::GateWaiting {
        name: "ok".to_owned(),
        gate: "confirm-promotion",
    };
    assert_eq!(verb(&kind), Verb::Gate);
    assert_eq!(line(kind), "at 20: confirm-promotion waits for ok to open");
    let kind = EventKind::GateOpened {
        name: "ok".to_owned(),
        waited_ms: 65_000,
        by: None,
    };
    assert_eq!(line(kind), "ok opened after 1m5s");
    let kind = EventKind::GateOpened {
        name: "ok".to_owned(),
        waited_ms: 1000,
        by: Some("bob@desk/7".to_owned()),
    };
    assert_eq!(line(kind), "ok opened by bob@desk/7 after 1s");
    let kind = EventKind::WebhookCalled {
        name: "load".to_owned(),
        hook: "rollout",
        ok: false,
        status: Some(500),
        error: Some("no such target".to_owned()),
        took_ms: 1_200,
    };
    assert_eq!(verb(&kind), Verb::Hold);
    assert_eq!(
        line(kind),
        "rollout load did not pass (500) in 1.2s: no such target"
    );
}
