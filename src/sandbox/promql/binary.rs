//! Arithmetic and comparisons between numbers and series. Series are matched one to one on all their labels.

use crate::sandbox::promql::Point;
use crate::sandbox::promql::QueryError;
use crate::sandbox::promql::Value;
use crate::sandbox::promql::series::Labels;
use crate::sandbox::promql::unique;
use crate::sandbox::promql::unsupported;
use crate::sandbox::promql::without_name;
use promql_parser::parser::BinModifier;
use promql_parser::parser::VectorMatchCardinality;
use promql_parser::parser::token::T_ADD;
use promql_parser::parser::token::T_DIV;
use promql_parser::parser::token::T_EQLC;
use promql_parser::parser::token::T_GTE;
use promql_parser::parser::token::T_GTR;
use promql_parser::parser::token::T_LSS;
use promql_parser::parser::token::T_LTE;
use promql_parser::parser::token::T_MUL;
use promql_parser::parser::token::T_NEQ;
use promql_parser::parser::token::T_SUB;
use promql_parser::parser::token::TokenId;
use std::collections::BTreeMap;

enum Operator {
    Arithmetic(fn(f64, f64) -> f64),
    /// Keeps what it is true of, or answers 0 and 1.
    Comparison {
        holds: fn(&f64, &f64) -> bool,
        as_number: bool,
    },
}

impl Operator {
    /// `kept` is what a comparison that is true passes on.
    fn compute(&self, left: f64, right: f64, kept: f64) -> Option<f64> {
        match self {
            Self::Arithmetic(compute) => Some(compute(left, right)),
            Self::Comparison { holds, as_number } => match (holds(&left, &right), as_number) {
                (true, true) => Some(1.0),
                (false, true) => Some(0.0),
                (true, false) => Some(kept),
                (false, false) => None,
            },
        }
    }

    /// A filter passes series on as they are; whatever is computed has no name.
    const fn keeps_name(&self) -> bool {
        match self {
            Self::Arithmetic(_) => false,
            Self::Comparison { as_number, .. } => !*as_number,
        }
    }
}

pub fn apply(
    token: TokenId,
    modifier: Option<&BinModifier>,
    left: Value,
    right: Value,
) -> Result<Value, QueryError> {
    if let Some(modifier) = modifier {
        if modifier.matching.is_some() {
            return Err(unsupported("matching by on() or ignoring()"));
        }
        if modifier.card != VectorMatchCardinality::OneToOne {
            return Err(unsupported("matching that is not one to one"));
        }
        if modifier.fill_values.lhs.is_some() || modifier.fill_values.rhs.is_some() {
            return Err(unsupported("filling in for missing series"));
        }
    }
    let operator = operator(token, modifier.is_some_and(|m| m.return_bool))?;
    match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => operator
            .compute(left, right, left)
            .map(Value::Scalar)
            .ok_or_else(|| {
                QueryError::BadData("comparisons between scalars must use BOOL modifier".to_owned())
            }),
        (Value::Vector(points), Value::Scalar(right)) => each(&operator, points, |value| {
            operator.compute(value, right, value)
        }),
        (Value::Scalar(left), Value::Vector(points)) => each(&operator, points, |value| {
            operator.compute(left, value, value)
        }),
        (Value::Vector(left), Value::Vector(right)) => matched(&operator, left, right),
    }
}

fn operator(token: TokenId, as_number: bool) -> Result<Operator, QueryError> {
    let comparison = |holds| Ok(Operator::Comparison { holds, as_number });
    match token {
        T_ADD => Ok(Operator::Arithmetic(|a, b| a + b)),
        T_SUB => Ok(Operator::Arithmetic(|a, b| a - b)),
        T_MUL => Ok(Operator::Arithmetic(|a, b| a * b)),
        T_DIV => Ok(Operator::Arithmetic(|a, b| a / b)),
        T_EQLC => comparison(f64::eq as fn(&f64, &f64) -> bool),
        T_NEQ => comparison(f64::ne),
        T_GTR => comparison(f64::gt),
        T_LSS => comparison(f64::lt),
        T_GTE => comparison(f64::ge),
        T_LTE => comparison(f64::le),
        _ => Err(unsupported("this operator")),
    }
}

fn each(
    operator: &Operator,
    points: Vec<Point>,
    compute: impl Fn(f64) -> Option<f64>,
) -> Result<Value, QueryError> {
    let points: Vec<Point> = points
        .into_iter()
        .filter_map(|point| {
            let value = compute(point.value)?;
            let labels = if operator.keeps_name() {
                point.labels
            } else {
                without_name(&point.labels)
            };
            Some(Point { labels, value })
        })
        .collect();
    unique(&points)?;
    Ok(Value::Vector(points))
}

fn matched(operator: &Operator, left: Vec<Point>, right: Vec<Point>) -> Result<Value, QueryError> {
    let mut others: BTreeMap<Labels, f64> = BTreeMap::new();
    for point in right {
        if others
            .insert(without_name(&point.labels), point.value)
            .is_some()
        {
            return Err(ambiguous("right"));
        }
    }
    let mut points = Vec::new();
    let mut used = std::collections::BTreeSet::new();
    for point in left {
        let labels = without_name(&point.labels);
        let Some(other) = others.get(&labels) else {
            continue;
        };
        if !used.insert(labels.clone()) {
            return Err(ambiguous("left"));
        }
        if let Some(value) = operator.compute(point.value, *other, point.value) {
            let labels = if operator.keeps_name() {
                point.labels
            } else {
                labels
            };
            points.push(Point { labels, value });
        }
    }
    Ok(Value::Vector(points))
}

fn ambiguous(side: &str) -> QueryError {
    QueryError::Execution(format!(
        "found duplicate series for the match group on the {side} hand-side of the operation;many-to-many matching not \
         allowed: matching labels must be unique on one side"
    ))
}
