use super::*;
use crate::rollout::event::EventKind;
use crate::ui::recorded;
use proptest::prelude::*;

const SPEC: &str = "apiVersion: flagger.app/v1beta1
kind: Canary
metadata:
  name: podinfo
  namespace: shop
spec:
  analysis:
    interval: 1m
    threshold: 5
    maxWeight: 50
    stepWeight: 10
    metrics:
    - name: request-success-rate
      thresholdRange: {min: 99}
      interval: 1m
    - name: request-duration
      thresholdRange: {max: 500}
";

const VERBS: &[&str] = &["promote", "abort", "status", "events", "analyze"];

fn place(text: &str) -> Range<usize> {
    let start = SPEC.find(text).unwrap();
    start..start + text.len()
}

fn options() -> SummaryOptions {
    let limit = place("{min: 99}");
    SummaryOptions {
        theme: Theme {
            color: false,
            ascii: false,
        },
        terminal: true,
        width: 100,
        quiet: Quiet::No,
        told: false,
        places: Some(SpecPlaces {
            path: "deploy/podinfo/canary.yaml".to_owned(),
            text: SPEC.to_owned(),
            threshold: Some(place("threshold: 5")),
            metrics: vec![("request-success-rate".to_owned(), limit)],
        }),
        context: None,
        verbs: VERBS,
    }
}

fn summary(events: &[Event], options: SummaryOptions) -> String {
    let mut out = Vec::new();
    recorded::feed(&mut Summary::new(&mut out, options), events);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_success_is_told_in_five_facts() {
    recorded::golden(
        "summary-success.txt",
        &summary(&recorded::success(), options()),
    );
}

#[test]
fn a_narrow_success_has_one_fact_a_line() {
    let options = SummaryOptions {
        width: 60,
        theme: Theme::BARE,
        ..options()
    };
    recorded::golden(
        "summary-success-60-ascii.txt",
        &summary(&recorded::success(), options),
    );
}

#[test]
fn a_failure_points_into_the_users_file() {
    recorded::golden(
        "summary-failure.txt",
        &summary(&recorded::failure(), options()),
    );
}

#[test]
fn a_failure_without_a_terminal_is_narrated() {
    let options = SummaryOptions {
        terminal: false,
        ..options()
    };
    recorded::golden(
        "summary-failure-narrated.txt",
        &summary(&recorded::failure(), options),
    );
}

#[test]
fn a_failure_in_colour_and_ascii() {
    let options = SummaryOptions {
        theme: Theme {
            color: true,
            ascii: true,
        },
        ..options()
    };
    recorded::golden(
        "summary-failure-color-ascii.txt",
        &summary(&recorded::failure(), options),
    );
}

#[test]
fn an_interrupt_says_where_the_traffic_is() {
    recorded::golden(
        "summary-interrupted.txt",
        &summary(&recorded::interrupted(), options()),
    );
}

#[test]
fn a_split_begins_and_ends_with_the_repair_command() {
    let options = SummaryOptions {
        context: Some("prod eu".to_owned()),
        ..options()
    };
    let text = summary(&recorded::split(), options);
    let repair = "repair   kubectl flagger abort podinfo -n shop --context 'prod eu'";
    assert_eq!(text.lines().next(), Some(repair));
    assert_eq!(text.lines().last(), Some(repair));
    recorded::golden("summary-split.txt", &text);
}

#[test]
fn a_repair_command_of_the_driver_wins() {
    let mut events = recorded::split();
    for event in &mut events {
        if let EventKind::Diagnostic { help, .. } = &mut event.kind {
            *help = Some("kubectl flagger promote podinfo -n shop".to_owned());
        }
    }
    let text = summary(&events, options());
    let last = text.lines().last();
    assert_eq!(
        last,
        Some("repair   kubectl flagger promote podinfo -n shop")
    );
}

#[test]
fn the_users_file_cannot_move_the_cursor() {
    let mut options = options();
    if let Some(places) = &mut options.places {
        places.text = places.text.replace("interval: 1m", "interval: \u{1b}[2J");
    }
    let text = summary(&recorded::failure(), options);
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(text.contains("reached at"), "{text}");
}

#[test]
fn no_verb_is_advised_that_the_binary_lacks() {
    let options = SummaryOptions {
        verbs: &["promote"],
        ..options()
    };
    let text = summary(&recorded::failure(), options);
    assert!(text.contains("help     again   kubectl flagger promote podinfo -n shop --retry"));
    assert!(!text.contains("kubectl flagger events"), "{text}");
}

#[test]
fn quiet_keeps_the_verdict_and_silence_keeps_only_failures() {
    let quiet = |quiet| SummaryOptions { quiet, ..options() };
    let success = recorded::success();
    assert_eq!(
        summary(&success, quiet(Quiet::Verdict)),
        "✔ podinfo.shop is on 6.9.2\n"
    );
    assert_eq!(summary(&success, quiet(Quiet::Silent)), "");
    let failure = summary(&recorded::failure(), quiet(Quiet::Silent));
    assert!(failure.ends_with("exit 10\n"), "{failure}");
}

#[test]
fn nothing_to_do_is_one_line() {
    for (outcome, words) in [
        ("unchanged", "✔ podinfo.shop is already on 6.9.2\n"),
        ("bootstrapped", "✔ podinfo.shop is bootstrapped on 6.9.2\n"),
    ] {
        let mut recorder = recorded::Recorder::new();
        recorder.start();
        recorder.finish(outcome, 0, Vec::new());
        assert_eq!(summary(&recorder.events, options()), words);
    }
}

#[test]
fn a_place_that_the_text_does_not_have_is_left_out() {
    let mut options = options();
    if let Some(places) = &mut options.places {
        places.threshold = Some(10..9000);
    }
    let text = summary(&recorded::failure(), options);
    assert!(!text.contains("reached at"), "{text}");
    assert!(text.contains("last 5: 99.82"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_width_and_no_place_panics(width in 0_usize..200, start in 0_usize..600, len in 0_usize..60) {
        let mut options = SummaryOptions { width, ..options() };
        if let Some(places) = &mut options.places {
            places.text.push_str("# Größe — 日本語\n");
            places.threshold = Some(start..start + len);
        }
        summary(&recorded::success(), options.clone());
        summary(&recorded::failure(), options.clone());
        summary(&recorded::split(), options);
    }
}
