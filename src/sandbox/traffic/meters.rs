//! Counters and histograms as proxies and pods expose them, and the scrape that turns them into series.

use crate::sandbox::dataplane::Label;
use crate::sandbox::dataplane::Mesh;
use crate::sandbox::promql::NAME;
use crate::sandbox::promql::series::Labels;
use crate::sandbox::promql::series::Sample;
use crate::sandbox::promql::series::SeriesId;
use crate::sandbox::promql::series::SeriesStore;
use std::collections::BTreeMap;

/// Traefik's default buckets, seconds.
const TRAEFIK: &[f64] = &[0.1, 0.3, 1.2, 5.0];
/// Default buckets of Prometheus' Go client, seconds.
const GO_CLIENT: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Linkerd's buckets, milliseconds.
const LINKERD: &[f64] = &[
    1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 100.0, 200.0, 300.0, 400.0, 500.0,
    1000.0, 2000.0, 3000.0, 4000.0, 5000.0, 10_000.0, 20_000.0, 30_000.0, 40_000.0, 50_000.0,
];
/// Buckets of Istio and of any other Envoy, milliseconds.
const ISTIO: &[f64] = &[
    0.5,
    1.0,
    5.0,
    10.0,
    25.0,
    50.0,
    100.0,
    250.0,
    500.0,
    1000.0,
    2500.0,
    5000.0,
    10_000.0,
    30_000.0,
    60_000.0,
    300_000.0,
    600_000.0,
    1_800_000.0,
    3_600_000.0,
];

/// APISIX's buckets, milliseconds.
const APISIX: &[f64] = &[
    1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0,
    30_000.0, 60_000.0,
];

/// Whoever exposes metrics; they live and die with it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A proxy, for one of its backends.
    Proxy(Label),
    /// The proxy of a mesh beside a pod.
    Sidecar {
        /// Whose proxy.
        mesh: Mesh,
        /// The pod's namespace.
        namespace: String,
        /// The pod's name.
        name: String,
        /// What the pod belongs to.
        workload: String,
    },
    /// A pod with an application that counts its requests and a sidecar that does.
    Pod {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// What it belongs to.
        workload: String,
    },
}

/// All that is exposed.
#[derive(Debug, Default)]
pub struct Meters {
    /// By source and status of the response.
    live: BTreeMap<Source, BTreeMap<u16, Vec<Histogram>>>,
    /// What was exposed until the last scrape.
    gone: Vec<SeriesId>,
}

impl Meters {
    /// Counts `n` responses that took `seconds` each.
    pub fn observe(&mut self, source: &Source, status: u16, seconds: f64, n: u64) {
        if n == 0 {
            return;
        }
        let histograms = self
            .live
            .entry(source.clone())
            .or_default()
            .entry(status)
            .or_insert_with(|| exposed(source, status));
        for histogram in histograms {
            histogram.observe(seconds, n);
        }
    }

    /// Forgets what others expose; should they come back, they begin at 0.
    pub fn retain(&mut self, lives: impl Fn(&Source) -> bool) {
        let gone = &mut self.gone;
        self.live.retain(|source, by_status| {
            let lives = lives(source);
            if !lives {
                gone.extend(
                    by_status
                        .values()
                        .flatten()
                        .flat_map(|histogram| &histogram.series),
                );
            }
            lives
        });
    }

    /// Adds a sample of everything at `at`, milliseconds since 1970, and ends the series of what is gone.
    pub fn scrape(&mut self, at: i64, store: &mut SeriesStore) {
        for histogram in self
            .live
            .values_mut()
            .flat_map(BTreeMap::values_mut)
            .flatten()
        {
            histogram.scrape(at, store);
        }
        // After the samples: a series that is gone and back within one scrape goes on.
        for series in self.gone.drain(..) {
            store.end(series, at);
        }
    }
}

/// The histograms of a source for one status; all of them count every response.
fn exposed(source: &Source, status: u16) -> Vec<Histogram> {
    let code = status.to_string();
    match source {
        Source::Proxy(label) => of_proxy(label, &code),
        Source::Sidecar {
            mesh: Mesh::AppMesh,
            namespace,
            name,
            ..
        } => vec![envoy(&[
            ("kubernetes_namespace", namespace),
            ("kubernetes_pod_name", name),
            ("envoy_response_code", &code),
        ])],
        Source::Sidecar {
            mesh: Mesh::Smi,
            namespace,
            name,
            workload,
        } => {
            let outcome = if status < 500 { "success" } else { "failure" };
            vec![
                Histogram::new(
                    "response_latency_ms",
                    "response_total",
                    LINKERD,
                    1000.0,
                    &[
                        ("direction", "inbound"),
                        ("namespace", namespace),
                        ("deployment", workload),
                        ("pod", name),
                        ("classification", outcome),
                        ("status_code", &code),
                    ],
                ),
                Histogram::new(
                    "osm_request_duration_ms",
                    "osm_request_total",
                    ISTIO,
                    1000.0,
                    &[
                        ("destination_namespace", namespace),
                        ("destination_kind", "Deployment"),
                        ("destination_name", workload),
                        ("destination_pod", name),
                        ("response_code", &code),
                    ],
                ),
            ]
        }
        Source::Pod {
            namespace,
            name,
            workload,
        } => vec![
            Histogram::new(
                "http_request_duration_seconds",
                "http_requests_total",
                GO_CLIENT,
                1.0,
                &[
                    ("kubernetes_namespace", namespace),
                    ("kubernetes_pod_name", name),
                    ("method", "GET"),
                    ("status", &code),
                ],
            ),
            Histogram::new(
                "istio_request_duration_milliseconds",
                "istio_requests_total",
                ISTIO,
                1000.0,
                &[
                    ("reporter", "destination"),
                    ("destination_workload_namespace", namespace),
                    ("destination_workload", workload),
                    ("kubernetes_pod_name", name),
                    ("response_code", &code),
                ],
            ),
        ],
    }
}

