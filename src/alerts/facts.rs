//! Facts that stand beside the text of an alert: Flagger's, in its order.

use crate::alerts::Fields;
use crate::canary::spec::Canary;
use crate::canary::spec::Strategy;
use crate::canary::weight::Weight;

/// Where it happened, if that has a name.
#[must_use]
pub fn of_cluster(name: Option<&str>) -> Fields {
    name.map(|name| ("Cluster", name.to_owned()))
        .into_iter()
        .collect()
}

/// What is going to happen.
#[must_use]
pub fn of_plan(canary: &Canary) -> Fields {
    let target = format!(
        "{}/{}.{}",
        canary.target.kind.as_str(),
        canary.target.name,
        canary.namespace
    );
    let mut fields = vec![
        ("Target", target),
        ("Failed checks threshold", canary.threshold().to_string()),
        (
            "Progress deadline",
            format!("{}s", canary.progress_deadline().as_secs()),
        ),
    ];
    fields.extend(routing(canary).map(|routing| ("Traffic routing", routing)));
    fields
}

fn routing(canary: &Canary) -> Option<String> {
    let analysis = &canary.analysis;
    match canary.strategy() {
        Strategy::AbTesting => Some("A/B Testing".to_owned()),
        Strategy::BlueGreen => Some("Blue/Green".to_owned()),
        Strategy::Canary => {
            let max = canary.max_weight();
            if let Some(step) = analysis.step_weight {
                return Some(format!("Weight step: {step} max: {max}"));
            }
            let steps: Vec<String> = analysis
                .step_weights
                .iter()
                .map(Weight::to_string)
                .collect();
            (!steps.is_empty()).then(|| format!("Weight steps: {} max: {max}", steps.join(",")))
        }
    }
}
