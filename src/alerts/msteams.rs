//! Microsoft Teams: connectors take a MessageCard, workflows (Power Automate) an Adaptive Card.
//! <https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using>

use crate::alerts::Chat;
use crate::alerts::Message;
use crate::alerts::Receiver;
use crate::alerts::any_success;
use crate::alerts::escaped;
use crate::alerts::post;
use crate::canary::alert::Severity;
use crate::canary::http::HttpRequest;
use serde_json::Value;
use serde_json::json;

/// Ends of the hosts that run workflows.
const WORKFLOWS: [&str; 2] = [".logic.azure.com", ".api.powerplatform.com"];

pub(super) const PROVIDER: Chat = Chat {
    name: "msteams",
    title: "Microsoft Teams",
    uses: "an address of a workflow gets an Adaptive Card, any other a MessageCard",
    request,
    taken: any_success,
};

fn request(message: &Message, receiver: &Receiver) -> HttpRequest {
    let body = if is_workflow(&receiver.address) {
        adaptive_card(message)
    } else {
        message_card(message)
    };
    post(receiver.address.clone(), &body)
}

fn is_workflow(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.split(':').next().unwrap_or_default();
    let host = host.to_ascii_lowercase();
    WORKFLOWS.iter().any(|end| host.ends_with(end))
}

fn message_card(message: &Message) -> Value {
    let color = match message.severity {
        Severity::Info | Severity::Warn => "0076D7",
        Severity::Error => "FF0000",
    };
    json!({
        "@type": "MessageCard",
        "@context": "http://schema.org/extensions",
        "themeColor": color,
        "summary": message.subject,
        "sections": [{
            "activityTitle": escaped(&without_links(&message.text)).replace('\n', "<br>"),
            "activitySubtitle": message.subject,
            "facts": facts(message, "name"),
        }],
    })
}

fn adaptive_card(message: &Message) -> Value {
    let color = match message.severity {
        Severity::Info => "Accent",
        Severity::Warn => "Warning",
        Severity::Error => "Attention",
    };
    let mut body = vec![json!({
        "type": "TextBlock", "text": message.subject, "weight": "Bolder", "color": color, "wrap": true,
    })];
    body.extend(
        message
            .text
            .lines()
            .map(|line| json!({"type": "TextBlock", "text": without_links(line), "wrap": true})),
    );
    if !message.fields.is_empty() {
        body.push(json!({"type": "FactSet", "facts": facts(message, "title")}));
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
            },
        }],
    })
}

/// Answers from outside stand in texts: no link of theirs is one.
fn without_links(text: &str) -> String {
    text.replace("](", "]\u{200b}(")
}

fn facts(message: &Message, title: &str) -> Vec<Value> {
    message
        .fields
        .iter()
        .map(|(name, value)| json!({title: name, "value": value}))
        .collect()
}
