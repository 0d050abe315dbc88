//! Lists of weighted destinations: what TrafficSplit, TrafficRoute, RouteTable and App Mesh's routes have in common.
//!
//! Every list of an object that names one of our two sides is ours and gets the weights; all others are left alone.
//! Must not know a field of any kind but `weight`: each kind says where its own are.

use crate::canary::metadata::CANARY;
use crate::canary::metadata::MANAGED_BY;
use crate::canary::metadata::MANAGER;
use crate::canary::metadata::entries;
use crate::canary::object::ObjectRef;
use crate::canary::spec::Canary;
use crate::canary::spec::Strategy;
use crate::canary::weight::Routes;
use crate::canary::weight::Weight;
use crate::router::RouteError;
use crate::router::sides::Sides;
use crate::router::sides::Wanted;
use crate::router::sides::moving;
use serde_json::Value;
use serde_json::json;

/// What both weights add up to, in thousandths.
const ALL: i64 = 100_000;

/// How a kind writes a destination.
pub(super) struct Shape {
    /// The lists, for people.
    pub dotted: &'static str,
    /// Pointers of the name in a destination, the first of which counts that is there.
    pub names: &'static [&'static str],
    /// Is it that service of the canary's namespace?
    pub is: fn(&Canary, &Value, &str) -> bool,
    /// A destination of that service; from another where there is one, so that what people set on it holds for both.
    pub destination: fn(&Canary, Option<&Value>, &str) -> Value,
    /// A weight as it is written; `None` where it is left out.
    pub weight: fn(Weight) -> Option<Value>,
    /// How the path of a list ends, and where the conditions of who is meant stand instead.
    pub conditions: Option<(&'static str, &'static str)>,
}

/// The lists of one live object.
pub(super) struct Lists<'a> {
    shape: &'a Shape,
    canary: &'a Canary,
    address: &'a ObjectRef,
    live: &'a Value,
    paths: Vec<String>,
}

/// One list that names our sides.
struct Ours<'a> {
    path: &'a str,
    list: &'a [Value],
    sides: Sides,
}

impl<'a> Lists<'a> {
    /// `paths` are pointers of all lists of the object.
    pub fn of(
        shape: &'a Shape,
        canary: &'a Canary,
        address: &'a ObjectRef,
        live: &'a Value,
        paths: Vec<String>,
    ) -> Self {
        Self {
            shape,
            canary,
            address,
            live,
            paths,
        }
    }

