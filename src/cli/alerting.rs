//! Who hears of a rollout without watching it: the chats of alerts, and `event` hooks.

use crate::alerts;
use crate::alerts::Receiver;
use crate::alerts::facts;
use crate::canary::alert::Severity;
use crate::canary::alert_provider::AlertAddress;
use crate::canary::alert_provider::AlertProvider;
use crate::canary::alert_provider::AlertProviderType;
use crate::canary::load::Loaded;
use crate::canary::object::Resource;
use crate::canary::webhook::HookType;
use crate::canary::webhook::Webhook;
use crate::cli::args::values::Secret;
use crate::kubernetes::request::Requests;
use crate::port::clock::Clock;
use crate::port::subscriber::Subscriber;
use crate::port::transport::Transport;
use crate::rollout::event::Event;
use crate::rollout::notice::Notices;
use crate::transport::announcer::Announcer;
use crate::transport::announcer::Told;
use crate::transport::courier::Courier;
use crate::transport::event_hooks::EventHooks;
use crate::transport::hooks::Wired;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value;
use std::rc::Rc;
use std::time::Duration;

/// What Flagger's controller takes as flags.
#[derive(Clone, Debug, Default)]
pub struct AlertOptions {
    /// What people call the cluster.
    pub cluster_name: Option<String>,
    /// For canaries without `event` hooks.
    pub event_webhook: Option<Secret>,
    /// For canaries without alerts.
    pub chat: Option<GlobalChat>,
}

/// A chat that the command line names.
#[derive(Clone, Debug)]
pub struct GlobalChat {
    /// Which.
    pub kind: AlertProviderType,
    /// Where it is posted to.
    pub address: Secret,
    /// Of a bot.
    pub token: Option<Secret>,
    /// Where in it.
    pub channel: String,
    /// As whom.
    pub username: String,
    /// HTTP proxy on the way.
    pub proxy: Option<String>,
}

/// What posting needs of the world.
pub struct Post<'a> {
    /// Reads Secrets.
    pub requests: &'a Requests,
    /// Carries posts.
    pub transport: &'a Rc<dyn Transport>,
    /// Time.
    pub clock: &'a Rc<dyn Clock>,
}

/// One who watches, and those who are told beside.
pub struct Audience<'a> {
    watching: &'a mut dyn Subscriber,
    alerts: Announcer,
    events: EventHooks,
}

impl Subscriber for Audience<'_> {
    fn on_event(&mut self, event: &Event) {
        self.watching.on_event(event);
        self.alerts.on_event(event);
        self.events.on_event(event);
    }

    fn on_tick(&mut self, now: Timestamp) {
        self.watching.on_tick(now);
    }

    fn tick(&self) -> Option<Duration> {
        self.watching.tick()
    }
}

/// Everybody who hears of that canary. What they are sent is carried by the courier.
pub async fn audience<'a>(
    watching: &'a mut dyn Subscriber,
    loaded: &Loaded,
    options: &AlertOptions,
    post: &Post<'_>,
    courier: &Rc<Courier>,
) -> Audience<'a> {
    let canary = &loaded.canary;
    let cluster = options.cluster_name.clone();
    let always = facts::of_cluster(cluster.as_deref());
    let told = told(loaded, options, post).await;
    let hooks = canary.analysis.webhooks.iter();
    let muted = hooks.filter(|hook| hook.mute_alert);
    let muted = muted.map(|hook| hook.name.clone()).collect();
    Audience {
        watching,
        alerts: Announcer::new(
            Rc::clone(courier),
            Notices::new(cluster, muted),
            (always, facts::of_plan(canary)),
            told,
        ),
        events: EventHooks::new(
            Rc::clone(courier),
            Rc::clone(post.clock),
            listeners(loaded, options, post.transport),
        ),
    }
}

