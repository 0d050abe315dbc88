//! `sum`, `avg`, `min`, `max` and `count`, over all series or by labels.

use crate::sandbox::promql::Point;
use crate::sandbox::promql::QueryError;
use crate::sandbox::promql::Value;
use crate::sandbox::promql::series::Labels;
use crate::sandbox::promql::unsupported;
use crate::sandbox::promql::without_name;
use promql_parser::parser::LabelModifier;
use promql_parser::parser::token::T_AVG;
use promql_parser::parser::token::T_COUNT;
use promql_parser::parser::token::T_MAX;
use promql_parser::parser::token::T_MIN;
use promql_parser::parser::token::T_SUM;
use promql_parser::parser::token::TokenId;
use std::collections::BTreeMap;

pub fn apply(
    operator: TokenId,
    grouping: Option<&LabelModifier>,
    points: Vec<Point>,
) -> Result<Value, QueryError> {
    let fold: fn(&[f64]) -> f64 = match operator {
        T_SUM => |values| values.iter().sum(),
        T_AVG => |values| values.iter().sum::<f64>() / count(values),
        // A NaN loses against any number.
        T_MIN => |values| values.iter().copied().fold(f64::NAN, f64::min),
        T_MAX => |values| values.iter().copied().fold(f64::NAN, f64::max),
        T_COUNT => count,
        _ => return Err(unsupported("this aggregation")),
    };
    let mut groups: BTreeMap<Labels, Vec<f64>> = BTreeMap::new();
    for point in points {
        groups
            .entry(group(grouping, &point.labels))
            .or_default()
            .push(point.value);
    }
    Ok(Value::Vector(
        groups
            .into_iter()
            .map(|(labels, values)| Point {
                labels,
                value: fold(&values),
            })
            .collect(),
    ))
}

fn group(grouping: Option<&LabelModifier>, labels: &Labels) -> Labels {
    match grouping {
        None => Labels::new(),
        Some(LabelModifier::Include(kept)) => {
            let mut some = labels.clone();
            some.retain(|name, _| kept.labels.contains(name));
            some
        }
        Some(LabelModifier::Exclude(dropped)) => {
            let mut rest = without_name(labels);
            rest.retain(|name, _| !dropped.labels.contains(name));
            rest
        }
    }
}

fn count(values: &[f64]) -> f64 {
    values.len() as f64
}
