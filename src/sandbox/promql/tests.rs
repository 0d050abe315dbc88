use super::*;
use crate::sandbox::promql::series::Sample;

mod built_in;

fn labels(name: &str, pairs: &[(&str, &str)]) -> Labels {
    let mut labels: Labels = pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    labels.insert(NAME.to_owned(), name.to_owned());
    labels
}

/// Samples given as (second, value).
fn put(store: &mut SeriesStore, name: &str, pairs: &[(&str, &str)], samples: &[(i64, f64)]) {
    let id = store.series(labels(name, pairs));
    for (second, value) in samples {
        store.append(
            id,
            Sample {
                at: second * 1000,
                value: *value,
            },
        );
    }
}

/// A counter that grows by `step` every 10 s from second 0 to second 60.
fn counter(store: &mut SeriesStore, name: &str, pairs: &[(&str, &str)], step: f64) {
    let samples: Vec<(i64, f64)> = (0..=6).map(|n| (n * 10, step * n as f64)).collect();
    put(store, name, pairs, &samples);
}

fn ask(store: &SeriesStore, query: &str, second: i64) -> Vec<Point> {
    match evaluate(query, store, second * 1000) {
        Ok(Value::Vector(points)) => points,
        other => panic!("{query}: {other:?}"),
    }
}

fn one(store: &SeriesStore, query: &str, second: i64) -> f64 {
    match ask(store, query, second).as_slice() {
        [point] => point.value,
        other => panic!("{query}: {other:?}"),
    }
}

fn refused(store: &SeriesStore, query: &str) -> String {
    match evaluate(query, store, 60_000) {
        Err(why) => why.to_string(),
        Ok(value) => panic!("{query}: {value:?}"),
    }
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-9, "{a} is not {b}");
}

#[test]
fn an_increase_reaches_to_the_edges_of_the_window_when_samples_are_close_to_them() {
    let mut store = SeriesStore::default();
    counter(&mut store, "hits", &[], 5.0);
    // In (5, 55]: 10 to 50 s, growth 20 over 40 s; 5 s to either edge, both under 11 s: 20 × 50 / 40.
    close(one(&store, "increase(hits[50s])", 55), 25.0);
    close(one(&store, "rate(hits[50s])", 55), 0.5);
}

#[test]
fn an_increase_reaches_half_a_step_when_the_edge_is_far() {
    let mut store = SeriesStore::default();
    put(
        &mut store,
        "hits",
        &[],
        &[(100, 40.0), (110, 50.0), (120, 60.0)],
    );
    // Growth 20 over 20 s; both edges are 40 s away, so 5 s each: 20 × 30 / 20.
    close(one(&store, "increase(hits[100s])", 160), 30.0);
}

#[test]
fn an_increase_never_reaches_below_zero() {
    let mut store = SeriesStore::default();
    put(
        &mut store,
        "hits",
        &[],
        &[(10, 2.0), (20, 22.0), (30, 42.0)],
    );
    // Growth 40 over 20 s: the counter was 0 one second before its first sample, and the window ends at the last.
    close(one(&store, "increase(hits[30s])", 30), 42.0);
}

#[test]
fn a_counter_that_began_anew_keeps_what_it_had_reached() {
    let mut store = SeriesStore::default();
    put(
        &mut store,
        "hits",
        &[],
        &[(10, 100.0), (20, 110.0), (30, 4.0), (40, 14.0)],
    );
    // 14 − 100 + 110 = 24 over 30 s; 5 s are added at the start, nothing at the end: 24 × 35 / 30.
    close(one(&store, "increase(hits[35s])", 40), 28.0);
}

#[test]
fn one_sample_has_no_rate() {
    let mut store = SeriesStore::default();
    put(&mut store, "hits", &[], &[(10, 2.0)]);
    assert_eq!(ask(&store, "rate(hits[1m])", 30), vec![]);
}

#[test]
fn a_window_leaves_out_its_first_moment() {
    let mut store = SeriesStore::default();
    counter(&mut store, "hits", &[], 5.0);
    // (10, 30] holds 20 s and 30 s only: growth 5 over 10 s, 10 s before it are under 11 s.
    close(one(&store, "increase(hits[20s])", 30), 10.0);
}

