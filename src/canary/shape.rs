//! Shapes of the parts of a spec that are handed on as they are: their fields are checked, their meaning is the
//! router's.
//!
//! Source of the tables: the `trafficPolicy` and `corsPolicy` schemas in Flagger's CRD, which are Istio's.

use crate::canary::name::listed;
use crate::canary::name::nearest;
use crate::canary::reader::At;
use serde_json::Value;

/// What a value looks like.
pub(super) enum Shape {
    Text,
    Flag,
    Whole,
    Texts,
    /// Whole numbers by free keys.
    Wholes,
    /// One of these words.
    OneOf(&'static [&'static str]),
    List(&'static Shape),
    Object(&'static [(&'static str, Shape)]),
}

impl Shape {
    /// The value itself, if all of it has this shape.
    pub fn check(&self, at: At<'_>) -> Option<Value> {
        let value = at.value.clone();
        self.fits(at).then_some(value)
    }

    fn fits(&self, at: At<'_>) -> bool {
        match self {
            Self::Text => at.text().is_some(),
            Self::Flag => at.flag().is_some(),
            Self::Whole => at.whole(i64::MIN..=i64::MAX).is_some(),
            Self::Texts => at.texts().is_some(),
            Self::Wholes => at.map(|at| at.whole(i64::MIN..=i64::MAX)).is_some(),
            Self::OneOf(words) => {
                let Some(text) = at.clone().text() else {
                    return false;
                };
                if words.contains(&text.as_str()) {
                    return true;
                }
                let meant = nearest(&text, words.iter().copied())
                    .map(|meant| format!("did you mean {meant}?"));
                at.unknown(
                    &format!("must be {}, not {text:?}", listed(words, "or")),
                    meant,
                );
                false
            }
            Self::List(item) => at.list(|at| item.fits(at).then_some(())).is_some(),
            Self::Object(known) => {
                let Some(mut fields) = at.fields() else {
                    return false;
                };
                let mut all = true;
                for (name, shape) in *known {
                    if let Some(at) = fields.get(name) {
                        all &= shape.fits(at);
                    }
                }
                fields.close();
                all
            }
        }
    }
}

/// `spec.service.trafficPolicy`.
pub(super) const TRAFFIC_POLICY: Shape = Shape::Object(&[
    ("connectionPool", CONNECTION_POOL),
    ("loadBalancer", LOAD_BALANCER),
    ("outlierDetection", OUTLIER_DETECTION),
    ("tls", TLS),
]);

const CONNECTION_POOL: Shape = Shape::Object(&[(
    "http",
    Shape::Object(&[
        (
            "h2UpgradePolicy",
            Shape::OneOf(&["DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"]),
        ),
        ("http1MaxPendingRequests", Shape::Whole),
        ("http2MaxRequests", Shape::Whole),
        ("idleTimeout", Shape::Text),
        ("maxRequestsPerConnection", Shape::Whole),
        ("maxRetries", Shape::Whole),
    ]),
)]);

const LOAD_BALANCER: Shape = Shape::Object(&[
    (
        "simple",
        Shape::OneOf(&[
            "ROUND_ROBIN",
            "LEAST_CONN",
            "RANDOM",
            "PASSTHROUGH",
            "LEAST_REQUEST",
        ]),
    ),
    (
        "consistentHash",
        Shape::Object(&[
            (
                "httpCookie",
                Shape::Object(&[
                    ("name", Shape::Text),
                    ("path", Shape::Text),
                    ("ttl", Shape::Text),
                ]),
            ),
            ("httpHeaderName", Shape::Text),
            ("httpQueryParameterName", Shape::Text),
            ("minimumRingSize", Shape::Whole),
            ("useSourceIp", Shape::Flag),
        ]),
    ),
    (
        "localityLbSetting",
        Shape::Object(&[
            (
                "distribute",
                Shape::List(&Shape::Object(&[
                    ("from", Shape::Text),
                    ("to", Shape::Wholes),
                ])),
            ),
            ("enabled", Shape::Flag),
            (
                "failover",
                Shape::List(&Shape::Object(&[
                    ("from", Shape::Text),
                    ("to", Shape::Text),
                ])),
            ),
        ]),
    ),
    ("warmupDurationSecs", Shape::Text),
]);

const OUTLIER_DETECTION: Shape = Shape::Object(&[
    ("baseEjectionTime", Shape::Text),
    ("consecutive5xxErrors", Shape::Whole),
    ("consecutiveErrors", Shape::Whole),
    ("consecutiveGatewayErrors", Shape::Whole),
    ("consecutiveLocalOriginFailures", Shape::Whole),
    ("interval", Shape::Text),
    ("maxEjectionPercent", Shape::Whole),
    ("minHealthPercent", Shape::Whole),
    ("splitExternalLocalOriginErrors", Shape::Flag),
]);

const TLS: Shape = Shape::Object(&[
    ("caCertificates", Shape::Text),
    ("clientCertificate", Shape::Text),
    (
        "mode",
        Shape::OneOf(&["DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"]),
    ),
    ("privateKey", Shape::Text),
    ("sni", Shape::Text),
    ("subjectAltNames", Shape::Texts),
]);

/// `spec.service.corsPolicy`.
pub(super) const CORS_POLICY: Shape = Shape::Object(&[
    ("allowCredentials", Shape::Flag),
    ("allowHeaders", Shape::Texts),
    ("allowMethods", Shape::Texts),
    ("allowOrigin", Shape::Texts),
    (
        "allowOrigins",
        Shape::List(&Shape::Object(&[
            ("exact", Shape::Text),
            ("prefix", Shape::Text),
            ("regex", Shape::Text),
        ])),
    ),
    ("exposeHeaders", Shape::Texts),
    ("maxAge", Shape::Text),
]);
