//! `notify`: shows what an alert provider of a canary would be sent, or sends it, so that nobody has to break a
//! rollout to learn that its alerts arrive.

use crate::alerts;
use crate::alerts::Chat;
use crate::alerts::Message;
use crate::alerts::Receiver;
use crate::alerts::facts;
use crate::canary::alert::Severity;
use crate::canary::alert_provider::AlertAddress;
use crate::canary::alert_provider::AlertProvider;
use crate::canary::http::HttpRequest;
use crate::canary::load::Loaded;
use crate::cli::Streams;
use crate::cli::alerting;
use crate::cli::alerting::Post;
use crate::cli::args::notify::NotifyArgs;
use crate::cli::environment::Environment;
use crate::cli::error::CliError;
use crate::cli::globals::Globals;
use crate::cli::promote::connect_options;
use crate::cli::promote::hosts;
use crate::cli::promote::transport;
use crate::cli::remote::block_on;
use crate::cli::source;
use crate::clock::SystemClock;
use crate::error::Error;
use crate::error::ExitCode;
use crate::kubernetes::client::connect;
use crate::kubernetes::request::Requests;
use crate::port::clock::Clock;
use crate::transport::reach::AllowList;
use crate::transport::reach::authority;
use rand::Rng as _;
use serde_json::Value;
use std::rc::Rc;

/// Shows it, or posts it.
///
/// # Errors
/// The spec cannot be read, or the chat did not take it.
pub fn run(
    args: &NotifyArgs,
    globals: &Globals,
    environment: &Environment,
    streams: &mut Streams<'_>,
) -> Result<ExitCode, Error> {
    let namespace = globals.namespace.as_deref();
    let spec = source::read(&args.source, args.name.as_deref(), namespace)?;
    let provider = provider(&spec.loaded, &args.provider)?;
    let message = message(&spec.loaded, args.cluster_name.as_deref());
    if !args.send {
        let shown = shown(provider, &message);
        streams.print(&shown)?;
        return Ok(ExitCode::OK);
    }
    block_on(send(args, globals, environment, provider, &message))?;
    streams.print(&format!("{} took it\n", alerts::of(provider.kind).title))?;
    Ok(ExitCode::OK)
}

fn what_it_has<'a>(alerts: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = alerts.collect();
    if names.is_empty() {
        "its analysis has no alerts: add spec.analysis.alerts, and commit it".to_owned()
    } else {
        format!("it has: {}", names.join(", "))
    }
}

/// The provider that an alert of the canary names, by its own name or by the alert's.
fn provider<'a>(loaded: &'a Loaded, wanted: &str) -> Result<&'a AlertProvider, CliError> {
    let alerts = &loaded.canary.analysis.alerts;
    let by_alert = alerts.iter().find(|alert| alert.name == wanted);
    let by_name = alerts.iter().find(|alert| alert.provider.name == wanted);
    by_alert
        .or(by_name)
        .and_then(|alert| loaded.alert_provider(alert))
        .ok_or_else(|| CliError::UnknownAlert {
            canary: loaded.canary.name.clone(),
            wanted: wanted.to_owned(),
            help: what_it_has(alerts.iter().map(|alert| alert.name.as_str())),
        })
}

fn message(loaded: &Loaded, cluster: Option<&str>) -> Message {
    let canary = &loaded.canary;
    let mut fields = facts::of_cluster(cluster);
    fields.extend(facts::of_plan(canary));
    Message {
        severity: Severity::Info,
        subject: format!("{}.{}", canary.name, canary.namespace),
        text: "only a test: nothing is being rolled out".to_owned(),
        fields,
    }
}

/// The request as people read it. Whoever knows the address of a chat can post there: only its host is shown.
fn shown(provider: &AlertProvider, message: &Message) -> String {
    let (address, to) = match &provider.address {
        AlertAddress::Plain(address) => (address.clone(), authority(address)),
        AlertAddress::Secret(secret) => {
            let key = format!("key address of Secret {}/{secret}", provider.namespace);
            (String::new(), key)
        }
    };
    let receiver = Receiver {
        address,
        token: None,
        channel: provider.channel.clone(),
        username: provider.username.clone(),
    };
    let chat: &Chat = alerts::of(provider.kind);
    let HttpRequest { method, body, .. } = (chat.request)(message, &receiver);
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let body = serde_json::to_string_pretty(&body).unwrap_or_default();
    format!("{method} to {to}\n\n{body}\n")
}

async fn send(
    args: &NotifyArgs,
    globals: &Globals,
    environment: &Environment,
    provider: &AlertProvider,
    message: &Message,
) -> Result<(), Error> {
    let clock: Rc<dyn Clock> = Rc::new(SystemClock);
    let connection = connect(&connect_options(globals, environment)).await?;
    let requests = Requests::new(&connection, Rc::clone(&clock), rand::rng().next_u64());
    let transport = transport(
        &requests,
        &hosts(&args.allow_host)?,
        &AllowList::default(),
        environment,
    )?;
    let post = Post {
        requests: &requests,
        transport: &transport,
        clock: &clock,
    };
    send_over(&post, provider, message).await
}

async fn send_over(
    post: &Post<'_>,
    provider: &AlertProvider,
    message: &Message,
) -> Result<(), Error> {
    let chat = alerts::of(provider.kind);
    let failed = |why: String| CliError::NotTaken {
        chat: chat.title,
        why,
    };
    let (receiver, way) = alerting::way(provider, post).await.map_err(failed)?;
    let response = way.send(&(chat.request)(message, &receiver)).await?;
    (chat.taken)(&response).map_err(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::what_it_has;

    #[test]
    fn whoever_has_no_alerts_is_told_where_they_are_written() {
        let help = what_it_has(std::iter::empty());
        assert!(help.contains("spec.analysis.alerts"), "{help}");
    }
}
