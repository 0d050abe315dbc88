//! What a scenario does to the world, as read from its file.

use crate::sandbox::placed;
use crate::sandbox::scenario::words::Change;
use crate::sandbox::traffic::load::LoadChange;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error as _;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde::de::value::MapAccessDeserializer;
use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// One thing that is done.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A word.
    Change(Change),
    /// Other traffic, or other answers to it.
    Load(LoadChange),
    /// An object is changed by somebody else.
    Patch(MergePatch),
    /// Something stops working.
    Fault(Fault),
}

/// A JSON merge patch of one object.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MergePatch {
    /// Plural, without its group.
    pub resource: String,
    /// The canary's own where it is absent.
    #[serde(default)]
    pub namespace: Option<String>,
    /// Of the object.
    pub name: String,
    /// The patch.
    pub merge: Value,
}

/// Something that does not work from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Requests to the API server.
    Api(ApiFault),
    /// Does Prometheus answer at all?
    Prometheus {
        /// From now on.
        up: bool,
    },
}

/// Which requests to the API server fail, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiFault {
    /// Any where it is absent.
    pub verb: Option<Verb>,
    /// Plural, without its group; any where it is absent.
    pub resource: Option<String>,
    /// Any where it is absent.
    pub name: Option<String>,
    /// What happens to them.
    pub effect: Effect,
    /// How many requests; all from now on where it is absent.
    pub times: Option<u32>,
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It is refused with that status.
    Code(u16),
    /// It is never answered.
    Hang,
    /// It is answered that much later.
    Delay(Duration),
}

/// A verb of the Kubernetes API, as in a Role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// GET of one object.
    Get,
    /// GET of many.
    List,
    /// GET of changes.
    Watch,
    /// POST.
    Create,
    /// PUT.
    Update,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

impl Verb {
    /// As in a Role.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FaultFields {
    verb: Option<Verb>,
    resource: Option<String>,
    name: Option<String>,
    code: Option<u16>,
    #[serde(default)]
    hang: bool,
    delay_ms: Option<u64>,
    times: Option<u32>,
    prometheus: Option<Switch>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Switch {
    Up,
    Down,
}

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        placed::map::<FaultFields, _, _>(deserializer)
    }
}

impl TryFrom<FaultFields> for Fault {
    type Error = &'static str;

    fn try_from(fields: FaultFields) -> Result<Self, Self::Error> {
        let effect = match (fields.code, fields.hang, fields.delay_ms) {
            (Some(code), false, None) => Some(Effect::Code(code)),
            (None, true, None) => Some(Effect::Hang),
            (None, false, Some(delay)) => Some(Effect::Delay(Duration::from_millis(delay))),
            (None, false, None) => None,
            (Some(_), _, Some(_)) | (Some(_), true, None) | (None, true, Some(_)) => {
                return Err("a fault has one of `code`, `hang` and `delayMs`");
            }
        };
        let aimed = fields.verb.is_some() || fields.resource.is_some() || fields.name.is_some();
        match (fields.prometheus, effect) {
            (Some(switch), None) if !aimed && fields.times.is_none() => Ok(Self::Prometheus {
                up: matches!(switch, Switch::Up),
            }),
            (Some(_), _) => Err("`prometheus` stands alone in a fault"),
            (None, None) => Err("a fault needs `code`, `hang`, `delayMs` or `prometheus`"),
            (None, Some(effect)) => Ok(Self::Api(ApiFault {
                verb: fields.verb,
                resource: fields.resource,
                name: fields.name,
                effect,
                times: fields.times,
            })),
        }
    }
}

/// The value of `set:`: words, or fields of the traffic.
#[derive(Debug)]
pub(super) struct Set(pub(super) Vec<Action>);

impl<'de> Deserialize<'de> for Set {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Set;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("words such as `upgrade`, or a map such as {errorPercent: 30}")
            }

            fn visit_str<E: serde::de::Error>(self, words: &str) -> Result<Set, E> {
                let actions: Result<Vec<Action>, String> = words
                    .split_whitespace()
                    .map(|word| word.parse().map(Action::Change))
                    .collect();
                match actions {
                    Ok(actions) if actions.is_empty() => Err(E::custom("no word")),
                    Ok(actions) => Ok(Set(actions)),
                    Err(why) => Err(E::custom(why)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Set, A::Error> {
                let change = LoadChange::deserialize(MapAccessDeserializer::new(map))?;
                if change == LoadChange::default() {
                    return Err(A::Error::custom("nothing is set"));
                }
                if change.version.is_some() && change.rate.is_some() {
                    return Err(A::Error::custom(
                        "`rps` is of all versions together and cannot stand beside `version`",
                    ));
                }
                Ok(Set(vec![Action::Load(change)]))
            }
        }

        deserializer.deserialize_any(Either)
    }
}
