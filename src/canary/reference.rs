//! The objects that a Canary names.
//!
//! Must not look for them.

use crate::canary::name::Word;
use crate::canary::problem::Finding;
use crate::canary::problem::ProblemKind;
use crate::canary::reader::At;
use std::collections::BTreeMap;

/// `serving.knative.dev/v1`: what makes a target of kind Service a Knative one.
pub(super) const KNATIVE: &str = "serving.knative.dev/v1";

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

impl TargetRef {
    pub(super) fn read(at: At<'_>) -> Option<Self> {
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
    pub(super) fn read(at: At<'_>) -> Option<Self> {
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
    pub(super) fn read(at: At<'_>, kind: &'static str, namespaced: bool) -> Option<Self> {
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
