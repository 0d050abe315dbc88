//! Flags about who is told of a rollout; Flagger's controller has the same.

use crate::canary::alert_provider::AlertProviderType;
use crate::cli::alerting::AlertOptions;
use crate::cli::alerting::GlobalChat;
use crate::cli::args::values;
use crate::cli::args::values::Secret;
use clap::Args;

/// For Canaries that name nobody.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Alerts")]
pub struct AlertArgs {
    /// Slack webhook for alerts of Canaries that name no provider
    #[arg(
        long,
        value_name = "URL",
        value_parser = values::secret_url,
        requires = "slack_channel",
        env = "KUBECTL_FLAGGER_SLACK_URL",
        hide_short_help = true
    )]
    pub slack_url: Option<Secret>,

    /// Token of a Slack bot; prefer the variable, other processes can read arguments
    #[arg(
        long,
        value_name = "TOKEN",
        requires = "slack_url",
        env = "KUBECTL_FLAGGER_SLACK_TOKEN",
        hide_short_help = true
    )]
    pub slack_token: Option<Secret>,

    /// Slack channel
    #[arg(
        long,
        value_name = "NAME",
        env = "KUBECTL_FLAGGER_SLACK_CHANNEL",
        hide_short_help = true
    )]
    pub slack_channel: Option<String>,

    /// Name that stands at the alerts in Slack
    #[arg(
        long,
        value_name = "NAME",
        default_value = "flagger",
        env = "KUBECTL_FLAGGER_SLACK_USER",
        hide_short_help = true
    )]
    pub slack_user: String,

    /// HTTP proxy on the way to Slack
    #[arg(
        long,
        value_name = "URL",
        requires = "slack_url",
        env = "KUBECTL_FLAGGER_SLACK_PROXY_URL",
        hide_short_help = true
    )]
    pub slack_proxy_url: Option<String>,

    /// Microsoft Teams webhook for alerts of Canaries that name no provider, instead of Slack
    #[arg(
        long,
        value_name = "URL",
        value_parser = values::secret_url,
        env = "KUBECTL_FLAGGER_MSTEAMS_URL",
        hide_short_help = true
    )]
    pub msteams_url: Option<Secret>,

    /// HTTP proxy on the way to Microsoft Teams
    #[arg(
        long,
        value_name = "URL",
        requires = "msteams_url",
        env = "KUBECTL_FLAGGER_MSTEAMS_PROXY_URL",
        hide_short_help = true
    )]
    pub msteams_proxy_url: Option<String>,

    /// Is told of every event of Canaries that have no event hook
    #[arg(
        long,
        value_name = "URL",
        value_parser = values::secret_url,
        env = "KUBECTL_FLAGGER_EVENT_WEBHOOK",
        hide_short_help = true
    )]
    pub event_webhook: Option<Secret>,
}

impl AlertArgs {
    /// What they say together.
    #[must_use]
    pub fn options(&self, cluster_name: Option<&String>) -> AlertOptions {
        let teams = self.msteams_url.clone().map(|address| GlobalChat {
            kind: AlertProviderType::MsTeams,
            address,
            token: None,
            channel: String::new(),
            username: String::new(),
            proxy: self.msteams_proxy_url.clone(),
        });
        let slack = self.slack_url.clone().map(|address| GlobalChat {
            kind: AlertProviderType::Slack,
            address,
            token: self.slack_token.clone(),
            channel: self.slack_channel.clone().unwrap_or_default(),
            username: self.slack_user.clone(),
            proxy: self.slack_proxy_url.clone(),
        });
        AlertOptions {
            cluster_name: cluster_name.cloned(),
            event_webhook: self.event_webhook.clone(),
            chat: teams.or(slack),
        }
    }
}
