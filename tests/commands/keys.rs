//! The keys of what is personal are away: their table, or KMS, which wraps them.

use std::{sync::Arc, time::Duration};

use anyhow::ensure;
use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
use axum::{Router, http::StatusCode, routing::post};
use event_store::EventStore;
use journeys::{Desk, Fault, Order, TABLE, Wire, cold_client};
use personal_data::{Keys, Kms, testing};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::faults::{at_once, commits, refused_in_time};

type Outcome = anyhow::Result<()>;

fn registration() -> Order {
    Order::post("/customers", &json!({"name": "Bob", "email": "bob@example.com"})).once("bob")
}

#[tokio::test]
async fn nobody_is_registered_while_the_table_of_keys_is_away() -> Outcome {
    let faults = [
        Fault::error(400, "ThrottlingException"),
        Fault::error(500, "InternalServerError"),
        Fault::RequestLost,
        Fault::AnswerNeverComes,
    ];
    at_once(faults, async |fault| {
        let wire = Wire::lay().await?;
        let desk = Desk::open(&wire.endpoint());
        wire.from_now_on("PutItem", fault.clone());
        refused_in_time(&desk, &registration(), 503, "unavailable").await?;
        assert_eq!(commits(&wire).await?, 0, "{fault:?}");
        wire.mend();
        desk.send(&registration()).await?.expect(201)?;
        assert_eq!(commits(&wire).await?, 2, "{fault:?}: the customer, and the claim");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_key_that_was_made_though_nobody_said_so_is_used() -> Outcome {
    let wire = Wire::lay().await?;
    wire.next("PutItem", Fault::AnswerLost);
    Desk::open(&wire.endpoint()).send(&registration()).await?.expect(201)?;
    ensure!(wire.all_met());
    Ok(())
}

/// A sandbox that has not seen the customer has to fetch their key.
#[tokio::test]
async fn an_address_is_not_changed_while_the_keys_are_away() -> Outcome {
    let faults = [Fault::error(500, "InternalServerError"), Fault::AnswerNeverComes];
    at_once(faults, async |fault| {
        let wire = Wire::lay().await?;
        let ann = Desk::open(&wire.endpoint()).customer("ann").await?;
        let before = commits(&wire).await?;
        let cold = Desk::open(&wire.endpoint());
        let path = format!("/customers/{ann}/email");
        let change = Order::post(&path, &json!({"email": "anna@example.com"})).once("moved");
        wire.from_now_on("GetItem", fault.clone());
        refused_in_time(&cold, &change, 503, "unavailable").await?;
        assert_eq!(commits(&wire).await?, before, "{fault:?}");
        wire.mend();
        cold.send(&change).await?.expect(200)?;
        Ok(())
    })
    .await
}

/// What KMS says when it does not do what it is asked for.
#[tokio::test]
async fn nobody_is_registered_while_kms_wraps_no_key() -> Outcome {
    let errors = [
        (400, "ThrottlingException"),
        (400, "AccessDeniedException"),
        (400, "DisabledException"),
        (500, "KMSInternalException"),
    ];
    at_once(errors, async |(status, code)| {
        let kms = refusing(status, code).await?;
        let wire = Wire::lay().await?;
        let desk = with_kms(&wire, &kms);
        refused_in_time(&desk, &registration(), 503, "unavailable").await?;
        assert_eq!(commits(&wire).await?, 0, "{code}");
        // The same, once there is somebody who wraps it.
        Desk::open(&wire.endpoint()).send(&registration()).await?.expect(201)?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn nobody_is_registered_while_kms_is_away() -> Outcome {
    let nobody = TcpListener::bind("127.0.0.1:0").await?;
    let kms = format!("http://{}", nobody.local_addr()?);
    let wire = Wire::lay().await?;
    // At first it takes the call and never answers, then nobody is there.
    refused_in_time(&with_kms(&wire, &kms), &registration(), 503, "unavailable").await?;
    drop(nobody);
    refused_in_time(&with_kms(&wire, &kms), &registration(), 503, "unavailable").await?;
    assert_eq!(commits(&wire).await?, 0);
    Ok(())
}

/// A command function whose data keys that KMS wraps.
fn with_kms(wire: &Wire, kms: &str) -> Desk {
    let kms = aws_sdk_kms::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "tests"))
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(50)))
        .endpoint_url(kms);
    let kms = Kms::new(aws_sdk_kms::Client::from_conf(kms.build()), "alias/data".to_owned());
    let client = cold_client(&wire.endpoint());
    let keys = Keys::new(client.clone(), testing::TABLE, Arc::new(kms));
    Desk::on(EventStore::new(client, TABLE).with_keys(keys))
}

/// Where every call gets that error.
async fn refusing(status: u16, code: &'static str) -> anyhow::Result<String> {
    let status = StatusCode::from_u16(status)?;
    let body: Value = json!({ "__type": code, "message": "no" });
    let answer = post(async move || (status, body.to_string()));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", answer)).await });
    Ok(endpoint)
}
