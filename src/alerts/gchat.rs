//! Google Chat: cards with a section a fact.
//! <https://developers.google.com/workspace/chat/quickstart/webhooks>

use crate::alerts::Chat;
use crate::alerts::Message;
use crate::alerts::Receiver;
use crate::alerts::any_success;
use crate::alerts::escaped;
use crate::alerts::post;
use crate::canary::http::HttpRequest;
use serde_json::Value;
use serde_json::json;

pub(super) const PROVIDER: Chat = Chat {
    name: "gchat",
    title: "Google Chat",
    uses: "–",
    request,
    taken: any_success,
};

fn request(message: &Message, receiver: &Receiver) -> HttpRequest {
    let facts = message
        .fields
        .iter()
        .map(|(title, value)| section(&format!("{title}<br>{}", strong(value))));
    let sections: Vec<Value> = std::iter::once(section(&strong(&message.text)))
        .chain(facts)
        .collect();
    let body = json!({
        "cards": [{
            "header": {
                "title": "Flagger",
                "subtitle": message.subject,
                "imageUrl": "https://flagger.app/favicon.png",
            },
            "sections": sections,
        }],
    });
    post(receiver.address.clone(), &body)
}

fn section(text: &str) -> Value {
    json!({"widgets": [{"textParagraph": {"text": text}}]})
}

fn strong(text: &str) -> String {
    let lines = escaped(text).replace('\n', "<br>");
    format!("<font color=#848484><strong>{lines}</strong></font>")
}
