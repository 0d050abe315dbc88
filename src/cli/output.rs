//! Where a run is shown: which view the screen gets, the event file, what standard output was asked for.

use crate::canary::problem::SpecProblem;
use crate::cli::args::display::Display;
use crate::cli::args::display::OutputFormat;
use crate::cli::args::display::ProgressStyle;
use crate::cli::args::promote::OnInterrupt;
use crate::cli::environment::Environment;
use crate::cli::error::CliError;
use crate::cli::globals::Globals;
use crate::cli::signals::Answering;
use crate::cli::source::Spec;
use crate::cli::terminal::Terminal;
use crate::port::clock::Clock;
use crate::port::subscriber::Subscriber;
use crate::rollout::words::Verb;
use crate::ui::Fanout;
use crate::ui::json::JsonSummary;
use crate::ui::live;
use crate::ui::live::Live;
use crate::ui::live::LiveOptions;
use crate::ui::ndjson::NdjsonWriter;
use crate::ui::plain;
use crate::ui::plain::PlainLog;
use crate::ui::screen::Progress;
use crate::ui::screen::View;
use crate::ui::summary::Quiet;
use crate::ui::summary::SpecPlaces;
use crate::ui::summary::Summary;
use crate::ui::summary::SummaryOptions;
use crate::ui::theme::Theme;
use std::fs::File;
use std::io::Write as _;

/// Verbs that a summary may advise.
const VERBS: &[&str] = &["promote", "abort", "status"];

/// How the driver's clock runs beside that of the person who watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// That many times as fast.
    Times(u32),
    /// From one due time to the next.
    Jumps,
}

/// Where a run is shown.
pub struct Output<'a> {
    display: &'a Display,
    environment: &'a Environment,
    events: Option<File>,
    theme: Theme,
    view: View,
    /// Is a person there who can be asked, and whose keys are heard?
    asks: bool,
    /// The live view, which all runs of this process share.
    live: Option<Live>,
    /// So do they this; of several runs the last one counts.
    summary: JsonSummary,
}

