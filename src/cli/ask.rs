//! `abort`, `pause`, `resume`, `approve`: asks the driver of a canary, wherever it runs. Where it is dead, `abort` ends its run
//! itself, by what the record keeps: neither Git nor metrics are needed.

use crate::canary::load::load;
use crate::canary::source::SourceFile;
use crate::cli::Streams;
use crate::cli::alerting::AlertOptions;
use crate::cli::args::promote::FlaggerOptions;
use crate::cli::args::promote::OnInterrupt;
use crate::cli::args::remote::AbortArgs;
use crate::cli::args::remote::ApproveArgs;
use crate::cli::args::remote::AskArgs;
use crate::cli::asking::Asking;
use crate::cli::drive;
use crate::cli::drive::DriveOptions;
use crate::cli::environment::Environment;
use crate::cli::error::CliError;
use crate::cli::globals::Globals;
use crate::cli::metric_settings::metric_settings;
use crate::cli::output::Output;
use crate::cli::output::Pace;
use crate::cli::promote::hosts;
use crate::cli::promote::transport;
use crate::cli::promote::workload_options;
use crate::cli::remote;
use crate::cli::remote::Remote;
use crate::cli::remote::block_on;
use crate::cli::signals;
use crate::controller::Approval;
use crate::controller::Document;
use crate::controller::Word;
use crate::error::Error;
use crate::error::ExitCode;
use crate::os;
use crate::port::ask::AskVerb;
use crate::rollout::decision::Cause;
use crate::rollout::decision::Outcome;
use crate::rollout::observation::Request;
use crate::rollout::plan::PlanOptions;
use futures::StreamExt as _;
use std::path::Path;
use std::rc::Rc;
use tokio::sync::mpsc::unbounded_channel;

/// `pause` or `resume`.
///
/// # Errors
/// Nothing runs, or its driver does not answer.
pub fn ask(
    verb: AskVerb,
    args: &AskArgs,
    globals: &Globals,
    environment: &Environment,
    streams: &mut Streams<'_>,
) -> Result<ExitCode, Error> {
    block_on(async {
        let asking = asking(&args.name, globals, None, environment).await?;
        let (document, holder) = asking.driven().await?;
        let Some(document) = asking.answered(verb, &document).await? else {
            return Err(asking.no_answer(holder));
        };
        let weight = document.status.weight();
        let said = match verb {
            AskVerb::Pause => {
                format!("stays at {weight} %; checks go on and may roll it back")
            }
            AskVerb::Resume => format!("goes on from {weight} %"),
            AskVerb::Abort => "is rolled back".to_owned(),
            AskVerb::Approve => format!("goes on from {weight} % once its checks pass"),
            AskVerb::SkipAnalysis => "is promoted without looking any further".to_owned(),
        };
        streams.print(&format!("{} {said}\n", asking.canary()))?;
        Ok(ExitCode::OK)
    })
}

/// `approve`.
///
/// # Errors
/// Nothing runs, nothing waits, or the driver does not answer.
pub fn approve(
    args: &ApproveArgs,
    globals: &Globals,
    environment: &Environment,
    streams: &mut Streams<'_>,
) -> Result<ExitCode, Error> {
    block_on(async {
        let asking = asking(&args.name, globals, None, environment).await?;
        let (document, holder) = asking.driven().await?;
        let closed = |why: String| CliError::NothingWaits {
            canary: asking.canary(),
            why,
        };
        let weight = document.status.weight();
        let Some(gate) = &document.status.gate else {
            let phase = document.status.phase().as_str();
            return Err(closed(format!("it is {phase} at {weight} %")).into());
        };
        let wanted = args.gate.as_ref();
        if let Some(other) = wanted.filter(|name| **name != gate.name && **name != gate.kind) {
            let why = format!("{} waits for {} to open, not {other}", gate.kind, gate.name);
            return Err(closed(why).into());
        }
        let Some(after) = asking.answered(AskVerb::Approve, &document).await? else {
            return Err(asking.no_answer(holder));
        };
        let heard = |approval: &Approval| approval.request == asking.by.run;
        if !after.approvals.iter().any(heard) {
            let why = format!("{} was decided upon before it was heard", gate.name);
            return Err(closed(why).into());
        }
        streams.print(&format!(
            "{}: {} is open, goes on from {weight} % once its checks pass\n",
            asking.canary(),
            gate.name
        ))?;
        Ok(ExitCode::OK)
    })
}

async fn asking<'a>(
    name: &'a str,
    globals: &Globals,
    mesh: Option<&Path>,
    environment: &Environment,
) -> Result<Asking<'a>, Error> {
    let remote = Remote::connect(globals, mesh, environment).await?;
    Ok(Asking::at(remote, name, environment))
}