#[test]
fn a_sample_is_forgotten_after_five_minutes_and_at_once_when_its_series_is_gone() {
    let mut store = SeriesStore::default();
    put(&mut store, "up", &[("job", "kept")], &[(10, 1.0)]);
    put(&mut store, "up", &[("job", "gone")], &[(10, 1.0)]);
    let id = store.series(labels("up", &[("job", "gone")]));
    store.end(id, 12_000);
    assert_eq!(ask(&store, "up", 11).len(), 2);
    assert_eq!(ask(&store, "up", 13).len(), 1);
    assert_eq!(ask(&store, "up", 309).len(), 1);
    assert_eq!(ask(&store, "up", 310), vec![]);
}

#[test]
fn a_quantile_is_interpolated_within_its_bucket() {
    let mut store = SeriesStore::default();
    for (le, count) in [
        ("0.1", 90.0),
        ("0.3", 98.0),
        ("1.2", 100.0),
        ("+Inf", 100.0),
    ] {
        put(&mut store, "took_bucket", &[("le", le)], &[(60, count)]);
    }
    // Rank 99 lies halfway between 98 and 100.
    close(
        one(&store, "histogram_quantile(0.99, took_bucket)", 60),
        0.75,
    );
    // Rank 45 lies in the middle of the first bucket, which begins at 0.
    close(
        one(&store, "histogram_quantile(0.45, took_bucket)", 60),
        0.05,
    );
}

#[test]
fn a_quantile_beyond_the_last_bound_is_that_bound() {
    let mut store = SeriesStore::default();
    for (le, count) in [("0.1", 10.0), ("1.2", 20.0), ("+Inf", 100.0)] {
        put(&mut store, "took_bucket", &[("le", le)], &[(60, count)]);
    }
    close(
        one(&store, "histogram_quantile(0.99, took_bucket)", 60),
        1.2,
    );
}

#[test]
fn a_histogram_without_observations_or_without_its_last_bucket_has_no_quantile() {
    let mut store = SeriesStore::default();
    for le in ["0.1", "+Inf"] {
        put(&mut store, "idle_bucket", &[("le", le)], &[(60, 0.0)]);
    }
    put(&mut store, "open_bucket", &[("le", "0.1")], &[(60, 5.0)]);
    put(&mut store, "open_bucket", &[("le", "0.5")], &[(60, 9.0)]);
    assert!(one(&store, "histogram_quantile(0.99, idle_bucket)", 60).is_nan());
    assert!(one(&store, "histogram_quantile(0.99, open_bucket)", 60).is_nan());
}

#[test]
fn a_quantile_outside_0_to_1_is_infinite() {
    let mut store = SeriesStore::default();
    put(&mut store, "took_bucket", &[("le", "+Inf")], &[(60, 5.0)]);
    assert_eq!(
        one(&store, "histogram_quantile(1.1, took_bucket)", 60),
        f64::INFINITY
    );
    assert_eq!(
        one(&store, "histogram_quantile(-1, took_bucket)", 60),
        f64::NEG_INFINITY
    );
}

#[test]
fn matchers_are_anchored_and_a_missing_label_is_empty() {
    let mut store = SeriesStore::default();
    put(&mut store, "hits", &[("code", "200")], &[(60, 1.0)]);
    put(&mut store, "hits", &[("code", "503")], &[(60, 2.0)]);
    put(&mut store, "hits", &[], &[(60, 4.0)]);
    assert_eq!(ask(&store, "sum(hits{code=~\"5\"})", 60), vec![]);
    close(one(&store, "sum(hits{code=~\"5..\"})", 60), 2.0);
    close(one(&store, "sum(hits{code!~\"5.*\"})", 60), 5.0);
    close(one(&store, "sum(hits{code!=\"\"})", 60), 3.0);
    close(one(&store, "sum({__name__=\"hits\",code=\"\"})", 60), 4.0);
}

