//! The ladder of weights. Rules of Flagger 1.44: `stepWeight` adds, overshooting `maxWeight` once; `stepWeights` is
//! taken as it stands, the last one capped at 100.

use crate::canary::weight::Weight;

/// The planned weights of a weighted rollout, rising strictly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    steps: Vec<Weight>,
}

impl Ladder {
    /// `stepWeight` up to the first sum at or above `maxWeight`. Percent; `step` of 0 gives no ladder.
    #[must_use]
    pub fn linear(step: u32, max: u32) -> Option<Self> {
        if step == 0 {
            return None;
        }
        let mut steps = Vec::new();
        let mut sum = 0_u32;
        loop {
            sum = sum.saturating_add(step).min(100);
            steps.push(Weight::saturating(i64::from(sum)));
            if sum >= max.min(100) {
                return Some(Self { steps });
            }
        }
    }

    /// `stepWeights`, strictly rising; `None` where it is empty, starts at 0 or does not rise.
    #[must_use]
    pub fn explicit(weights: &[u32]) -> Option<Self> {
        let steps: Vec<Weight> = weights
            .iter()
            .map(|w| Weight::saturating(i64::from(*w)))
            .collect();
        let rising = steps.windows(2).all(|pair| pair[0] < pair[1]);
        let starts = steps.first().is_some_and(|first| !first.is_zero());
        (rising && starts).then_some(Self { steps })
    }

    /// All of them.
    #[must_use]
    pub fn steps(&self) -> &[Weight] {
        &self.steps
    }

    /// The highest.
    #[must_use]
    pub fn last(&self) -> Weight {
        self.steps.last().copied().unwrap_or(Weight::ZERO)
    }

    /// The step above a weight; `None` at the top.
    #[must_use]
    pub fn next(&self, weight: Weight) -> Option<Weight> {
        self.steps.iter().copied().find(|step| *step > weight)
    }

    /// The highest step at or below a weight; zero below the first.
    #[must_use]
    pub fn floor(&self, weight: Weight) -> Weight {
        self.steps
            .iter()
            .rev()
            .copied()
            .find(|step| *step <= weight)
            .unwrap_or(Weight::ZERO)
    }
}

/// Pods a side needs before it may have a share: the share of `total`, rounded up.
#[must_use]
pub fn capacity(share: Weight, total: u32) -> u32 {
    (u32::from(share.percent()) * total).div_ceil(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percents(ladder: &Ladder) -> Vec<u8> {
        ladder.steps().iter().map(|w| w.percent()).collect()
    }

    #[test]
    fn steps_add_up_to_the_maximum() {
        assert_eq!(
            percents(&Ladder::linear(10, 50).unwrap()),
            [10, 20, 30, 40, 50]
        );
        assert_eq!(percents(&Ladder::linear(50, 100).unwrap()), [50, 100]);
    }

    #[test]
    fn the_last_step_overshoots_as_flaggers_does() {
        assert_eq!(percents(&Ladder::linear(20, 50).unwrap()), [20, 40, 60]);
        assert_eq!(percents(&Ladder::linear(60, 100).unwrap()), [60, 100]);
        assert_eq!(percents(&Ladder::linear(80, 200).unwrap()), [80, 100]);
    }

    #[test]
    fn explicit_steps_are_taken_as_they_stand_and_capped() {
        assert_eq!(
            percents(&Ladder::explicit(&[1, 2, 10, 80]).unwrap()),
            [1, 2, 10, 80]
        );
        assert_eq!(percents(&Ladder::explicit(&[50, 200]).unwrap()), [50, 100]);
    }

    #[test]
    fn a_ladder_that_never_ends_is_none() {
        assert_eq!(Ladder::linear(0, 50), None);
        assert_eq!(Ladder::explicit(&[10, 10, 20]), None);
        assert_eq!(Ladder::explicit(&[20, 10]), None);
        assert_eq!(Ladder::explicit(&[]), None);
    }

    #[test]
    fn floor_is_the_planned_step_below_a_foreign_weight() {
        let ladder = Ladder::linear(10, 50).unwrap();
        assert_eq!(ladder.floor(Weight::saturating(37)).percent(), 30);
        assert_eq!(ladder.floor(Weight::saturating(5)), Weight::ZERO);
    }

    #[test]
    fn capacity_rounds_up() {
        assert_eq!(capacity(Weight::saturating(10), 2), 1);
        assert_eq!(capacity(Weight::saturating(50), 5), 3);
        assert_eq!(capacity(Weight::FULL, 3), 3);
        assert_eq!(capacity(Weight::ZERO, 3), 0);
    }
}
