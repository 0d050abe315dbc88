//! Routes that are lists of rules, each with a list of weighted destinations: what VirtualService and HTTPRoute have in
//! common.
//!
//! A rule with one of our services is ours and gets the weights; all other rules are left alone. Must not know a field
//! of any kind: each kind says where its fields are.

use crate::canary::object::ObjectRef;
use crate::canary::spec::Canary;
use crate::canary::weight::Routes;
use crate::canary::weight::Weight;
use crate::router::RouteError;
use crate::router::sides::Sides;
use crate::router::sides::Wanted;
use crate::router::sides::moving;
use serde_json::Value;
use serde_json::json;

/// Where a kind keeps rules, destinations and weights.
pub(super) struct Shape {
    /// Pointer of the rules.
    pub rules: &'static str,
    /// The same, for people.
    pub dotted: &'static str,
    /// Field of a rule with its destinations.
    pub destinations: &'static str,
    /// Pointer of the name in a destination.
    pub name: &'static str,
    /// Weight of a destination that has none, where there are several.
    pub default_weight: i64,
    /// Is it that service of the canary's namespace?
    pub is: fn(&Canary, &Value, &str) -> bool,
    /// A destination with that name and weight; from the other side's where there is one, so that what people set on
    /// it holds for both.
    pub destination: fn(&Canary, Option<&Value>, &str, Weight) -> Value,
}

/// Rules and destinations of one live object.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    shape: &'a Shape,
    pub canary: &'a Canary,
    address: &'a ObjectRef,
    live: &'a Value,
}

impl<'a> Rules<'a> {
    pub fn of(
        shape: &'a Shape,
        canary: &'a Canary,
        address: &'a ObjectRef,
        live: &'a Value,
    ) -> Self {
        Self {
            shape,
            canary,
            address,
            live,
        }
    }

