use super::*;
use crate::rollout::event::EventKind;
use crate::ui::recorded;
use indicatif::InMemoryTerm;
use indicatif::TermLike as _;
use proptest::prelude::*;

const PLAIN: Theme = Theme {
    color: false,
    ascii: false,
};

fn state(events: &[Event]) -> LiveState {
    let mut state = LiveState::default();
    for event in events {
        state.on_event(event);
    }
    state
}

fn text(events: &[Event], width: usize, height: usize, theme: Theme) -> String {
    let now = events.last().map(|event| event.at).unwrap();
    let frame = layout::frame(&state(events), now, Area { width, height }, theme);
    frame.iter().map(|row| format!("{row}\n")).collect()
}

#[test]
fn midway_at_three_widths() {
    let midway = recorded::midway();
    for width in [60, 80, 120] {
        let name = format!("live-{width}.txt");
        recorded::golden(&name, &text(&midway, width, 40, PLAIN));
    }
}

#[test]
fn midway_in_ascii() {
    let midway = text(&recorded::midway(), 80, 40, Theme::BARE);
    assert!(midway.is_ascii());
    recorded::golden("live-80-ascii.txt", &midway);
}

#[test]
fn midway_in_colour() {
    let theme = Theme {
        color: true,
        ascii: false,
    };
    recorded::golden(
        "live-80-color.txt",
        &text(&recorded::midway(), 80, 40, theme),
    );
}

#[test]
fn the_first_seconds() {
    let events = recorded::midway();
    recorded::golden("live-80-start.txt", &text(&events[..4], 80, 40, PLAIN));
}

#[test]
fn a_rollback_at_its_end() {
    recorded::golden(
        "live-80-failure.txt",
        &text(&recorded::failure(), 80, 40, PLAIN),
    );
}

#[test]
fn the_question_replaces_the_last_row_and_nothing_else() {
    let events = recorded::interrupted();
    let asked = events
        .iter()
        .position(|event| event.type_name() == "signal.received")
        .unwrap();
    let area = Area {
        width: 100,
        height: 40,
    };
    let mut state = state(&events[..=asked]);
    let now = events[asked].at;
    let asking = layout::frame(&state, now, area, PLAIN);
    state.asking = false;
    let before = layout::frame(&state, now, area, PLAIN);
    assert_eq!(
        asking.last().unwrap(),
        " stop?   r roll back now   h hold at 30 and leave   c carry on        (Ctrl-C again = roll back)"
    );
    assert_eq!(asking[..asking.len() - 1], before[..before.len() - 1]);
}

#[test]
fn a_narrow_terminal_gets_one_line() {
    assert_eq!(
        text(&recorded::midway(), 59, 40, PLAIN),
        "podinfo.shop 30 % · failed 1/5 · next look in 6s · 04:15\n"
    );
}

#[test]
fn a_low_terminal_gives_up_events_then_blanks_then_details_then_checks() {
    let midway = recorded::midway();
    let rows = |height| text(&midway, 80, height, PLAIN).lines().count();
    assert_eq!(rows(40), 19);
    let sixteen = text(&midway, 80, 16, PLAIN);
    assert_eq!(sixteen.lines().count(), 14);
    assert!(!sixteen.contains("14:05:05Z"), "{sixteen}");
    let eleven = text(&midway, 80, 11, PLAIN);
    assert!(
        eleven.contains(" primary ") && !eleven.contains("\n\n"),
        "{eleven}"
    );
    let nine = text(&midway, 80, 9, PLAIN);
    assert!(
        nine.contains("checkout-errors") && !nine.contains(" primary "),
        "{nine}"
    );
    let seven = text(&midway, 80, 7, PLAIN);
    assert!(
        seven.contains("and 3 more, none failing") || seven.contains("and 2 more"),
        "{seven}"
    );
    assert_eq!(rows(4), 1);
}

