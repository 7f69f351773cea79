//! How much memory each function takes at work, and how large its binary is: each as a process, as
//! Lambda starts it, on a database that the first of them has made.

use anyhow::ensure;
use journeys::{Order, Said, Sandbox, TABLE, Table, binary, dynamodb};
use local_postgres::Server;
use serde_json::{Value, json};

use super::as_f64;
use crate::report::Figure;

/// Records a batch.
const BATCH: usize = 100;

/// Pages of the event table, of so many items each, that a projector gets as records.
const PAGES: usize = 10;
const PAGE: usize = 1_000;

const QUERIES: usize = 3_000;

/// `command` and `bare` are what those two take in KiB.
pub(crate) async fn measure(
    table: &Table,
    (command, bare): (f64, f64),
) -> anyhow::Result<Vec<Figure>> {
    let server = Server::throwaway().await?;
    let url = server.socket_url("postgres");
    let migrate = migrate(&url).await?;
    let projector = projector(&url, table).await?;
    let query = query(&url).await?;
    let against = "the bare function, after 3,000 commands";
    let mut figures = Vec::new();
    for (name, peak) in [
        ("peak RSS, command", command),
        ("peak RSS, projector", projector),
        ("peak RSS, query", query),
        ("peak RSS, migrate", migrate),
    ] {
        figures.push(Figure::new(name, peak, "KiB", bare, against));
    }
    let size =
        |name| Ok::<_, anyhow::Error>(as_f64(std::fs::metadata(binary(name)?)?.len()) / 1_024.0);
    for (figure, name) in [
        ("binary, command", "command"),
        ("binary, projector", "projector"),
        ("binary, query", "query"),
        ("binary, migrate", "migrate"),
    ] {
        figures.push(Figure::new(figure, size(name)?, "KiB", size("bare")?, "the bare function"));
    }
    Ok(figures)
}

/// After all migrations of an empty database.
async fn migrate(url: &str) -> anyhow::Result<f64> {
    let process = Sandbox::start("migrate", &[("DATABASE_URL", url.to_owned())]).await?;
    let create = json!({
        "RequestType": "Create", "ResponseURL": process.signed_url(), "StackId": "bench",
        "RequestId": "bench", "LogicalResourceId": "Schema", "ResourceType": "Custom::Schema",
        "ResourceProperties": {},
    });
    process.invoke(create).await?;
    Ok(as_f64(process.peak_rss_kib()?))
}

/// After the commits of some ten thousand items of the event table, in batches.
async fn projector(url: &str, table: &Table) -> anyhow::Result<f64> {
    let variables = [
        ("DATABASE_URL", url.to_owned()),
        ("AWS_ENDPOINT_URL", table.endpoint.clone()),
        ("EVENT_TABLE", TABLE.to_owned()),
        ("KEY_TABLE", personal_data::testing::TABLE.to_owned()),
        ("KEY_FILE", personal_data::testing::KEY_FILE.to_owned()),
        ("RUST_LOG", "info".to_owned()),
    ];
    let process = Sandbox::start("projector", &variables).await?;
    let http = reqwest::Client::new();
    let mut scan = json!({"TableName": TABLE, "Limit": PAGE});
    for _ in 0..PAGES {
        let mut page = dynamodb(&http, table, "Scan", &scan).await?;
        let items = page["Items"].take();
        let commits = items.as_array().into_iter().flatten();
        let commits: Vec<_> = commits.filter(|item| item["kind"]["S"] == "commit").collect();
        for batch in commits.chunks(BATCH) {
            let records: Vec<_> = batch.iter().map(|item| record(item)).collect();
            let answer = process.invoke(json!({ "Records": records })).await?;
            ensure!(answer == json!({"batchItemFailures": []}), "{answer}");
        }
        scan["ExclusiveStartKey"] = page["LastEvaluatedKey"].take();
        if scan["ExclusiveStartKey"].is_null() {
            break;
        }
    }
    Ok(as_f64(process.peak_rss_kib()?))
}

/// What the table's stream tells of an item that was put.
fn record(item: &Value) -> Value {
    let keys = json!({"stream": item["stream"], "version": item["version"]});
    json!({
        "eventID": "1", "eventName": "INSERT", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1", "eventSourceARN": "arn:aws:dynamodb:us-east-1:0:table/events",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_800_000_000, "Keys": keys, "NewImage": item,
            "SequenceNumber": "1", "SizeBytes": 500, "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    })
}

/// After lists of products, a hundred of them each.
async fn query(url: &str) -> anyhow::Result<f64> {
    let key = "07".repeat(32);
    let variables =
        [("DATABASE_URL", url.to_owned()), ("CURSOR_KEY", key), ("RUST_LOG", "info".to_owned())];
    let process = Sandbox::start("query", &variables).await?;
    let mut list = Order::new("GET", "/products", &json!(null)).event();
    list["rawQueryString"] = json!("limit=100");
    for _ in 0..QUERIES {
        Said::read(&process.invoke(list.clone()).await?)?.expect(200)?;
    }
    Ok(as_f64(process.peak_rss_kib()?))
}