    fn list(&self, path: &str) -> &'a [Value] {
        let list = self.live.pointer(path).and_then(Value::as_array);
        list.map_or(&[], Vec::as_slice)
    }

    fn sides(&self, list: &'a [Value]) -> Result<Option<Sides>, RouteError> {
        let sides = Sides::find(self.canary, list.len(), |index, name| {
            (self.shape.is)(self.canary, &list[index], name)
        });
        if sides.primary.is_none() && sides.canary.is_none() {
            return Ok(None);
        }
        match sides.foreign(list) {
            Some(foreign) => Err(self.foreign(foreign)),
            None => Ok(Some(sides)),
        }
    }

    fn ours(&self) -> Result<Vec<Ours<'_>>, RouteError> {
        let mut ours = Vec::new();
        for path in &self.paths {
            let list = self.list(path);
            if let Some(sides) = self.sides(list)? {
                ours.push(Ours { path, list, sides });
            }
        }
        match self.canary.strategy() {
            // The list of the primary alone is for everybody whom the conditions do not mean.
            Strategy::AbTesting => ours.retain(|one| one.sides.canary.is_some()),
            Strategy::Canary | Strategy::BlueGreen => {}
        }
        Ok(ours)
    }

    fn knows_only_the_apex(&self, list: &[Value]) -> bool {
        let apex = self.canary.apex_name();
        matches!(list, [only] if (self.shape.is)(self.canary, only, apex))
    }

    /// The weights; `None` where the object only knows the apex, which is to be taken over first. Of several lists the
    /// one with most for the canary tells: nobody who sees it may be overlooked.
    pub fn read(&self) -> Result<Option<Routes>, RouteError> {
        let ours = self.ours()?;
        if ours.is_empty() {
            let mut lists = self.paths.iter().map(|path| self.list(path));
            return if lists.clone().any(|list| self.knows_only_the_apex(list)) {
                Ok(None)
            } else {
                let stranger = lists.find_map(|list| list.first());
                Err(stranger.map_or_else(
                    || self.lacks(self.shape.dotted),
                    |stranger| self.foreign(stranger),
                ))
            };
        }
        let mut most = Weight::ZERO;
        for one in ours {
            most = most.max(self.share(one.list, one.sides)?);
        }
        Ok(Some(Routes::split(most)))
    }

    fn share(&self, list: &[Value], sides: Sides) -> Result<Weight, RouteError> {
        let (Some(primary), Some(canary)) = (sides.primary, sides.canary) else {
            // Whoever is alone has everything.
            return Ok(if sides.canary.is_none() {
                Weight::ZERO
            } else {
                Weight::FULL
            });
        };
        let weight = |index: usize| {
            thousandths(list[index].get("weight")).ok_or_else(|| self.lacks("weights as numbers"))
        };
        let (primary, canary) = (weight(primary)?, weight(canary)?);
        let total = primary + canary;
        if total <= 0 {
            return Err(self.lacks("weights above 0"));
        }
        // Once we wrote it, whatever others make of it is a share that the rollout has to know.
        let written = entries(self.live, "annotations").contains_key(CANARY);
        if total != ALL && !written {
            return Err(RouteError::Scale {
                object: self.address.to_string(),
                total: shown(total),
            });
        }
        Ok(Weight::saturating((canary * 100 + total / 2) / total))
    }

    /// Do the lists of both sides stand under these conditions? Where they do not, a route of ours is to be made anew.
    pub fn are_under(&self, wanted: &Value) -> Result<bool, RouteError> {
        let Some((end, conditions)) = self.shape.conditions else {
            return Ok(true);
        };
        let ours = self.ours()?;
        let split = |one: &&Ours<'_>| one.sides.primary.is_some() && one.sides.canary.is_some();
        let stand = |one: &Ours<'_>| {
            let route = one.path.strip_suffix(end).unwrap_or(one.path);
            let live = self.live.pointer(&format!("{route}{conditions}"));
            live.unwrap_or(&Value::Null) == wanted
        };
        let all = ours.iter().filter(split).all(stand);
        let made_by_us = entries(self.live, "labels")
            .get(MANAGED_BY)
            .is_some_and(|by| by == MANAGER);
        match self.canary.strategy() {
            Strategy::AbTesting if ours.iter().filter(split).count() > 0 && all => Ok(true),
            Strategy::AbTesting if made_by_us => Ok(false),
            Strategy::AbTesting => {
                Err(self.lacks("route with the conditions of spec.analysis.match"))
            }
            // What other people's routes are about is theirs.
            Strategy::Canary | Strategy::BlueGreen => Ok(all || !made_by_us),
        }
    }

    /// Operations that put these weights into every list of ours; nothing where they are so.
    pub fn write(&self, wish: Routes) -> Result<Vec<Value>, RouteError> {
        let mut operations = Vec::new();
        for Ours { path, list, sides } in self.ours()? {
            for wanted in sides.wanted(self.canary, wish) {
                self.write_side(path, list, &wanted, &mut operations);
            }
        }
        Ok(moving(operations))
    }

    fn write_side(&self, path: &str, list: &[Value], wanted: &Wanted, operations: &mut Vec<Value>) {
        let Some(index) = wanted.own else {
            if !wanted.weight.is_zero() {
                let other = wanted.other.map(|other| &list[other]);
                let added = self.weighted(other, &wanted.name, wanted.weight);
                operations.push(json!({"op": "add", "path": format!("{path}/-"), "value": added}));
            }
            return;
        };
        let live = &list[index];
        if let Some((field, name)) = self.name(live) {
            let path = format!("{path}/{index}{field}");
            operations.push(json!({"op": "test", "path": path, "value": name}));
        }
        let written = live.get("weight");
        if thousandths(written) == Some(i64::from(wanted.weight.percent()) * 1000) {
            return;
        }
        let path = format!("{path}/{index}/weight");
        match (self.shape.weight)(wanted.weight) {
            Some(weight) => {
                operations.push(json!({"op": "add", "path": path, "value": weight}));
            }
            None if written.is_some() => operations.push(json!({"op": "remove", "path": path})),
            None => {}
        }
    }

    /// Operations that make the primary of every destination that is the apex alone; nothing where the object knows
    /// our sides already.
    pub fn take_over(&self) -> Result<Vec<Value>, RouteError> {
        let mut operations = Vec::new();
        let primary = self.canary.primary_service_name();
        for path in &self.paths {
            let list = self.list(path);
            if let [only] = list
                && self.knows_only_the_apex(list)
            {
                let path = format!("{path}/0");
                let primary = self.weighted(Some(only), &primary, Weight::FULL);
                operations.push(json!({"op": "test", "path": path, "value": only}));
                operations.push(json!({"op": "replace", "path": path, "value": primary}));
            }
        }
        if operations.is_empty() {
            self.read()?;
        }
        Ok(operations)
    }

    fn weighted(&self, other: Option<&Value>, service: &str, weight: Weight) -> Value {
        weighted(self.shape, self.canary, other, service, weight)
    }

    fn name<'b>(&self, destination: &'b Value) -> Option<(&'static str, &'b Value)> {
        let mut names = self.shape.names.iter();
        names.find_map(|field| Some((*field, destination.pointer(field)?)))
    }

    fn lacks(&self, field: &'static str) -> RouteError {
        RouteError::Shape {
            object: self.address.to_string(),
            field,
        }
    }

    fn foreign(&self, destination: &Value) -> RouteError {
        let name = self.name(destination).and_then(|(_, name)| name.as_str());
        RouteError::Foreign {
            object: self.address.to_string(),
            destination: name.unwrap_or("something without a name").to_owned(),
        }
    }
}

