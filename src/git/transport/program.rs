//! Programs that the user named: credential helpers, askpass, ssh.

use std::process::Stdio;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Longest answer of a helper, bytes.
const ANSWER: usize = 64 * 1024;

/// For a shell, with what follows as its arguments, as Git runs what its configuration names.
pub(super) fn through_shell(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{line} \"$@\"")).arg(line);
    command
}

/// Takes away what is none of the program's business, and ends it with us.
pub(super) fn confine(command: &mut Command) {
    command
        .env_remove("KUBECTL_FLAGGER_GIT_TOKEN")
        .env("GIT_TERMINAL_PROMPT", "0")
        .kill_on_drop(true);
    // Ctrl-C is for us to answer: a push of the way back must not die of it
    #[cfg(unix)]
    command.process_group(0);
}

/// What it prints, given `input`; the reason if it prints nothing of use.
pub(super) async fn ask(mut command: Command, input: &str) -> Result<String, String> {
    confine(&mut command);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    if let Some(mut stdin) = child.stdin.take() {
        // a program that asks nothing may have closed it
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    let output = child
        .wait_with_output()
        .await
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("it ended with {}", output.status));
    }
    if output.stdout.len() > ANSWER {
        return Err(String::from("its answer is too long"));
    }
    String::from_utf8(output.stdout).map_err(|_not_utf8| String::from("its answer is not UTF-8"))
}
