//! A Canary of `flagger.app/v1beta1`, with Flagger's rules for what is absent.
//!
//! Must not look for the objects it names; `load` does.

use crate::canary::analysis::Analysis;
use crate::canary::name::Word;
use crate::canary::problem::Finding;
use crate::canary::problem::ProblemKind;
use crate::canary::problem::SpecErrors;
use crate::canary::problem::SpecProblem;
use crate::canary::problem::Spot;
use crate::canary::provider::Provider;
use crate::canary::reader::At;
use crate::canary::reader::Fields;
use crate::canary::reader::Sink;
use crate::canary::service::Service;
use crate::canary::weight::Weight;
use crate::canary::yaml::Document;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// Group and version of all of Flagger's kinds.
pub const API_VERSION: &str = "flagger.app/v1beta1";

/// `serving.knative.dev/v1`: what makes a target of kind Service a Knative one.
const KNATIVE: &str = "serving.knative.dev/v1";

/// One rollout's plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Canary {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
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
}

/// `spec.targetRef`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetRef {
    /// As written, such as `apps/v1`.
    pub api_version: String,
    /// What it is.
    pub kind: TargetKind,
    /// Its name.
    pub name: String,
}

/// What can be rolled out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TargetKind {
    /// A Deployment.
    Deployment,
    /// A DaemonSet.
    DaemonSet,
    /// A core Service, whose workloads others manage.
    Service,
    /// A Knative Service.
    KnativeService,
}

impl TargetKind {
    /// The kind's name; the same for both services.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::DaemonSet => "DaemonSet",
            Self::Service | Self::KnativeService => "Service",
        }
    }
}

/// `spec.autoscalerRef`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoscalerRef {
    /// As written, such as `autoscaling/v2`.
    pub api_version: String,
    /// What it is.
    pub kind: AutoscalerKind,
    /// Its name.
    pub name: String,
    /// KEDA: query of the primary's copy by the name of the trigger.
    pub primary_scaler_queries: BTreeMap<String, String>,
    /// Least replicas of the primary's copy.
    pub primary_min_replicas: Option<u32>,
    /// Most replicas of the primary's copy.
    pub primary_max_replicas: Option<u32>,
}

/// Autoscalers that Flagger knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AutoscalerKind {
    /// `autoscaling/v2`.
    HorizontalPodAutoscaler,
    /// KEDA's.
    ScaledObject,
}

impl Word for AutoscalerKind {
    const ALL: &'static [Self] = &[Self::HorizontalPodAutoscaler, Self::ScaledObject];

    fn as_str(self) -> &'static str {
        match self {
            Self::HorizontalPodAutoscaler => "HorizontalPodAutoscaler",
            Self::ScaledObject => "ScaledObject",
        }
    }
}

/// An object of a fixed kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRef {
    /// As written, such as `networking.k8s.io/v1`.
    pub api_version: String,
    /// Such as `Ingress`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The canary's where absent; only an Upstream can have another.
    pub namespace: Option<String>,
}

/// A MetricTemplate or AlertProvider by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRef {
    /// Its name.
    pub name: String,
    /// The canary's where absent.
    pub namespace: Option<String>,
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
        let sink = Sink::default();
        let read = object(
            At::document(document, &sink),
            "Canary",
            namespace,
            Self::read,
        );
        let name = document
            .value
            .pointer("/metadata/name")
            .and_then(Value::as_str);
        sink.finish(read, document, &format!("canary {}", name.unwrap_or("")))
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
            provider: fields.optional("provider", At::word),
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

/// The parts that all three kinds share: version, kind, name, namespace, and a spec.
pub(super) fn object<'a, T>(
    at: At<'a>,
    kind: &str,
    namespace: &str,
    read: impl FnOnce(String, String, At<'a>) -> Option<T>,
) -> Option<T> {
    let mut fields = at.fields()?;
    let version = fields.required("apiVersion", At::text);
    if let (Some(version), Some(at)) = (version, fields.get("apiVersion"))
        && version != API_VERSION
    {
        at.refuse(
            "unknown version",
            &format!("must be {API_VERSION}"),
            "other versions of Flagger's API are no longer served",
        );
    }
    let is = fields.required("kind", At::text);
    if let (Some(is), Some(at)) = (is, fields.get("kind"))
        && is != kind
    {
        at.refuse(
            "another kind",
            &format!("must be {kind}"),
            format!("write {kind}"),
        );
    }
    let names = fields.required("metadata", |at| {
        let mut fields = at.fields()?;
        let name = fields.required("name", At::object_name);
        let own = fields.optional("namespace", At::label_name);
        // All other metadata is the API server's and other tools'.
        Some((name?, own))
    });
    // Written by a controller or by us, never read from Git.
    fields.get("status");
    // Keeps the problems of the spec even where the metadata is broken.
    let (name, own) = names.clone().unwrap_or_default();
    let spec = fields.required("spec", |at| {
        read(name, own.unwrap_or_else(|| namespace.to_owned()), at)
    });
    fields.close();
    names.and(spec)
}

