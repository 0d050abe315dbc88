use super::*;

fn at_a_terminal() -> Conversation {
    Conversation::new(Answering {
        on_interrupt: OnInterrupt::Rollback,
        asks: true,
        shows_keys: true,
    })
}

fn in_ci() -> Conversation {
    Conversation::new(Answering {
        on_interrupt: OnInterrupt::Hold,
        asks: false,
        shows_keys: false,
    })
}

#[test]
fn the_first_ctrl_c_at_a_terminal_asks_the_second_acts_the_third_leaves() {
    let mut person = at_a_terminal();
    let words = [Signal::Int; 3].map(|signal| person.signal(signal));
    assert_eq!(
        words,
        [
            Word::Ask(Signal::Int),
            Word::Do(Request::Interrupt(Signal::Int)),
            Word::Do(Request::Leave(Signal::Int))
        ]
    );
}

#[test]
fn a_termination_is_never_asked_about() {
    let word = at_a_terminal().signal(Signal::Term);
    assert_eq!(word, Word::Do(Request::Interrupt(Signal::Term)));
    let mut asked = at_a_terminal();
    asked.signal(Signal::Int);
    assert_eq!(
        asked.signal(Signal::Hup),
        Word::Do(Request::Interrupt(Signal::Hup))
    );
}

#[test]
fn without_a_person_the_flag_decides() {
    assert_eq!(
        in_ci().signal(Signal::Int),
        Word::Do(Request::Hold(Signal::Int))
    );
}

#[test]
fn the_question_has_three_answers() {
    let answers = [
        ('r', Word::Do(Request::Interrupt(Signal::Int))),
        ('H', Word::Do(Request::Hold(Signal::Int))),
        ('c', Word::CarryOn),
    ];
    for (key, word) in answers {
        let mut person = at_a_terminal();
        assert_eq!(person.key(key), None);
        person.signal(Signal::Int);
        assert_eq!(person.key('x'), None);
        assert_eq!(person.key(key), Some(Deed::Say(word)));
    }
}

#[test]
fn whoever_carries_on_is_asked_again() {
    let mut person = at_a_terminal();
    person.signal(Signal::Int);
    person.key('c');
    assert_eq!(person.signal(Signal::Int), Word::Ask(Signal::Int));
}

#[test]
fn a_pause_is_ended_by_the_same_key() {
    let mut person = at_a_terminal();
    let deeds = [person.key('p'), person.key('p'), person.key('p')];
    assert_eq!(
        deeds,
        [Word::Pause, Word::Resume, Word::Pause].map(|word| Some(Deed::Say(word)))
    );
}

#[test]
fn a_rollback_by_key_takes_two_different_keys() {
    let mut person = at_a_terminal();
    assert_eq!(person.key('a'), Some(Deed::AskToAbort(true)));
    assert_eq!(person.key('a'), None);
    assert_eq!(person.key('n'), Some(Deed::AskToAbort(false)));
    assert_eq!(person.key('y'), None);
    person.key('a');
    assert_eq!(person.key('y'), Some(Deed::Say(Word::Do(Request::Abort))));
    assert_eq!(person.key('p'), None);
}

#[test]
fn keys_that_are_not_shown_mean_nothing() {
    let mut person = Conversation::new(Answering {
        on_interrupt: OnInterrupt::Rollback,
        asks: true,
        shows_keys: false,
    });
    assert_eq!(
        ["a", "y", "p", "d"].map(|key| person.key(key.chars().next().unwrap())),
        [const { None }; 4]
    );
    person.signal(Signal::Int);
    assert_eq!(person.key('c'), Some(Deed::Say(Word::CarryOn)));
}

#[test]
fn an_arrow_is_not_the_letter_it_ends_with() {
    assert!(keys(b"\x1b[A").is_empty());
    assert_eq!(keys(b"p\x1bOA"), ['p']);
    assert_eq!(keys("\x04ö d".as_bytes()), ['d']);
}
