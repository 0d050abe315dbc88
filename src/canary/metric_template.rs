//! A MetricTemplate of `flagger.app/v1beta1`.
//!
//! Must not render the query: that needs a canary and an interval.

use crate::canary::envelope::read_document;
use crate::canary::name::Word;
use crate::canary::problem::SpecErrors;
use crate::canary::problem::SpecProblem;
use crate::canary::reader::At;
use crate::canary::yaml::Document;
use std::collections::BTreeMap;

/// A query that several canaries share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricTemplate {
    /// Its name.
    pub name: String,
    /// Its namespace, also of its Secret.
    pub namespace: String,
    /// Whom it asks.
    pub provider: MetricProvider,
    /// A Go template.
    pub query: String,
}

/// Whom a template asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricProvider {
    /// Which API it speaks.
    pub kind: MetricProviderType,
    /// Address of the API.
    pub address: Option<String>,
    /// Extra headers.
    pub headers: BTreeMap<String, Vec<String>>,
    /// Secret with credentials, in the template's namespace.
    pub secret: Option<String>,
    /// Region of AWS.
    pub region: Option<String>,
    /// Is its certificate not verified?
    pub insecure_skip_verify: bool,
}

/// Metric APIs that Flagger speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricProviderType {
    /// Prometheus.
    Prometheus,
    /// InfluxDB 2.
    InfluxDb,
    /// Datadog.
    Datadog,
    /// External metrics API of Kubernetes.
    ExternalMetrics,
    /// Google Cloud Monitoring.
    Stackdriver,
    /// Amazon CloudWatch.
    CloudWatch,
    /// New Relic.
    NewRelic,
    /// Graphite.
    Graphite,
    /// Dynatrace.
    Dynatrace,
    /// Keptn.
    Keptn,
    /// Splunk Observability Cloud.
    Splunk,
}

impl Word for MetricProviderType {
    const ALL: &'static [Self] = &[
        Self::Prometheus,
        Self::InfluxDb,
        Self::Datadog,
        Self::ExternalMetrics,
        Self::Stackdriver,
        Self::CloudWatch,
        Self::NewRelic,
        Self::Graphite,
        Self::Dynatrace,
        Self::Keptn,
        Self::Splunk,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::InfluxDb => "influxdb",
            Self::Datadog => "datadog",
            Self::ExternalMetrics => "externalmetrics",
            Self::Stackdriver => "stackdriver",
            Self::CloudWatch => "cloudwatch",
            Self::NewRelic => "newrelic",
            Self::Graphite => "graphite",
            Self::Dynatrace => "dynatrace",
            Self::Keptn => "keptn",
            Self::Splunk => "splunk",
        }
    }
}

impl MetricTemplate {
    /// Reads a document; `namespace` is for those that have none.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn from_document(
        document: &Document,
        namespace: &str,
    ) -> Result<(Self, Vec<SpecProblem>), SpecErrors> {
        read_document(
            document,
            ("MetricTemplate", "metric template"),
            namespace,
            Self::read,
        )
    }

    fn read(name: String, namespace: String, at: At<'_>) -> Option<Self> {
        let mut fields = at.fields()?;
        let provider = fields.required("provider", MetricProvider::read);
        let query = fields.required("query", At::some_text);
        fields.close();
        Some(Self {
            name,
            namespace,
            provider: provider?,
            query: query?,
        })
    }
}

impl MetricProvider {
    fn read(at: At<'_>) -> Option<Self> {
        let mut fields = at.fields()?;
        let kind = fields.required("type", At::word);
        let address = fields
            .optional("address", At::text)
            .filter(|text| !text.is_empty());
        let headers = fields
            .optional("headers", |at| at.map(At::texts))
            .unwrap_or_default();
        let secret = fields.optional("secretRef", secret_name);
        let region = fields
            .optional("region", At::text)
            .filter(|text| !text.is_empty());
        let insecure_skip_verify = fields
            .optional("insecureSkipVerify", At::flag)
            .unwrap_or(false);
        fields.close();
        Some(Self {
            kind: kind?,
            address,
            headers,
            secret,
            region,
            insecure_skip_verify,
        })
    }
}

/// `secretRef: {name}`.
pub(super) fn secret_name(at: At<'_>) -> Option<String> {
    let mut fields = at.fields()?;
    let name = fields.required("name", At::object_name);
    fields.close();
    name
}
