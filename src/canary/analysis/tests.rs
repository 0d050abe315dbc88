//! Analyses that end and analyses that never would.

use crate::canary::problem::ProblemKind;
use crate::canary::spec::Canary;
use serde_json::Value;
use serde_json::json;

fn with(fields: &Value) -> Value {
    let mut analysis = json!({"interval": "1m", "threshold": 5});
    for (name, field) in fields.as_object().unwrap() {
        analysis[name] = field.clone();
    }
    json!({
        "apiVersion": "flagger.app/v1beta1",
        "kind": "Canary",
        "metadata": {"name": "podinfo"},
        "spec": {
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "podinfo"},
            "service": {"port": 80},
            "analysis": analysis,
        },
    })
}

fn problems(fields: &Value) -> Vec<(ProblemKind, String)> {
    match Canary::from_value(&with(fields)) {
        Ok(_) => Vec::new(),
        Err(errors) => errors
            .problems
            .into_iter()
            .map(|problem| {
                let pointer = problem.pointer.trim_start_matches("/spec/analysis");
                (problem.kind, pointer.to_owned())
            })
            .collect(),
    }
}

#[test]
fn what_would_never_end_is_refused() {
    let stuck = |fields: Value, pointer: &str| {
        assert_eq!(
            problems(&fields),
            [(ProblemKind::Stuck, pointer.to_owned())],
            "{fields}"
        );
    };
    stuck(json!({"stepWeight": 0}), "/stepWeight");
    stuck(json!({"stepWeight": -5}), "/stepWeight");
    stuck(json!({"iterations": 0}), "/iterations");
    stuck(json!({"stepWeights": []}), "/stepWeights");
    stuck(json!({"stepWeights": [0, 10]}), "/stepWeights/0");
    stuck(json!({"stepWeights": [10, 10]}), "/stepWeights/1");
    stuck(json!({"stepWeights": [10, 50, 20]}), "/stepWeights/2");
    stuck(json!({"stepWeight": 10, "maxWeight": 101}), "/maxWeight");
}

#[test]
fn what_flagger_finishes_is_taken() {
    for fields in [
        json!({"stepWeight": 100}),
        json!({"stepWeight": 20, "maxWeight": 50}),
        json!({"stepWeights": [1, 2, 10, 80]}),
        json!({"stepWeights": [1, 2, 10, 200]}),
        json!({"iterations": 1}),
        json!({"stepWeight": 10.0}),
        json!({"stepWeight": 10, "maxWeight": 0}),
    ] {
        assert_eq!(problems(&fields), [], "{fields}");
    }
}

#[test]
fn steps_above_100_are_100() {
    let (canary, warnings) =
        Canary::from_value(&with(&json!({"stepWeights": [50, 120, 200]}))).unwrap();
    let steps: Vec<u8> = canary
        .analysis
        .step_weights
        .iter()
        .map(|step| step.percent())
        .collect();
    assert_eq!(steps, [50, 100]);
    assert_eq!(warnings.len(), 2);
}

#[test]
fn exactly_one_plan_is_taken() {
    assert_eq!(
        problems(&json!({})),
        [(ProblemKind::MissingField, String::new())]
    );
    assert_eq!(
        problems(&json!({"stepWeight": 5, "stepWeights": [5], "iterations": 5})),
        [
            (ProblemKind::Conflict, "/stepWeight".to_owned()),
            (ProblemKind::Conflict, "/stepWeights".to_owned()),
        ]
    );
}

#[test]
fn numbers_are_what_kubectl_takes() {
    for wrong in [json!("5"), json!(true), json!([5]), json!({})] {
        let fields = json!({"stepWeight": 10, "threshold": wrong});
        assert_eq!(
            problems(&fields),
            [(ProblemKind::WrongType, "/threshold".to_owned())]
        );
    }
    assert_eq!(
        problems(&json!({"stepWeight": 10.5})),
        [(ProblemKind::WrongValue, "/stepWeight".to_owned())]
    );
}

#[test]
fn an_interval_is_what_the_schema_and_go_both_take() {
    for right in ["10s", "1m30s", "500ms", "90s", "1m"] {
        assert_eq!(problems(&json!({"stepWeight": 5, "interval": right})), []);
    }
    for wrong in ["1h", ".5s", "10sfoo", "", "-1m", "1m 30s", "60"] {
        assert_eq!(
            problems(&json!({"stepWeight": 5, "interval": wrong})),
            [(ProblemKind::WrongValue, "/interval".to_owned())],
            "{wrong}"
        );
    }
}

#[test]
fn ready_thresholds_are_percent() {
    assert_eq!(
        problems(&json!({"stepWeight": 5, "primaryReadyThreshold": 101})),
        [(ProblemKind::WrongValue, "/primaryReadyThreshold".to_owned())]
    );
}

#[test]
fn matches_of_an_analysis_have_three_fields() {
    let wrong = json!({"iterations": 5, "match": [{"uri": {"prefix": "/"}}]});
    assert_eq!(
        problems(&wrong),
        [(ProblemKind::UnknownField, "/match/0/uri".to_owned())]
    );
    let right = json!({"iterations": 5, "match": [
        {"headers": {"x": {"suffix": "y"}}, "queryParams": {"q": {}}, "sourceLabels": {"app": "x"}},
    ]});
    assert_eq!(problems(&right), []);
}
