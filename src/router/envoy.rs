//! The built-in checks over the clusters of Envoy, which several routers are made of.
//!
//! Must not know how a router names its clusters: each says which series are the canary's.

use crate::router::QuerySite;

/// Share of answers without server error, percent.
pub(super) fn success_rate(site: &QuerySite<'_>, canary: &str) -> String {
    let rate = |more: &str| {
        format!(
            "rate(envoy_cluster_upstream_rq{{{canary}{more}}}[{}])",
            site.interval
        )
    };
    let (good, all) = (rate(",envoy_response_code!~\"5.*\""), rate(""));
    format!("sum({good}) / sum({all}) * 100")
}

/// 99th percentile, milliseconds.
pub(super) fn duration(site: &QuerySite<'_>, canary: &str) -> String {
    let interval = site.interval;
    format!(
        "histogram_quantile(0.99, sum by (le) (rate(envoy_cluster_upstream_rq_time_bucket{{{canary}}}[{interval}])))"
    )
}
