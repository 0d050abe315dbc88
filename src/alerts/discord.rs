//! Discord, which reads Slack's form at `/slack` below the address of a webhook.
//! <https://discord.com/developers/docs/resources/webhook#execute-slackcompatible-webhook>

use crate::alerts::Chat;
use crate::alerts::Message;
use crate::alerts::Receiver;
use crate::alerts::any_success;
use crate::alerts::attachments;
use crate::alerts::calls_nobody;
use crate::alerts::post;
use crate::canary::http::HttpRequest;

/// Where Slack's form is read.
const SUFFIX: &str = "/slack";

pub(super) const PROVIDER: Chat = Chat {
    name: "discord",
    title: "Discord",
    uses: "`channel`, `username`; `/slack` is added to the address where it lacks it",
    request,
    taken: any_success,
};

fn request(message: &Message, receiver: &Receiver) -> HttpRequest {
    let body = attachments::document(message, receiver, &attachments::NAMED, calls_nobody);
    post(address(&receiver.address), &body)
}

/// Threads are named in the query, which stays.
fn address(given: &str) -> String {
    let (path, query) = match given.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (given, String::new()),
    };
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix(SUFFIX).unwrap_or(path);
    format!("{path}{SUFFIX}{query}")
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn slacks_form_is_posted_below_the_address_and_a_thread_stays_named() {
        for (given, posted_to) in [
            (
                "https://discord.com/api/webhooks/1/x",
                "https://discord.com/api/webhooks/1/x/slack",
            ),
            (
                "https://discord.com/api/webhooks/1/x/",
                "https://discord.com/api/webhooks/1/x/slack",
            ),
            (
                "https://discord.com/api/webhooks/1/x/slack",
                "https://discord.com/api/webhooks/1/x/slack",
            ),
            (
                "https://discord.com/api/webhooks/1/x?thread_id=7",
                "https://discord.com/api/webhooks/1/x/slack?thread_id=7",
            ),
            (
                "https://discord.com/api/webhooks/1/x/slack?wait=true",
                "https://discord.com/api/webhooks/1/x/slack?wait=true",
            ),
        ] {
            assert_eq!(address(given), posted_to);
        }
    }
}
