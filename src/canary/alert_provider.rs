//! An AlertProvider of `flagger.app/v1beta1`.

use crate::canary::envelope::read_document;
use crate::canary::metric_template::secret_name;
use crate::canary::name::Word;
use crate::canary::problem::Finding;
use crate::canary::problem::ProblemKind;
use crate::canary::problem::SpecErrors;
use crate::canary::problem::SpecProblem;
use crate::canary::problem::Spot;
use crate::canary::reader::At;
use crate::canary::yaml::Document;

/// Where alerts go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertProvider {
    /// Its name.
    pub name: String,
    /// Its namespace, also of its Secret.
    pub namespace: String,
    /// Which chat it is.
    pub kind: AlertProviderType,
    /// `general` where the spec has none.
    pub channel: String,
    /// `flagger` where the spec has none.
    pub username: String,
    /// Where the address comes from.
    pub address: AlertAddress,
    /// HTTP proxy on the way.
    pub proxy: Option<String>,
}

/// Where the address of a hook comes from: one of two, never both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlertAddress {
    /// It stands in the spec.
    Plain(String),
    /// Keys `address` and, for Slack, `token` of this Secret in the provider's namespace.
    Secret(String),
}

/// Chats that Flagger knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AlertProviderType {
    /// Slack.
    Slack,
    /// Microsoft Teams.
    MsTeams,
    /// Discord.
    Discord,
    /// Rocket.Chat.
    Rocket,
    /// Google Chat.
    GChat,
}

impl Word for AlertProviderType {
    const ALL: &'static [Self] = &[
        Self::Slack,
        Self::MsTeams,
        Self::Discord,
        Self::Rocket,
        Self::GChat,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::MsTeams => "msteams",
            Self::Discord => "discord",
            Self::Rocket => "rocket",
            Self::GChat => "gchat",
        }
    }
}

impl AlertProvider {
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
            ("AlertProvider", "alert provider"),
            namespace,
            Self::read,
        )
    }

    fn read(name: String, namespace: String, at: At<'_>) -> Option<Self> {
        let mut fields = at.fields()?;
        let kind = fields.required("type", At::word);
        let text = |text: &String| !text.is_empty();
        let channel = fields.optional("channel", At::text).filter(text);
        let username = fields.optional("username", At::text).filter(text);
        let plain = fields.optional("address", At::some_text);
        let secret = fields.optional("secretRef", secret_name);
        let proxy = fields.optional("proxy", At::text).filter(text);
        match (fields.has("address"), fields.has("secretRef")) {
            (true, true) => fields.at.sink.error(
                Finding::at_key(
                    ProblemKind::Conflict,
                    &fields.pointer("secretRef"),
                    "and this",
                    "spec.secretRef and spec.address exclude each other".to_owned(),
                )
                .label(Spot::Key(fields.pointer("address")), "this")
                .help("keep secretRef where the address is secret, as hook addresses are"),
            ),
            (false, false) => fields.at.sink.error(
                Finding::at_key(
                    ProblemKind::MissingField,
                    &fields.at.pointer,
                    "no address",
                    "spec needs one of address and secretRef".to_owned(),
                )
                .help("secretRef: {name: …} names a Secret with the key address"),
            ),
            (true, false) | (false, true) => {}
        }
        fields.close();
        let address = match (plain, secret) {
            (_, Some(secret)) => AlertAddress::Secret(secret),
            (Some(address), None) => AlertAddress::Plain(address),
            (None, None) => return None,
        };
        Some(Self {
            name,
            namespace,
            kind: kind?,
            channel: channel.unwrap_or_else(|| "general".to_owned()),
            username: username.unwrap_or_else(|| "flagger".to_owned()),
            address,
            proxy,
        })
    }
}
