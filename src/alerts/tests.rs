use super::*;
use crate::canary::name::Word as _;

#[path = "../../tests/support/golden.rs"]
mod golden;

fn receiver(address: &str) -> Receiver {
    Receiver {
        address: address.to_owned(),
        token: None,
        channel: "releases".to_owned(),
        username: "flagger".to_owned(),
    }
}

/// Everything that a message can have, and what chats would take for markup in it.
fn message(severity: Severity) -> Message {
    let text = "6.9.2 was rolled back: request-success-rate 98.71% < 99 & <!channel> @here\ncluster prod-eu, commit 1a2b3c4, run 4KQ7D2";
    Message {
        severity,
        subject: "podinfo.shop".to_owned(),
        text: text.to_owned(),
        fields: vec![
            ("Cluster", "prod-eu".to_owned()),
            ("Target", "Deployment/podinfo.shop".to_owned()),
        ],
    }
}

fn shown(request: &HttpRequest) -> String {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let headers: Vec<String> = request
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect();
    format!(
        "{} {}\n{}\n{}\n",
        request.method,
        request.url,
        headers.concat(),
        serde_json::to_string_pretty(&body).unwrap()
    )
}

#[test]
fn each_chat_gets_its_own_form() {
    for chat in PROVIDERS {
        let address = receiver("https://chat.example/hooks/1?thread=2");
        let mut text = shown(&(chat.request)(&message(Severity::Error), &address));
        text.push('\n');
        text.push_str(&shown(&(chat.request)(&message(Severity::Warn), &address)));
        let path = format!("testdata/alerts/{}.txt", chat.name);
        golden::check(path.as_ref(), &text);
    }
}

#[test]
fn a_workflow_of_teams_gets_an_adaptive_card() {
    let chat = of(AlertProviderType::MsTeams);
    for host in [
        "prod-12.westeurope.logic.azure.com:443",
        "Prod-12.WestEurope.Logic.Azure.com",
        "default123.45.environment.api.powerplatform.com:443",
    ] {
        let address = receiver(&format!("https://{host}/workflows/1?sig=x"));
        let request = (chat.request)(&message(Severity::Error), &address);
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body["type"], "message", "{host}");
    }
    let elsewhere = receiver("https://evil.example/.logic.azure.com");
    let request = (chat.request)(&message(Severity::Error), &elsewhere);
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["@type"], "MessageCard");
    let workflow = receiver("https://prod-1.westeurope.logic.azure.com/workflows/1");
    let text = shown(&(chat.request)(&message(Severity::Error), &workflow));
    golden::check("testdata/alerts/msteams-workflow.txt".as_ref(), &text);
}

#[test]
fn only_slack_is_sent_the_token_of_a_bot() {
    let mut bot = receiver("https://slack.com/api/chat.postMessage");
    bot.token = Some("xoxb-1".to_owned());
    for chat in PROVIDERS {
        let request = (chat.request)(&message(Severity::Info), &bot);
        let sent = request
            .headers
            .iter()
            .any(|(_, value)| value == "Bearer xoxb-1");
        assert_eq!(sent, chat.name == "slack", "{}", chat.name);
    }
}

fn answered(status: u16, body: &str) -> HttpResponse {
    HttpResponse {
        status,
        body: body.as_bytes().to_vec(),
        retry_after: None,
    }
}

#[test]
fn a_chat_that_does_not_say_2xx_did_not_take_it() {
    for chat in PROVIDERS {
        assert_eq!((chat.taken)(&answered(200, "ok")), Ok(()), "{}", chat.name);
        assert_eq!((chat.taken)(&answered(204, "")), Ok(()), "{}", chat.name);
        let refused = (chat.taken)(&answered(404, "no such hook\n"));
        assert_eq!(refused, Err("answered 404: no such hook".to_owned()));
        let redirected = (chat.taken)(&answered(302, ""));
        assert_eq!(redirected, Err("answered 302".to_owned()));
    }
}

#[test]
fn slack_may_say_200_and_mean_no() {
    let taken = of(AlertProviderType::Slack).taken;
    assert_eq!(taken(&answered(200, r#"{"ok":true,"ts":"1"}"#)), Ok(()));
    assert_eq!(
        taken(&answered(
            200,
            r#"{"ok":false,"error":"channel_not_found"}"#
        )),
        Err("channel_not_found".to_owned())
    );
    assert_eq!(
        taken(&answered(200, r#"{"ok":false,"error":"not_in_channel"}"#)),
        Err("not_in_channel: invite the bot into the channel first".to_owned())
    );
}

#[test]
fn every_type_of_an_alert_provider_has_its_chat() {
    let known: Vec<&str> = PROVIDERS.iter().map(|chat| chat.name).collect();
    assert!(known.is_sorted());
    assert_eq!(known.len(), AlertProviderType::ALL.len());
    for kind in AlertProviderType::ALL {
        assert_eq!(of(*kind).name, kind.as_str());
    }
}
