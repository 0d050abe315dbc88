//! The external metrics API of Kubernetes: `[NAMESPACE/]METRIC[?labelSelector=…]`, asked of the API server.
//! <https://kubernetes.io/docs/reference/external-api/external-metrics.v1beta1/>

use crate::canary::answer::Answer;
use crate::canary::http::HttpRequest;
use crate::canary::http::HttpResponse;
use crate::metrics::Address;
use crate::metrics::Ask;
use crate::metrics::MetricProvider;
use crate::metrics::Secret;
use crate::metrics::reading::json;
use crate::metrics::reading::only;
use crate::metrics::writing::authorization;
use crate::metrics::writing::escaped;
use crate::metrics::writing::get;
use crate::metrics::writing::header;
use crate::metrics::writing::is_name;
use crate::metrics::writing::url;

pub(super) const PROVIDER: MetricProvider = MetricProvider {
    address: Address::ApiServer,
    secret: Secret::Optional(&[&["token"]]),
    window: "the metrics adapter's",
    check: |query| named(query).map(|_| ()),
    ..MetricProvider::new("externalmetrics", request, |_, response| {
        read(response).into()
    })
};

/// What a query names: namespace, metric, label selector.
fn named(query: &str) -> Result<(&str, &str, Option<String>), String> {
    let (path, parameters) = query.trim().split_once('?').unwrap_or((query.trim(), ""));
    let (namespace, metric) = match path.split_once('/') {
        None | Some(("", _)) => ("default", path.trim_start_matches('/')),
        Some(named) => named,
    };
    if !is_name(namespace) || metric.is_empty() || metric.contains('/') {
        return Err(
            "[NAMESPACE/]METRIC[?labelSelector=SELECTOR] is expected, such as shop/queue-length"
                .to_owned(),
        );
    }
    let mut parameters = form_urlencoded::parse(parameters.as_bytes());
    let selector = parameters.find(|(name, _)| name == "labelSelector");
    Ok((
        namespace,
        metric,
        selector.map(|(_, value)| value.into_owned()),
    ))
}

fn request(ask: &Ask<'_>) -> Result<HttpRequest, String> {
    let (namespace, metric, selector) = named(ask.query)?;
    let metric = escaped(metric);
    let path = format!("/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{metric}");
    let selector = selector
        .as_deref()
        .map(|selector| ("labelSelector", selector));
    let parameters: Vec<(&str, &str)> = selector.into_iter().collect();
    let mut request = get(ask, url(&ask.backend.address, &path, &parameters));
    if let Some(authorization) = authorization(&ask.backend.secret) {
        header(&mut request, "Authorization", &authorization);
    }
    Ok(request)
}

fn read(response: &HttpResponse) -> Result<Answer, String> {
    let body = json("the external metrics API", response)?;
    let items = body["items"].as_array().map_or(&[][..], Vec::as_slice);
    let Some(value) = only(items, "metrics")?.map(|item| &item["value"]) else {
        return Ok(Answer::NoValues);
    };
    match value.as_str().and_then(quantity) {
        Some(value) => Ok(Answer::Value(value)),
        None => Err(format!("{value} is no quantity")),
    }
}

/// A quantity of Kubernetes as a number.
/// <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>
fn quantity(text: &str) -> Option<f64> {
    let suffix = text.trim_start_matches(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    let number = &text[..text.len() - suffix.len()];
    let factor = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0_f64.powi(2),
        "Gi" => 1024.0_f64.powi(3),
        "Ti" => 1024.0_f64.powi(4),
        "Pi" => 1024.0_f64.powi(5),
        "Ei" => 1024.0_f64.powi(6),
        // What is left is 1e3 and 1E3.
        _ => return text.parse().ok().filter(|value: &f64| value.is_finite()),
    };
    number.parse::<f64>().ok().map(|value| value * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_a_namespace_a_metric_and_a_selector() {
        let selected = Some("app=web,tier in (a)".to_owned());
        assert_eq!(
            named("shop/queue?labelSelector=app%3Dweb%2Ctier+in+%28a%29"),
            Ok(("shop", "queue", selected))
        );
        assert_eq!(named("queue\n"), Ok(("default", "queue", None)));
        assert_eq!(named("/queue"), Ok(("default", "queue", None)));
        for wrong in ["", "shop/", "a/b/c", "../queue", "a%2Fb/queue"] {
            assert!(named(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn quantities_are_numbers() {
        for (text, value) in [
            ("100m", 0.1),
            ("12", 12.0),
            ("1.5k", 1500.0),
            ("2Ki", 2048.0),
            ("1e3", 1000.0),
        ] {
            let read = quantity(text).unwrap();
            assert!((read - value).abs() < 1e-9, "{text}: {read}");
        }
        for wrong in ["", "m", "x", "1x", "inf", "NaN"] {
            assert_eq!(quantity(wrong), None, "{wrong}");
        }
    }
}
