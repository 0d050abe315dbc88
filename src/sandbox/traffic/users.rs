//! Who sends the requests: everybody, groups with headers of their own, and those who keep cookies.

use crate::sandbox::dataplane::Headers;
use crate::sandbox::traffic::load::Load;
use crate::sandbox::traffic::split::Turns;
use std::collections::BTreeMap;

/// One request's sender.
pub(super) struct User {
    pub(super) headers: Headers,
    /// Place among those who keep cookies.
    keeper: Option<usize>,
}

/// All of them, each in turn.
#[derive(Debug, Default)]
pub(super) struct Users {
    groups: Turns,
    next_keeper: usize,
    keepers: Vec<Keeper>,
}

#[derive(Clone, Debug, Default)]
struct Keeper {
    cookies: BTreeMap<String, String>,
    version: Option<String>,
}

impl Users {
    /// The sender of the next request.
    pub(super) fn next(&mut self, load: &Load) -> User {
        let mut headers = self.group(load);
        let count = usize::from(load.cookie_keepers);
        if count == 0 {
            return User {
                headers,
                keeper: None,
            };
        }
        self.keepers.resize_with(count, Keeper::default);
        let at = self.next_keeper % count;
        self.next_keeper = at + 1;
        let cookies: Vec<String> = (self.keepers.get(at).into_iter())
            .flat_map(|keeper| &keeper.cookies)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !cookies.is_empty() {
            headers.insert("cookie".to_owned(), cookies.join("; "));
        }
        User {
            headers,
            keeper: Some(at),
        }
    }

    fn group(&mut self, load: &Load) -> Headers {
        if load.groups.is_empty() {
            return Headers::new();
        }
        let shares: Vec<u64> = load.groups.iter().map(|group| group.share()).collect();
        let all: u64 = shares.iter().sum();
        let rest = 100_000_u64.saturating_sub(all);
        let weights: Vec<u64> = shares.into_iter().chain([rest]).collect();
        let turn = self.groups.next(&weights);
        let group = turn.and_then(|turn| load.groups.get(turn));
        group.map_or_else(Headers::new, |group| group.headers())
    }

    /// They got an answer that sets these cookies; 1 where it came from another version than the one before.
    pub(super) fn answered<'a>(
        &mut self,
        user: &User,
        set: impl Iterator<Item = &'a str>,
        version: Option<&str>,
    ) -> u64 {
        let keeper = user.keeper.and_then(|at| self.keepers.get_mut(at));
        let (Some(keeper), Some(version)) = (keeper, version) else {
            return 0;
        };
        for cookie in set {
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let age = attributes
                .split(';')
                .find_map(|one| one.trim().strip_prefix("Max-Age="));
            let expired = age
                .and_then(|age| age.parse::<i64>().ok())
                .is_some_and(|age| age <= 0);
            if expired {
                keeper.cookies.remove(name);
            } else {
                keeper.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let before = keeper.version.replace(version.to_owned());
        u64::from(before.is_some_and(|before| before != version))
    }
}
