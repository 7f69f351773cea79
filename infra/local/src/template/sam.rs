//! From the template's resources to what the stack plays.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use axum::http::Method;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use super::schedule::schedule;
use super::{Attribute, Mapping, Route, RouteKey, Schedule, Table, Template};
use crate::filter::Filter;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    globals: Globals,
    resources: BTreeMap<String, Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Globals {
    function: FunctionGlobals,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FunctionGlobals {
    timeout: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    r#type: String,
    #[serde(default)]
    metadata: Value,
    #[serde(default)]
    properties: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TableProperties {
    attribute_definitions: Vec<AttributeDefinition>,
    key_schema: Vec<KeyElement>,
    stream_specification: Option<StreamSpecification>,
    time_to_live_specification: Option<TimeToLive>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AttributeDefinition {
    attribute_name: String,
    attribute_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyElement {
    attribute_name: String,
    key_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamSpecification {
    stream_view_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TimeToLive {
    attribute_name: String,
    enabled: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FunctionProperties {
    timeout: Option<u64>,
    #[serde(default)]
    events: BTreeMap<String, Event>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    r#type: String,
    #[serde(default)]
    properties: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HttpApiEvent {
    method: Option<String>,
    path: Option<String>,
    #[serde(default)]
    auth: RouteAuth,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RouteAuth {
    authorizer: Option<String>,
    #[serde(default)]
    authorization_scopes: Vec<String>,
}

/// Refuses what it does not know: a setting that is skipped here would behave otherwise on AWS.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct StreamEvent {
    stream: Value,
    starting_position: String,
    batch_size: Option<usize>,
    maximum_batching_window_in_seconds: Option<u64>,
    parallelization_factor: Option<usize>,
    bisect_batch_on_function_error: Option<bool>,
    maximum_retry_attempts: Option<i64>,
    maximum_record_age_in_seconds: Option<i64>,
    #[serde(default)]
    function_response_types: Vec<String>,
    filter_criteria: Option<FilterCriteria>,
    destination_config: Option<DestinationConfig>,
    /// Counts for CloudWatch, which change nothing about what is delivered.
    #[serde(rename = "MetricsConfig")]
    _metrics_config: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct FilterCriteria {
    filters: Vec<FilterPattern>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct FilterPattern {
    pattern: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DestinationConfig {
    on_failure: OnFailure,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OnFailure {
    destination: Value,
}

/// What the events of all functions come to.
#[derive(Default)]
struct Events {
    routes: Vec<Route>,
    mappings: Vec<Mapping>,
    schedules: Vec<Schedule>,
}

pub(super) fn interpret(template: Value) -> Result<Template> {
    let document: Document = typed(template).context("the template")?;
    let ((table_id, table), key_table) = the_tables(&document)?;
    let (mut functions, mut events) = (BTreeMap::new(), Events::default());
    for (id, resource) in document
        .resources
        .iter()
        .filter(|(_, resource)| resource.r#type == "AWS::Serverless::Function")
    {
        let name = resource.metadata.pointer("/BuildProperties/Binary").and_then(Value::as_str);
        let name =
            name.with_context(|| format!("{id}: Metadata.BuildProperties.Binary is missing"))?;
        let properties: FunctionProperties =
            typed(resource.properties.clone()).with_context(|| format!("{id}: Properties"))?;
        if properties.events.is_empty() {
            continue; // a part of the deployment, which is not played here
        }
        let timeout = properties.timeout.unwrap_or(document.globals.function.timeout);
        functions.insert(name.to_owned(), Duration::from_secs(timeout));
        for (event_id, event) in properties.events {
            let place = || format!("{id}: Properties.Events.{event_id}");
            events.add(event, name, (&table_id, &document)).with_context(place)?;
        }
    }
    let Events { routes, mut mappings, schedules } = events;
    let mapping = mappings.pop().context("no function has an event of type DynamoDB")?;
    ensure!(
        mappings.is_empty(),
        "the local stack plays one event of type DynamoDB, but there are several"
    );
    Ok(Template { table, key_table, functions, routes, mapping, schedules })
}

impl Events {
    fn add(
        &mut self,
        event: Event,
        function: &str,
        (table_id, document): (&str, &Document),
    ) -> Result<()> {
        let Event { r#type, properties } = event;
        match r#type.as_str() {
            "HttpApi" => self.routes.push(route(properties, function).context("Properties")?),
            "DynamoDB" => self
                .mappings
                .push(mapping(properties, function, table_id, document).context("Properties")?),
            "ScheduleV2" => {
                self.schedules.push(schedule(properties, function).context("Properties")?);
            }
            other => {
                bail!("Type: the local stack plays HttpApi, DynamoDB and ScheduleV2, not {other}")
            }
        }
        Ok(())
    }
}

pub(super) fn typed<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_path_to_error::deserialize(value)
        .map_err(|error| anyhow!("{}: {}", error.path(), error.inner()))
}

/// The table with a stream has the events, with its name; the one without has the keys.
fn the_tables(document: &Document) -> Result<((String, Table), Table)> {
    let tables =
        document.resources.iter().filter(|(_, resource)| resource.r#type == "AWS::DynamoDB::Table");
    let tables: Vec<_> = tables.map(|(id, resource)| table(id, resource)).collect::<Result<_>>()?;
    let (mut events, mut keys): (Vec<_>, Vec<_>) =
        tables.into_iter().partition(|(_, table)| table.stream_view_type.is_some());
    match (events.pop(), keys.pop()) {
        (Some(table), Some((_, key_table))) if events.is_empty() && keys.is_empty() => {
            Ok((table, key_table))
        }
        _ => bail!("the local stack plays one AWS::DynamoDB::Table with a stream and one without"),
    }
}

fn table(id: &str, resource: &Resource) -> Result<(String, Table)> {
    let properties: TableProperties =
        typed(resource.properties.clone()).with_context(|| format!("{id}: Properties"))?;
    let key = |key_type: &str| {
        let element = properties.key_schema.iter().find(|element| element.key_type == key_type)?;
        let definition = properties
            .attribute_definitions
            .iter()
            .find(|definition| definition.attribute_name == element.attribute_name)?;
        Some(Attribute {
            name: definition.attribute_name.clone(),
            kind: definition.attribute_type.clone(),
        })
    };
    let table = Table {
        hash_key: key("HASH")
            .with_context(|| format!("{id}: Properties.KeySchema has no defined HASH key"))?,
        range_key: key("RANGE"),
        stream_view_type: properties.stream_specification.map(|stream| stream.stream_view_type),
        ttl_attribute: properties
            .time_to_live_specification
            .as_ref()
            .filter(|ttl| ttl.enabled)
            .map(|ttl| ttl.attribute_name.clone()),
    };
    Ok((id.to_owned(), table))
}

fn route(properties: Value, function: &str) -> Result<Route> {
    let event: HttpApiEvent = typed(properties)?;
    let key = match (event.method, event.path) {
        (None, None) => RouteKey::Default,
        (Some(method), Some(path)) => {
            ensure!(path.starts_with('/'), "Path: {path} does not start with a slash");
            let one = !method.eq_ignore_ascii_case("ANY");
            let method =
                one.then(|| Method::from_bytes(method.to_uppercase().as_bytes())).transpose();
            RouteKey::On { method: method.context("Method is none")?, path }
        }
        _ => bail!("Method and Path go together"),
    };
    let needs_token = event.auth.authorizer.as_deref() != Some("NONE");
    Ok(Route {
        key,
        function: function.to_owned(),
        scopes: event.auth.authorization_scopes,
        needs_token,
    })
}

fn mapping(
    properties: Value,
    function: &str,
    table_id: &str,
    document: &Document,
) -> Result<Mapping> {
    let event: StreamEvent = typed(properties)?;
    ensure!(
        event.stream.pointer("/Fn::GetAtt") == Some(&Value::from(format!("{table_id}.StreamArn"))),
        "Stream is not that of {table_id}"
    );
    ensure!(
        event.starting_position == "TRIM_HORIZON",
        "StartingPosition: the local stack starts at TRIM_HORIZON only"
    );
    let unknown =
        event.function_response_types.iter().find(|kind| *kind != "ReportBatchItemFailures");
    ensure!(unknown.is_none(), "FunctionResponseTypes: {unknown:?} is unknown");
    let patterns = event.filter_criteria.map(|criteria| criteria.filters).unwrap_or_default();
    Ok(Mapping {
        function: function.to_owned(),
        batch_size: in_range("BatchSize", event.batch_size.unwrap_or(100), 1, 10_000)?,
        batching_window: Duration::from_secs(in_range(
            "MaximumBatchingWindowInSeconds",
            event.maximum_batching_window_in_seconds.unwrap_or(0),
            0,
            300,
        )?),
        parallelization_factor: in_range(
            "ParallelizationFactor",
            event.parallelization_factor.unwrap_or(1),
            1,
            10,
        )?,
        bisect_on_error: event.bisect_batch_on_function_error.unwrap_or(false),
        retry_limit: limit(in_range(
            "MaximumRetryAttempts",
            event.maximum_retry_attempts.unwrap_or(-1),
            -1,
            10_000,
        )?),
        record_age_limit: limit(in_range(
            "MaximumRecordAgeInSeconds",
            event.maximum_record_age_in_seconds.unwrap_or(-1),
            -1,
            604_800,
        )?)
        .map(|seconds| Duration::from_secs(seconds.into())),
        reports_item_failures: !event.function_response_types.is_empty(),
        filter: Filter::parse(patterns.iter().map(|filter| filter.pattern.as_str()))
            .context("FilterCriteria")?,
        keeps_discarded: event
            .destination_config
            .map(|config| is_bucket(&config.on_failure.destination, document))
            .transpose()
            .context("DestinationConfig.OnFailure.Destination")?
            .is_some(),
    })
}

/// AWS writes "no limit" as -1.
fn limit(value: i64) -> Option<u32> {
    u32::try_from(value).ok()
}

fn in_range<T: PartialOrd + std::fmt::Display>(
    property: &str,
    value: T,
    least: T,
    most: T,
) -> Result<T> {
    ensure!(value >= least && value <= most, "{property}: {value} is not in {least}..={most}");
    Ok(value)
}

/// SQS and SNS get pointers into the stream, which is another format than the one played here.
fn is_bucket(destination: &Value, document: &Document) -> Result<()> {
    let id = destination
        .pointer("/Fn::GetAtt")
        .and_then(Value::as_str)
        .and_then(|attribute| attribute.strip_suffix(".Arn"));
    let resource = id.and_then(|id| document.resources.get(id));
    ensure!(
        resource.is_some_and(|resource| resource.r#type == "AWS::S3::Bucket"),
        "{destination} is not the Arn of an AWS::S3::Bucket of this template"
    );
    Ok(())
}