#[test]
fn the_last_frame_stays_and_the_transcript_above_it_is_complete() {
    let term = InMemoryTerm::new(60, 100);
    let target = ProgressDrawTarget::term_like(Box::new(term.clone()));
    let area = Area {
        width: 100,
        height: 60,
    };
    let mut live = Live::new(target, Box::new(move || area), PLAIN);
    recorded::feed(&mut live, &recorded::success());
    drop(live);
    term.write_str("after").unwrap();
    recorded::golden("live-terminal.txt", &format!("{}\n", term.contents()));
}

#[test]
fn mirrored_traffic_is_said_beside_the_bar() {
    let mut events = recorded::midway();
    for event in &mut events {
        if let EventKind::TrafficChanged { mirror, .. } = &mut event.kind {
            *mirror = true;
        }
    }
    let text = text(&events, 100, 40, PLAIN);
    assert!(text.contains("30 %   and a copy of the rest"), "{text}");
}

#[test]
fn another_run_leaves_the_frame_of_the_first() {
    let term = InMemoryTerm::new(80, 100);
    let target = ProgressDrawTarget::term_like(Box::new(term.clone()));
    let area = Area {
        width: 100,
        height: 40,
    };
    let mut live = Live::new(target, Box::new(move || area), PLAIN);
    recorded::feed(&mut live, &recorded::failure());
    let mut next = recorded::midway();
    for event in &mut next {
        event.run = "01k3f6q8zjv0x2m5r7t9aaaaaa".to_owned();
    }
    recorded::feed(&mut live, &next);
    let text = term.contents();
    assert!(text.contains("rolled back"), "{text}");
    assert!(text.contains("run 4kq7d2"), "{text}");
    assert!(text.contains("run aaaaaa"), "{text}");
    assert!(text.ends_with("next look in 6s · Ctrl-C to stop"), "{text}");
}

#[test]
fn a_view_that_is_dropped_midway_leaves_its_frame() {
    let term = InMemoryTerm::new(60, 100);
    let target = ProgressDrawTarget::term_like(Box::new(term.clone()));
    let area = Area {
        width: 100,
        height: 60,
    };
    let mut live = Live::new(target, Box::new(move || area), PLAIN);
    recorded::feed(&mut live, &recorded::midway());
    drop(live);
    assert!(
        term.contents().contains("next look in 6s"),
        "{}",
        term.contents()
    );
}

#[test]
fn ticks_move_the_countdown() {
    let term = InMemoryTerm::new(60, 100);
    let target = ProgressDrawTarget::term_like(Box::new(term.clone()));
    let area = Area {
        width: 100,
        height: 60,
    };
    let mut live = Live::new(target, Box::new(move || area), PLAIN);
    let midway = recorded::midway();
    recorded::feed(&mut live, &midway);
    let at = midway.last().unwrap().at;
    live.on_tick(at + Duration::from_secs(2));
    assert!(
        term.contents().contains("next look in 4s"),
        "{}",
        term.contents()
    );
    live.on_tick(at + Duration::from_secs(9));
    assert!(
        term.contents().contains("looking now"),
        "{}",
        term.contents()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_size_panics_or_overflows(
        width in 0_usize..=200,
        height in 0_usize..=60,
        color in any::<bool>(),
        ascii in any::<bool>(),
        take in 1_usize..40,
        later in 0_u64..100_000,
    ) {
        let theme = Theme { color, ascii };
        for events in [recorded::success(), recorded::failure(), recorded::interrupted()] {
            let events = &events[..take.min(events.len())];
            let now = events.last().unwrap().at + Duration::from_secs(later);
            let area = Area { width, height };
            let frame = layout::frame(&state(events), now, area, theme);
            prop_assert!(frame.len() <= 20.min(height.saturating_sub(1)).max(1));
            for row in frame {
                let columns = console::measure_text_width(&row);
                prop_assert!(columns <= width.saturating_sub(1), "{columns} of {width}: {row}");
            }
        }
    }
}
