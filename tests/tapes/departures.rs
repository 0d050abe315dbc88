//! Where we do something else than Flagger on purpose, recognised by rule: both sides are compared without it.

use crate::recorded::Tape;
use crate::sequences::Sequences;
use serde_json::Value;
use serde_json::json;

/// Takes out of a sequence what is said otherwise on purpose.
pub fn set_apart(all: &mut Sequences, tape: &Tape) {
    let iterated = tape.has_iterations();
    let mut gated = false;
    for status in &mut all.statuses {
        unnamed_cookie(status);
        gated = match status["phase"].as_str() {
            Some("WaitingPromotion") => true,
            Some("Promoting") => gated,
            _ => false,
        };
        // Flagger's weight is what it meant to write: nothing in iterations, nothing at a gate, where it loses the
        // iterations too. Ours says what the route says.
        let fields = status.as_object_mut().unwrap();
        if iterated || gated {
            fields.remove("canaryWeight");
        }
        if gated {
            fields.remove("iterations");
        }
    }
    all.statuses.dedup();
    for contents in all.contents.values_mut() {
        contents.iter_mut().for_each(lone_weights);
        contents.dedup();
    }
}

/// Flagger makes up a cookie without a name for primaries that want none.
fn unnamed_cookie(status: &mut Value) {
    let field = "primarySessionAffinityCookie";
    if status[field]
        .as_str()
        .is_some_and(|cookie| cookie.starts_with('='))
    {
        status.as_object_mut().unwrap().remove(field);
    }
}

/// Whoever is alone in a rule has everything, whatever weight is written there.
fn lone_weights(object: &mut Value) {
    let Some(rules) = object
        .pointer_mut("/spec/http")
        .and_then(Value::as_array_mut)
    else {
        return;
    };
    for rule in rules {
        if let Some([only]) = rule["route"].as_array_mut().map(Vec::as_mut_slice) {
            only["weight"] = json!(100);
        }
    }
}
