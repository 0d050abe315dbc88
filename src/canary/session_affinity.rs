//! `spec.analysis.sessionAffinity`: the cookie that keeps users on their version.
//!
//! Must not make up cookie values.

use crate::canary::name::Word;
use crate::canary::problem::Finding;
use crate::canary::problem::ProblemKind;
use crate::canary::problem::Spot;
use crate::canary::reader::At;

/// `spec.analysis.sessionAffinity`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionAffinity {
    /// Cookie of the canary's users.
    pub cookie_name: String,
    /// Cookie of the primary's users.
    pub primary_cookie_name: Option<String>,
    /// Attribute of the cookie.
    pub domain: Option<String>,
    /// Attribute of the cookie.
    pub path: Option<String>,
    /// Attribute of the cookie.
    pub http_only: bool,
    /// Attribute of the cookie.
    pub partitioned: bool,
    /// Attribute of the cookie.
    pub secure: bool,
    /// How long the cookie lives, seconds; a day where absent or 0.
    pub max_age: u32,
    /// Attribute of the cookie.
    pub same_site: Option<SameSite>,
}

/// Values of the cookie attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// Only from the same site.
    Strict,
    /// Also on navigation.
    Lax,
    /// Always.
    None,
}

impl Word for SameSite {
    const ALL: &'static [Self] = &[Self::Strict, Self::Lax, Self::None];

    fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}

impl SessionAffinity {
    /// The cookie's attributes after `name=value`, in Flagger's order.
    #[must_use]
    pub fn attributes(&self) -> String {
        let mut text = format!("; Max-Age={}", self.max_age);
        if let Some(domain) = &self.domain {
            text.push_str(&format!("; Domain={domain}"));
        }
        if self.http_only {
            text.push_str("; HttpOnly");
        }
        if self.partitioned {
            text.push_str("; Partitioned");
        }
        if let Some(path) = &self.path {
            text.push_str(&format!("; Path={path}"));
        }
        if let Some(same_site) = self.same_site {
            text.push_str(&format!("; SameSite={}", same_site.as_str()));
        }
        if self.secure {
            text.push_str("; Secure");
        }
        text
    }

    pub(super) fn read(at: At<'_>) -> Option<Self> {
        let mut fields = at.fields()?;
        let cookie_name = fields.required("cookieName", At::some_text);
        let text = |text: &String| !text.is_empty();
        let primary_cookie_name = fields.optional("primaryCookieName", At::text).filter(text);
        let domain = fields.optional("domain", At::text).filter(text);
        let path = fields.optional("path", At::text).filter(text);
        let http_only = fields.optional("httpOnly", At::flag).unwrap_or(false);
        let partitioned = fields.optional("partitioned", At::flag).unwrap_or(false);
        let secure = fields.optional("secure", At::flag).unwrap_or(false);
        let max_age = fields
            .optional("maxAge", At::count)
            .filter(|age| *age > 0)
            .unwrap_or(86_400);
        let same_site = fields.optional("sameSite", At::word);
        if cookie_name.is_some() && cookie_name == primary_cookie_name {
            fields.at.sink.error(
                Finding::at_value(
                    ProblemKind::Conflict,
                    &fields.pointer("primaryCookieName"),
                    "the same",
                    format!(
                        "{}.primaryCookieName must differ from cookieName",
                        fields.at.path()
                    ),
                )
                .label(Spot::Value(fields.pointer("cookieName")), "as this")
                .help("users of the two versions are told apart by the cookie's name"),
            );
        }
        fields.close();
        Some(Self {
            cookie_name: cookie_name?,
            primary_cookie_name,
            domain,
            path,
            http_only,
            partitioned,
            secure,
            max_age,
            same_site,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_stand_in_flaggers_order() {
        let affinity = SessionAffinity {
            cookie_name: "flagger".to_owned(),
            primary_cookie_name: None,
            domain: Some("example.com".to_owned()),
            path: Some("/app".to_owned()),
            http_only: true,
            partitioned: true,
            secure: true,
            max_age: 86_400,
            same_site: Some(SameSite::Lax),
        };
        assert_eq!(
            affinity.attributes(),
            "; Max-Age=86400; Domain=example.com; HttpOnly; Partitioned; Path=/app; SameSite=Lax; Secure"
        );
    }
}
