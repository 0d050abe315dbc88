//! The form of a message that Slack made and others read.

use crate::alerts::Message;
use crate::alerts::Receiver;
use crate::canary::alert::Severity;
use serde_json::Value;
use serde_json::json;

/// Colours of a message about what went as planned, and about what went wrong.
pub(super) struct Colors {
    pub(super) good: &'static str,
    pub(super) bad: &'static str,
}

/// Slack's own names of colours.
pub(super) const NAMED: Colors = Colors {
    good: "good",
    bad: "danger",
};

/// The document; `plain` makes a text harmless in the chat that shows it.
pub(super) fn document(
    message: &Message,
    receiver: &Receiver,
    colors: &Colors,
    plain: fn(&str) -> String,
) -> Value {
    let fields = message
        .fields
        .iter()
        .map(|(title, value)| json!({"title": title, "value": plain(value), "short": false}));
    let fields: Vec<Value> = fields.collect();
    let color = match message.severity {
        Severity::Info | Severity::Warn => colors.good,
        Severity::Error => colors.bad,
    };
    json!({
        "channel": receiver.channel,
        "username": receiver.username,
        "icon_url": "",
        "icon_emoji": ":rocket:",
        "attachments": [{
            "color": color,
            "author_name": message.subject,
            "text": plain(&message.text),
            "mrkdwn_in": ["text"],
            "fields": fields,
        }],
    })
}
