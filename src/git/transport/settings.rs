//! Git's configuration as the transports need it: which value holds for which URL, and which may be believed.
//!
//! Whoever hands over a folder writes the configuration of the repository in it, so programs are taken from the
//! machine's, the user's and the environment's settings only. Includes are libgit2's.

use crate::git::transport::environment::GitEnvironment;
use reqwest::Url;

/// All settings, those that win last.
#[derive(Clone, Debug, Default)]
pub(in crate::git) struct Settings(Vec<Setting>);

#[derive(Clone, Debug)]
struct Setting {
    /// In lower case.
    section: String,
    /// As it is written.
    subsection: Option<String>,
    /// In lower case.
    key: String,
    value: String,
    /// From outside the repository?
    ours: bool,
}

/// A value and who wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::git) struct Value<'a> {
    pub text: &'a str,
    /// From outside the repository?
    pub ours: bool,
}

impl Settings {
    pub fn read(config: &git2::Config, environment: &GitEnvironment) -> Result<Self, git2::Error> {
        let mut levelled = Vec::new();
        let mut entries = config.entries(None)?;
        while let Some(entry) = entries.next() {
            let entry = entry?;
            // a key without a value, and text that is no UTF-8, say nothing here
            let (Ok(name), Ok(value)) = (entry.name(), entry.value()) else {
                continue;
            };
            let ours = !matches!(
                entry.level(),
                git2::ConfigLevel::Local | git2::ConfigLevel::Worktree
            );
            levelled.extend(
                Setting::new(name, value, ours).map(|setting| (entry.level() as i32, setting)),
            );
        }
        // stable: within one level later ones win
        levelled.sort_by_key(|(level, _)| *level);
        let mut all: Vec<Setting> = levelled.into_iter().map(|(_, setting)| setting).collect();
        all.extend(
            environment
                .settings
                .iter()
                .filter_map(|(name, value)| Setting::new(name, value, true)),
        );
        Ok(Self(all))
    }

    /// Of a section without subsections, such as `core`.
    pub fn plain(&self, section: &str, key: &str) -> Option<Value<'_>> {
        self.0
            .iter()
            .rev()
            .find(|setting| setting.is(section, key) && setting.subsection.is_none())
            .map(Setting::value)
    }

    /// The value whose URL fits best, the last one of equals: how Git reads `http.*`.
    pub fn best(&self, section: &str, key: &str, url: &Url) -> Option<Value<'_>> {
        self.fitting(section, key, url)
            .into_iter()
            .max_by_key(|(fit, _)| *fit)
            .map(|(_, setting)| setting.value())
    }

    /// All values that fit, in the order of the files; an empty one forgets those before it.
    pub fn all(&self, section: &str, key: &str, url: &Url) -> Vec<Value<'_>> {
        listed(self.fitting(section, key, url))
    }

    /// The same, those whose URL fits best last.
    pub fn by_fit(&self, section: &str, key: &str, url: &Url) -> Vec<Value<'_>> {
        let mut found = self.fitting(section, key, url);
        found.sort_by_key(|(fit, _)| *fit);
        listed(found)
    }

    fn fitting(&self, section: &str, key: &str, url: &Url) -> Vec<(Fit, &Setting)> {
        self.0
            .iter()
            .filter(|setting| setting.is(section, key))
            .filter_map(|setting| {
                let fit = match &setting.subsection {
                    None => Fit::default(),
                    Some(pattern) => fit(pattern, url)?,
                };
                Some((fit, setting))
            })
            .collect()
    }
}

impl Setting {
    fn new(name: &str, value: &str, ours: bool) -> Option<Self> {
        let (section, rest) = name.split_once('.')?;
        let (subsection, key) = match rest.rsplit_once('.') {
            Some((subsection, key)) => (Some(subsection.to_owned()), key),
            None => (None, rest),
        };
        Some(Self {
            section: section.to_ascii_lowercase(),
            subsection,
            key: key.to_ascii_lowercase(),
            value: value.to_owned(),
            ours,
        })
    }

    fn is(&self, section: &str, key: &str) -> bool {
        self.section == section && self.key == key
    }

    fn value(&self) -> Value<'_> {
        Value {
            text: &self.value,
            ours: self.ours,
        }
    }
}

fn listed(found: Vec<(Fit, &Setting)>) -> Vec<Value<'_>> {
    let mut values = Vec::new();
    for (_, setting) in found {
        if setting.value.is_empty() {
            values.clear();
        } else {
            values.push(setting.value());
        }
    }
    values
}