#[test]
fn aggregations_go_over_all_series_or_by_labels() {
    let mut store = SeriesStore::default();
    for (pod, zone, value) in [("a", "x", 1.0), ("b", "x", 3.0), ("c", "y", 8.0)] {
        put(
            &mut store,
            "load",
            &[("pod", pod), ("zone", zone)],
            &[(60, value)],
        );
    }
    close(one(&store, "sum(load)", 60), 12.0);
    close(one(&store, "avg(load)", 60), 4.0);
    close(one(&store, "min(load)", 60), 1.0);
    close(one(&store, "max(load)", 60), 8.0);
    close(one(&store, "count(load)", 60), 3.0);
    let by: Vec<f64> = ask(&store, "sum by (zone) (load)", 60)
        .iter()
        .map(|p| p.value)
        .collect();
    assert_eq!(by, vec![4.0, 8.0]);
    assert_eq!(
        ask(&store, "sum without (pod) (load)", 60),
        ask(&store, "sum by (zone) (load)", 60)
    );
    assert_eq!(ask(&store, "sum(nothing)", 60), vec![]);
}

#[test]
fn series_meet_the_series_with_the_same_labels() {
    let mut store = SeriesStore::default();
    put(&mut store, "bad", &[("pod", "a")], &[(60, 1.0)]);
    put(&mut store, "all", &[("pod", "a")], &[(60, 4.0)]);
    put(&mut store, "all", &[("pod", "b")], &[(60, 4.0)]);
    let ratio = ask(&store, "1 - bad / all", 60);
    assert_eq!(ratio.len(), 1);
    close(ratio[0].value, 0.75);
    assert_eq!(ratio[0].labels.get(NAME), None);
}

#[test]
fn a_comparison_filters_or_answers_0_and_1() {
    let mut store = SeriesStore::default();
    put(&mut store, "load", &[("pod", "a")], &[(60, 1.0)]);
    put(&mut store, "load", &[("pod", "b")], &[(60, 3.0)]);
    let kept = ask(&store, "load > 2", 60);
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].labels.get(NAME).map(String::as_str), Some("load"));
    let flags: Vec<f64> = ask(&store, "load > bool 2", 60)
        .iter()
        .map(|p| p.value)
        .collect();
    assert_eq!(flags, vec![0.0, 1.0]);
}

#[test]
fn numbers_become_vectors_and_back() {
    let store = SeriesStore::default();
    close(one(&store, "vector(1)", 60), 1.0);
    assert_eq!(
        evaluate("-(1 + 2) * 4 / 3", &store, 0),
        Ok(Value::Scalar(-4.0))
    );
    assert_eq!(
        evaluate("scalar(vector(7)) - 1", &store, 0),
        Ok(Value::Scalar(6.0))
    );
}

#[test]
fn zero_by_zero_is_nan_and_not_an_error() {
    let mut store = SeriesStore::default();
    put(&mut store, "all", &[], &[(60, 0.0)]);
    assert!(one(&store, "sum(all) / sum(all) * 100", 60).is_nan());
}

#[test]
fn what_is_not_supported_is_an_error() {
    let mut store = SeriesStore::default();
    counter(&mut store, "hits", &[("pod", "a")], 1.0);
    for query in [
        "hits offset 1m",
        "hits @ 0",
        "hits[1m]",
        "\"text\"",
        "rate(hits[1m:10s])",
        "topk(1, hits)",
        "stddev(hits)",
        "hits or hits",
        "hits ^ 2",
        "absent(hits)",
        "hits / on (pod) hits",
        "1 > 2",
        "sum(",
        "",
    ] {
        assert!(!refused(&store, query).is_empty(), "{query}");
    }
}

#[test]
fn ambiguous_matches_are_an_error_of_execution() {
    let mut store = SeriesStore::default();
    put(&mut store, "a", &[("pod", "x")], &[(60, 1.0)]);
    put(&mut store, "b", &[("pod", "x")], &[(60, 1.0)]);
    assert!(matches!(
        evaluate("a * {pod=\"x\"}", &store, 60_000),
        Err(QueryError::Execution(_))
    ));
}
