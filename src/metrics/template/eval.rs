//! Renders the tree of a template.

use crate::metrics::template::Facts;
use crate::metrics::template::TemplateError;
use crate::metrics::template::format::print;
use crate::metrics::template::format::printf;
use crate::metrics::template::format::println;
use crate::metrics::template::parse::Branch;
use crate::metrics::template::parse::Command;
use crate::metrics::template::parse::Node;
use crate::metrics::template::parse::Of;
use crate::metrics::template::parse::Operand;
use crate::metrics::template::parse::Pipe;
use crate::metrics::template::value::Value;
use std::cmp::Ordering;
use std::ops::Range;

/// Turns of all `range` together; a query is a few lines.
const TURNS: usize = 10_000;

pub(super) fn run(nodes: &[Node], facts: &Facts) -> Result<String, TemplateError> {
    let mut run = Run {
        facts,
        // `$` is what the template is given, which is nothing.
        variables: vec![(String::new(), Value::Nil)],
        text: String::new(),
        turns: 0,
    };
    run.all(nodes, &Value::Nil)?;
    Ok(run.text)
}

struct Run<'a> {
    facts: &'a Facts,
    /// Innermost last.
    variables: Vec<(String, Value)>,
    text: String,
    turns: usize,
}

impl Run<'_> {
    fn all(&mut self, nodes: &[Node], dot: &Value) -> Result<(), TemplateError> {
        for node in nodes {
            match node {
                Node::Text(text) => self.text.push_str(text),
                Node::Show(pipe) => {
                    let value = self.pipe(pipe, dot)?;
                    if pipe.variables.is_empty() {
                        self.text.push_str(&value.to_string());
                    }
                }
                Node::If(branch) => self.scoped(|run| {
                    let value = run.pipe(&branch.pipe, dot)?;
                    let nodes = if value.is_true() {
                        &branch.then
                    } else {
                        &branch.otherwise
                    };
                    run.all(nodes, dot)
                })?,
                Node::With(branch) => self.scoped(|run| {
                    let value = run.pipe(&branch.pipe, dot)?;
                    if value.is_true() {
                        run.all(&branch.then, &value)
                    } else {
                        run.all(&branch.otherwise, dot)
                    }
                })?,
                Node::Range(branch) => self.scoped(|run| run.range(branch, dot))?,
            }
        }
        Ok(())
    }

    /// What is declared inside ends there.
    fn scoped(
        &mut self,
        inside: impl FnOnce(&mut Self) -> Result<(), TemplateError>,
    ) -> Result<(), TemplateError> {
        let known = self.variables.len();
        inside(self)?;
        self.variables.truncate(known);
        Ok(())
    }

    fn range(&mut self, branch: &Branch, dot: &Value) -> Result<(), TemplateError> {
        let pipe = &branch.pipe;
        let over = self.commands(pipe, dot)?;
        let items: Vec<(Value, Value)> = match over {
            Value::Map(map) => map
                .into_iter()
                .map(|(key, value)| (Value::Text(key), Value::Text(value)))
                .collect(),
            Value::Int(end) => {
                let end = end.min(i64::try_from(TURNS).unwrap_or(i64::MAX).saturating_add(1));
                (0..end)
                    .map(|at| (Value::Int(at), Value::Int(at)))
                    .collect()
            }
            Value::Nil => Vec::new(),
            other @ (Value::Bool(_) | Value::Float(_) | Value::Text(_)) => {
                let why = format!("range cannot go over {}", other.kind());
                return Err(TemplateError::new(pipe.at.clone(), why));
            }
        };
        if items.is_empty() {
            return self.all(&branch.otherwise, dot);
        }
        for (key, value) in items {
            self.turns += 1;
            if self.turns > TURNS {
                return Err(TemplateError::new(pipe.at.clone(), "range does not end"));
            }
            self.scoped(|run| {
                match pipe.variables.as_slice() {
                    [] => {}
                    [only] => run.set(only, &value, pipe)?,
                    [first, second, ..] => {
                        run.set(first, &key, pipe)?;
                        run.set(second, &value, pipe)?;
                    }
                }
                run.all(&branch.then, &value)
            })?;
        }
        Ok(())
    }

    fn pipe(&mut self, pipe: &Pipe, dot: &Value) -> Result<Value, TemplateError> {
        let value = self.commands(pipe, dot)?;
        for name in &pipe.variables {
            self.set(name, &value, pipe)?;
        }
        Ok(value)
    }

    fn commands(&mut self, pipe: &Pipe, dot: &Value) -> Result<Value, TemplateError> {
        let mut value = None;
        for command in &pipe.commands {
            value = Some(self.command(command, value, dot)?);
        }
        Ok(value.unwrap_or(Value::Nil))
    }

    fn set(&mut self, name: &str, value: &Value, pipe: &Pipe) -> Result<(), TemplateError> {
        if pipe.declares {
            self.variables.push((name.to_owned(), value.clone()));
            return Ok(());
        }
        let known = self
            .variables
            .iter_mut()
            .rev()
            .find(|(known, _)| known == name);
        match known {
            Some((_, old)) => {
                *old = value.clone();
                Ok(())
            }
            None => Err(undefined(name, &pipe.at)),
        }
    }

    fn command(
        &mut self,
        command: &Command,
        piped: Option<Value>,
        dot: &Value,
    ) -> Result<Value, TemplateError> {
        let (first, more) = command
            .operands
            .split_first()
            .ok_or_else(|| TemplateError::new(command.at.clone(), "a value is missing"))?;
        if let Of::Function(name) = &first.of
            && first.fields.is_empty()
        {
            return self.call(name, more, piped, dot, &first.at);
        }
        if !more.is_empty() || piped.is_some() {
            return Err(TemplateError::new(
                first.at.clone(),
                "this is not a function, and takes nothing",
            ));
        }
        self.operand(first, dot)
    }

    fn operand(&mut self, operand: &Operand, dot: &Value) -> Result<Value, TemplateError> {
        let mut value = match &operand.of {
            Of::Dot => dot.clone(),
            Of::Nil => Value::Nil,
            Of::Bool(value) => Value::Bool(*value),
            Of::Text(text) => Value::Text(text.clone()),
            Of::Int(number) => Value::Int(*number),
            Of::Float(number) => Value::Float(*number),
            Of::Variable(name) => {
                let known = self.variables.iter().rev().find(|(known, _)| known == name);
                known
                    .map(|(_, value)| value.clone())
                    .ok_or_else(|| undefined(name, &operand.at))?
            }
            Of::Function(name) => self.call(name, &[], None, dot, &operand.at)?,
            Of::Pipe(pipe) => self.pipe(pipe, dot)?,
        };
        for field in &operand.fields {
            value = match value {
                Value::Map(map) => match map.get(field) {
                    Some(found) => Value::Text(found.clone()),
                    None => {
                        let known: Vec<&str> = map.keys().map(String::as_str).collect();
                        let known = if known.is_empty() {
                            "nothing".to_owned()
                        } else {
                            known.join(", ")
                        };
                        return Err(TemplateError::new(
                            operand.at.clone(),
                            format!("there is no {field:?}; there is {known}"),
                        ));
                    }
                },
                Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => {
                    return Err(TemplateError::new(
                        operand.at.clone(),
                        format!("{} has no {field:?}", value.kind()),
                    ));
                }
            };
        }
        Ok(value)
    }

    fn call(
        &mut self,
        name: &str,
        operands: &[Operand],
        piped: Option<Value>,
        dot: &Value,
        at: &Range<usize>,
    ) -> Result<Value, TemplateError> {
        if matches!(name, "and" | "or") {
            return self.shortcut(name, operands, piped, dot, at);
        }
        let mut arguments = Vec::new();
        for operand in operands {
            arguments.push(self.operand(operand, dot)?);
        }
        arguments.extend(piped);
        self.function(name, &arguments)
            .map_err(|why| TemplateError::new(at.clone(), why))
    }

    /// `and` ends at the first that is false, `or` at the first that is true.
    fn shortcut(
        &mut self,
        name: &str,
        operands: &[Operand],
        piped: Option<Value>,
        dot: &Value,
        at: &Range<usize>,
    ) -> Result<Value, TemplateError> {
        let mut last = None;
        for operand in operands {
            let value = self.operand(operand, dot)?;
            if value.is_true() == (name == "or") {
                return Ok(value);
            }
            last = Some(value);
        }
        piped.or(last).ok_or_else(|| {
            TemplateError::new(at.clone(), format!("{name} takes one value or more"))
        })
    }

    fn function(&self, name: &str, arguments: &[Value]) -> Result<Value, String> {
        let facts = self.facts;
        let own = match name {
            "name" => Some(&facts.name),
            "namespace" => Some(&facts.namespace),
            "target" => Some(&facts.target),
            "service" => Some(&facts.service),
            "ingress" => Some(&facts.ingress),
            "route" => Some(&facts.route),
            "interval" => Some(&facts.interval),
            _ => None,
        };
        let own = own.map(|text| Value::Text(text.clone()));
        let own =
            own.or_else(|| (name == "variables").then(|| Value::Map(facts.variables.clone())));
        if let Some(own) = own {
            return match arguments {
                [] => Ok(own),
                _ => Err(format!("{name} takes nothing")),
            };
        }
        built_in(name, arguments)
    }
}

