//! Where keys come from, and Amazon's own examples of signatures.

use super::*;
use std::collections::BTreeMap;

/// Signs what Amazon's test suite signs.
fn signature(request: HttpRequest, service: &str) -> String {
    let keys = Keys {
        id: "AKIDEXAMPLE".to_owned(),
        secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
        session: None,
    };
    let mut request = request;
    let at = "2015-08-30T12:36:00Z".parse().unwrap();
    sign(&mut request, &keys, service, "us-east-1", at);
    let (_, authorization) = request.headers.pop().unwrap();
    authorization
}

fn plain(method: &'static str, url: &str) -> HttpRequest {
    asked(method, url.to_owned(), None)
}

#[test]
fn amazons_examples_have_amazons_signatures() {
    let vanilla = signature(plain("GET", "https://example.amazonaws.com/"), "service");
    assert_eq!(
        vanilla,
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
         SignedHeaders=host;x-amz-date, \
         Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    );
    let ends_with = |authorization: String, signature: &str| {
        assert!(authorization.ends_with(signature), "{authorization}");
    };
    let unsorted = "https://example.amazonaws.com/?Param2=value2&Param1=value1";
    ends_with(
        signature(plain("GET", unsorted), "service"),
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    );
    let mut posted = form("https://example.amazonaws.com/", &[("Param1", "value1")]);
    assert_eq!(posted.body, b"Param1=value1");
    ends_with(
        signature(posted.clone(), "service"),
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    );
    posted.body.clear();
    posted.headers.clear();
    ends_with(
        signature(posted, "service"),
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    );
    let mut users = plain(
        "GET",
        "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
    );
    header(
        &mut users,
        "Content-Type",
        "application/x-www-form-urlencoded; charset=utf-8",
    );
    ends_with(
        signature(users, "iam"),
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    );
}

#[test]
fn a_session_token_is_signed_too() {
    let keys = Keys {
        id: "A".to_owned(),
        secret: "s".to_owned(),
        session: Some("t".to_owned()),
    };
    let mut request = plain("GET", "https://example.amazonaws.com/");
    sign(
        &mut request,
        &keys,
        "service",
        "us-east-1",
        Timestamp::UNIX_EPOCH,
    );
    let (_, authorization) = &request.headers[2];
    assert!(authorization.contains("SignedHeaders=host;x-amz-date;x-amz-security-token,"));
}

fn found(variables: &[(&str, &str)], files: &[(&str, &str)]) -> Result<Login, String> {
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    let variable = |name: &str| {
        let mut all = variables.iter();
        all.find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).to_owned())
    };
    let read = |path: &str| {
        let text = files.get(path).map(|text| (*text).to_owned());
        text.ok_or_else(|| format!("no {path}"))
    };
    Login::of_machine(&variable, &read)
}

const PROFILES: &str = "[default]\naws_access_key_id = D\naws_secret_access_key=d\n\n[ci]\naws_access_key_id=C\naws_secret_access_key=c\naws_session_token=t\n";

#[test]
fn keys_come_from_variables_then_a_token_then_a_profile_then_the_machine() {
    let id = |login: Result<Login, String>| match login {
        Ok(Login::Keys(keys)) => keys.id,
        Ok(Login::WebIdentity {
            role,
            token,
            session,
        }) => format!("{role} {token} {session}"),
        Ok(Login::Container { url, .. }) => url,
        Ok(Login::Machine) => "machine".to_owned(),
        Err(why) => why,
    };
    let keys = [("AWS_ACCESS_KEY_ID", "V"), ("AWS_SECRET_ACCESS_KEY", "v")];
    let token = [
        ("AWS_ROLE_ARN", "arn"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/t"),
    ];
    let home = ("HOME", "/h");
    let files = [("/t", "jwt\n"), ("/h/.aws/credentials", PROFILES)];
    assert_eq!(
        id(found(&[keys[0], keys[1], token[0], token[1], home], &files)),
        "V"
    );
    assert_eq!(
        id(found(&[token[0], token[1], home], &files)),
        "arn jwt kubectl-flagger"
    );
    assert_eq!(id(found(&[home], &files)), "D");
    assert_eq!(id(found(&[home, ("AWS_PROFILE", "ci")], &files)), "C");
    assert_eq!(
        id(found(&[home, ("AWS_PROFILE", "x")], &files)),
        "AWS profile x has no keys"
    );
    let container = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/a");
    assert_eq!(id(found(&[container], &[])), "http://169.254.170.2/v2/a");
    assert_eq!(id(found(&[], &[])), "machine");
}

#[test]
fn a_profile_that_needs_more_than_keys_is_refused_by_name() {
    let config = [("/c", "[profile sso]\nsso_session = work\n")];
    let login = found(
        &[("AWS_CONFIG_FILE", "/c"), ("AWS_PROFILE", "sso")],
        &config,
    );
    let why = login.err().unwrap();
    assert!(why.starts_with("AWS profile sso has sso_session"), "{why}");
}

#[test]
fn a_region_cannot_lead_elsewhere() {
    assert!(region("eu-west-1").is_ok());
    for wrong in ["", "evil.example/#", "eu west", "EU"] {
        assert!(region(wrong).is_err(), "{wrong}");
    }
}
