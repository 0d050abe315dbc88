//! What A/B testing, mirroring and session affinity add to routes that are lists of rules: conditions of their own
//! before the rules that carry the weights, and a mirror or a cookie on these.
//!
//! Works on whatever rules are there, so that what people wrote on them holds for the added ones too. Must not know a
//! field of any kind: each kind brings its words.

use crate::canary::object::Resource;
use crate::canary::session_affinity::SessionAffinity;
use crate::canary::spec::Canary;
use crate::canary::spec::Strategy;
use crate::canary::weight::Routes;
use crate::router::Facts;
use crate::router::RouteError;
use crate::router::rules::Rules;
use serde_json::Value;
use serde_json::json;

/// How a kind says it.
pub(super) struct Words {
    /// Field of a rule with its conditions, any of which is enough.
    pub conditions: &'static str,
    /// What `analysis.match` asks for.
    pub matches: fn(&Canary) -> Result<Vec<Value>, RouteError>,
    /// A condition that asks for what both do; the second one's word counts where they differ.
    pub both: fn(&Value, &Value) -> Value,
    /// A condition without what it says of every request anyway; `None` where nothing is left.
    pub essence: fn(&Value) -> Option<Value>,
    /// The request carries that cookie, by name and value.
    pub cookie: fn(&str, &str) -> Value,
    /// Does a condition ask for the cookie of that name?
    pub is_cookie: fn(&Value, &str) -> bool,
    /// The rule sends a copy to the canary.
    pub mirror: fn(&Canary, &mut Value),
    /// It no longer does.
    pub unmirror: fn(&Canary, &mut Value),
    /// Does it?
    pub is_mirrored: fn(&Canary, &Value) -> bool,
    /// Answers of that rule or destination set the cookie with that text.
    pub set_cookie: fn(&mut Value, &str),
    /// They set none of that name.
    pub unset_cookie: fn(&mut Value, &str),
}

/// What the status knows of cookies: `NAME=VALUE` each.
#[derive(Clone, Copy, Default)]
struct Cookies<'a> {
    canary: Option<&'a str>,
    primary: Option<&'a str>,
    previous: Option<&'a str>,
}

impl<'a> Cookies<'a> {
    /// As the Canary's status has them, if it was handed in.
    fn of(canary: &Canary, facts: &'a Facts) -> Self {
        let address = Resource::CANARY.in_namespace(&canary.namespace, &canary.name);
        let status = facts.get(&address).map(|live| &live["status"]);
        let cookie = |field: &str| status?.get(field)?.as_str();
        Self {
            canary: cookie("sessionAffinityCookie"),
            primary: cookie("primarySessionAffinityCookie"),
            previous: cookie("previousSessionAffinityCookie"),
        }
    }
}

fn tests_ab(canary: &Canary) -> bool {
    match canary.strategy() {
        Strategy::AbTesting => true,
        Strategy::Canary | Strategy::BlueGreen => false,
    }
}

/// A new object whose rules only have their weights, with all that the Canary asks for.
pub(super) fn made(words: &Words, rules: &Rules<'_>) -> Result<Value, RouteError> {
    Ok(rules.with(if is_needed(words, rules) {
        arranged(words, rules, Routes::PRIMARY, Cookies::default())?
    } else {
        rules.all()?.to_vec()
    }))
}

/// Operations that make the object the canary's, with what the Canary says of its one rule; none where it is.
pub(super) fn taken_over(
    words: &Words,
    rules: &Rules<'_>,
    said: &Value,
) -> Result<Vec<Value>, RouteError> {
    let bare = rules.with(bare(words, rules)?);
    let base = rules.on(&bare);
    let mut operations = base.take_over()?;
    operations.extend(base.adjust(said));
    if !is_needed(words, rules) {
        return Ok(operations);
    }
    let ours = base.after(operations)?;
    let routes = read(words, rules)?.unwrap_or(Routes::PRIMARY);
    let wanted = arranged(words, &rules.on(&ours), routes, Cookies::default())?;
    Ok(rules.replaced(&wanted))
}