/// How well a URL in the configuration fits: length of the host, length of the path, and is the user named?
type Fit = (usize, usize, bool);

/// Scheme, host and port must be equal (a label `*` stands for any), the path a beginning at a slash, the user equal
/// if one is given: git-config(1), `http.<url>.*`.
fn fit(pattern: &str, url: &Url) -> Option<Fit> {
    let pattern = Url::parse(pattern).ok()?;
    let (wanted, host) = (pattern.host_str()?, url.host_str()?);
    let same_host = wanted.split('.').count() == host.split('.').count()
        && wanted
            .split('.')
            .zip(host.split('.'))
            .all(|(wanted, label)| wanted == "*" || wanted == label);
    let path = pattern.path().trim_end_matches('/');
    let below = url
        .path()
        .strip_prefix(path)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let user = pattern.username();
    let fits = pattern.scheme() == url.scheme()
        && same_host
        && pattern.port_or_known_default() == url.port_or_known_default()
        && below
        && (user.is_empty() || user == url.username());
    fits.then_some((wanted.len(), path.len() + 1, !user.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn settings(text: &str) -> Settings {
        settings_at(git2::ConfigLevel::Local, text)
    }

    fn settings_at(level: git2::ConfigLevel, text: &str) -> Settings {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config");
        fs::write(&path, text).unwrap();
        let mut config = git2::Config::new().unwrap();
        config.add_file(&path, level, false).unwrap();
        Settings::read(&config, &GitEnvironment::default()).unwrap()
    }

    fn best(text: &str, url: &str) -> Option<String> {
        settings(text)
            .best("http", "proxy", &Url::parse(url).unwrap())
            .map(|value| value.text.to_owned())
    }

    #[test]
    fn the_most_special_url_wins_wherever_it_stands() {
        let text = "[http \"https://git.example/team\"]\n proxy = team\n\
                    [http \"https://git.example\"]\n proxy = host\n[http]\n proxy = any\n";
        let of = |url| best(text, url);
        assert_eq!(
            of("https://git.example/team/x.git").as_deref(),
            Some("team")
        );
        assert_eq!(of("https://git.example/teams/x").as_deref(), Some("host"));
        assert_eq!(of("https://git.example:443/x").as_deref(), Some("host"));
        assert_eq!(of("https://git.example:8443/x").as_deref(), Some("any"));
        assert_eq!(of("http://git.example/x").as_deref(), Some("any"));
        assert_eq!(of("https://evilgit.example/x").as_deref(), Some("any"));
    }

    #[test]
    fn a_star_stands_for_one_label() {
        let text = "[http \"https://*.example.com/\"]\n proxy = sub\n";
        assert_eq!(
            best(text, "https://git.example.com/x").as_deref(),
            Some("sub")
        );
        assert_eq!(best(text, "https://a.git.example.com/x"), None);
        assert_eq!(best(text, "https://example.com/x"), None);
    }

    #[test]
    fn the_last_of_equals_wins() {
        let text = "[http]\n proxy = a\n proxy = b\n";
        assert_eq!(best(text, "https://git.example/x").as_deref(), Some("b"));
    }

    #[test]
    fn an_empty_value_forgets_those_before_it() {
        let text = "[credential]\n helper = a\n helper =\n helper = b\n helper = c\n";
        let settings = settings(text);
        let url = Url::parse("https://git.example/x").unwrap();
        let values: Vec<&str> = settings
            .all("credential", "helper", &url)
            .iter()
            .map(|value| value.text)
            .collect();
        assert_eq!(values, ["b", "c"]);
    }

    #[test]
    fn a_repositorys_own_settings_are_told_from_the_users() {
        let text = "[core]\n sshCommand = evil\n";
        for (level, ours) in [
            (git2::ConfigLevel::Local, false),
            (git2::ConfigLevel::Worktree, false),
            (git2::ConfigLevel::Global, true),
            (git2::ConfigLevel::System, true),
        ] {
            let settings = settings_at(level, text);
            let value = settings.plain("core", "sshcommand").unwrap();
            assert_eq!(value.ours, ours, "{level:?}");
        }
    }

    #[test]
    fn the_environment_wins_over_files() {
        let environment = GitEnvironment {
            settings: vec![(String::from("core.sshCommand"), String::from("mine"))],
            ..GitEnvironment::default()
        };
        let settings = Settings::read(&git2::Config::new().unwrap(), &environment).unwrap();
        let value = settings.plain("core", "sshcommand").unwrap();
        assert_eq!((value.text, value.ours), ("mine", true));
    }
}
