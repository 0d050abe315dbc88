//! The expressions of Flagger's built-in checks, one pair for each provider, over series with the labels that
//! provider writes.

use super::*;

struct Check {
    provider: &'static str,
    /// Labels of the canary's series.
    labels: &'static [(&'static str, &'static str)],
    /// What sets the primary's series apart: they must not count.
    other: (&'static str, &'static str),
    /// The label that holds the outcome of a request.
    outcome: &'static str,
    counter: &'static str,
    success: &'static str,
    /// The histogram, without `_bucket`, `_sum` or `_count`.
    timer: &'static str,
    duration: &'static str,
    /// What the duration comes to: buckets 90, 98, 100 of 100 in 0.1, 0.3, 1.2; mean 0.05.
    expected: f64,
}

const CHECKS: &[Check] = &[
    Check {
        provider: "istio",
        labels: &[
            ("reporter", "destination"),
            ("destination_workload_namespace", "test"),
            ("destination_workload", "podinfo"),
        ],
        other: ("destination_workload", "podinfo-primary"),
        outcome: "response_code",
        counter: "istio_requests_total",
        success: r#"sum(rate(istio_requests_total{reporter="destination",destination_workload_namespace="NS",destination_workload=~"TGT",response_code!~"5.*"}[IV])) / sum(rate(istio_requests_total{reporter="destination",destination_workload_namespace="NS",destination_workload=~"TGT"}[IV])) * 100"#,
        timer: "istio_request_duration_milliseconds",
        duration: r#"histogram_quantile(0.99, sum by (le) (rate(istio_request_duration_milliseconds_bucket{reporter="destination",destination_workload_namespace="NS",destination_workload=~"TGT"}[IV])))"#,
        expected: 0.75,
    },
    Check {
        provider: "linkerd",
        labels: &[
            ("namespace", "test"),
            ("deployment", "podinfo"),
            ("direction", "inbound"),
        ],
        other: ("deployment", "podinfo-primary"),
        outcome: "classification",
        counter: "response_total",
        success: r#"sum(rate(response_total{namespace="NS",deployment=~"TGT",classification!="failure",direction="inbound"}[IV])) / sum(rate(response_total{namespace="NS",deployment=~"TGT",direction="inbound"}[IV])) * 100"#,
        timer: "response_latency_ms",
        duration: r#"histogram_quantile(0.99, sum by (le) (rate(response_latency_ms_bucket{namespace="NS",deployment=~"TGT",direction="inbound"}[IV])))"#,
        expected: 0.75,
    },
    Check {
        provider: "appmesh",
        labels: &[
            ("kubernetes_namespace", "test"),
            ("kubernetes_pod_name", "podinfo-6d4b-x9k2l"),
        ],
        other: ("kubernetes_pod_name", "podinfo-primary-6d4b-x9k2l"),
        outcome: "envoy_response_code",
        counter: "envoy_cluster_upstream_rq",
        success: r#"sum(rate(envoy_cluster_upstream_rq{kubernetes_namespace="NS",kubernetes_pod_name=~"POD",envoy_response_code!~"5.*"}[IV])) / sum(rate(envoy_cluster_upstream_rq{kubernetes_namespace="NS",kubernetes_pod_name=~"POD"}[IV])) * 100"#,
        timer: "envoy_cluster_upstream_rq_time",
        duration: r#"histogram_quantile(0.99, sum by (le) (rate(envoy_cluster_upstream_rq_time_bucket{kubernetes_namespace="NS",kubernetes_pod_name=~"POD"}[IV])))"#,
        expected: 0.75,
    },
    Check {
        provider: "contour",
        labels: &[("envoy_cluster_name", "test_podinfo-canary_80")],
        other: ("envoy_cluster_name", "test_podinfo-primary_80"),
        outcome: "envoy_response_code",
        counter: "envoy_cluster_upstream_rq",
        success: r#"sum(rate(envoy_cluster_upstream_rq{envoy_cluster_name=~"NS_SVC-canary_[0-9a-zA-Z-]+",envoy_response_code!~"5.*"}[IV])) / sum(rate(envoy_cluster_upstream_rq{envoy_cluster_name=~"NS_SVC-canary_[0-9a-zA-Z-]+"}[IV])) * 100"#,
        timer: "envoy_cluster_upstream_rq_time",
        duration: r#"histogram_quantile(0.99, sum by (le) (rate(envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=~"NS_SVC-canary_[0-9a-zA-Z-]+"}[IV])))"#,
        expected: 0.75,
    },
    Check {
        provider: "gloo",
        labels: &[(
            "envoy_cluster_name",
            "test-podinfo-canaryupstream-80_gloo-system",
        )],
        other: (
            "envoy_cluster_name",
            "test-podinfo-primaryupstream-80_gloo-system",
        ),
        outcome: "envoy_response_code",
        counter: "envoy_cluster_upstream_rq",
        success: r#"sum(rate(envoy_cluster_upstream_rq{envoy_cluster_name=~"NS-TGT-canaryupstream-[0-9a-zA-Z-]+_[0-9a-zA-Z-]+",envoy_response_code!~"5.*"}[IV])) / sum(rate(envoy_cluster_upstream_rq{envoy_cluster_name=~"NS-TGT-canaryupstream-[0-9a-zA-Z-]+_[0-9a-zA-Z-]+"}[IV])) * 100"#,
        timer: "envoy_cluster_upstream_rq_time",
        duration: r#"histogram_quantile(0.99, sum by (le) (rate(envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=~"NS-TGT-canaryupstream-[0-9a-zA-Z-]+_[0-9a-zA-Z-]+"}[IV])))"#,
        expected: 0.75,
    },
    Check {
        provider: "knative",
        labels: &[("envoy_cluster_name", "test/podinfo")],
        other: ("envoy_cluster_name", "test/podinfo-00001"),
        outcome: "envoy_response_code",
        counter: "envoy_cluster_upstream_rq",
        success: r#"sum(rate(envoy_cluster_upstream_rq{envoy_cluster_name=~"NS/RT",envoy_response_code!~"5.*"}[IV])) / sum(rate(envoy_cluster_upstream_rq{envoy_cluster_name=~"NS/RT"}[IV])) * 100"#,
        timer: "envoy_cluster_upstream_rq_time",
        duration: r#"histogram_quantile(0.99, sum by (le) (rate(envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=~"NS/RT"}[IV])))"#,
        expected: 0.75,
    },
    Check {
        provider: "kuma",
        labels: &[("service", "podinfo-canary_test_svc_80")],
        other: ("service", "podinfo-primary_test_svc_80"),
        outcome: "envoy_response_code",
        counter: "envoy_cluster_upstream_rq",
        success: r#"sum(rate(envoy_cluster_upstream_rq{service=~"TGT-canary_NS_svc_[0-9a-zA-Z-]+",envoy_response_code!~"5.*"}[IV])) / sum(rate(envoy_cluster_upstream_rq{service=~"TGT-canary_NS_svc_[0-9a-zA-Z-]+"}[IV])) * 100"#,
        timer: "envoy_cluster_upstream_rq_time",
        duration: r#"histogram_quantile(0.99, sum by (le) (rate(envoy_cluster_upstream_rq_time_bucket{service=~"TGT-canary_NS_svc_[0-9a-zA-Z-]+"}[IV])))"#,
        expected: 0.75,
    },
    Check {
        provider: "kubernetes",
        labels: &[
            ("kubernetes_namespace", "test"),
            ("kubernetes_pod_name", "podinfo-6d4b-x9k2l"),
        ],
        other: ("kubernetes_pod_name", "podinfo-primary-6d4b-x9k2l"),
        outcome: "status",
        counter: "http_request_duration_seconds_count",
        success: r#"sum(rate(http_request_duration_seconds_count{kubernetes_namespace="NS",kubernetes_pod_name=~"POD",status!~"5.*"}[IV])) / sum(rate(http_request_duration_seconds_count{kubernetes_namespace="NS",kubernetes_pod_name=~"POD"}[IV])) * 100"#,
        timer: "http_request_duration_seconds",
        duration: r#"histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{kubernetes_namespace="NS",kubernetes_pod_name=~"POD"}[IV])))"#,
        expected: 0.75,
    },
    Check {
        provider: "nginx",
        labels: &[
            ("namespace", "test"),
            ("ingress", "podinfo"),
            ("canary", "test-podinfo-canary-80"),
        ],
        other: ("canary", ""),
        outcome: "status",
        counter: "nginx_ingress_controller_requests",
        success: r#"sum(rate(nginx_ingress_controller_requests{namespace="NS",ingress="ING",canary!="",status!~"5.*"}[IV])) / sum(rate(nginx_ingress_controller_requests{namespace="NS",ingress="ING",canary!=""}[IV])) * 100"#,
        timer: "nginx_ingress_controller_response_duration_seconds",
        duration: r#"sum(rate(nginx_ingress_controller_response_duration_seconds_sum{namespace="NS",ingress="ING",canary!=""}[IV])) / sum(rate(nginx_ingress_controller_response_duration_seconds_count{namespace="NS",ingress="ING",canary!=""}[IV])) * 1000"#,
        expected: 50.0,
    },
    Check {
        provider: "skipper",
        labels: &[("route", "kube_test__podinfo_canary__all__0__podinfo_canary")],
        other: ("route", "kube_test__podinfo__all__0__podinfo_primary"),
        outcome: "code",
        counter: "skipper_response_duration_seconds_bucket",
        success: r#"sum(rate(skipper_response_duration_seconds_bucket{route=~"ROUTE",code!~"5..",le="+Inf"}[IV])) / sum(rate(skipper_response_duration_seconds_bucket{route=~"ROUTE",le="+Inf"}[IV])) * 100"#,
        timer: "skipper_serve_route_duration_seconds",
        duration: r#"sum(rate(skipper_serve_route_duration_seconds_sum{route=~"ROUTE"}[IV])) / sum(rate(skipper_serve_route_duration_seconds_count{route=~"ROUTE"}[IV])) * 1000"#,
        expected: 50.0,
    },
    Check {
        provider: "traefik",
        labels: &[("service", "test-podinfo-canary-80@kubernetescrd")],
        other: ("service", "test-podinfo-primary-80@kubernetescrd"),
        outcome: "code",
        counter: "traefik_service_request_duration_seconds_bucket",
        success: r#"sum(rate(traefik_service_request_duration_seconds_bucket{service=~"NS-TGT-canary-[0-9a-zA-Z-]+@kubernetescrd",code!~"5..",le="+Inf"}[IV])) / sum(rate(traefik_service_request_duration_seconds_bucket{service=~"NS-TGT-canary-[0-9a-zA-Z-]+@kubernetescrd",le="+Inf"}[IV])) * 100"#,
        timer: "traefik_service_request_duration_seconds",
        duration: r#"histogram_quantile(0.99, sum by (le) (rate(traefik_service_request_duration_seconds_bucket{service=~"NS-TGT-canary-[0-9a-zA-Z-]+@kubernetescrd"}[IV]))) * 1000"#,
        expected: 750.0,
    },
    Check {
        provider: "apisix",
        labels: &[
            ("route", "test_podinfo-podinfo-canary_http"),
            ("type", "request"),
        ],
        other: ("route", "test_podinfo_http"),
        outcome: "code",
        counter: "apisix_http_status",
        success: r#"sum(rate(apisix_http_status{route=~"NS_RT-TGT-canary_.+",code!~"5.."}[IV])) / sum(rate(apisix_http_status{route=~"NS_RT-TGT-canary_.+"}[IV])) * 100"#,
        timer: "apisix_http_latency",
        duration: r#"histogram_quantile(0.99, sum by (le) (rate(apisix_http_latency_bucket{type=~"request",route=~"NS_RT-TGT-canary_.+"}[IV])))"#,
        expected: 0.75,
    },
    Check {
        provider: "osm",
        labels: &[
            ("destination_namespace", "test"),
            ("destination_kind", "Deployment"),
            ("destination_name", "podinfo"),
        ],
        other: ("destination_name", "podinfo-primary"),
        outcome: "response_code",
        counter: "osm_request_total",
        success: r#"sum(rate(osm_request_total{destination_namespace="NS",destination_kind="Deployment",destination_name="TGT",response_code!~"5.*"}[IV])) / sum(rate(osm_request_total{destination_namespace="NS",destination_kind="Deployment",destination_name="TGT"}[IV])) * 100"#,
        timer: "osm_request_duration_ms",
        duration: r#"histogram_quantile(0.99, sum by (le) (rate(osm_request_duration_ms_bucket{destination_namespace="NS",destination_kind="Deployment",destination_name="TGT"}[IV])))"#,
        expected: 0.75,
    },
];

