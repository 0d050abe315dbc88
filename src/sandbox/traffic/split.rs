//! Exact proportions without chance: what is due is counted, remainders are carried over.

/// Gives out turns in proportion to weights, as evenly spread as they allow (smooth weighted round robin).
#[derive(Debug, Default)]
pub struct Turns {
    /// What each is owed; their sum is 0.
    owed: Vec<i128>,
}

impl Turns {
    /// Whose turn it is; `None` without weights above 0.
    pub fn next(&mut self, weights: &[u64]) -> Option<usize> {
        self.owed.resize(weights.len(), 0);
        let mut best: Option<(usize, i128)> = None;
        for (index, (owed, weight)) in self.owed.iter_mut().zip(weights).enumerate() {
            *owed += i128::from(*weight);
            if *weight > 0 && best.is_none_or(|(_, most)| *owed > most) {
                best = Some((index, *owed));
            }
        }
        let (index, _) = best?;
        let all: i128 = weights.iter().copied().map(i128::from).sum();
        if let Some(owed) = self.owed.get_mut(index) {
            *owed -= all;
        }
        Some(index)
    }
}

/// A whole part of a sum that grows by fractions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Carry {
    rest: u128,
}

impl Carry {
    /// The whole units of `whole` in what has come together; the rest is kept.
    pub fn take(&mut self, part: u128, whole: u128) -> u64 {
        self.rest += part;
        let full = self.rest / whole;
        self.rest %= whole;
        u64::try_from(full).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_never_more_than_one_off_their_share() {
        let weights = [90, 10];
        let mut turns = Turns::default();
        let mut canary = 0_u64;
        for n in 1..=1000_u64 {
            canary += u64::from(turns.next(&weights) == Some(1));
            assert!((canary * 10).abs_diff(n) <= 10, "{canary} of {n}");
        }
        assert_eq!(canary, 100);
    }

    #[test]
    fn nobody_with_weight_0_gets_a_turn() {
        let mut turns = Turns::default();
        assert!((0..50).all(|_| turns.next(&[3, 0]) == Some(0)));
        assert_eq!(turns.next(&[0, 0]), None);
    }

    #[test]
    fn a_carry_loses_nothing() {
        let mut carry = Carry::default();
        let taken: u64 = (0..100).map(|_| carry.take(3, 10)).sum();
        assert_eq!(taken, 30);
    }
}
