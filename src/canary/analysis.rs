//! `spec.analysis`: how a revision is judged, and the rules that let a rollout come to an end.
//!
//! Must not know which router will carry it out.

use crate::canary::alert::Alert;
use crate::canary::fields::Fields;
use crate::canary::http_match::HttpMatch;
use crate::canary::metric::Metric;
use crate::canary::problem::Finding;
use crate::canary::problem::ProblemKind;
use crate::canary::problem::Spot;
use crate::canary::reader::At;
use crate::canary::session_affinity::SessionAffinity;
use crate::canary::webhook::HookType;
use crate::canary::webhook::Webhook;
use crate::canary::weight::Weight;
use std::time::Duration;

/// `spec.analysis` by Flagger's field names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Analysis {
    /// Time between checks, as written; see `Canary::interval`.
    pub interval: Duration,
    /// Failed checks that roll back, as written; see `Canary::threshold`.
    pub threshold: i64,
    /// Checks of A/B and Blue/Green; never 0.
    pub iterations: Option<u32>,
    /// Is a copy of the traffic sent to the canary?
    pub mirror: bool,
    /// Share of the traffic that is copied; all of it where absent.
    pub mirror_weight: Option<Weight>,
    /// Where a linear increase ends; see `Canary::max_weight`.
    pub max_weight: Option<Weight>,
    /// The linear increase; never 0.
    pub step_weight: Option<Weight>,
    /// The increases one by one: rising, at most 100.
    pub step_weights: Vec<Weight>,
    /// Increase of the way back to the primary; 0 for all at once.
    pub step_weight_promotion: Weight,
    /// Share of the primary's pods that must be available; see `Canary::primary_ready_threshold`.
    pub primary_ready_threshold: Option<Weight>,
    /// Share of the canary's pods that must be available; see `Canary::canary_ready_threshold`.
    pub canary_ready_threshold: Option<Weight>,
    /// Who is told.
    pub alerts: Vec<Alert>,
    /// What is measured.
    pub metrics: Vec<Metric>,
    /// Who is asked.
    pub webhooks: Vec<Webhook>,
    /// Who gets to the canary in A/B testing.
    pub matches: Vec<HttpMatch>,
    /// Do users stay on their version?
    pub session_affinity: Option<SessionAffinity>,
}

impl Analysis {
    /// The hooks of one moment, in the spec's order.
    pub fn hooks(&self, kind: HookType) -> impl Iterator<Item = &Webhook> {
        self.webhooks.iter().filter(move |hook| hook.kind == kind)
    }

    pub(super) fn read(at: At<'_>) -> Option<Self> {
        let mut fields = at.fields()?;
        let interval = fields.required("interval", At::duration);
        let threshold = fields.required("threshold", At::int);
        // Only the linear increase looks at maxWeight.
        let linear = !fields.has("stepWeights") && !fields.has("iterations");
        let read = Self {
            interval: interval.unwrap_or_default(),
            threshold: threshold.unwrap_or_default(),
            iterations: fields.optional("iterations", |at| {
                progress(at, "iterations", i64::from(i32::MAX))
            }),
            mirror: fields.optional("mirror", At::flag).unwrap_or(false),
            mirror_weight: fields
                .optional("mirrorWeight", At::percent)
                .filter(|weight| !weight.is_zero()),
            max_weight: fields
                .optional("maxWeight", if linear { max_weight } else { unused_weight })
                .filter(|weight| !weight.is_zero()),
            step_weight: fields
                .optional("stepWeight", |at| progress(at, "stepWeight", 100))
                .map(|step| Weight::saturating(i64::from(step))),
            step_weights: fields
                .optional("stepWeights", step_weights)
                .unwrap_or_default(),
            step_weight_promotion: fields
                .optional("stepWeightPromotion", At::percent)
                .unwrap_or_default(),
            primary_ready_threshold: fields.optional("primaryReadyThreshold", At::percent),
            canary_ready_threshold: fields.optional("canaryReadyThreshold", At::percent),
            alerts: fields
                .optional("alerts", |at| at.list(Alert::read))
                .unwrap_or_default(),
            metrics: fields
                .optional("metrics", |at| at.list(Metric::read))
                .unwrap_or_default(),
            webhooks: fields
                .optional("webhooks", |at| at.list(Webhook::read))
                .unwrap_or_default(),
            matches: fields
                .optional("match", |at| at.list(HttpMatch::read_analysis))
                .unwrap_or_default(),
            session_affinity: fields.optional("sessionAffinity", SessionAffinity::read),
        };
        exactly_one_ladder(&fields);
        read.notice(&fields);
        fields.close();
        (interval.is_some() && threshold.is_some()).then_some(read)
    }

