//! Chats that alerts are posted to: each one a pure translation in one file, and one line in [`PROVIDERS`].
//!
//! Must not wait, read or write: a chat builds a request and reads a response.

use crate::canary::alert::Severity;
use crate::canary::alert_provider::AlertProviderType;
use crate::canary::http::HttpRequest;
use crate::canary::http::HttpResponse;
use serde_json::Value;
use std::time::Duration;

mod attachments;
mod discord;
pub mod facts;
mod gchat;
mod msteams;
mod rocket;
mod slack;

/// All of them, sorted by name.
pub const PROVIDERS: &[&Chat] = &[
    &discord::PROVIDER,
    &gchat::PROVIDER,
    &msteams::PROVIDER,
    &rocket::PROVIDER,
    &slack::PROVIDER,
];

/// Of a whole exchange. A chat that takes longer gets no second chance.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// Longest words of a chat that are repeated, characters.
const SAID: usize = 200;

/// A chat and how to post to it.
pub struct Chat {
    /// `type` in an AlertProvider.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// What of an AlertProvider it uses beside its address, for pages.
    pub uses: &'static str,
    /// The request for a message.
    pub request: fn(&Message, &Receiver) -> HttpRequest,
    /// Was it taken? Else why not.
    pub taken: fn(&HttpResponse) -> Result<(), String>,
}

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// How bad it is.
    pub severity: Severity,
    /// `NAME.NAMESPACE` of the canary.
    pub subject: String,
    /// One line a sentence.
    pub text: String,
    /// Facts beside the text, in this order.
    pub fields: Fields,
}

/// Title and value.
pub type Fields = Vec<(&'static str, String)>;

/// Who it is said to. May hold secrets: it has no text form.
#[derive(Clone, PartialEq, Eq)]
pub struct Receiver {
    /// URL that is posted to.
    pub address: String,
    /// Of a bot; only Slack has such.
    pub token: Option<String>,
    /// Where in the chat.
    pub channel: String,
    /// As whom.
    pub username: String,
}

/// The chat of a kind of AlertProvider.
#[must_use]
pub const fn of(kind: AlertProviderType) -> &'static Chat {
    match kind {
        AlertProviderType::Slack => &slack::PROVIDER,
        AlertProviderType::MsTeams => &msteams::PROVIDER,
        AlertProviderType::Discord => &discord::PROVIDER,
        AlertProviderType::Rocket => &rocket::PROVIDER,
        AlertProviderType::GChat => &gchat::PROVIDER,
    }
}

/// A POST of that document.
fn post(address: String, body: &Value) -> HttpRequest {
    HttpRequest {
        method: "POST",
        url: address,
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: body.to_string().into_bytes(),
        timeout: TIMEOUT,
    }
}

/// Any 2xx will do.
fn any_success(response: &HttpResponse) -> Result<(), String> {
    if (200..300).contains(&response.status) {
        return Ok(());
    }
    let said: String = String::from_utf8_lossy(&response.body)
        .trim()
        .chars()
        .take(SAID)
        .collect();
    let colon = if said.is_empty() { "" } else { ": " };
    Err(format!("answered {}{colon}{said}", response.status))
}

/// Text as HTML and Slack read it back.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Text that calls nobody: names and answers from outside stand in it.
fn calls_nobody(text: &str) -> String {
    text.replace('@', "@\u{200b}")
}

#[cfg(test)]
mod tests;
