//! Names as Kubernetes takes them, and the nearest known word to a mistyped one.
//!
//! Must not know what the names are of.

/// A word of a fixed set, such as the kinds of a reference.
pub trait Word: Copy + 'static {
    /// All of them, in the order they are listed to people.
    const ALL: &'static [Self];

    /// As it is written in a spec.
    fn as_str(self) -> &'static str;

    /// The one that is written so.
    fn from_word(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|word| word.as_str() == text)
    }

    /// All of them as they are written.
    fn words() -> Vec<&'static str> {
        Self::ALL.iter().map(|word| word.as_str()).collect()
    }
}

/// A label of DNS (RFC 1123) in lower case: names of namespaces and services.
#[must_use]
pub fn is_dns_label(name: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = name.as_bytes();
    bytes.len() <= 63
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

/// Labels of DNS joined by dots, at most 253 characters: names of most objects.
#[must_use]
pub fn is_dns_subdomain(name: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    name.len() <= 253
        && name.split('.').all(|part| {
            edge(part.as_bytes().first())
                && edge(part.as_bytes().last())
                && part
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        })
}

/// The known word that was probably meant.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = word.to_lowercase();
    let limit = (wanted.chars().count() / 3).clamp(1, 4);
    known
        .into_iter()
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `a, b and c`.
#[must_use]
pub fn listed(words: &[&str], last: &str) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_no_name() {
        for name in ["..", "a/b", "", "-a", "a-", "A", "a..b", "a_b"] {
            assert!(!is_dns_subdomain(name), "{name:?}");
            assert!(!is_dns_label(name), "{name:?}");
        }
        assert!(is_dns_subdomain("podinfo.v1"));
        assert!(!is_dns_label("podinfo.v1"));
        assert!(is_dns_label("podinfo-1"));
        assert!(!is_dns_label(&"a".repeat(64)));
    }

    #[test]
    fn a_mistyped_word_finds_the_known_one() {
        let known = ["stepWeight", "stepWeights", "threshold", "interval"];
        assert_eq!(nearest("stepWeigth", known), Some("stepWeight"));
        assert_eq!(nearest("treshold", known), Some("threshold"));
        assert_eq!(nearest("Interval", known), Some("interval"));
        assert_eq!(nearest("banana", known), None);
    }

    #[test]
    fn a_list_reads_as_a_sentence() {
        assert_eq!(listed(&["a"], "or"), "a");
        assert_eq!(listed(&["a", "b", "c"], "or"), "a, b or c");
    }
}
