//! Which side may have the users: one answer for the driver, signals and every way back.
//! A side without ready pods never receives traffic while the other has some.

use crate::canary::phase::Phase;

/// What is known of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    /// Pods that are ready now.
    pub ready: u32,
}

/// How far the primary has taken the promoted template over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takeover {
    /// Its template is still the old one.
    NotReplaced,
    /// Replaced, not rolled out.
    Rolling,
    /// Rolled out, with the promoted hash.
    Complete,
    /// Given up.
    Failed,
}

/// Where the users go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SafeSide {
    /// The target as it is: nothing of ours is on the way yet.
    Target,
    /// The primary.
    Primary,
    /// The canary.
    Canary,
    /// Neither side has a ready pod: leave the route as it is.
    Neither,
}

/// The table of the safety rules, first match wins.
#[must_use]
pub fn safe_side(phase: Phase, takeover: Takeover, primary: Side, canary: Side) -> SafeSide {
    let (primary, canary) = (primary.ready > 0, canary.ready > 0);
    let promoting = match phase {
        Phase::New | Phase::Initializing => return SafeSide::Target,
        Phase::Promoting | Phase::Finalising => true,
        Phase::Initialized
        | Phase::Waiting
        | Phase::Progressing
        | Phase::WaitingPromotion
        | Phase::Succeeded
        | Phase::Terminating
        | Phase::Terminated => false,
        Phase::Failed => takeover == Takeover::Failed,
    };
    match (primary, canary) {
        (false, false) => SafeSide::Neither,
        (false, true) => SafeSide::Canary,
        (true, false) => SafeSide::Primary,
        (true, true) if promoting => match takeover {
            Takeover::NotReplaced | Takeover::Complete => SafeSide::Primary,
            Takeover::Rolling | Takeover::Failed => SafeSide::Canary,
        },
        (true, true) => SafeSide::Primary,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: Side = Side { ready: 2 };
    const DOWN: Side = Side { ready: 0 };

    #[test]
    fn every_row_of_the_table() {
        use Phase::*;
        use SafeSide::*;
        use Takeover::*;
        let rows = [
            (Initializing, NotReplaced, UP, UP, Target),
            (Initializing, NotReplaced, DOWN, DOWN, Target),
            (Progressing, NotReplaced, UP, UP, Primary),
            (Progressing, NotReplaced, UP, DOWN, Primary),
            (Progressing, NotReplaced, DOWN, UP, Canary),
            (Promoting, NotReplaced, UP, UP, Primary),
            (Promoting, Rolling, UP, UP, Canary),
            (Promoting, Rolling, UP, DOWN, Primary),
            (Promoting, Rolling, DOWN, UP, Canary),
            (Promoting, Complete, UP, UP, Primary),
            (Finalising, Complete, UP, DOWN, Primary),
            (Finalising, Complete, DOWN, UP, Canary),
            (Phase::Failed, Takeover::Failed, UP, UP, Canary),
            (Phase::Failed, NotReplaced, UP, UP, Primary),
            (Progressing, NotReplaced, DOWN, DOWN, Neither),
            (Promoting, Rolling, DOWN, DOWN, Neither),
        ];
        for (phase, takeover, primary, canary, expected) in rows {
            let side = safe_side(phase, takeover, primary, canary);
            assert_eq!(
                side, expected,
                "{phase} {takeover:?} {primary:?} {canary:?}"
            );
        }
    }

    #[test]
    fn a_side_without_pods_never_gets_users_while_the_other_has_some() {
        use Phase::*;
        let phases = [
            Initialized,
            Waiting,
            Progressing,
            WaitingPromotion,
            Promoting,
            Finalising,
            Succeeded,
            Failed,
        ];
        let takeovers = [
            Takeover::NotReplaced,
            Takeover::Rolling,
            Takeover::Complete,
            Takeover::Failed,
        ];
        for phase in phases {
            for takeover in takeovers {
                assert_ne!(safe_side(phase, takeover, DOWN, UP), SafeSide::Primary);
                assert_ne!(safe_side(phase, takeover, UP, DOWN), SafeSide::Canary);
                assert_eq!(safe_side(phase, takeover, DOWN, DOWN), SafeSide::Neither);
            }
        }
    }
}
