//! Parses, runs, prints the error once, returns the exit code.

use kubectl_flagger::cli;
use kubectl_flagger::cli::Streams;
use kubectl_flagger::cli::environment::Environment;
use std::process::ExitCode;

fn main() -> ExitCode {
    let environment = Environment::read();
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    let mut streams = Streams::new(&mut out, &mut err);
    let code = match cli::parse(std::env::args_os(), &environment) {
        Err(answer) => answer.write(&mut streams),
        Ok(cli) => cli::run(&cli, &environment, &mut streams).unwrap_or_else(|error| {
            // Nobody is left to tell where standard error is gone.
            let _ = streams
                .err
                .write_all(error.report(cli.look(&environment)).as_bytes());
            error.exit_code()
        }),
    };
    code.into()
}
