//! Slack: incoming webhooks, and `chat.postMessage` with the token of a bot.
//! <https://docs.slack.dev/reference/methods/chat.postMessage>

use crate::alerts::Chat;
use crate::alerts::Message;
use crate::alerts::Receiver;
use crate::alerts::any_success;
use crate::alerts::attachments;
use crate::alerts::escaped;
use crate::alerts::post;
use crate::canary::http::HttpRequest;
use crate::canary::http::HttpResponse;
use serde_json::Value;

pub(super) const PROVIDER: Chat = Chat {
    name: "slack",
    title: "Slack",
    uses: "`channel`, `username`, key `token` of the Secret for a bot",
    request,
    taken,
};

fn request(message: &Message, receiver: &Receiver) -> HttpRequest {
    let body = attachments::document(message, receiver, &attachments::NAMED, escaped);
    let mut request = post(receiver.address.clone(), &body);
    if let Some(token) = &receiver.token {
        let bearer = ("Authorization".to_owned(), format!("Bearer {token}"));
        request.headers.push(bearer);
    }
    request
}

/// The API says 200 to everything, and in the body what it thinks of it.
fn taken(response: &HttpResponse) -> Result<(), String> {
    any_success(response)?;
    let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    if answer["ok"] != false {
        return Ok(());
    }
    Err(match answer["error"].as_str() {
        Some("not_in_channel") => {
            "not_in_channel: invite the bot into the channel first".to_owned()
        }
        Some(error) => error.to_owned(),
        None => "refused without a reason".to_owned(),
    })
}