const NAMES: &[(&str, &str)] = &[
    ("POD", "TGT-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)"),
    (
        "ROUTE",
        "kube(ew)?_NS__ING_canary__.*__SVC_canary(_[0-9]+)?",
    ),
    ("NS", "test"),
    ("TGT", "podinfo"),
    ("SVC", "podinfo"),
    ("ING", "podinfo"),
    ("RT", "podinfo"),
    ("IV", "1m"),
];

fn filled(expression: &str) -> String {
    NAMES
        .iter()
        .fold(expression.to_owned(), |text, (from, to)| {
            text.replace(from, to)
        })
}

fn world(check: &Check) -> SeriesStore {
    let mut store = SeriesStore::default();
    let primary: Vec<(&str, &str)> = check
        .labels
        .iter()
        .map(|pair| {
            if pair.0 == check.other.0 {
                check.other
            } else {
                *pair
            }
        })
        .collect();
    let (good, bad) = if check.outcome == "classification" {
        ("success", "failure")
    } else {
        ("200", "503")
    };
    for (side, scale) in [(check.labels, 1.0), (primary.as_slice(), 1000.0)] {
        let mut put = |name: &str, extra: &[(&str, &str)], step: f64| {
            let mut pairs = side.to_vec();
            pairs.extend_from_slice(extra);
            counter(&mut store, name, &pairs, step * scale);
        };
        if check.counter.ends_with("_bucket") || check.counter.ends_with("_count") {
            for (code, buckets) in [
                (good, [87.0, 95.0, 97.0, 97.0]),
                (bad, [3.0, 3.0, 3.0, 3.0]),
            ] {
                for (le, step) in ["0.1", "0.3", "1.2", "+Inf"].into_iter().zip(buckets) {
                    let bucket = format!(
                        "{}_bucket",
                        check
                            .counter
                            .trim_end_matches("_bucket")
                            .trim_end_matches("_count")
                    );
                    put(&bucket, &[(check.outcome, code), ("le", le)], step);
                }
            }
        }
        if !check.counter.ends_with("_bucket") {
            put(check.counter, &[(check.outcome, good)], 97.0);
            put(check.counter, &[(check.outcome, bad)], 3.0);
        }
        if !check.counter.starts_with(check.timer) {
            for (le, step) in [
                ("0.1", 90.0),
                ("0.3", 98.0),
                ("1.2", 100.0),
                ("+Inf", 100.0),
            ] {
                put(&format!("{}_bucket", check.timer), &[("le", le)], step);
            }
            put(&format!("{}_sum", check.timer), &[], 5.0);
            put(&format!("{}_count", check.timer), &[], 100.0);
        }
    }
    store
}

#[test]
fn every_built_in_success_rate_counts_the_canary_alone() {
    for check in CHECKS {
        let rate = one(&world(check), &filled(check.success), 60);
        assert!((rate - 97.0).abs() < 1e-9, "{}: {rate}", check.provider);
    }
}

#[test]
fn every_built_in_duration_times_the_canary_alone() {
    for check in CHECKS {
        let took = one(&world(check), &filled(check.duration), 60);
        assert!(
            (took - check.expected).abs() < 1e-9,
            "{}: {took}",
            check.provider
        );
    }
}

#[test]
fn no_built_in_expression_has_a_value_without_traffic() {
    let store = SeriesStore::default();
    for check in CHECKS {
        for expression in [check.success, check.duration] {
            assert_eq!(
                ask(&store, &filled(expression), 60),
                vec![],
                "{}",
                check.provider
            );
        }
    }
}
