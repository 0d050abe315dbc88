//! Does what a scenario says.

use crate::sandbox::PodBehaviour;
use crate::sandbox::SandboxCluster;
use crate::sandbox::SandboxError;
use crate::sandbox::faults;
use crate::sandbox::faults::FaultEffect;
use crate::sandbox::scenario::action::Action;
use crate::sandbox::scenario::action::ApiFault;
use crate::sandbox::scenario::action::Effect;
use crate::sandbox::scenario::action::Fault;
use crate::sandbox::scenario::action::MergePatch;
use crate::sandbox::scenario::action::Verb;
use crate::sandbox::scenario::words::Change;
use crate::sandbox::shared::lock;
use crate::sandbox::tree;
use crate::sandbox::world::state::State;
use serde_json::Value;
use serde_json::json;
use std::sync::Mutex;

/// Does one thing, at this moment. What the cluster refuses is remembered.
pub fn perform(cluster: &SandboxCluster, state: &Mutex<State>, action: &Action) {
    let done = match action {
        Action::Change(change) => say(cluster, state, change),
        Action::Load(change) => {
            let mut state = lock(state);
            state.look();
            state.traffic.change(change);
            Ok(())
        }
        Action::Patch(merge) => patch(cluster, state, merge),
        Action::Fault(Fault::Api(fault)) => {
            cluster.fail_next(api_fault(fault));
            Ok(())
        }
        Action::Fault(Fault::Prometheus { up }) => {
            lock(state).prometheus_up = *up;
            Ok(())
        }
    };
    if let Err(refused) = done {
        lock(state).mishaps.push(refused);
    }
}

fn say(
    cluster: &SandboxCluster,
    state: &Mutex<State>,
    change: &Change,
) -> Result<(), SandboxError> {
    let edit = {
        let mut state = lock(state);
        if let Change::Hook { name, status } = change {
            state.hooks.insert(name.clone(), *status);
        }
        state.metrics.set(change);
        state.given_up |= *change == Change::Delete;
        match change {
            Change::Suspend => Some(suspend(&state, true)),
            Change::Resume => Some(suspend(&state, false)),
            Change::UpgradeToNine => {
                let edit = change.patch(&state.target(), &state.first_image);
                let broken = edit.as_ref().map(image).unwrap_or_default();
                let primary = format!("{}-", state.place.primary());
                cluster.set_pod_rule(Box::new(move |pod| {
                    let owner = tree::text(pod, "/metadata/ownerReferences/0/name");
                    let image = tree::text(pod, "/spec/containers/0/image");
                    if owner.starts_with(&primary) && image == broken {
                        PodBehaviour::NeverReady
                    } else {
                        PodBehaviour::Usual
                    }
                }));
                edit
            }
            Change::Upgrade
            | Change::Downgrade
            | Change::Break
            | Change::Image(_)
            | Change::Config
            | Change::Secret
            | Change::Success(_)
            | Change::Duration(_)
            | Change::Custom(_)
            | Change::Hook { .. }
            | Change::Skip
            | Change::Delete => change.patch(&state.target(), &state.first_image),
        }
    };
    edit.map_or(Ok(()), |edit| patch(cluster, state, &edit))
}

fn suspend(state: &State, suspend: bool) -> MergePatch {
    MergePatch {
        resource: "canaries".to_owned(),
        namespace: Some(state.place.namespace.clone()),
        name: state.place.canary.clone(),
        merge: json!({"spec": {"suspend": suspend}}),
    }
}

fn image(edit: &MergePatch) -> String {
    let pointer = "/spec/template/spec/containers/0/image";
    tree::text(&edit.merge, pointer).to_owned()
}

fn patch(
    cluster: &SandboxCluster,
    state: &Mutex<State>,
    patch: &MergePatch,
) -> Result<(), SandboxError> {
    let (namespace, before) = {
        let state = lock(state);
        let own = &state.place.namespace;
        let namespace = patch.namespace.as_ref().unwrap_or(own).clone();
        (namespace, state.wanted())
    };
    let merge: &Value = &patch.merge;
    cluster.patch_object(&patch.resource, &namespace, &patch.name, merge)?;
    let mut state = lock(state);
    if state.wanted() != before {
        state.target_changed();
    }
    Ok(())
}

fn api_fault(fault: &ApiFault) -> faults::Fault {
    faults::Fault {
        verb: fault.verb.map_or("", Verb::as_str).to_owned(),
        resource: fault.resource.clone().unwrap_or_default(),
        name: fault.name.clone().unwrap_or_default(),
        effect: match fault.effect {
            Effect::Code(code) => FaultEffect::Code(code),
            Effect::Hang => FaultEffect::Hang,
            Effect::Delay(delay) => FaultEffect::Delay(delay),
        },
        times: fault.times.unwrap_or(u32::MAX),
        reason: String::new(),
    }
}
