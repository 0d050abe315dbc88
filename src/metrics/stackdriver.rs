//! Google Cloud Monitoring: a query in its query language. Google recommends PromQL instead, through the frontend
//! that speaks Prometheus' API.
//! <https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.timeSeries/query>

use crate::canary::answer::Answer;
use crate::canary::http::HttpRequest;
use crate::canary::http::HttpResponse;
use crate::metrics::Address;
use crate::metrics::Ask;
use crate::metrics::Cloud;
use crate::metrics::CloudKind;
use crate::metrics::MetricProvider;
use crate::metrics::Reply;
use crate::metrics::Secret;
use crate::metrics::google::Login;
use crate::metrics::google::token;
use crate::metrics::reading::json;
use crate::metrics::reading::number;
use crate::metrics::reading::only;
use crate::metrics::writing::escaped;
use crate::metrics::writing::header;
use crate::metrics::writing::post;
use crate::metrics::writing::url;
use serde_json::Value;
use serde_json::json;

pub(super) const PROVIDER: MetricProvider = MetricProvider {
    address: Address::Fixed("https://monitoring.googleapis.com"),
    secret: Secret::Optional(&[&[PROJECT]]),
    more_keys: &[KEY],
    cloud: |_| Some(CloudKind::Google),
    ..MetricProvider::new("stackdriver", request, signed_in)
};

const PROJECT: &str = "project";
/// The key of a service account; without it the machine's own login is used.
const KEY: &str = "serviceAccountKey";
/// Reading is enough.
const SCOPE: &str = "https://www.googleapis.com/auth/monitoring.read";

fn login(ask: &Ask<'_>) -> Result<Login, String> {
    match (ask.backend.secret.get(KEY), &ask.backend.cloud) {
        (Some(key), _) => Login::of_key(key),
        (None, Some(Cloud::Google(login))) => Ok(login.clone()),
        (None, Some(Cloud::Aws(_)) | None) => Err("there is no login for Google".to_owned()),
    }
}

fn request(ask: &Ask<'_>) -> Result<HttpRequest, String> {
    login(ask)?.request(SCOPE, ask.now)
}

fn signed_in(ask: &Ask<'_>, response: &HttpResponse) -> Reply {
    match token(response) {
        Ok(token) => Reply::next(query(ask, &token), |_, response| read(response).into()),
        Err(why) => Reply::error(why),
    }
}

fn query(ask: &Ask<'_>, token: &str) -> Result<HttpRequest, String> {
    let own = login(ask)?.project();
    let project = ask.backend.secret.get(PROJECT).cloned().or(own);
    let project =
        project.ok_or("the Secret has no project, and GOOGLE_CLOUD_PROJECT is not set")?;
    let path = format!("/v3/projects/{}/timeSeries:query", escaped(&project));
    let body = json!({"query": ask.query}).to_string();
    let url = url(&ask.backend.address, &path, &[]);
    let mut request = post(ask, url, "application/json", body);
    header(&mut request, "Authorization", &format!("Bearer {token}"));
    Ok(request)
}

/// The newest point.
fn read(response: &HttpResponse) -> Result<Answer, String> {
    let body = json("Cloud Monitoring", response)?;
    let series = body["timeSeriesData"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let value = only(series, "series")?.and_then(|one| one.pointer("/pointData/0/values/0"));
    let Some(value) = value else {
        return Ok(Answer::NoValues);
    };
    // Whole numbers come as text.
    let (double, whole) = (&value["doubleValue"], &value["int64Value"]);
    match (double, whole) {
        (Value::Null, Value::Null) => Err(format!("{value} is neither doubleValue nor int64Value")),
        (Value::Null, whole) => Ok(number(whole)),
        (double, _) => Ok(number(double)),
    }
}
