//! A Canary of `flagger.app/v1beta1`, with Flagger's rules for what is absent.
//!
//! Must not look for the objects it names; `load` does.

use crate::canary::analysis::Analysis;
use crate::canary::envelope::read_document;
use crate::canary::fields::Fields;
use crate::canary::metadata::entries;
use crate::canary::problem::Finding;
use crate::canary::problem::ProblemKind;
use crate::canary::problem::SpecErrors;
use crate::canary::problem::SpecProblem;
use crate::canary::problem::Spot;
use crate::canary::provider::Provider;
use crate::canary::reader::At;
use crate::canary::reference::AutoscalerRef;
use crate::canary::reference::KNATIVE;
use crate::canary::reference::ObjectRef;
use crate::canary::reference::TargetKind;
use crate::canary::reference::TargetRef;
use crate::canary::service::Service;
use crate::canary::weight::Weight;
use crate::canary::yaml::Document;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// Group and version of all of Flagger's kinds.
pub const API_VERSION: &str = "flagger.app/v1beta1";

/// One rollout's plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Canary {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its annotations: some meshes look for settings there.
    pub annotations: BTreeMap<String, String>,
    /// Traffic provider; the command line's where absent.
    pub provider: Option<Provider>,
    /// Prometheus for built-in metrics and inline queries.
    pub metrics_server: Option<String>,
    /// What is rolled out.
    pub target: TargetRef,
    /// Autoscaler of the target.
    pub autoscaler: Option<AutoscalerRef>,
    /// The Ingress of `nginx` and `skipper`.
    pub ingress: Option<ObjectRef>,
    /// The ApisixRoute of `apisix`.
    pub route: Option<ObjectRef>,
    /// The Upstream of `gloo` whose settings are copied.
    pub upstream: Option<ObjectRef>,
    /// How services and routes are made.
    pub service: Service,
    /// How the revision is judged.
    pub analysis: Analysis,
    /// How long a workload may take to become ready, as written; see [`Canary::progress_deadline`].
    pub progress_deadline: Option<Duration>,
    /// Is it promoted as soon as it is ready?
    pub skip_analysis: bool,
    /// Is everything given back when the Canary is deleted?
    pub revert_on_deletion: bool,
    /// Must a controller stay away?
    pub suspend: bool,
    /// The command line's, never the spec's.
    pub ingress_settings: IngressSettings,
}

/// How Ingresses are written. Flagger's controller has flags for it; no spec can say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngressSettings {
    /// Prefix of ingress-nginx' annotations, without the slash.
    pub annotations_prefix: String,
    /// `spec.ingressClassName` of HTTPProxies.
    pub class: Option<String>,
}

impl Default for IngressSettings {
    fn default() -> Self {
        Self {
            annotations_prefix: "nginx.ingress.kubernetes.io".to_owned(),
            class: None,
        }
    }
}

/// How the canary gets its traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// More and more of all requests.
    Canary,
    /// The requests that match, all of them at once.
    AbTesting,
    /// None until all checks passed, then everything.
    BlueGreen,
}

impl Strategy {
    /// As people call it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Canary => "weighted canary",
            Self::AbTesting => "A/B testing",
            Self::BlueGreen => "Blue/Green",
        }
    }
}

