//! PromQL over the samples that the embedded cluster collected: instant queries of the kind metric checks ask.
//!
//! Expressions are parsed and evaluated, never recognised by their text. What is not supported is an error: a check
//! must not pass on a guess.

use crate::sandbox::promql::series::Labels;
use crate::sandbox::promql::series::SeriesStore;
use promql_parser::parser::Expr;
use promql_parser::parser::MatrixSelector;
use promql_parser::parser::VectorSelector;
use promql_parser::parser::ast::Call;

mod aggregate;
mod binary;
mod quantile;
mod range;
pub mod series;

/// The label that holds a series' name.
pub const NAME: &str = "__name__";

/// One series' value at the moment of the query.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Its labels; without a name once it was computed.
    pub labels: Labels,
    /// Its value.
    pub value: f64,
}

/// What an expression comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number without labels.
    Scalar(f64),
    /// Any number of series, ordered by labels.
    Vector(Vec<Point>),
}

/// Why there is no value.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum QueryError {
    /// The expression is not one, or not one that is supported.
    #[error("{0}")]
    BadData(String),
    /// It is one, but the series do not allow it.
    #[error("{0}")]
    Execution(String),
}

/// Evaluates `query` at `at`, milliseconds since 1970.
///
/// # Errors
///
/// When the expression does not parse, uses what is not supported, or matches series ambiguously.
pub fn evaluate(query: &str, store: &SeriesStore, at: i64) -> Result<Value, QueryError> {
    let expression = promql_parser::parser::parse(query)
        .map_err(|why| QueryError::BadData(format!("invalid parameter \"query\": {why}")))?;
    Query { store, at }.value(&expression)
}

struct Query<'a> {
    store: &'a SeriesStore,
    at: i64,
}

impl Query<'_> {
    fn value(&self, expression: &Expr) -> Result<Value, QueryError> {
        match expression {
            Expr::NumberLiteral(number) => Ok(Value::Scalar(number.val)),
            Expr::Paren(inner) => self.value(&inner.expr),
            Expr::Unary(inner) => Ok(match self.value(&inner.expr)? {
                Value::Scalar(value) => Value::Scalar(-value),
                Value::Vector(points) => Value::Vector(map(points, |value| -value)),
            }),
            Expr::VectorSelector(selector) => self.instant(selector),
            Expr::Aggregate(call) => {
                if call.param.is_some() {
                    return Err(unsupported("aggregations with a parameter"));
                }
                let points = self.vector(&call.expr)?;
                aggregate::apply(call.op.id(), call.modifier.as_ref(), points)
            }
            Expr::Binary(operation) => binary::apply(
                operation.op.id(),
                operation.modifier.as_ref(),
                self.value(&operation.lhs)?,
                self.value(&operation.rhs)?,
            ),
            Expr::Call(call) => self.call(call),
            Expr::MatrixSelector(_) => Err(QueryError::BadData(
                "invalid expression type \"range vector\" for an instant query".to_owned(),
            )),
            Expr::StringLiteral(_) => Err(unsupported("strings")),
            Expr::Subquery(_) => Err(unsupported("subqueries")),
            Expr::Extension(_) => Err(unsupported("extensions")),
        }
    }

    fn vector(&self, expression: &Expr) -> Result<Vec<Point>, QueryError> {
        match self.value(expression)? {
            Value::Vector(points) => Ok(points),
            Value::Scalar(_) => Err(QueryError::BadData(
                "expected type instant vector, got scalar".to_owned(),
            )),
        }
    }

    fn scalar(&self, expression: &Expr) -> Result<f64, QueryError> {
        match self.value(expression)? {
            Value::Scalar(value) => Ok(value),
            Value::Vector(_) => Err(QueryError::BadData(
                "expected type scalar, got instant vector".to_owned(),
            )),
        }
    }

    fn call(&self, call: &Call) -> Result<Value, QueryError> {
        let arguments: Vec<&Expr> = call.args.args.iter().map(AsRef::as_ref).collect();
        match (call.func.name, arguments.as_slice()) {
            ("rate", [over]) => self.over_range(over, range::rate),
            ("increase", [over]) => self.over_range(over, range::increase),
            ("histogram_quantile", [share, buckets]) => Ok(Value::Vector(quantile::histogram(
                self.scalar(share)?,
                self.vector(buckets)?,
            ))),
            ("vector", [number]) => Ok(Value::Vector(vec![Point {
                labels: Labels::new(),
                value: self.scalar(number)?,
            }])),
            ("scalar", [vector]) => {
                let points = self.vector(vector)?;
                Ok(Value::Scalar(match points.as_slice() {
                    [only] => only.value,
                    [] | [..] => f64::NAN,
                }))
            }
            (name, _) => Err(unsupported(&format!("the function {name}()"))),
        }
    }

    fn instant(&self, selector: &VectorSelector) -> Result<Value, QueryError> {
        plain(selector)?;
        Ok(Value::Vector(self.store.latest(
            &selector.matchers.matchers,
            self.named(selector),
            self.at,
        )))
    }

    fn over_range(
        &self,
        argument: &Expr,
        function: fn(&range::Window<'_>) -> Option<f64>,
    ) -> Result<Value, QueryError> {
        let Expr::MatrixSelector(MatrixSelector {
            vs: selector,
            range: length,
        }) = argument
        else {
            return Err(QueryError::BadData("expected type range vector".to_owned()));
        };
        plain(selector)?;
        let millis = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
        let start = self.at.saturating_sub(millis);
        let mut points = Vec::new();
        for (labels, samples) in self.store.window(
            &selector.matchers.matchers,
            self.named(selector),
            start,
            self.at,
        ) {
            let window = range::Window {
                samples: &samples,
                start,
                end: self.at,
            };
            if let Some(value) = function(&window) {
                points.push(Point {
                    labels: without_name(labels),
                    value,
                });
            }
        }
        unique(&points)?;
        Ok(Value::Vector(points))
    }

    fn named<'s>(&self, selector: &'s VectorSelector) -> Option<&'s str> {
        selector.name.as_deref()
    }
}

fn plain(selector: &VectorSelector) -> Result<(), QueryError> {
    if selector.offset.is_some() {
        return Err(unsupported("offset"));
    }
    if selector.at.is_some() {
        return Err(unsupported("the @ modifier"));
    }
    if !selector.matchers.or_matchers.is_empty() {
        return Err(unsupported("or between matchers"));
    }
    Ok(())
}

fn unsupported(what: &str) -> QueryError {
    QueryError::BadData(format!(
        "{what} cannot be evaluated by the embedded Prometheus"
    ))
}

fn without_name(labels: &Labels) -> Labels {
    let mut rest = labels.clone();
    rest.remove(NAME);
    rest
}

/// Computes a new value for each series, which loses its name by that.
fn map(points: Vec<Point>, compute: impl Fn(f64) -> f64) -> Vec<Point> {
    points
        .into_iter()
        .map(|point| Point {
            labels: without_name(&point.labels),
            value: compute(point.value),
        })
        .collect()
}

/// Taking the name off may make two series one; Prometheus refuses that.
fn unique(points: &[Point]) -> Result<(), QueryError> {
    let mut seen = std::collections::BTreeSet::new();
    if points.iter().all(|point| seen.insert(&point.labels)) {
        Ok(())
    } else {
        Err(QueryError::Execution(
            "vector cannot contain metrics with the same labelset".to_owned(),
        ))
    }
}

#[cfg(test)]
mod tests;
