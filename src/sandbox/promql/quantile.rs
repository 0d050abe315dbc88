//! `histogram_quantile()` over classic buckets, interpolated as Prometheus does.

use crate::sandbox::promql::Point;
use crate::sandbox::promql::series::Labels;
use crate::sandbox::promql::without_name;
use std::collections::BTreeMap;

struct Bucket {
    upper: f64,
    /// Observations up to `upper`.
    count: f64,
}

/// The quantile of each histogram: the series with the same labels but `le` are one. Series without a readable `le`
/// are left out.
pub fn histogram(share: f64, buckets: Vec<Point>) -> Vec<Point> {
    let mut histograms: BTreeMap<Labels, Vec<Bucket>> = BTreeMap::new();
    for point in buckets {
        let mut labels = without_name(&point.labels);
        let Some(upper) = labels.remove("le").and_then(|le| bound(&le)) else {
            continue;
        };
        histograms.entry(labels).or_default().push(Bucket {
            upper,
            count: point.value,
        });
    }
    histograms
        .into_iter()
        .map(|(labels, buckets)| Point {
            labels,
            value: quantile(share, buckets),
        })
        .collect()
}

fn bound(le: &str) -> Option<f64> {
    le.parse::<f64>().ok().filter(|upper| !upper.is_nan())
}

fn quantile(share: f64, mut buckets: Vec<Bucket>) -> f64 {
    if share.is_nan() {
        return f64::NAN;
    }
    if share < 0.0 {
        return f64::NEG_INFINITY;
    }
    if share > 1.0 {
        return f64::INFINITY;
    }
    buckets.sort_by(|a, b| a.upper.total_cmp(&b.upper));
    let buckets = ascending(buckets);
    let [bounded @ .., last] = buckets.as_slice() else {
        return f64::NAN;
    };
    if !last.upper.is_infinite() || last.upper < 0.0 || last.count == 0.0 || last.count.is_nan() {
        return f64::NAN;
    }
    let Some(highest) = bounded.last() else {
        return f64::NAN;
    };
    let rank = share * last.count;
    let below = bounded.partition_point(|bucket| bucket.count < rank);
    let Some(bucket) = bounded.get(below) else {
        // Beyond the last bound nothing is known but that it is more.
        return highest.upper;
    };
    let (start, before) = match below.checked_sub(1).and_then(|index| bounded.get(index)) {
        Some(previous) => (previous.upper, previous.count),
        None if bucket.upper <= 0.0 => return bucket.upper,
        None => (0.0, 0.0),
    };
    start + (bucket.upper - start) * ((rank - before) / (bucket.count - before))
}

/// Buckets with one bound become one, and counts never fall: rates of buckets differ in their last digits.
fn ascending(buckets: Vec<Bucket>) -> Vec<Bucket> {
    let mut merged: Vec<Bucket> = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        match merged.last_mut() {
            Some(last) if last.upper == bucket.upper => last.count += bucket.count,
            Some(_) | None => merged.push(bucket),
        }
    }
    let mut highest = f64::NEG_INFINITY;
    for bucket in &mut merged {
        highest = highest.max(bucket.count);
        bucket.count = highest;
    }
    merged
}
