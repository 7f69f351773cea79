//! What is personal, or secret, in what the tests send: no log may hold it.

use std::{fs, path::Path};

use reqwest::Url;
use serde_json::Value;

/// Free text, and what is only ours and the caller's to know.
const FIELDS: [&str; 4] = ["email", "reason", "payment_reference", "tracking_number"];

/// What tells who a customer is, besides.
const FIELDS_OF_A_CUSTOMER: [&str; 2] = ["name", "reference"];

/// Takes note of a command.
pub(crate) fn note_command(path: &str, idempotency_key: Option<&str>, body: Option<&[u8]>) {
    idempotency_key.into_iter().for_each(witness::note);
    let body: Value = body.and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
    FIELDS.iter().filter_map(|field| body[*field].as_str()).for_each(witness::note);
    if path.starts_with("/customers") {
        let fields = FIELDS_OF_A_CUSTOMER.iter();
        fields.filter_map(|field| body[*field].as_str()).for_each(witness::note_name);
    }
}

/// Takes note of what is searched for, as it is sent and as it is meant.
pub(crate) fn note_search(url: &Url) {
    let sent = url.query().unwrap_or_default().split('&');
    sent.filter_map(|pair| pair.strip_prefix("q=")).for_each(witness::note_name);
    let meant = url.query_pairs().filter(|(name, _)| name == "q");
    meant.for_each(|(_, text)| witness::note_name(&text));
}

/// Takes note of a token: of its signature, as the rest of it is known for one by its beginning.
pub(crate) fn note_token(token: &str) {
    token.rsplit('.').next().into_iter().for_each(witness::note);
}

/// Takes note of a variable of a function, if it is a secret.
pub(crate) fn note_variable(name: &str, value: &str) {
    if name == "CURSOR_KEY" {
        witness::note(value);
    }
}

/// Takes note of the keys in the folder of a stack.
pub(crate) fn note_keys(data_dir: &Path) {
    let environment = fs::read_to_string(data_dir.join("env")).unwrap_or_default();
    let variables = environment.lines().filter_map(|line| line.split_once('='));
    variables.for_each(|(name, value)| note_variable(name, value));
    if let Ok(key) = fs::read(data_dir.join("data.key")) {
        witness::note(&key.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    }
}

/// Reads what the functions of a stack wrote for CloudWatch.
pub(crate) fn read_metrics(data_dir: &Path) {
    witness::read(&fs::read_to_string(data_dir.join("metrics.ndjson")).unwrap_or_default());
}