/// Operations that bring the routes about; none where they are so.
pub(super) fn write(
    words: &Words,
    rules: &Rules<'_>,
    wish: Routes,
    facts: &Facts,
) -> Result<Vec<Value>, RouteError> {
    if !is_needed(words, rules) {
        return rules.write(wish);
    }
    let cookies = Cookies::of(rules.canary, facts);
    Ok(rules.replaced(&arranged(words, rules, wish, cookies)?))
}

/// Does the Canary ask for more than weights, or has the route more?
fn is_needed(words: &Words, rules: &Rules<'_>) -> bool {
    let canary = rules.canary;
    let analysis = &canary.analysis;
    let mirrored = || {
        let all = rules.all().unwrap_or_default();
        all.iter().any(|rule| (words.is_mirrored)(canary, rule))
    };
    tests_ab(canary) || analysis.session_affinity.is_some() || analysis.mirror || mirrored()
}

/// The weights that are there, and whether a copy is sent; `None` where the object is not taken over yet. Rules that
/// keep users on their version say nothing.
pub(super) fn read(words: &Words, rules: &Rules<'_>) -> Result<Option<Routes>, RouteError> {
    let kept: Vec<Value> = rules
        .all()?
        .iter()
        .filter(|rule| !keeps(words, rules.canary, rule))
        .cloned()
        .collect();
    let mirrored = kept
        .iter()
        .any(|rule| (words.is_mirrored)(rules.canary, rule));
    let live = rules.with(kept);
    let found = rules.on(&live).read()?;
    Ok(found.map(|routes| Routes { mirrored, ..routes }))
}

/// The rules without those that were put before others. What people wrote on the canary's side of a rule with
/// conditions is kept for it.
fn bare(words: &Words, rules: &Rules<'_>) -> Result<Vec<Value>, RouteError> {
    let canary = rules.canary;
    let all = rules.all()?;
    let mut bare = Vec::new();
    let mut test = None;
    for (at, rule) in all.iter().enumerate() {
        let next = all.get(at + 1);
        let rest = next.is_some_and(|next| rules.has_primary_alone(next));
        if tests_ab(canary) && rest && rules.has_both(rule) {
            test = Some(rule);
        } else if !keeps(words, canary, rule) {
            let mut own = rule.clone();
            if let Some(test) = test.take() {
                rules.lend(test, &mut own);
            }
            bare.push(own);
        }
    }
    Ok(bare)
}

/// Is the rule only there to keep users on their version, or to take the cookie for that back?
fn keeps(words: &Words, canary: &Canary, rule: &Value) -> bool {
    let Some(affinity) = &canary.analysis.session_affinity else {
        return false;
    };
    let conditions = conditions(words, rule);
    let is_ours = |condition| names(affinity).any(|name| (words.is_cookie)(condition, name));
    !conditions.is_empty() && conditions.iter().all(is_ours)
}

fn names(affinity: &SessionAffinity) -> impl Iterator<Item = &str> {
    let primary = affinity.primary_cookie_name.as_deref();
    std::iter::once(affinity.cookie_name.as_str()).chain(primary)
}

fn conditions<'a>(words: &Words, rule: &'a Value) -> &'a [Value] {
    let all = rule.get(words.conditions).and_then(Value::as_array);
    all.map_or(&[], Vec::as_slice)
}