impl Canary {
    /// Reads the JSON of a Canary, such as one that a run record keeps. The namespace is `default` where it has none.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn from_value(value: &Value) -> Result<(Self, Vec<SpecProblem>), SpecErrors> {
        Self::from_document(&Document::without_text(value.clone()), "default")
    }

    /// Reads a document; `namespace` is for those that have none.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn from_document(
        document: &Document,
        namespace: &str,
    ) -> Result<(Self, Vec<SpecProblem>), SpecErrors> {
        let read = read_document(document, ("Canary", "canary"), namespace, Self::read);
        read.map(|(mut canary, warnings)| {
            let annotations = entries(&document.value, "annotations").into_iter();
            let texts =
                annotations.filter_map(|(key, value)| Some((key, value.as_str()?.to_owned())));
            canary.annotations = texts.collect();
            (canary, warnings)
        })
    }

    fn read(name: String, namespace: String, at: At<'_>) -> Option<Self> {
        let mut fields = at.fields()?;
        if let Some(old) = fields.get("canaryAnalysis") {
            fields.at.sink.error(
                Finding::at_key(
                    ProblemKind::UnknownField,
                    &old.pointer,
                    "no longer read",
                    "spec.canaryAnalysis is not a field of flagger.app/v1beta1".to_owned(),
                )
                .help("rename it to analysis"),
            );
        }
        let target = fields.required("targetRef", TargetRef::read);
        let analysis = if fields.has("canaryAnalysis") && !fields.has("analysis") {
            None
        } else {
            fields.required("analysis", Analysis::read)
        };
        let service = fields.optional("service", Service::read);
        let read = Self {
            name,
            namespace,
            annotations: BTreeMap::new(),
            provider: fields.optional("provider", Provider::read),
            metrics_server: fields
                .optional("metricsServer", At::text)
                .filter(|text| !text.is_empty()),
            target: TargetRef {
                api_version: String::new(),
                kind: TargetKind::Deployment,
                name: String::new(),
            },
            autoscaler: fields.optional("autoscalerRef", AutoscalerRef::read),
            ingress: fields.optional("ingressRef", |at| ObjectRef::read(at, "Ingress", false)),
            route: fields.optional("routeRef", |at| ObjectRef::read(at, "ApisixRoute", false)),
            upstream: fields.optional("upstreamRef", |at| ObjectRef::read(at, "Upstream", true)),
            service: service.unwrap_or_default(),
            analysis: Analysis::default(),
            progress_deadline: fields
                .optional("progressDeadlineSeconds", At::count)
                .map(|seconds| Duration::from_secs(u64::from(seconds))),
            skip_analysis: fields.optional("skipAnalysis", At::flag).unwrap_or(false),
            revert_on_deletion: fields
                .optional("revertOnDeletion", At::flag)
                .unwrap_or(false),
            suspend: fields.optional("suspend", At::flag).unwrap_or(false),
            ingress_settings: IngressSettings::default(),
        };
        let whole = target.zip(analysis).map(|(target, analysis)| Self {
            target,
            analysis,
            ..read
        });
        if let Some(canary) = &whole {
            canary.check(&fields);
        }
        fields.close();
        whole
    }

    /// Rules over more than one field.
    fn check(&self, fields: &Fields<'_>) {
        let sink = fields.at.sink;
        let knative = self.target.kind == TargetKind::KnativeService;
        let target = fields.pointer("targetRef");
        if knative && self.provider != Some(Provider::Knative) && !provider_is_broken(self, fields)
        {
            sink.error(
                Finding::at_value(
                    ProblemKind::Conflict,
                    &format!("{target}/apiVersion"),
                    "a Knative Service",
                    "spec.targetRef is a Knative Service, which needs spec.provider knative"
                        .to_owned(),
                )
                .help("add provider: knative"),
            );
        }
        if !knative && self.provider == Some(Provider::Knative) {
            sink.error(
                Finding::at_value(
                    ProblemKind::Conflict,
                    &fields.pointer("provider"),
                    "needs a Knative Service",
                    "spec.provider knative needs a Knative Service as spec.targetRef".to_owned(),
                )
                .label(Spot::Value(format!("{target}/kind")), "this is none")
                .help(format!(
                    "a target of kind Service with apiVersion {KNATIVE}"
                )),
            );
        }
        if knative && self.autoscaler.is_some() {
            sink.error(
                Finding::at_key(
                    ProblemKind::Conflict,
                    &fields.pointer("autoscalerRef"),
                    "not with Knative",
                    "spec.autoscalerRef cannot be used with a Knative Service".to_owned(),
                )
                .help("remove it: Knative scales its revisions itself"),
            );
        }
        let needs_services = match self.target.kind {
            TargetKind::Deployment | TargetKind::DaemonSet => true,
            TargetKind::Service | TargetKind::KnativeService => false,
        };
        if needs_services && !fields.has("service") {
            fields.missing(
                "service",
                ": without a port Kubernetes refuses the services, and the rollout never starts",
            );
        }
        if needs_services && self.service.name.is_none() && self.target.name.len() > 55 {
            sink.error(
                Finding::at_value(
                    ProblemKind::WrongValue,
                    &format!("{target}/name"),
                    "too long for a service",
                    "spec.targetRef.name is too long for the services that are named after it"
                        .to_owned(),
                )
                .help("give spec.service.name a name of at most 55 characters"),
            );
        }
    }

    /// Time between checks: at least 10 s.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.analysis.interval.max(Duration::from_secs(10))
    }

    /// Failed checks that roll back: at least 1.
    #[must_use]
    pub fn threshold(&self) -> u32 {
        u32::try_from(self.analysis.threshold.max(1)).unwrap_or(u32::MAX)
    }

    /// Where the increase ends: the last of `stepWeights`, else `maxWeight`, else 100.
    #[must_use]
    pub fn max_weight(&self) -> Weight {
        self.analysis
            .step_weights
            .last()
            .copied()
            .or(self.analysis.max_weight)
            .unwrap_or(Weight::FULL)
    }

    /// How long a workload may take to become ready: 10 minutes where the spec says nothing.
    #[must_use]
    pub fn progress_deadline(&self) -> Duration {
        self.progress_deadline.unwrap_or(Duration::from_secs(600))
    }

    /// Share of the primary's pods that must be available; all where the spec says nothing, and 0 is honoured.
    #[must_use]
    pub fn primary_ready_threshold(&self) -> Weight {
        self.analysis
            .primary_ready_threshold
            .unwrap_or(Weight::FULL)
    }

    /// Share of the canary's pods that must be available; all where the spec says nothing, and 0 is honoured.
    #[must_use]
    pub fn canary_ready_threshold(&self) -> Weight {
        self.analysis.canary_ready_threshold.unwrap_or(Weight::FULL)
    }

    /// The service that users call.
    #[must_use]
    pub fn apex_name(&self) -> &str {
        self.service.name.as_deref().unwrap_or(&self.target.name)
    }

    /// The service in front of the primary.
    #[must_use]
    pub fn primary_service_name(&self) -> String {
        format!("{}-primary", self.apex_name())
    }

    /// The service in front of the canary.
    #[must_use]
    pub fn canary_service_name(&self) -> String {
        format!("{}-canary", self.apex_name())
    }

    /// The workload that is our copy of the target.
    #[must_use]
    pub fn primary_name(&self) -> String {
        format!("{}-primary", self.target.name)
    }

    /// The workload that is rolled out.
    #[must_use]
    pub fn target_name(&self) -> &str {
        &self.target.name
    }

    /// How the canary gets its traffic.
    #[must_use]
    pub fn strategy(&self) -> Strategy {
        match (self.analysis.iterations, self.analysis.matches.is_empty()) {
            (Some(_), false) => Strategy::AbTesting,
            (Some(_), true) => Strategy::BlueGreen,
            (None, true | false) => Strategy::Canary,
        }
    }
}

/// Was there a provider that could not be read? Then nothing more is said about it.
fn provider_is_broken(canary: &Canary, fields: &Fields<'_>) -> bool {
    canary.provider.is_none() && fields.has("provider")
}

#[cfg(test)]
mod tests;
