//! The crate's floors, enforced: what a module may import and mention. Prints `file:line: what is wrong`.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its files has failed"
)]

#[path = "support/rust_source.rs"]
mod rust_source;

use rust_source::Source;
use rust_source::blanked;
use rust_source::imported;
use rust_source::mentions;
use rust_source::sources;

/// What a top-level module may import of ours (a path or anything below it), and words it must not mention.
struct Floor {
    module: &'static str,
    may_import: &'static [&'static str],
    must_not_mention: &'static [&'static str],
}

/// Floors 0 and 1 cannot wait, read, write or ask the time.
const PURE: &[&str] = &[
    "async",
    "await",
    "kube::",
    "tokio",
    "git2",
    "reqwest",
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "SystemTime",
    "Instant",
    "Timestamp::now",
];

const FLOORS: &[Floor] = &[
    floor("canary", &[], PURE),
    floor("rollout", &["canary"], PURE),
    floor("router", &["canary"], PURE),
    // Requests and responses are values that the transport defines.
    floor("metrics", &["canary", "port::transport"], PURE),
    floor("alerts", &["canary"], PURE),
    floor(
        "port",
        &["canary", "rollout"],
        &["kube::", "git2", "reqwest"],
    ),
    floor(
        "controller",
        &["canary", "rollout", "port"],
        &["kube::", "git2", "reqwest", "indicatif", "comfy_table"],
    ),
    floor(
        "kubernetes",
        &["canary", "port", "rollout::event", "router", "os"],
        &["git2", "reqwest", "indicatif", "comfy_table"],
    ),
    floor(
        "transport",
        &[
            "canary",
            "port",
            "rollout::event",
            "rollout::notice",
            "metrics",
            "alerts",
        ],
        &["git2", "kube::", "indicatif", "comfy_table"],
    ),
    floor(
        "git",
        &["canary", "port", "rollout::event", "os"],
        &["kube::", "indicatif", "comfy_table"],
    ),
    floor("clock", &["canary", "port", "os"], &["kube::", "git2"]),
    floor(
        "sandbox",
        &["canary", "port"],
        &["reqwest", "git2", "indicatif"],
    ),
    floor(
        "ui",
        &["canary", "rollout", "port::subscriber"],
        &["kube::", "git2", "reqwest", "tokio"],
    ),
    floor("os", &["canary"], &["kube::", "reqwest"]),
];

/// Floor 4 wires everything.
const WIRING: &[&str] = &["cli", "error", "main", "lib"];

/// Folders whose files are providers, each registered in the folder's `PROVIDERS`.
const REGISTRIES: &[&str] = &["router", "metrics", "alerts"];

/// The only file that may lift the ban on unsafe code.
const UNSAFE: &str = "src/os.rs";

/// Lines a file may have.
const LINES: usize = 500;

const fn floor(
    module: &'static str,
    may_import: &'static [&'static str],
    must_not_mention: &'static [&'static str],
) -> Floor {
    Floor {
        module,
        may_import,
        must_not_mention,
    }
}

#[test]
fn every_module_stays_on_its_floor() {
    let mut found = Vec::new();
    for source in sources() {
        let module = source.module();
        if WIRING.contains(&module) {
            continue;
        }
        let Some(floor) = FLOORS.iter().find(|floor| floor.module == module) else {
            found.push(format!("{}:1: {module} is on no floor", source.path));
            continue;
        };
        for (line, text) in source.product() {
            for path in imported(text) {
                let own = path == module || path.starts_with(&format!("{module}::"));
                let allowed = floor
                    .may_import
                    .iter()
                    .any(|may| path == *may || path.starts_with(&format!("{may}::")));
                if !own && !allowed {
                    found.push(format!(
                        "{}:{line}: {module} must not import {path}",
                        source.path
                    ));
                }
            }
            for word in floor.must_not_mention {
                if mentions(text, word) {
                    let word = word.trim_end_matches("::");
                    found.push(format!(
                        "{}:{line}: {module} must not mention {word}",
                        source.path
                    ));
                }
            }
        }
    }
    none(&found);
}

