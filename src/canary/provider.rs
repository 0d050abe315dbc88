//! Traffic providers by the strings of `spec.provider`.
//!
//! Must not know what a provider can do: that is each one's own declaration.

use crate::canary::name::Word;
use crate::canary::name::nearest;
use crate::canary::problem::Finding;
use crate::canary::problem::ProblemKind;
use crate::canary::reader::At;
use std::fmt;
use std::str::FromStr;

/// The strings that Flagger 1.44's schema takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provider {
    /// `apisix`
    Apisix,
    /// `appmesh`
    AppMesh,
    /// `appmesh:v1beta2`
    AppMeshV1Beta2,
    /// `contour`
    Contour,
    /// `gatewayapi:v1`
    GatewayApiV1,
    /// `gatewayapi:v1beta1`
    GatewayApiV1Beta1,
    /// `gloo`
    Gloo,
    /// `istio`
    Istio,
    /// `knative`
    Knative,
    /// `kubernetes`: no router at all.
    Kubernetes,
    /// `kuma`
    Kuma,
    /// `linkerd`: SMI v1alpha1.
    Linkerd,
    /// `nginx`
    Nginx,
    /// `osm`: SMI v1alpha2.
    Osm,
    /// `skipper`
    Skipper,
    /// `smi:v1alpha1`
    SmiV1Alpha1,
    /// `smi:v1alpha2`
    SmiV1Alpha2,
    /// `smi:v1alpha3`
    SmiV1Alpha3,
    /// `traefik`
    Traefik,
}

impl Word for Provider {
    const ALL: &'static [Self] = &[
        Self::Apisix,
        Self::AppMesh,
        Self::AppMeshV1Beta2,
        Self::Contour,
        Self::GatewayApiV1,
        Self::GatewayApiV1Beta1,
        Self::Gloo,
        Self::Istio,
        Self::Knative,
        Self::Kubernetes,
        Self::Kuma,
        Self::Linkerd,
        Self::Nginx,
        Self::Osm,
        Self::Skipper,
        Self::SmiV1Alpha1,
        Self::SmiV1Alpha2,
        Self::SmiV1Alpha3,
        Self::Traefik,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Apisix => "apisix",
            Self::AppMesh => "appmesh",
            Self::AppMeshV1Beta2 => "appmesh:v1beta2",
            Self::Contour => "contour",
            Self::GatewayApiV1 => "gatewayapi:v1",
            Self::GatewayApiV1Beta1 => "gatewayapi:v1beta1",
            Self::Gloo => "gloo",
            Self::Istio => "istio",
            Self::Knative => "knative",
            Self::Kubernetes => "kubernetes",
            Self::Kuma => "kuma",
            Self::Linkerd => "linkerd",
            Self::Nginx => "nginx",
            Self::Osm => "osm",
            Self::Skipper => "skipper",
            Self::SmiV1Alpha1 => "smi:v1alpha1",
            Self::SmiV1Alpha2 => "smi:v1alpha2",
            Self::SmiV1Alpha3 => "smi:v1alpha3",
            Self::Traefik => "traefik",
        }
    }
}

impl Provider {
    /// What has become of the mesh, or of the API that Flagger speaks to it, where it has an end.
    #[must_use]
    pub const fn retired(self) -> Option<&'static str> {
        match self {
            Self::AppMesh | Self::AppMeshV1Beta2 => Some("AWS ended App Mesh on 2026-09-30"),
            Self::Linkerd => Some(
                "its TrafficSplit API is archived: Linkerd reads the HTTPRoutes of gatewayapi:v1",
            ),
            Self::SmiV1Alpha1 | Self::SmiV1Alpha2 | Self::SmiV1Alpha3 => {
                Some("the Service Mesh Interface is archived")
            }
            Self::Osm => Some("Open Service Mesh is archived"),
            Self::Kuma => Some(
                "TrafficRoutes are off by default since Kuma 2.6 and gone in 3.0, which reads the HTTPRoutes of \
                 gatewayapi:v1",
            ),
            Self::Apisix
            | Self::Contour
            | Self::GatewayApiV1
            | Self::GatewayApiV1Beta1
            | Self::Gloo
            | Self::Istio
            | Self::Knative
            | Self::Kubernetes
            | Self::Nginx
            | Self::Skipper
            | Self::Traefik => None,
        }
    }

    /// Reads `spec.provider`. SuperGloo's names are taken for the meshes behind it, as Flagger 0.20 to 0.23 took them.
    pub(super) fn read(at: At<'_>) -> Option<Self> {
        let text = at.clone().text()?;
        let behind = text.strip_prefix("supergloo:").and_then(|rest| {
            let mesh = rest.split_once('.').map_or(rest, |(mesh, _)| mesh);
            let meshes = [Self::AppMesh, Self::Istio, Self::Linkerd];
            meshes.into_iter().find(|known| known.as_str() == mesh)
        });
        let warn = |label: &str, message: String| {
            let finding = Finding::at_value(ProblemKind::Odd, &at.pointer, label, message);
            at.sink.warning(finding);
        };
        let provider = match behind {
            Some(mesh) => {
                warn(
                    "an old name",
                    format!("spec.provider {text} is taken for {mesh}: SuperGloo is no more"),
                );
                mesh
            }
            None => at.clone().word()?,
        };
        if let Some(why) = provider.retired() {
            warn(
                "has an end",
                format!("spec.provider {provider} has an end: {why}"),
            );
        }
        Some(provider)
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Not a provider that Flagger knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("unknown traffic provider {given:?}")]
#[diagnostic(code(flagger::provider::unknown))]
pub struct UnknownProvider {
    /// What was asked for.
    pub given: String,
    #[help]
    help: String,
}

impl FromStr for Provider {
    type Err = UnknownProvider;

    fn from_str(text: &str) -> Result<Self, UnknownProvider> {
        Self::from_word(text).ok_or_else(|| {
            let words = Self::words();
            let meant = nearest(text, words.iter().copied())
                .map_or_else(String::new, |word| format!("did you mean {word}? "));
            UnknownProvider {
                given: text.to_owned(),
                help: format!("{meant}known: {}", words.join(", ")),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_reads_back() {
        for provider in Provider::ALL {
            assert_eq!(provider.as_str().parse(), Ok(*provider));
        }
        assert_eq!(Provider::ALL.len(), 19);
    }

    #[test]
    fn an_unknown_provider_is_never_a_default() {
        let error = "gatewayapi".parse::<Provider>().unwrap_err();
        assert!(error.help.starts_with("did you mean gatewayapi:v1?"));
        assert!("none".parse::<Provider>().is_err());
    }
}
