//! Rocket.Chat: incoming integrations, which read Slack's form.
//! <https://docs.rocket.chat/docs/integrations>

use crate::alerts::Chat;
use crate::alerts::Message;
use crate::alerts::Receiver;
use crate::alerts::any_success;
use crate::alerts::attachments;
use crate::alerts::attachments::Colors;
use crate::alerts::calls_nobody;
use crate::alerts::post;
use crate::canary::http::HttpRequest;

const COLORS: Colors = Colors {
    good: "#0076D7",
    bad: "#FF0000",
};

pub(super) const PROVIDER: Chat = Chat {
    name: "rocket",
    title: "Rocket.Chat",
    uses: "`channel`, `username`",
    request,
    taken: any_success,
};

fn request(message: &Message, receiver: &Receiver) -> HttpRequest {
    let body = attachments::document(message, receiver, &COLORS, calls_nobody);
    post(receiver.address.clone(), &body)
}