    /// The same of another state of the object.
    pub fn on<'b>(&self, live: &'b Value) -> Rules<'b>
    where
        'a: 'b,
    {
        Rules { live, ..*self }
    }

    /// The object with these rules alone.
    pub fn with(&self, rules: Vec<Value>) -> Value {
        let mut live = self.live.clone();
        if let Some(all) = live.pointer_mut(self.shape.rules) {
            *all = rules.into();
        }
        live
    }

    /// The object after these operations.
    pub fn after(&self, operations: Vec<Value>) -> Result<Value, RouteError> {
        let mut live = self.live.clone();
        let patch = serde_json::from_value::<json_patch::Patch>(operations.into());
        let done = patch.is_ok_and(|patch| json_patch::patch(&mut live, &patch).is_ok());
        if done {
            Ok(live)
        } else {
            Err(self.lacks(self.shape.dotted))
        }
    }

    pub fn all(&self) -> Result<&'a [Value], RouteError> {
        match self.live.pointer(self.shape.rules) {
            Some(Value::Array(rules)) if !rules.is_empty() => Ok(rules),
            Some(_) | None => Err(self.lacks(self.shape.dotted)),
        }
    }

    fn lacks(&self, field: &'static str) -> RouteError {
        RouteError::Shape {
            object: self.address.to_string(),
            field,
        }
    }

    fn foreign(&self, destination: &Value) -> RouteError {
        let name = destination
            .pointer(self.shape.name)
            .and_then(Value::as_str)
            .unwrap_or("something without a name");
        RouteError::Foreign {
            object: self.address.to_string(),
            destination: name.to_owned(),
        }
    }

    fn destinations<'r>(&self, rule: &'r Value) -> &'r [Value] {
        rule.get(self.shape.destinations)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    fn position(&self, destinations: &[Value], name: &str) -> Option<usize> {
        destinations
            .iter()
            .position(|destination| (self.shape.is)(self.canary, destination, name))
    }

    /// Our side or sides of a rule; `None` where it is not about us.
    fn sides(&self, rule: &'a Value) -> Result<Option<Sides>, RouteError> {
        let destinations = self.destinations(rule);
        let sides = Sides::find(self.canary, destinations.len(), |index, name| {
            (self.shape.is)(self.canary, &destinations[index], name)
        });
        if sides.primary.is_none() && sides.canary.is_none() {
            return Ok(None);
        }
        match sides.foreign(destinations) {
            Some(foreign) => Err(self.foreign(foreign)),
            None => Ok(Some(sides)),
        }
    }

    /// Rules of ours by index; an error where there is none.
    fn ours(&self) -> Result<Vec<(usize, &'a Value, Sides)>, RouteError> {
        let rules = self.all()?;
        let mut ours = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            if let Some(sides) = self.sides(rule)? {
                ours.push((index, rule, sides));
            }
        }
        if !ours.is_empty() {
            return Ok(ours);
        }
        let mut destinations = rules.iter().flat_map(|rule| self.destinations(rule));
        Err(destinations.next().map_or_else(
            || self.lacks(self.shape.dotted),
            |destination| self.foreign(destination),
        ))
    }

    /// Is one of our services in the rule?
    pub fn is_ours(&self, rule: &'a Value) -> Result<bool, RouteError> {
        Ok(self.sides(rule)?.is_some())
    }

    /// Are both?
    pub fn has_both(&self, rule: &'a Value) -> bool {
        let found = self.sides(rule).ok().flatten();
        found.is_some_and(|sides| sides.primary.is_some() && sides.canary.is_some())
    }

    /// Is there nothing but the primary?
    pub fn has_primary_alone(&self, rule: &'a Value) -> bool {
        let found = self.sides(rule).ok().flatten();
        found.is_some_and(|sides| sides.primary.is_some() && sides.canary.is_none())
    }

    /// The rule has both sides, with these weights.
    pub fn give(&self, rule: &mut Value, routes: Routes) {
        let old = self.destinations(rule).to_vec();
        let sides = [
            (self.canary.primary_service_name(), routes.primary()),
            (self.canary.canary_service_name(), routes.canary),
        ];
        let given = sides.map(|(name, weight)| {
            let own = self.position(&old, &name).and_then(|at| old.get(at));
            own.map_or_else(
                || (self.shape.destination)(self.canary, old.first(), &name, weight),
                |own| {
                    let mut own = own.clone();
                    own["weight"] = json!(weight);
                    own
                },
            )
        });
        rule[self.shape.destinations] = json!(given);
    }

    /// One rule has the destinations of another.
    pub fn lend(&self, from: &Value, to: &mut Value) {
        to[self.shape.destinations] = json!(self.destinations(from));
    }

    /// The rule has the primary alone.
    pub fn give_primary(&self, rule: &mut Value) {
        self.give(rule, Routes::PRIMARY);
        if let Some(Value::Array(all)) = rule.get_mut(self.shape.destinations) {
            all.truncate(1);
        }
    }

    /// All destinations of a rule.
    pub fn destinations_mut<'r>(&self, rule: &'r mut Value) -> impl Iterator<Item = &'r mut Value> {
        let all = rule.get_mut(self.shape.destinations);
        all.and_then(Value::as_array_mut).into_iter().flatten()
    }

    /// The destination that is that service.
    pub fn destination_mut<'r>(&self, rule: &'r mut Value, name: &str) -> Option<&'r mut Value> {
        let at = self.position(self.destinations(rule), name)?;
        rule.get_mut(self.shape.destinations)?.get_mut(at)
    }

    /// Does the rule only know the apex?
    fn is_untouched(&self, rule: &'a Value) -> bool {
        let is_apex = |only| (self.shape.is)(self.canary, only, self.canary.apex_name());
        matches!(self.destinations(rule), [only] if is_apex(only))
    }

    /// The weights; `None` where the object only knows the apex, which is to be taken over first. Of several rules the
    /// one with most for the canary tells: nobody who sees it may be overlooked.
    pub fn read(&self) -> Result<Option<Routes>, RouteError> {
        let rules = self.all()?;
        let mut ours = false;
        for rule in rules {
            ours |= self.sides(rule)?.is_some();
        }
        if !ours && rules.iter().any(|rule| self.is_untouched(rule)) {
            return Ok(None);
        }
        let mut most = Weight::ZERO;
        for (_, rule, sides) in self.ours()? {
            most = most.max(self.share(self.destinations(rule), sides)?);
        }
        Ok(Some(Routes::split(most)))
    }

    fn share(&self, destinations: &[Value], sides: Sides) -> Result<Weight, RouteError> {
        let weight =
            |side: Option<usize>| side.map_or(0, |index| self.weight(&destinations[index]));
        let (primary, canary) = (weight(sides.primary), weight(sides.canary));
        match (primary + canary, sides) {
            (
                0,
                Sides {
                    primary: Some(_),
                    canary: Some(_),
                },
            ) => Err(self.lacks("weights above 0")),
            // Whoever is alone has everything.
            (_, Sides { canary: None, .. }) => Ok(Weight::ZERO),
            (_, Sides { primary: None, .. }) => Ok(Weight::FULL),
            (total, _) => Ok(Weight::saturating((canary * 100 + total / 2) / total)),
        }
    }

    fn weight(&self, destination: &Value) -> i64 {
        destination
            .get("weight")
            .and_then(Value::as_i64)
            .unwrap_or(self.shape.default_weight)
    }

    /// Operations that replace all rules; none where they are so.
    pub fn replaced(&self, wanted: &[Value]) -> Vec<Value> {
        let path = self.shape.rules;
        let old = self.live.pointer(path).unwrap_or(&Value::Null);
        if old.as_array().is_some_and(|old| old == wanted) {
            return Vec::new();
        }
        vec![
            json!({"op": "test", "path": path, "value": old}),
            json!({"op": "replace", "path": path, "value": wanted}),
        ]
    }

    /// Operations that put these weights into every rule of ours; nothing where they are so.
    pub fn write(&self, wish: Routes) -> Result<Vec<Value>, RouteError> {
        let mut operations = Vec::new();
        for (index, rule, sides) in self.ours()? {
            self.write_rule(index, self.destinations(rule), sides, wish, &mut operations);
        }
        Ok(moving(operations))
    }

    fn write_rule(
        &self,
        rule: usize,
        destinations: &[Value],
        sides: Sides,
        wish: Routes,
        operations: &mut Vec<Value>,
    ) {
        let path = self.path(rule);
        let canary = self.canary;
        for Wanted {
            own,
            other,
            name,
            weight,
        } in sides.wanted(canary, wish)
        {
            match own {
                Some(index) => {
                    let destination = &destinations[index];
                    operations.push(
                        json!({"op": "test", "path": format!("{path}/{index}{}", self.shape.name),
                        "value": destination.pointer(self.shape.name)}),
                    );
                    let written = destination.get("weight").and_then(Value::as_i64);
                    if needs_weight(written, weight, destinations.len()) {
                        operations.push(json!({"op": "add", "path": format!("{path}/{index}/weight"), "value": weight}));
                    }
                }
                None if weight.is_zero() => {}
                None => {
                    let other = other.map(|other| &destinations[other]);
                    let added = (self.shape.destination)(canary, other, &name, weight);
                    operations
                        .push(json!({"op": "add", "path": format!("{path}/-"), "value": added}));
                }
            }
        }
    }

    fn path(&self, rule: usize) -> String {
        format!("{}/{rule}/{}", self.shape.rules, self.shape.destinations)
    }

    /// Operations that make the primary of every destination that is the apex alone; nothing where the object knows
    /// the primary already.
    pub fn take_over(&self) -> Result<Vec<Value>, RouteError> {
        let mut operations = Vec::new();
        for (index, rule) in self.all()?.iter().enumerate() {
            let known = self.sides(rule)?.is_some();
            if let [only] = self.destinations(rule)
                && !known
                && self.is_untouched(rule)
            {
                let path = format!("{}/0", self.path(index));
                let primary = (self.shape.destination)(
                    self.canary,
                    Some(only),
                    &self.canary.primary_service_name(),
                    Weight::FULL,
                );
                operations.push(json!({"op": "test", "path": path, "value": only}));
                operations.push(json!({"op": "replace", "path": path, "value": primary}));
            }
        }
        if operations.is_empty() {
            self.ours()?;
        }
        Ok(operations)
    }

    /// Operations that set what the Canary says of its one rule. Where people have several, they are as they are.
    pub fn adjust(&self, wanted: &Value) -> Vec<Value> {
        let rules = self.all().unwrap_or_default();
        let mine = |rule: &&Value| {
            let names = [
                self.canary.primary_service_name(),
                self.canary.canary_service_name(),
                self.canary.apex_name().to_owned(),
            ];
            names
                .iter()
                .any(|name| self.position(self.destinations(rule), name).is_some())
        };
        let mut found = rules.iter().filter(mine);
        let (Some(rule), None) = (found.next(), found.next()) else {
            return Vec::new();
        };
        let at = rules
            .iter()
            .position(|other| std::ptr::eq(other, rule))
            .unwrap_or(0);
        adjusted(&format!("{}/{at}", self.shape.rules), rule, wanted)
    }
}

/// Operations that set fields of a live value which are not as wanted.
pub(super) fn adjusted(path: &str, live: &Value, wanted: &Value) -> Vec<Value> {
    let fields = wanted.as_object().into_iter().flatten();
    fields
        .filter(|(name, value)| !live.get(name).is_some_and(|live| covers(live, value)))
        .map(|(name, value)| json!({"op": "add", "path": format!("{path}/{name}"), "value": value}))
        .collect()
}

/// Does the live value say what is wanted? What an API server or people added beside it does not matter.
fn covers(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => wanted
            .iter()
            .all(|(name, value)| live.get(name).is_some_and(|live| covers(live, value))),
        (Value::Array(live), Value::Array(wanted)) => {
            live.len() == wanted.len()
                && live
                    .iter()
                    .zip(wanted)
                    .all(|(live, wanted)| covers(live, wanted))
        }
        (live, wanted) => live == wanted,
    }
}

/// Someone who is alone needs no weight to have everything.
fn needs_weight(written: Option<i64>, wanted: Weight, destinations: usize) -> bool {
    match written {
        Some(written) => written != i64::from(wanted.percent()),
        None => destinations > 1 || wanted != Weight::FULL,
    }
}