/// A destination with its weight.
pub(super) fn weighted(
    shape: &Shape,
    canary: &Canary,
    other: Option<&Value>,
    service: &str,
    weight: Weight,
) -> Value {
    let mut destination = (shape.destination)(canary, other, service);
    if let Some(fields) = destination.as_object_mut() {
        match (shape.weight)(weight) {
            Some(weight) => fields.insert("weight".to_owned(), weight),
            None => fields.remove("weight"),
        };
    }
    destination
}

/// A number or a Kubernetes quantity such as `500m`; none is 0.
fn thousandths(weight: Option<&Value>) -> Option<i64> {
    match weight {
        None | Some(Value::Null) => Some(0),
        Some(Value::Number(number)) => number.as_i64()?.checked_mul(1000),
        Some(Value::String(text)) => match text.strip_suffix('m') {
            Some(milli) => milli.parse().ok(),
            None => text.parse::<i64>().ok()?.checked_mul(1000),
        },
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => None,
    }
}

fn shown(thousandths: i64) -> String {
    match thousandths % 1000 {
        0 => (thousandths / 1000).to_string(),
        _ => format!("{thousandths}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_a_number_or_a_quantity() {
        assert_eq!(thousandths(None), Some(0));
        assert_eq!(thousandths(Some(&json!(30))), Some(30_000));
        assert_eq!(thousandths(Some(&json!("30"))), Some(30_000));
        assert_eq!(thousandths(Some(&json!("500m"))), Some(500));
        assert_eq!(thousandths(Some(&json!("half"))), None);
        assert_eq!(thousandths(Some(&json!(0.5))), None);
        assert_eq!(
            (shown(1000), shown(900)),
            ("1".to_owned(), "900m".to_owned())
        );
    }
}