fn of_proxy(label: &Label, code: &str) -> Vec<Histogram> {
    match label {
        Label::Traefik(service) => vec![Histogram::new(
            "traefik_service_request_duration_seconds",
            "traefik_service_requests_total",
            TRAEFIK,
            1.0,
            &[
                ("service", service),
                ("code", code),
                ("method", "GET"),
                ("protocol", "http"),
            ],
        )],
        Label::Nginx {
            namespace,
            ingress,
            canary,
        } => vec![Histogram::new(
            "nginx_ingress_controller_response_duration_seconds",
            "nginx_ingress_controller_requests",
            GO_CLIENT,
            1.0,
            &[
                ("namespace", namespace),
                ("ingress", ingress),
                ("canary", canary),
                ("method", "GET"),
                ("status", code),
            ],
        )],
        Label::Envoy(label, cluster) => {
            vec![envoy(&[(label, cluster), ("envoy_response_code", code)])]
        }
        // These count by pod.
        Label::Sidecars(_) => Vec::new(),
        Label::Skipper(route) => [
            (
                "skipper_response_duration_seconds",
                "skipper_response_total",
            ),
            (
                "skipper_serve_route_duration_seconds",
                "skipper_serve_route_count",
            ),
        ]
        .map(|(name, total)| {
            let labels = [("route", route.as_str()), ("code", code), ("method", "GET")];
            Histogram::new(name, total, GO_CLIENT, 1.0, &labels)
        })
        .into(),
        Label::Apisix(route) => vec![Histogram::new(
            "apisix_http_latency",
            "apisix_http_status",
            APISIX,
            1000.0,
            &[("route", route), ("code", code), ("type", "request")],
        )],
    }
}

/// Of a cluster of Envoy.
fn envoy(labels: &[(&str, &str)]) -> Histogram {
    Histogram::new(
        "envoy_cluster_upstream_rq_time",
        "envoy_cluster_upstream_rq",
        ISTIO,
        1000.0,
        labels,
    )
}

#[derive(Debug)]
struct Histogram {
    name: &'static str,
    /// The plain counter beside the histogram.
    total: &'static str,
    bounds: &'static [f64],
    /// Units of the histogram in a second.
    unit: f64,
    labels: Labels,
    /// Responses by bucket, the last one without a bound; not cumulative.
    counts: Vec<u64>,
    sum: f64,
    /// Cumulative buckets, `_sum`, `_count` and the counter; empty before the first scrape.
    series: Vec<SeriesId>,
}

impl Histogram {
    fn new(
        name: &'static str,
        total: &'static str,
        bounds: &'static [f64],
        unit: f64,
        labels: &[(&str, &str)],
    ) -> Self {
        Self {
            name,
            total,
            bounds,
            unit,
            labels: labels
                .iter()
                .map(|(label, value)| ((*label).to_owned(), (*value).to_owned()))
                .collect(),
            counts: vec![0; bounds.len() + 1],
            sum: 0.0,
            series: Vec::new(),
        }
    }

    fn observe(&mut self, seconds: f64, n: u64) {
        let value = seconds * self.unit;
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += n;
        }
        self.sum += value * n as f64;
    }

    fn scrape(&mut self, at: i64, store: &mut SeriesStore) {
        if self.series.is_empty() {
            self.series = self
                .names()
                .into_iter()
                .map(|labels| store.series(labels))
                .collect();
        }
        for (series, value) in self.series.iter().zip(self.values()) {
            store.append(*series, Sample { at, value });
        }
    }

    /// Labels in the order of `values`.
    fn names(&self) -> Vec<Labels> {
        let with = |name: String, le: Option<String>| {
            let mut labels = self.labels.clone();
            labels.insert(NAME.to_owned(), name);
            labels.extend(le.map(|le| ("le".to_owned(), le)));
            labels
        };
        let name = self.name;
        self.bounds
            .iter()
            .map(f64::to_string)
            .chain(["+Inf".to_owned()])
            .map(|le| with(format!("{name}_bucket"), Some(le)))
            .chain([
                with(format!("{name}_sum"), None),
                with(format!("{name}_count"), None),
                with(self.total.to_owned(), None),
            ])
            .collect()
    }

    fn values(&self) -> Vec<f64> {
        let mut all = 0;
        let mut values: Vec<f64> = self
            .counts
            .iter()
            .map(|count| {
                all += count;
                all as f64
            })
            .collect();
        values.extend([self.sum, all as f64, all as f64]);
        values
    }
}