fn undefined(name: &str, at: &Range<usize>) -> TemplateError {
    TemplateError::new(at.clone(), format!("there is no variable ${name}"))
}

fn built_in(name: &str, arguments: &[Value]) -> Result<Value, String> {
    let compared = |holds: fn(Ordering) -> bool| match arguments {
        [a, b] => a
            .order(b)
            .map(|order| Value::Bool(holds(order)))
            .ok_or_else(|| apart(a, b)),
        _ => Err(format!("{name} takes two values")),
    };
    match (name, arguments) {
        ("print", values) => Ok(Value::Text(print(values))),
        ("println", values) => Ok(Value::Text(println(values))),
        ("printf", [Value::Text(format), values @ ..]) => printf(format, values).map(Value::Text),
        ("printf", _) => Err("printf takes a text first".to_owned()),
        ("not", [value]) => Ok(Value::Bool(!value.is_true())),
        ("not", _) => Err("not takes one value".to_owned()),
        ("len", [Value::Text(text)]) => length(text.len()),
        ("len", [Value::Map(map)]) => length(map.len()),
        ("len", _) => Err("len takes a text or a map".to_owned()),
        ("index", [whole]) => Ok(whole.clone()),
        // Unlike a field, an index that is missing is empty.
        ("index", [Value::Map(map), Value::Text(key)]) => {
            Ok(Value::Text(map.get(key).cloned().unwrap_or_default()))
        }
        ("index", _) => Err("index takes a map and a text".to_owned()),
        ("eq", [first, others @ ..]) if !others.is_empty() => {
            let mut any = false;
            for other in others {
                any |= first.equals(other).ok_or_else(|| apart(first, other))?;
            }
            Ok(Value::Bool(any))
        }
        ("eq", _) => Err("eq takes two values or more".to_owned()),
        ("ne", [a, b]) => a
            .equals(b)
            .map(|equal| Value::Bool(!equal))
            .ok_or_else(|| apart(a, b)),
        ("ne", _) => Err("ne takes two values".to_owned()),
        ("lt", _) => compared(Ordering::is_lt),
        ("le", _) => compared(Ordering::is_le),
        ("gt", _) => compared(Ordering::is_gt),
        ("ge", _) => compared(Ordering::is_ge),
        (other, _) => Err(format!(
            "there is no function {other}; name, namespace, target, service, ingress, route, interval and variables are Flagger's"
        )),
    }
}

fn length(length: usize) -> Result<Value, String> {
    i64::try_from(length)
        .map(Value::Int)
        .map_err(|error| error.to_string())
}

fn apart(one: &Value, other: &Value) -> String {
    format!("{} and {} cannot be compared", one.kind(), other.kind())
}
