use super::*;
use crate::rollout::event::EventKind;
use crate::ui::recorded;
use crate::ui::recorded::Recorder;
use proptest::prelude::*;
use std::io;

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

/// A terminal that keeps what is written to it.
#[derive(Clone)]
struct Terminal(Arc<Mutex<vt100::Parser>>);

impl Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().process(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Terminal {
    const SIZE: Area = Area {
        width: 100,
        height: 60,
    };

    fn new() -> Self {
        let (rows, columns) = (Self::SIZE.height as u16, Self::SIZE.width as u16);
        Self(Arc::new(Mutex::new(vt100::Parser::new(
            rows, columns, 1000,
        ))))
    }

    fn live(&self) -> Live {
        let term = self.clone();
        Live::new(LiveOptions {
            open: Box::new(move || Box::new(term.clone())),
            measure: Arc::new(|| Self::SIZE),
            redraws: None,
            reflows: false,
            theme: PLAIN,
            keys: true,
            tick: Some(TICK),
        })
    }

    fn contents(&self) -> String {
        self.0.lock().unwrap().screen().contents()
    }
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
    let mut term = Terminal::new();
    let mut live = term.live();
    recorded::feed(&mut live, &recorded::success());
    drop(live);
    term.write_all(b"after").unwrap();
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
    let term = Terminal::new();
    let mut live = term.live();
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
    assert!(text.ends_with("d details   ? keys"), "{text}");
}

#[test]
fn a_view_that_is_dropped_midway_leaves_its_frame() {
    let term = Terminal::new();
    let mut live = term.live();
    recorded::feed(&mut live, &recorded::midway());
    drop(live);
    let text = term.contents();
    assert!(text.contains("next look in 6s"), "{text}");
}

#[test]
fn ticks_move_the_countdown() {
    let term = Terminal::new();
    let mut live = term.live();
    let midway = recorded::midway();
    recorded::feed(&mut live, &midway);
    let at = midway.last().unwrap().at;
    live.on_tick(at + Duration::from_secs(2));
    let text = term.contents();
    assert!(text.contains("next look in 4s"), "{text}");
    live.on_tick(at + Duration::from_secs(9));
    let text = term.contents();
    assert!(text.contains("looking now"), "{text}");
}

#[test]
fn a_stopped_driver_leaves_a_line_and_comes_back_below_what_others_wrote() {
    let mut term = Terminal::new();
    let mut live = term.live();
    recorded::feed(&mut live, &recorded::midway());
    live.suspend("nobody watches");
    term.write_all(b"[1]+ Stopped\r\n$ fg\r\n").unwrap();
    let away = term.contents();
    assert!(
        away.ends_with("nobody watches\n[1]+ Stopped\n$ fg"),
        "{away}"
    );
    assert!(!away.contains("primary 70"), "{away}");
    live.on_tick(recorded::midway().last().unwrap().at);
    assert_eq!(term.contents(), away);
    live.resume();
    let back = term.contents();
    assert!(back.starts_with(&away), "{back}");
    assert!(back.ends_with("? keys"), "{back}");
}

#[test]
fn a_stop_that_nobody_announced_costs_no_line_of_others() {
    let mut term = Terminal::new();
    let mut live = term.live();
    recorded::feed(&mut live, &recorded::midway());
    term.write_all(b"\r\n[1]+ Stopped\r\n$ fg\r\n").unwrap();
    live.resume();
    let text = term.contents();
    assert!(
        text.contains("[1]+ Stopped\n$ fg\n\n podinfo.shop"),
        "{text}"
    );
}

#[test]
fn keys_show_and_hide_parts() {
    let term = Terminal::new();
    let mut live = term.live();
    recorded::feed(&mut live, &recorded::midway());
    let full = term.contents();
    live.toggle(Part::Details);
    let compact = term.contents();
    assert!(!compact.contains(" primary "), "{compact}");
    assert!(compact.contains("request-duration "), "{compact}");
    live.toggle(Part::Details);
    live.toggle(Part::Help);
    let help = term.contents();
    assert!(help.contains(" a       roll back now, after"), "{help}");
    live.toggle(Part::Help);
    assert!(full.contains(" primary ") && term.contents().contains(" primary "));
}

#[test]
fn a_rollback_by_key_asks_once_more() {
    let term = Terminal::new();
    let mut live = term.live();
    recorded::feed(&mut live, &recorded::midway());
    live.ask_to_abort(true);
    let text = term.contents();
    assert!(
        text.ends_with(" roll back from 30 now?   y yes, users go to the primary   n no, carry on"),
        "{text}"
    );
    live.ask_to_abort(false);
    assert!(term.contents().ends_with("? keys"));
}

#[test]
fn a_pause_is_said_at_the_bar_and_changes_the_key() {
    let mut recorder = Recorder::new();
    recorder.start();
    recorder.weight(0, 10);
    recorder.push(EventKind::IntentReceived {
        verb: "pause",
        by: "maria".to_owned(),
        via: "keys",
    });
    let mut state = state(&recorder.events);
    state.keys = true;
    let frame = layout::frame(&state, recorder.now, Terminal::SIZE, PLAIN);
    let text = frame.join("\n");
    assert!(text.contains("10 %   paused, checks go on"), "{text}");
    assert!(text.contains("p resume"), "{text}");
}

#[test]
fn a_weight_says_whether_it_is_in_effect() {
    let mut recorder = Recorder::new();
    recorder.start();
    recorder.weight(0, 10);
    let mut said = |in_effect, reason: Option<&str>| {
        recorder.push(EventKind::Heartbeat {
            next_look_ms: 1000,
            in_effect,
            reason: reason.map(str::to_owned),
        });
        text(&recorder.events, 100, 40, PLAIN)
    };
    let pending = said(Some(false), Some("not accepted"));
    assert!(
        pending.contains("10 %   not in effect: not accepted"),
        "{pending}"
    );
    let proven = said(Some(true), None);
    assert!(
        proven.contains("10 %   in effect, then 20, up to 50"),
        "{proven}"
    );
    let unknown = said(None, None);
    assert!(unknown.contains("10 %   then 20, up to 50"), "{unknown}");
}

#[test]
fn pods_say_what_they_wait_for() {
    let mut recorder = Recorder::new();
    recorder.start();
    recorder.progress(1, 3, Some("ImagePullBackOff"));
    let text = text(&recorder.events, 100, 40, PLAIN);
    assert!(text.contains("canary 1/3  ImagePullBackOff"), "{text}");
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
