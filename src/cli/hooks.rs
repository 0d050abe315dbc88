//! Webhooks whose certificates nobody would verify: only by the operator's own word.

use crate::canary::load::Loaded;
use crate::canary::problem::ProblemKind;
use crate::canary::problem::SpecProblem;
use crate::transport::reach::AllowList;

/// Hooks with `disableTLS` whose host `--skip-verify` does not name. Over plain http there is nothing to verify.
#[must_use]
pub fn unverified(loaded: &Loaded, allowed: &AllowList) -> Vec<SpecProblem> {
    let hooks = loaded.canary.analysis.webhooks.iter().enumerate();
    hooks
        .filter(|(_, hook)| hook.disable_tls && hook.url.starts_with("https://"))
        .filter(|(_, hook)| !allowed.has(&hook.url))
        .map(|(at, hook)| {
            let host = hook.url.trim_start_matches("https://");
            let host = host.split(['/', '?', '#']).next().unwrap_or_default();
            SpecProblem::at(
                &loaded.document,
                ProblemKind::Unsupported,
                &format!("/spec/analysis/webhooks/{at}/disableTLS"),
                "only by your own word",
                format!("the certificate of {host} would be verified by nobody"),
                Some(&format!("if that is meant: --skip-verify {host}")),
            )
        })
        .collect()
}
