//! Which destinations of a list are the canary's two services, and what each is to have.
//!
//! Must not know a field of any kind.

use crate::canary::spec::Canary;
use crate::canary::weight::Routes;
use crate::canary::weight::Weight;
use serde_json::Value;

/// Places of our services in a list of destinations.
#[derive(Clone, Copy)]
pub(super) struct Sides {
    pub primary: Option<usize>,
    pub canary: Option<usize>,
}

/// What one of our services is to have.
pub(super) struct Wanted {
    /// Its place.
    pub own: Option<usize>,
    /// The other service's place.
    pub other: Option<usize>,
    pub name: String,
    pub weight: Weight,
}

impl Sides {
    /// Finds them in a list of so many; `is` says whether the destination at that index is the service by that name.
    pub fn find(canary: &Canary, count: usize, is: impl Fn(usize, &str) -> bool) -> Self {
        let place = |name: &str| (0..count).find(|index| is(*index, name));
        Self {
            primary: place(&canary.primary_service_name()),
            canary: place(&canary.canary_service_name()),
        }
    }

    /// The first destination that is neither.
    pub fn foreign(self, destinations: &[Value]) -> Option<&Value> {
        let ours = [self.primary, self.canary];
        let mut others = destinations.iter().enumerate();
        others
            .find(|(index, _)| !ours.contains(&Some(*index)))
            .map(|(_, destination)| destination)
    }

    /// Primary first.
    pub fn wanted(self, canary: &Canary, wish: Routes) -> [Wanted; 2] {
        [
            Wanted {
                own: self.primary,
                other: self.canary,
                name: canary.primary_service_name(),
                weight: wish.primary(),
            },
            Wanted {
                own: self.canary,
                other: self.primary,
                name: canary.canary_service_name(),
                weight: wish.canary,
            },
        ]
    }
}

/// Does the destination name that service, and nothing else where it says more? What it leaves out is as expected.
pub(super) fn names(destination: &Value, service: &str, expected: &[(&str, &str)]) -> bool {
    let says = |field: &str, expected: &str| {
        destination
            .get(field)
            .and_then(Value::as_str)
            .is_none_or(|value| value == expected)
    };
    destination.get("name").is_some_and(|name| name == service)
        && expected.iter().all(|(field, value)| says(field, value))
}

/// Operations that change something; those that only look at the object are none.
pub(super) fn moving(operations: Vec<Value>) -> Vec<Value> {
    if operations.iter().any(|operation| operation["op"] != "test") {
        operations
    } else {
        Vec::new()
    }
}