#[test]
fn an_import_is_one_line_with_its_whole_path() {
    let mut found = Vec::new();
    for source in sources() {
        for (at, line) in source.code.lines().enumerate() {
            let line = line.trim_start();
            let is_import = line.starts_with("use ") || line.starts_with("pub use ");
            if is_import && (line.contains('{') || !line.trim_end().ends_with(';')) {
                found.push(format!(
                    "{}:{}: one import a line, its path spelled out",
                    source.path,
                    at + 1
                ));
            }
        }
    }
    none(&found);
}

#[test]
fn unsafe_code_is_in_one_file() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| source.path != UNSAFE) {
        for (at, line) in source.code.lines().enumerate() {
            if mentions(line, "unsafe") || mentions(line, "unsafe_code") {
                found.push(format!(
                    "{}:{}: unsafe only in {UNSAFE}",
                    source.path,
                    at + 1
                ));
            }
        }
    }
    none(&found);
}

#[test]
fn nothing_is_left_for_later() {
    let mut found = Vec::new();
    for source in sources() {
        for (at, line) in source.code.lines().enumerate() {
            for word in ["todo!", "unimplemented!"] {
                if mentions(line, word) {
                    found.push(format!("{}:{}: {word}", source.path, at + 1));
                }
            }
        }
    }
    none(&found);
}

#[test]
fn no_file_is_longer_than_one_can_read() {
    let found: Vec<String> = sources()
        .iter()
        .map(|source| (source, source.raw.lines().count()))
        .filter(|(_, lines)| *lines > LINES)
        .map(|(source, lines)| format!("{}:{lines}: more than {LINES} lines", source.path))
        .collect();
    none(&found);
}

#[test]
fn a_module_begins_with_what_it_is_for() {
    let found: Vec<String> = sources()
        .iter()
        .filter(|source| !source.raw.starts_with("//!"))
        .map(|source| format!("{}:1: begin with //! and what it is for", source.path))
        .collect();
    none(&found);
}

#[test]
fn every_provider_is_registered() {
    let mut found = Vec::new();
    let sources = sources();
    for registry in REGISTRIES {
        let list = format!("src/{registry}/mod.rs");
        let Some(list) = sources.iter().find(|source| source.path == list) else {
            continue;
        };
        for source in &sources {
            let Some(name) = source
                .path
                .strip_prefix(&format!("src/{registry}/"))
                .and_then(|name| name.strip_suffix(".rs"))
            else {
                continue;
            };
            let is_provider = source
                .product()
                .any(|(_, line)| line.contains("const PROVIDER:"));
            if is_provider && !mentions(&list.code, &format!("{name}::PROVIDER")) {
                found.push(format!(
                    "{}:1: not registered in {}",
                    source.path, list.path
                ));
            }
        }
    }
    none(&found);
}

#[test]
fn every_file_is_part_of_the_crate() {
    let sources = sources();
    let declared: Vec<String> = sources.iter().flat_map(Source::declares).collect();
    let found: Vec<String> = sources
        .iter()
        .map(|source| &source.path)
        .filter(|path| !matches!(path.as_str(), "src/lib.rs" | "src/main.rs"))
        .filter(|path| !declared.contains(path))
        .map(|path| format!("{path}:1: no module declares it"))
        .collect();
    none(&found);
}

#[test]
fn the_guard_sees_code_and_not_comments_or_strings() {
    let code = blanked(
        "let a = \"tokio\"; // tokio\nlet b = r#\"x \" tokio\"#; /* tokio */ let c = 'x'; let d: &'a str; tokio::spawn();\n",
    );
    assert_eq!(code.matches("tokio").count(), 1, "{code}");
    assert_eq!(code.lines().count(), 2);
    assert!(mentions("x.await;", "await") && !mentions("awaited", "await"));
    assert!(mentions("use kube::Api;", "kube::") && !mentions("my_kube::x", "kube::"));
    assert_eq!(
        imported("use crate::router::mod_a; crate::os"),
        ["router::mod_a", "os"]
    );
}

fn none(found: &[String]) {
    assert!(
        found.is_empty(),
        "\n{}\n{} in all",
        found.join("\n"),
        found.len()
    );
}