impl<'a> Output<'a> {
    /// Opens the event file, so that it fails before anything moves.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(
        display: &'a Display,
        globals: &Globals,
        environment: &'a Environment,
        pace: Pace,
    ) -> Result<Self, CliError> {
        let create = |path: &std::path::PathBuf| {
            File::create(path).map_err(|source| CliError::Write {
                path: path.display().to_string(),
                source,
            })
        };
        let theme = Theme {
            color: environment.color(display.color, environment.stderr_is_terminal),
            ascii: display.ascii,
        };
        let view = view(display, globals, environment);
        // a question that is not shown cannot be answered, and a clock that jumps leaves nobody the time to
        let asks = environment.stdin_is_terminal
            && environment.stderr_is_terminal
            && !environment.is_ci()
            && view != View::Hidden
            && pace != Pace::Jumps;
        let live = (view == View::Live).then(|| {
            Live::new(LiveOptions {
                open: Box::new(|| Box::new(std::io::stderr())),
                measure: live::stderr_size(),
                redraws: Some(live::REDRAWS),
                reflows: environment.terminal_reflows(),
                theme,
                keys: asks,
                tick: match pace {
                    Pace::Times(times) => Some(live::TICK.saturating_mul(times)),
                    Pace::Jumps => None,
                },
            })
        });
        Ok(Self {
            display,
            environment,
            events: display.events.as_ref().map(create).transpose()?,
            theme,
            view,
            asks,
            live,
            summary: JsonSummary::default(),
        })
    }

    /// Takes the terminal for as long as the run is driven.
    #[must_use]
    pub fn terminal(&self) -> Terminal {
        Terminal::take(self.asks, self.live.clone())
    }

    /// How signals and keys are answered.
    #[must_use]
    pub const fn answering(&self, on_interrupt: OnInterrupt) -> Answering {
        Answering {
            on_interrupt,
            asks: self.asks,
            shows_keys: self.asks && self.live.is_some(),
        }
    }

    const fn quiet(&self) -> Quiet {
        quiet(self.display)
    }

    /// Said before the first network call.
    pub fn first_words(&self, clock: &dyn Clock, name: Option<&str>, reference: &str) {
        if self.quiet() == Quiet::No && self.display.progress != ProgressStyle::None {
            let text = format!("reading {} at {reference}", name.unwrap_or("the canary"));
            self.line(&(plain::line(clock.now(), Verb::Start, &text) + "\n"));
        }
    }

    /// What is odd in the spec, but no reason to refuse it.
    pub fn warn(&self, warnings: &[SpecProblem]) {
        if self.quiet() == Quiet::Silent {
            return;
        }
        for warning in warnings {
            let help = warning
                .help
                .as_ref()
                .map_or_else(String::new, |help| format!("; {help}"));
            self.line(&format!(
                "warning: {} ({}){help}\n",
                warning.message, warning.place
            ));
        }
    }

    /// Something to know once all went well.
    pub fn hint(&self, text: &str) {
        if self.quiet() == Quiet::No {
            self.line(text);
        }
    }

    /// Once no other run follows: standard output gets its one object, where that was asked for.
    pub fn end(&self) {
        // A reader that went away must not change how a run ends.
        let mut out = std::io::stdout();
        let _ = out.write_all(self.summary.text().as_bytes());
        let _ = out.flush();
    }

    fn line(&self, text: &str) {
        // A terminal that went away must not change how a run ends.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }

    /// Everybody who listens. The screen comes before the summary, so that the live region closes first.
    pub fn subscribers(&self, spec: Option<&Spec>, context: Option<String>) -> Fanout {
        let mut all: Vec<Box<dyn Subscriber>> = Vec::new();
        // A file that was opened once is written by every run of this process.
        let events = self.events.as_ref().and_then(|file| file.try_clone().ok());
        if let Some(file) = events {
            all.push(Box::new(NdjsonWriter::new(file)));
        }
        match (self.view, &self.live) {
            (View::Live, Some(live)) => all.push(Box::new(live.clone())),
            (View::Live, None) | (View::Lines, _) => {
                all.push(Box::new(PlainLog::new(std::io::stderr())));
            }
            (View::Hidden, _) => {}
        }
        all.push(Box::new(Summary::new(
            std::io::stderr(),
            SummaryOptions {
                theme: self.theme,
                terminal: self.environment.stderr_is_terminal,
                width: self.environment.width().into(),
                quiet: self.quiet(),
                told: self.view == View::Lines,
                places: spec.map(places),
                context,
                verbs: VERBS,
            },
        )));
        match self.display.output {
            Some(OutputFormat::Json) => all.push(Box::new(self.summary.clone())),
            Some(OutputFormat::Ndjson) => all.push(Box::new(NdjsonWriter::new(std::io::stdout()))),
            None => {}
        }
        Fanout(all)
    }
}

const fn quiet(display: &Display) -> Quiet {
    match display.quiet {
        0 => Quiet::No,
        1 => Quiet::Verdict,
        _ => Quiet::Silent,
    }
}

fn view(display: &Display, globals: &Globals, environment: &Environment) -> View {
    // What is told of requests would be written through a region.
    let terminal = environment.stderr_is_terminal
        && environment.get("TERM") != Some("dumb")
        && globals.wire_log().is_none();
    let progress = match display.progress {
        ProgressStyle::Auto => Progress::Auto,
        ProgressStyle::Live => Progress::Live,
        ProgressStyle::Lines => Progress::Lines,
        ProgressStyle::None => Progress::None,
    };
    View::choose(terminal, environment.is_ci(), progress, quiet(display))
}

fn places(spec: &Spec) -> SpecPlaces {
    let loaded = &spec.loaded;
    let metrics = loaded.canary.analysis.metrics.iter().enumerate();
    SpecPlaces {
        path: loaded.source().path.clone(),
        text: loaded.source().text.to_string(),
        threshold: loaded.span("/spec/analysis/threshold"),
        metrics: metrics
            .filter_map(|(index, metric)| {
                let limits = loaded.span(&format!("/spec/analysis/metrics/{index}/thresholdRange"));
                let span = limits
                    .or_else(|| loaded.span(&format!("/spec/analysis/metrics/{index}/name")))?;
                Some((metric.name.clone(), span))
            })
            .collect(),
    }
}
