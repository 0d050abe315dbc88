//! InfluxDB 2: a Flux query, answered as annotated CSV.
//! <https://docs.influxdata.com/influxdb/v2/api/#operation/PostQuery>
//! <https://docs.influxdata.com/influxdb/v2/reference/syntax/annotated-csv/>

use crate::canary::answer::Answer;
use crate::canary::http::HttpRequest;
use crate::canary::http::HttpResponse;
use crate::metrics::Ask;
use crate::metrics::MetricProvider;
use crate::metrics::Secret;
use crate::metrics::reading::number_in;
use crate::metrics::reading::only;
use crate::metrics::reading::success;
use crate::metrics::writing::header;
use crate::metrics::writing::post;
use crate::metrics::writing::secret;
use crate::metrics::writing::url;
use serde_json::json;
use std::time::Duration;

pub(super) const PROVIDER: MetricProvider = MetricProvider {
    secret: Secret::Required(&[&["token", "org"]]),
    timeout: Duration::from_secs(15),
    ..MetricProvider::new("influxdb", request, |_, response| read(response).into())
};

/// Types of a column that is a number.
const NUMBERS: [&str; 3] = ["double", "long", "unsignedLong"];

fn request(ask: &Ask<'_>) -> Result<HttpRequest, String> {
    let body = json!({
        "query": ask.query,
        "type": "flux",
        "dialect": {"annotations": ["datatype", "group", "default"], "delimiter": ",", "header": true},
    });
    let parameters = [("org", secret(ask, "org")?)];
    let url = url(&ask.backend.address, "/api/v2/query", &parameters);
    let mut request = post(ask, url, "application/json", body.to_string());
    header(&mut request, "Accept", "application/csv");
    let token = format!("Token {}", secret(ask, "token")?);
    header(&mut request, "Authorization", &token);
    Ok(request)
}

/// One table of the answer.
#[derive(Default)]
struct Table {
    types: Vec<String>,
    defaults: Vec<String>,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column == name)
    }

    /// The value of a row, or the column's default.
    fn value<'a>(&'a self, row: &'a [String], column: usize) -> &'a str {
        let given = row.get(column).filter(|value| !value.is_empty());
        given
            .or_else(|| self.defaults.get(column))
            .map_or("", String::as_str)
    }
}

fn read(response: &HttpResponse) -> Result<Answer, String> {
    let body = success("InfluxDB", response)?;
    let text = std::str::from_utf8(body).map_err(|_| "the answer is not InfluxDB's CSV")?;
    let tables = tables(text);
    let mut values = Vec::new();
    for table in &tables {
        // An error on the way comes as a table, after the status has been sent.
        if let (Some(column), Some(row)) = (table.column("error"), table.rows.first()) {
            return Err(format!("InfluxDB answers: {}", table.value(row, column)));
        }
        if table.header.is_empty() {
            continue;
        }
        let Some(column) = table.column("_value") else {
            return Err("the answer is not InfluxDB's CSV: it has no column _value".to_owned());
        };
        if table.rows.is_empty() {
            continue;
        }
        let kind = table.types.get(column).map_or("", String::as_str);
        if !NUMBERS.contains(&kind) {
            return Err(format!(
                "_value is a {kind} instead of a number: use toFloat()"
            ));
        }
        values.extend(table.rows.iter().map(|row| table.value(row, column)));
    }
    Ok(match only(&values, "rows")? {
        None | Some(&"") => Answer::NoValues,
        Some(text) => number_in(text),
    })
}

fn tables(text: &str) -> Vec<Table> {
    let mut tables = vec![Table::default()];
    for record in records(text) {
        let last = tables.len() - 1;
        let begins_another = record.iter().all(String::is_empty)
            || (record[0].starts_with('#') && !tables[last].header.is_empty());
        if begins_another {
            tables.push(Table::default());
        }
        let Some(table) = tables.last_mut() else {
            continue;
        };
        match record[0].as_str() {
            "#datatype" => table.types = record,
            "#default" => {
                table.defaults = record;
                // The first column has the annotation's own name.
                table.defaults[0].clear();
            }
            first if first.starts_with('#') => {}
            _ if record.iter().all(String::is_empty) => {}
            _ if table.header.is_empty() => table.header = record,
            _ => table.rows.push(record),
        }
    }
    tables
}

/// Lines of CSV (RFC 4180), each with at least one field.
fn records(text: &str) -> Vec<Vec<String>> {
    let mut records = Vec::new();
    let mut record = vec![String::new()];
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let at = record.len() - 1;
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                record[at].push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(String::new()),
            '\r' if !quoted => {}
            '\n' if !quoted => records.push(std::mem::replace(&mut record, vec![String::new()])),
            other => record[at].push(other),
        }
    }
    records.push(record);
    records
}