/// The canary's own `event` hooks, else the command line's.
fn listeners(loaded: &Loaded, options: &AlertOptions, transport: &Rc<dyn Transport>) -> Vec<Wired> {
    let own: Vec<Webhook> = loaded
        .canary
        .analysis
        .hooks(HookType::Event)
        .cloned()
        .collect();
    let global = options.event_webhook.as_ref().filter(|_| own.is_empty());
    let global = global.map(|url| Webhook {
        kind: HookType::Event,
        name: "--event-webhook".to_owned(),
        url: url.expose().to_owned(),
        timeout: None,
        retries: 0,
        metadata: None,
        mute_alert: false,
        disable_tls: false,
    });
    own.into_iter()
        .chain(global)
        .map(|hook| Wired {
            hook,
            transport: Rc::clone(transport),
        })
        .collect()
}

/// The canary's own alerts, else the command line's chat.
async fn told(loaded: &Loaded, options: &AlertOptions, post: &Post<'_>) -> Vec<Told> {
    let mut told = Vec::new();
    for alert in &loaded.canary.analysis.alerts {
        // `load` has found it, or there would be no canary.
        let Some(provider) = loaded.alert_provider(alert) else {
            continue;
        };
        told.push(Told {
            name: alert.name.clone(),
            severity: alert.severity,
            chat: alerts::of(provider.kind),
            way: way(provider, post).await,
        });
    }
    if let Some(global) = options.chat.as_ref().filter(|_| told.is_empty()) {
        told.push(Told {
            name: format!("to {}", alerts::of(global.kind).title),
            severity: Severity::Info,
            chat: alerts::of(global.kind),
            way: global_way(global, post.transport),
        });
    }
    told
}

type Way = Result<(Receiver, Rc<dyn Transport>), String>;

/// Where the posts of an alert provider go, and on which way. What is missing is no reason to leave a rollout alone.
///
/// # Errors
/// Its Secret cannot be used, or its proxy may not be.
pub async fn way(provider: &AlertProvider, post: &Post<'_>) -> Way {
    let receiver = receiver(provider, post.requests).await?;
    Ok((
        receiver,
        through(provider.proxy.as_deref(), post.transport)?,
    ))
}

fn global_way(global: &GlobalChat, transport: &Rc<dyn Transport>) -> Way {
    let receiver = Receiver {
        address: global.address.expose().to_owned(),
        token: global.token.as_ref().map(|token| token.expose().to_owned()),
        channel: global.channel.clone(),
        username: global.username.clone(),
    };
    Ok((receiver, through(global.proxy.as_deref(), transport)?))
}

fn through(
    proxy: Option<&str>,
    transport: &Rc<dyn Transport>,
) -> Result<Rc<dyn Transport>, String> {
    match proxy {
        Some(proxy) => transport.through(proxy).map_err(|error| error.to_string()),
        None => Ok(Rc::clone(transport)),
    }
}

/// The receiver of an alert provider, with what its Secret says.
async fn receiver(provider: &AlertProvider, requests: &Requests) -> Result<Receiver, String> {
    let (address, token) = match &provider.address {
        AlertAddress::Plain(address) => (address.clone(), None),
        AlertAddress::Secret(name) => {
            let namespace = &provider.namespace;
            let failed = |why: &str| format!("Secret {namespace}/{name}: {why}");
            let secret = requests
                .get_opt(&Resource::SECRET.in_namespace(namespace, name))
                .await
                .map_err(|error| failed(&error.to_string()))?
                .ok_or_else(|| failed("it is not there"))?;
            let address = entry(&secret, "address");
            (
                address.ok_or_else(|| failed("it has no address"))?,
                entry(&secret, "token"),
            )
        }
    };
    Ok(Receiver {
        address,
        token,
        channel: provider.channel.clone(),
        username: provider.username.clone(),
    })
}

/// A key of a Secret; people often end its value with a line break.
fn entry(secret: &Value, key: &str) -> Option<String> {
    let bytes = STANDARD.decode(secret["data"][key].as_str()?).ok()?;
    let text = String::from_utf8(bytes).ok()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests;
