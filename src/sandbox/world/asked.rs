//! Tells from an expression which of the built-in checks asks, by its form: a share in percent is the success rate,
//! a quantile of a histogram or a mean in milliseconds the duration.

use crate::sandbox::scripted::Asked;
use promql_parser::parser::Expr;
use promql_parser::parser::MatrixSelector;
use promql_parser::parser::token::T_DIV;
use promql_parser::parser::token::T_MUL;
use std::time::Duration;

/// An expression, as far as a script needs to understand it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Which metric it asks for.
    pub metric: Asked,
    /// The range of its first range selector.
    pub window: Option<Duration>,
}

impl Question {
    /// Of an expression. One that does not parse is no built-in one.
    pub fn read(query: &str) -> Self {
        let Ok(expression) = promql_parser::parser::parse(query) else {
            return Self {
                metric: Asked::Custom,
                window: None,
            };
        };
        let mut window = None;
        let mut quantile = false;
        walk(&expression, &mut |part| match part {
            Expr::MatrixSelector(MatrixSelector { range, .. }) => {
                window.get_or_insert(*range);
            }
            Expr::Call(call) => quantile |= call.func.name == "histogram_quantile",
            _ => {}
        });
        let metric = match ratio_factor(&expression) {
            _ if window.is_none() => Asked::Custom,
            _ if quantile => Asked::Duration,
            Some(100.0) => Asked::Success,
            Some(1000.0) => Asked::Duration,
            Some(_) | None => Asked::Custom,
        };
        Self { metric, window }
    }
}

/// `F` of `a / b * F`.
fn ratio_factor(expression: &Expr) -> Option<f64> {
    let Expr::Binary(product) = expression else {
        return None;
    };
    match (product.op.id(), bare(&product.lhs), bare(&product.rhs)) {
        (T_MUL, Expr::Binary(ratio), Expr::NumberLiteral(factor)) if ratio.op.id() == T_DIV => {
            Some(factor.val)
        }
        _ => None,
    }
}

fn bare(expression: &Expr) -> &Expr {
    match expression {
        Expr::Paren(inner) => bare(&inner.expr),
        other => other,
    }
}

fn walk(expression: &Expr, see: &mut dyn FnMut(&Expr)) {
    see(expression);
    match expression {
        Expr::Paren(inner) => walk(&inner.expr, see),
        Expr::Unary(inner) => walk(&inner.expr, see),
        Expr::Subquery(inner) => walk(&inner.expr, see),
        Expr::Aggregate(inner) => walk(&inner.expr, see),
        Expr::Binary(pair) => {
            walk(&pair.lhs, see);
            walk(&pair.rhs, see);
        }
        Expr::Call(call) => {
            for argument in &call.args.args {
                walk(argument, see);
            }
        }
        Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::VectorSelector(_)
        | Expr::MatrixSelector(_)
        | Expr::Extension(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> (Asked, Option<u64>) {
        let question = Question::read(query);
        (question.metric, question.window.map(|w| w.as_secs()))
    }

    #[test]
    fn a_share_in_percent_is_the_success_rate() {
        let query = r#"sum(rate(a_bucket{code!~"5..",le="+Inf"}[1m])) / sum(rate(a_bucket{le="+Inf"}[1m])) * 100"#;
        assert_eq!(read(query), (Asked::Success, Some(60)));
    }

    #[test]
    fn a_quantile_is_the_duration_in_whatever_unit() {
        let quantile = "histogram_quantile(0.99, sum(rate(a_bucket[30s])) by (le))";
        assert_eq!(read(quantile), (Asked::Duration, Some(30)));
        assert_eq!(
            read(&format!("{quantile} * 1000")),
            (Asked::Duration, Some(30))
        );
    }

    #[test]
    fn a_mean_in_milliseconds_is_the_duration() {
        let query = "sum(rate(a_sum[2m])) / sum(rate(a_count[2m])) * 1000";
        assert_eq!(read(query), (Asked::Duration, Some(120)));
    }

    #[test]
    fn anything_else_is_a_template() {
        for query in [
            r#"custom_metric{ns="test"}"#,
            "sum(rate(errors[1m]))",
            "1 / 2 * 100",
            "sum(",
        ] {
            assert_eq!(read(query).0, Asked::Custom, "{query}");
        }
    }
}