/// `abort`.
///
/// # Errors
/// The users could not be brought to the safe side, or another driver goes on with the run.
pub fn abort(
    args: &AbortArgs,
    globals: &Globals,
    environment: &Environment,
    streams: &mut Streams<'_>,
) -> Result<ExitCode, Error> {
    let mesh = args.flagger.target.kubeconfig_service_mesh.as_deref();
    block_on(async {
        let asking = asking(&args.name, globals, mesh, environment).await?;
        let document = match asking.remote.document(&args.name).await {
            // A step that always runs must not fail where there was nothing to do.
            Err(Error::Cli(CliError::NeverDriven { .. })) => {
                streams.print(&format!("{} was never driven\n", asking.canary()))?;
                return Ok(ExitCode::OK);
            }
            other => other?,
        };
        if !document.is_unfinished() {
            return asking.nothing_to_abort(&document, streams);
        }
        let holder = asking.holder().await?;
        if let Some(holder) = holder.filter(|_| !args.orphaned)
            && let Some(answered) = asking.answered(AskVerb::Abort, &document).await?
        {
            streams.print(&format!("{} is rolled back by {holder}\n", asking.canary()))?;
            return asking.see_the_users_home(answered, streams).await;
        }
        match asking.act(&document, args, globals, environment).await {
            Err(Error::Cli(CliError::Busy(busy))) if args.orphaned => {
                streams.print(&format!("{busy}: left alone\n"))?;
                Ok(ExitCode::OK)
            }
            other => other,
        }
    })
}

impl Asking<'_> {
    /// Follows a run that is being ended until its users are on the safe side.
    async fn see_the_users_home(
        &self,
        mut document: Document,
        streams: &mut Streams<'_>,
    ) -> Result<ExitCode, Error> {
        let mut records = self.remote.record(self.name).follow();
        loop {
            let status = &document.status;
            let safe = status.ending.is_some() && status.weight().is_zero();
            if safe || document.ended.is_some() || !document.is_unfinished() {
                return self.nothing_to_abort(&document, streams);
            }
            if let Some(record) = records.next().await.and_then(Result::ok).flatten() {
                document = remote::document(&record)?;
            }
        }
    }

    /// Says where the users are; the code is 0 wherever one side has them all and it is whole.
    fn nothing_to_abort(
        &self,
        document: &Document,
        streams: &mut Streams<'_>,
    ) -> Result<ExitCode, Error> {
        let weight = document.status.weight();
        streams.print(&format!(
            "{} is {}: {} % of the users on the primary, {weight} % on the canary\n",
            self.canary(),
            document.status.phase().as_str(),
            weight.rest(),
        ))?;
        Ok(match document.exit_code() {
            Some(code) if (20..=21).contains(&code) => ExitCode::from_outcome(code),
            Some(_) | None => ExitCode::OK,
        })
    }

    /// Takes the dead driver's place and goes the way back.
    async fn act(
        &self,
        document: &Document,
        args: &AbortArgs,
        globals: &Globals,
        environment: &Environment,
    ) -> Result<ExitCode, Error> {
        let kept = SourceFile {
            path: "the run record".to_owned(),
            text: document.spec.to_string().into(),
        };
        let mut loaded = load(
            &[kept],
            Some(self.name),
            Some(&self.remote.connection.namespace),
        )?;
        let options = way_back(&args.flagger, environment)?;
        loaded.canary.ingress_settings = args.flagger.target.ingress_settings();
        let prepared = drive::prepare(&loaded, &options)?;
        let output = Output::new(&args.display, globals, environment, Pace::Times(1))?;
        let (words, heard) = unbounded_channel();
        // The receiver is right here.
        let _ = words.send(Word::Do(Request::Abort));
        let terminal = output.terminal();
        signals::listen(
            output.answering(OnInterrupt::Rollback),
            terminal.handle(),
            words.clone(),
        )
        .map_err(|error| CliError::Start {
            why: error.to_string(),
        })?;
        let requests = self.remote.requests.clone();
        let hosts = hosts(&args.flagger.metrics.allow_host)?;
        let transport = transport(&requests, &hosts, &options.metrics.skip_verify, environment)?;
        let world = drive::World {
            requests,
            transport,
            clock: Rc::clone(&self.remote.clock),
            journal: None,
            context: self.remote.connection.context.clone(),
            place: self.by.place.clone(),
            is_gone: os::is_gone,
            run: self.by.run.clone(),
            asks: Some(words),
        };
        let mut subscribers = output.subscribers(None, None);
        let finished = drive::drive(
            &loaded,
            prepared,
            "-".to_owned(),
            &options,
            &world,
            &mut subscribers,
            heard,
        )
        .await?;
        Ok(match finished.outcome {
            Outcome::RolledBack(Cause::Aborted) => ExitCode::OK,
            Outcome::RolledBack(_)
            | Outcome::Promoted
            | Outcome::Unchanged
            | Outcome::Bootstrapped
            | Outcome::AlreadyRejected(_)
            | Outcome::Held(_)
            | Outcome::Stopped(_)
            | Outcome::Split => ExitCode::from_outcome(finished.exit_code()),
        })
    }
}

fn way_back(flagger: &FlaggerOptions, environment: &Environment) -> Result<DriveOptions, CliError> {
    Ok(DriveOptions {
        plan: PlanOptions::default(),
        timeout: None,
        queue: None,
        metrics: metric_settings(&flagger.metrics, &flagger.target.provider, environment)?,
        workloads: workload_options(flagger),
        alerts: AlertOptions::default(),
    })
}