impl TargetRef {
    fn read(at: At<'_>) -> Option<Self> {
        let mut fields = at.fields()?;
        let api_version = fields.required("apiVersion", At::some_text);
        let kind = fields.required("kind", At::word::<RefKind>);
        let name = fields.required("name", At::object_name);
        fields.close();
        let api_version = api_version?;
        let kind = match kind? {
            RefKind::DaemonSet => TargetKind::DaemonSet,
            RefKind::Deployment => TargetKind::Deployment,
            RefKind::Service if api_version == KNATIVE => TargetKind::KnativeService,
            RefKind::Service => TargetKind::Service,
        };
        Some(Self {
            api_version,
            kind,
            name: name?,
        })
    }
}

/// What `targetRef.kind` may say.
#[derive(Clone, Copy)]
enum RefKind {
    DaemonSet,
    Deployment,
    Service,
}

impl Word for RefKind {
    const ALL: &'static [Self] = &[Self::DaemonSet, Self::Deployment, Self::Service];

    fn as_str(self) -> &'static str {
        match self {
            Self::DaemonSet => "DaemonSet",
            Self::Deployment => "Deployment",
            Self::Service => "Service",
        }
    }
}

impl AutoscalerRef {
    fn read(at: At<'_>) -> Option<Self> {
        let mut fields = at.fields()?;
        let api_version = fields.required("apiVersion", At::some_text);
        let kind = fields.required("kind", At::word);
        let name = fields.required("name", At::object_name);
        let primary_scaler_queries = fields
            .optional("primaryScalerQueries", At::text_map)
            .unwrap_or_default();
        let (min, max) = fields
            .optional("primaryScalerReplicas", |at| {
                let path = at.path();
                let sink = at.sink;
                let mut fields = at.fields()?;
                let some = |at: At<'_>| u32::try_from(at.whole(1..=i64::from(i32::MAX))?).ok();
                let min = fields.optional("minReplicas", some);
                let max = fields.optional("maxReplicas", some);
                if let (Some(least), Some(most)) = (min, max)
                    && least > most
                {
                    sink.error(
                        Finding::at_value(
                            ProblemKind::Conflict,
                            &fields.pointer("minReplicas"),
                            "above maxReplicas",
                            format!("{path}.minReplicas {least} is above maxReplicas {most}"),
                        )
                        .help("swap them"),
                    );
                }
                fields.close();
                Some((min, max))
            })
            .unwrap_or_default();
        fields.close();
        Some(Self {
            api_version: api_version?,
            kind: kind?,
            name: name?,
            primary_scaler_queries,
            primary_min_replicas: min,
            primary_max_replicas: max,
        })
    }
}

impl ObjectRef {
    fn read(at: At<'_>, kind: &'static str, namespaced: bool) -> Option<Self> {
        let mut fields = at.fields()?;
        let api_version = fields.required("apiVersion", At::some_text);
        let is = fields.required("kind", |at| {
            let text = at.clone().text()?;
            if text != kind {
                at.refuse(
                    "another kind",
                    &format!("must be {kind}"),
                    format!("write {kind}"),
                );
            }
            Some(text)
        });
        let name = fields.required("name", At::object_name);
        let namespace = if namespaced {
            fields.optional("namespace", At::label_name)
        } else {
            None
        };
        fields.close();
        Some(Self {
            api_version: api_version?,
            kind: is?,
            name: name?,
            namespace,
        })
    }
}

impl NamedRef {
    pub(super) fn read(at: At<'_>) -> Option<Self> {
        let mut fields = at.fields()?;
        let name = fields.required("name", At::object_name);
        let namespace = fields
            .get("namespace")
            .filter(|at| at.value.as_str() != Some(""))
            .and_then(At::label_name);
        fields.close();
        Some(Self {
            name: name?,
            namespace,
        })
    }
}