/// All rules as they are to be for these routes.
fn arranged(
    words: &Words,
    rules: &Rules<'_>,
    wish: Routes,
    cookies: Cookies<'_>,
) -> Result<Vec<Value>, RouteError> {
    let canary = rules.canary;
    let bare = rules.with(bare(words, rules)?);
    let rules = rules.on(&bare);
    let tests = tests_ab(canary)
        .then(|| (words.matches)(canary))
        .transpose()?;
    let mut list = Vec::new();
    for rule in rules.all()? {
        if !rules.is_ours(rule)? {
            list.push(rule.clone());
            continue;
        }
        let plain = plain(words, &rules, rule);
        if let Some(tests) = &tests {
            let mut test = before(words, &plain, tests, false);
            rules.give(&mut test, wish);
            list.push(test);
            let mut rest = plain;
            rules.give_primary(&mut rest);
            list.push(rest);
            continue;
        }
        let mut weighted = plain.clone();
        rules.give(&mut weighted, wish);
        if wish.mirrored {
            (words.mirror)(canary, &mut weighted);
        }
        if let Some(affinity) = &canary.analysis.session_affinity {
            keep_users(
                words,
                &rules,
                affinity,
                cookies,
                wish,
                &plain,
                &mut weighted,
                &mut list,
            );
        }
        list.push(weighted);
    }
    Ok(list)
}

/// A rule of ours without mirror and cookies.
fn plain(words: &Words, rules: &Rules<'_>, rule: &Value) -> Value {
    let mut plain = rule.clone();
    (words.unmirror)(rules.canary, &mut plain);
    if let Some(affinity) = &rules.canary.analysis.session_affinity {
        for name in names(affinity) {
            (words.unset_cookie)(&mut plain, name);
            for destination in rules.destinations_mut(&mut plain) {
                (words.unset_cookie)(destination, name);
            }
        }
    }
    plain
}

/// The same rule for those requests alone that fulfil one of the conditions too.
fn before(words: &Words, rule: &Value, ours: &[Value], essence: bool) -> Value {
    let own: Vec<Value> = conditions(words, rule)
        .iter()
        .filter_map(|own| {
            if essence {
                (words.essence)(own)
            } else {
                Some(own.clone())
            }
        })
        .collect();
    let all: Vec<Value> = if own.is_empty() {
        ours.to_vec()
    } else {
        let each = |ours| own.iter().map(move |own| (words.both)(own, ours));
        ours.iter().flat_map(each).collect()
    };
    let mut before = rule.clone();
    // Names of rules are unique.
    if let Some(fields) = before.as_object_mut() {
        fields.remove("name");
    }
    before[words.conditions] = json!(all);
    before
}

/// Users who have a cookie stay where they are; without a share of the canary its cookie is taken back.
#[expect(
    clippy::too_many_arguments,
    reason = "all of it is one rule's surroundings"
)]
fn keep_users(
    words: &Words,
    rules: &Rules<'_>,
    affinity: &SessionAffinity,
    cookies: Cookies<'_>,
    wish: Routes,
    plain: &Value,
    weighted: &mut Value,
    list: &mut Vec<Value>,
) {
    let with = |cookie: &str| {
        let (name, value) = cookie.split_once('=').unwrap_or((cookie, ""));
        before(words, plain, &[(words.cookie)(name, value)], true)
    };
    if wish.canary.is_zero() {
        if let Some(previous) = cookies.previous {
            let mut expiring = with(previous);
            (words.set_cookie)(&mut expiring, &format!("{previous}; Max-Age=-1"));
            rules.give(&mut expiring, wish);
            list.push(expiring);
        }
        return;
    }
    let seconds = rules.canary.analysis.interval.as_secs();
    let of_primary = SessionAffinity {
        max_age: u32::try_from(seconds).unwrap_or(u32::MAX),
        ..affinity.clone()
    };
    let primary = cookies
        .primary
        .filter(|_| affinity.primary_cookie_name.is_some());
    let sides = [
        (
            cookies.canary,
            Routes::CANARY,
            affinity,
            rules.canary.canary_service_name(),
        ),
        (
            primary,
            Routes::PRIMARY,
            &of_primary,
            rules.canary.primary_service_name(),
        ),
    ];
    for (cookie, routes, attributes, service) in sides {
        let Some(cookie) = cookie else { continue };
        let mut sticky = with(cookie);
        rules.give(&mut sticky, routes);
        list.push(sticky);
        if let Some(destination) = rules.destination_mut(weighted, &service) {
            (words.set_cookie)(destination, &format!("{cookie}{}", attributes.attributes()));
        }
    }
}
