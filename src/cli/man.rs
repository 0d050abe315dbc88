//! The man pages, rendered from the same definitions as the help.

use crate::cli::BINARY;
use crate::error::EXIT_CODES;
use clap_mangen::Man;
use clap_mangen::roff::Roff;
use clap_mangen::roff::bold;
use clap_mangen::roff::roman;

/// File name and text of each page: one for the command, one for each verb that is not hidden.
#[must_use]
pub fn pages(command: &clap::Command) -> Vec<(String, String)> {
    let mut command = shown(command.clone()).disable_help_subcommand(true);
    command.build();
    let mut pages = vec![(format!("{BINARY}.1"), render(&command))];
    for verb in command.get_subcommands() {
        if !verb.is_hide_set() {
            pages.push((format!("{BINARY}-{}.1", verb.get_name()), render(verb)));
        }
    }
    pages
}

/// The command's own page.
#[must_use]
pub fn page(command: &clap::Command) -> String {
    pages(command)
        .into_iter()
        .next()
        .map(|(_, text)| text)
        .unwrap_or_default()
}

/// A page has room for what the short help leaves out, and the generator is silent about such flags.
fn shown(command: clap::Command) -> clap::Command {
    command
        .mut_args(|arg| arg.hide_short_help(false))
        .mut_subcommands(shown)
}

fn render(command: &clap::Command) -> String {
    let man = Man::new(command.clone())
        .source(format!("{BINARY} {}", env!("CARGO_PKG_VERSION")))
        .manual("kubectl plugins");
    let mut bytes = Vec::new();
    // A `Vec` takes everything.
    let _ = man
        .render_title(&mut bytes)
        .and_then(|()| man.render_name_section(&mut bytes))
        .and_then(|()| man.render_synopsis_section(&mut bytes))
        .and_then(|()| man.render_description_section(&mut bytes));
    examples(command, &mut bytes);
    let _ = man.render_options_section(&mut bytes);
    if command.has_subcommands() {
        let _ = man.render_subcommands_section(&mut bytes);
    }
    environment(&mut bytes);
    exit_status(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn examples(command: &clap::Command, bytes: &mut Vec<u8>) {
    let Some(text) = command.get_before_help() else {
        return;
    };
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]);
    roff.control("nf", []);
    for line in text.to_string().lines().skip(1) {
        roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
    }
    roff.control("fi", []);
    let _ = roff.to_writer(bytes);
}

fn environment(bytes: &mut Vec<u8>) {
    let mut roff = Roff::new();
    roff.control("SH", ["ENVIRONMENT"]);
    for (name, text) in [
        (
            "KUBECTL_FLAGGER_<FLAG>",
            "any long flag, upper case, underscores for dashes, such as KUBECTL_FLAGGER_TIMEOUT=25m; the flag itself wins",
        ),
        (
            "KUBECONFIG, HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE",
            "as elsewhere",
        ),
        (
            "KUBECTL_FLAGGER_GIT_TOKEN",
            "login at an https remote of the record; GITHUB_TOKEN and CI_JOB_TOKEN at their own server",
        ),
        (
            "GIT_ASKPASS, SSH_ASKPASS, GIT_SSH_COMMAND, GIT_SSH, GIT_SSH_VARIANT, GIT_SSL_CAINFO, GIT_CONFIG_COUNT",
            "as for git, where the record is pushed",
        ),
        (
            "NO_COLOR, CLICOLOR_FORCE, FORCE_COLOR, TERM, COLUMNS",
            "colour and width; NO_COLOR takes colour away, not motion",
        ),
        (
            "CI",
            "a terminal under CI gets lines instead of a live view",
        ),
    ] {
        roff.control("TP", []);
        roff.text([bold(name)]);
        roff.text([roman(text)]);
    }
    let _ = roff.to_writer(bytes);
}

fn exit_status(bytes: &mut Vec<u8>) {
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    roff.text([roman(
        "The tens digit says where the traffic is. The code depends on the outcome alone, never on output format, terminal or flags.",
    )]);
    for row in EXIT_CODES {
        roff.control("TP", []);
        roff.text([bold(row.code.to_string()), roman(format!(" {}", row.name))]);
        roff.text([roman(row.meaning)]);
    }
    let _ = roff.to_writer(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command;

    #[test]
    fn the_page_has_its_sections_in_the_usual_order() {
        let page = page(&command());
        let places: Vec<usize> = [
            ".SH NAME",
            ".SH SYNOPSIS",
            ".SH DESCRIPTION",
            ".SH EXAMPLES",
            ".SH ENVIRONMENT",
            ".SH \"EXIT STATUS\"",
        ]
        .iter()
        .map(|heading| {
            page.find(heading)
                .unwrap_or_else(|| unreachable!("{heading} in {page}"))
        })
        .collect();
        assert!(places.is_sorted());
    }

    #[test]
    fn every_flag_is_explained() {
        let page = page(&command());
        assert!(page.contains("Bearer token for the API server"), "{page}");
    }

    #[test]
    fn hidden_verbs_have_no_page() {
        let names: Vec<String> = pages(&command())
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert!(
            names.contains(&"kubectl-flagger-promote.1".to_owned()),
            "{names:?}"
        );
        assert!(
            !names.iter().any(|name| name.contains("generate")),
            "{names:?}"
        );
    }
}
