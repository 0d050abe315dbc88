//! A rollout in the sandbox, as far as the canary has had users for a whole window: before, there is nothing to measure.

use crate::canary::load::Loaded;
use crate::cli::alerting::AlertOptions;
use crate::cli::drive::DriveOptions;
use crate::cli::drive::drive;
use crate::cli::drive::prepare;
use crate::cli::metric_settings::MetricSettings;
use crate::cli::sandbox;
use crate::cli::sandbox::run_id;
use crate::error::Error;
use crate::kubernetes::request::Requests;
use crate::kubernetes::workloads::WorkloadOptions;
use crate::port::clock::Clock as _;
use crate::port::subscriber::Subscriber;
use crate::rollout::event::Event;
use crate::rollout::plan::PlanOptions;
use crate::sandbox::world::World;
use crate::transport::reach::AllowList;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::mpsc::unbounded_channel;

/// Says when the canary has a weight.
struct Weighed(UnboundedSender<()>);

impl Subscriber for Weighed {
    fn on_event(&mut self, event: &Event) {
        if event.weight.percent() > 0 {
            // Nobody listens any more once it was heard.
            let _heard = self.0.send(());
        }
    }
}

/// Bootstraps, begins the scenario's first rollout, and leaves it once its canary has had users for the longest
/// window. A rollout that ends before its canary has a weight has no users either.
///
/// # Errors
/// What keeps it from being driven.
pub async fn until_users_came(
    world: &World,
    loaded: &Loaded,
    settings: &MetricSettings,
    requests: &Requests,
    allowed: &AllowList,
) -> Result<(), Error> {
    let options = DriveOptions {
        plan: PlanOptions::default(),
        timeout: None,
        queue: None,
        metrics: settings.clone(),
        workloads: WorkloadOptions {
            selector_labels: vec!["app".to_owned()],
            include_label_prefix: Vec::new(),
            config_tracking: true,
        },
        alerts: AlertOptions::default(),
    };
    let clock = world.clock();
    let windows = loaded.canary.analysis.metrics.iter();
    let longest = windows
        .map(|metric| metric.window())
        .max()
        .unwrap_or_default();
    let (weighed, mut heard) = unbounded_channel();
    let watched = async {
        let _first = heard.recv().await;
        clock.sleep(longest).await;
    };
    let driven = async {
        for run in 1..=2 {
            let (_speaking, words) = unbounded_channel();
            let driver = sandbox::driver(world, requests, allowed, run_id(&clock, 1, run));
            let prepared = prepare(loaded, &options)?;
            let mut subscriber = Weighed(weighed.clone());
            let commit = "-".to_owned();
            drive(
                loaded,
                prepared,
                commit,
                &options,
                &driver,
                &mut subscriber,
                words,
            )
            .await?;
            world.initialized();
            if !world.next_run().await {
                break;
            }
        }
        Ok(())
    };
    tokio::select! {
        biased;
        () = watched => Ok(()),
        ended = driven => ended,
    }
}