    /// What Flagger takes in another sense than it is written.
    fn notice(&self, fields: &Fields<'_>) {
        let odd = |name: &str, label: &str, message: String| {
            let Some(value) = fields.object.get(name) else {
                return;
            };
            let pointer = fields.pointer(name);
            let message = format!("{}.{name} {message}", fields.at.path());
            fields.at.sink.warning(if value.is_array() {
                Finding::at_key(ProblemKind::Odd, &pointer, label, message)
            } else {
                Finding::at_value(ProblemKind::Odd, &pointer, label, message)
            });
        };
        if self.interval < Duration::from_secs(10) {
            odd(
                "interval",
                "10s is used",
                "is below Flagger's least interval of 10s".to_owned(),
            );
        }
        if self.threshold < 1 {
            odd(
                "threshold",
                "1 is used",
                "is taken as 1: the first failed check rolls back".to_owned(),
            );
        }
        if !self.step_weights.is_empty() {
            odd(
                "maxWeight",
                "unused",
                "is not used: the last of stepWeights is the limit".to_owned(),
            );
        }
        if self.iterations.is_some() {
            odd(
                "maxWeight",
                "unused",
                "is not used with iterations: all requests go to the canary at once".to_owned(),
            );
        }
        if self.mirror && self.iterations.is_some() && !self.matches.is_empty() {
            odd("mirror", "unused", "is not used in A/B testing".to_owned());
        }
    }
}

/// A number that moves a rollout on: with 0 it stays where it is for ever.
fn progress(at: At<'_>, name: &str, most: i64) -> Option<u32> {
    let whole = at.clone().whole(i64::from(i32::MIN)..=most)?;
    if whole < 1 {
        at.sink.error(
            Finding::at_value(
                ProblemKind::Stuck,
                &at.pointer,
                "never moves on",
                format!(
                    "{} must be at least 1: with {whole} the rollout stays in Progressing for ever",
                    at.path()
                ),
            )
            .help(format!(
                "give {name} a value from 1{}",
                if most == 100 { " to 100" } else { "" }
            )),
        );
        return None;
    }
    u32::try_from(whole).ok()
}

fn unused_weight(at: At<'_>) -> Option<Weight> {
    at.int()?;
    None
}

fn max_weight(at: At<'_>) -> Option<Weight> {
    let whole = at
        .clone()
        .whole(i64::from(i32::MIN)..=i64::from(i32::MAX))?;
    if whole > 100 {
        at.sink.error(
            Finding::at_value(
                ProblemKind::Stuck,
                &at.pointer,
                "never reached",
                format!(
                    "{} can never be reached: a weight is at most 100",
                    at.path()
                ),
            )
            .help("allowed: 1 to 100"),
        );
        return None;
    }
    if whole < 0 {
        at.refuse("too small", "must not be negative", "allowed: 1 to 100");
        return None;
    }
    Some(Weight::saturating(whole))
}

/// A ladder must rise at each rung, or Flagger never leaves the rung that does not.
fn step_weights(at: At<'_>) -> Option<Vec<Weight>> {
    let pointer = at.pointer.clone();
    let path = at.path();
    let sink = at.sink;
    let steps = at.list(At::int)?;
    if steps.is_empty() {
        sink.error(
            Finding::at_value(
                ProblemKind::Stuck,
                &pointer,
                "empty",
                format!("{path} is empty: the rollout would stay at 0 for ever"),
            )
            .help("such as [5, 20, 50, 100]"),
        );
        return None;
    }
    let mut sound = true;
    let mut before = 0;
    for (index, step) in steps.iter().copied().enumerate() {
        if step <= before {
            sound = false;
            let item = format!("{pointer}/{index}");
            let finding = if index == 0 {
                Finding::at_value(
                    ProblemKind::Stuck,
                    &item,
                    "never moves on",
                    format!(
                        "{path}[0] must be at least 1: with {step} the rollout stays at 0 for ever"
                    ),
                )
            } else {
                Finding::at_value(
                    ProblemKind::Stuck,
                    &item,
                    &format!("not above {before}"),
                    format!("{path}[{index}] must be above the step before: Flagger stays at {before} for ever"),
                )
                .label(Spot::Value(format!("{pointer}/{}", index - 1)), "the step before")
            };
            sink.error(finding.help("each step must be above the one before, from 1 to 100"));
        } else if step > 100 {
            sink.warning(Finding::at_value(
                ProblemKind::Odd,
                &format!("{pointer}/{index}"),
                "100 is used",
                format!("{path}[{index}] is above 100 and taken as 100"),
            ));
        }
        before = before.max(step);
    }
    if !sound {
        return None;
    }
    let mut ladder: Vec<Weight> = steps.iter().map(|step| Weight::saturating(*step)).collect();
    ladder.dedup();
    Some(ladder)
}

/// The schema's `oneOf`: iterations, stepWeight or stepWeights.
fn exactly_one_ladder(fields: &Fields<'_>) {
    let there: Vec<&str> = ["iterations", "stepWeight", "stepWeights"]
        .into_iter()
        .filter(|name| fields.has(name))
        .collect();
    let path = fields.at.path();
    match there.as_slice() {
        [_] => {}
        [] => fields.at.sink.error(
            Finding::at_key(
                ProblemKind::MissingField,
                &fields.at.pointer,
                "no plan",
                format!("{path} needs one of stepWeight, stepWeights and iterations"),
            )
            .help(
                "stepWeight or stepWeights for a canary, iterations for A/B testing and Blue/Green",
            ),
        ),
        [first, rest @ ..] => {
            for other in rest {
                fields.at.sink.error(
                    Finding::at_key(
                        ProblemKind::Conflict,
                        &fields.pointer(other),
                        "and this",
                        format!("{path}.{other} and {path}.{first} exclude each other"),
                    )
                    .label(Spot::Key(fields.pointer(first)), "this")
                    .help("stepWeight or stepWeights for a canary, iterations for A/B testing and Blue/Green"),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;
