//! Keptn: a KeptnMetric, or an Analysis that is created for the answer and always deleted. The query is
//! `KIND/NAMESPACE/NAME[/DURATION[/KEY=VALUE;…]]`.
//! <https://keptn.sh/stable/docs/reference/crd-reference/>

use crate::canary::answer::Answer;
use crate::canary::http::HttpRequest;
use crate::canary::http::HttpResponse;
use crate::metrics::Address;
use crate::metrics::Again;
use crate::metrics::Ask;
use crate::metrics::MetricProvider;
use crate::metrics::Probe;
use crate::metrics::Reply;
use crate::metrics::reading::json;
use crate::metrics::reading::number_in;
use crate::metrics::writing::get;
use crate::metrics::writing::is_name;
use crate::metrics::writing::post;
use serde_json::Map;
use serde_json::Value;
use sha2::Digest as _;
use sha2::Sha256;
use std::time::Duration;

pub(super) const PROVIDER: MetricProvider = MetricProvider {
    address: Address::Fixed(""),
    window: "in the query",
    timeout: Duration::from_secs(10),
    check: |query| Wanted::read(query).map(|_| ()),
    probe: Probe::Nothing,
    cleanup,
    ..MetricProvider::new("keptn", request, parse)
};

/// Between two looks at an Analysis.
const POLL: Duration = Duration::from_secs(1);
/// Of all objects.
const API: &str = "/apis/metrics.keptn.sh/v1beta1/namespaces";

/// What a query asks for.
struct Wanted {
    analysis: bool,
    namespace: String,
    name: String,
    recent: String,
    arguments: Map<String, Value>,
}

impl Wanted {
    fn read(query: &str) -> Result<Self, String> {
        let query = query.trim().to_lowercase();
        let parts: Vec<&str> = query.split('/').collect();
        let expected = || {
            "keptnmetric/NAMESPACE/NAME or analysis/NAMESPACE/NAME[/DURATION[/KEY=VALUE;…]] is expected".to_owned()
        };
        let [kind, namespace, name, rest @ ..] = parts.as_slice() else {
            return Err(expected());
        };
        let analysis = match *kind {
            "keptnmetric" | "keptnmetrics" => false,
            "analysis" | "analyses" => true,
            _ => return Err(expected()),
        };
        if !is_name(namespace) || !is_name(name) || rest.len() > 2 {
            return Err(expected());
        }
        let arguments = rest.get(1).copied().unwrap_or_default();
        let pairs = arguments.split(';').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| {
            let (key, value) = pair.split_once('=').ok_or_else(expected)?;
            Ok((key.to_owned(), value.into()))
        });
        Ok(Self {
            analysis,
            namespace: (*namespace).to_owned(),
            name: (*name).to_owned(),
            recent: rest
                .first()
                .filter(|text| !text.is_empty())
                .map_or("1m", |text| text)
                .to_owned(),
            arguments: pairs.collect::<Result<_, String>>()?,
        })
    }

    /// Known before it is created, so that it can be deleted whatever happens.
    fn created(&self, ask: &Ask<'_>) -> String {
        let seed = format!("{} {}", ask.now.as_nanosecond(), ask.query);
        let hash = Sha256::digest(seed);
        let suffix: String = hash
            .iter()
            .take(3)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("{}-{suffix}", self.name)
    }

    fn collection(&self) -> String {
        let kind = if self.analysis {
            "analyses"
        } else {
            "keptnmetrics"
        };
        format!("{API}/{}/{kind}", self.namespace)
    }
}

fn request(ask: &Ask<'_>) -> Result<HttpRequest, String> {
    let wanted = Wanted::read(ask.query)?;
    let collection = wanted.collection();
    if !wanted.analysis {
        return Ok(get(ask, format!("{collection}/{}", wanted.name)));
    }
    let body = serde_json::json!({
        "apiVersion": "metrics.keptn.sh/v1beta1",
        "kind": "Analysis",
        "metadata": {"name": wanted.created(ask), "namespace": wanted.namespace},
        "spec": {
            "analysisDefinition": {"name": wanted.name},
            "timeframe": {"recent": wanted.recent},
            "args": wanted.arguments,
        },
    });
    Ok(post(ask, collection, "application/json", body.to_string()))
}

fn cleanup(ask: &Ask<'_>) -> Option<HttpRequest> {
    let wanted = Wanted::read(ask.query)
        .ok()
        .filter(|wanted| wanted.analysis)?;
    let url = format!("{}/{}", wanted.collection(), wanted.created(ask));
    Some(HttpRequest {
        method: "DELETE",
        ..get(ask, url)
    })
}

fn parse(ask: &Ask<'_>, response: &HttpResponse) -> Reply {
    let (wanted, body) = match (Wanted::read(ask.query), json("Keptn", response)) {
        (Ok(wanted), Ok(body)) => (wanted, body),
        (Err(why), _) | (_, Err(why)) => return Reply::error(why),
    };
    let status = &body["status"];
    if !wanted.analysis {
        return match status["value"].as_str() {
            Some(text) => Reply::Done(number_in(text)),
            None => Reply::error(format!("KeptnMetric {} has no value yet", wanted.name)),
        };
    }
    match (status["state"].as_str(), status["pass"].as_bool()) {
        (Some("Completed"), pass) => {
            Reply::Done(Answer::Value(f64::from(u8::from(pass == Some(true)))))
        }
        (Some(_) | None, _) => Reply::AskAgain(Again {
            request: get(
                ask,
                format!("{}/{}", wanted.collection(), wanted.created(ask)),
            ),
            after: POLL,
            then: Box::new(parse),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_a_kind_a_namespace_and_a_name() {
        let read = Wanted::read("Analysis/shop/Quality/5m/a=1;b=2\n")
            .ok()
            .unwrap();
        assert_eq!(
            (read.analysis, &*read.name, &*read.recent),
            (true, "quality", "5m")
        );
        assert_eq!(
            Value::from(read.arguments),
            serde_json::json!({"a": "1", "b": "2"})
        );
        assert_eq!(Wanted::read("analysis/shop/q").ok().unwrap().recent, "1m");
        for wrong in [
            "",
            "keptnmetric/shop",
            "x/shop/q",
            "analysis/../q",
            "analysis/a/b/1m/x",
            "analysis/a/b/1m/x=1/y",
        ] {
            assert!(Wanted::read(wrong).is_err(), "{wrong}");
        }
    }
}
