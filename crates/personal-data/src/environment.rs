//! The keys that a deployed function, or the local stack, is told of.

use std::{env, path::Path, sync::Arc};

use aws_config::{SdkConfig, timeout::TimeoutConfig};

use crate::{Custodian, KeyFile, Keys, Kms};

/// `KEY_TABLE` names the table of keys; `KEY_ARN` the key in KMS that wraps them, or `KEY_FILE`
/// the file with the one that does on one's own machine.
///
/// # Errors
/// A text that names what is missing.
pub fn from_environment(
    config: &SdkConfig,
    client: aws_sdk_dynamodb::Client,
) -> Result<Keys, String> {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let table = variable("KEY_TABLE").ok_or("the environment variable KEY_TABLE is not set")?;
    let custodian: Arc<dyn Custodian> = match (variable("KEY_ARN"), variable("KEY_FILE")) {
        (Some(key), _) => {
            // As `within_a_request` of the event store has it, but that a repeated call is harmless.
            let timeouts = TimeoutConfig::builder()
                .connect_timeout(std::time::Duration::from_secs(1))
                .operation_attempt_timeout(std::time::Duration::from_secs(2))
                .build();
            let kms = aws_sdk_kms::config::Builder::from(config).timeout_config(timeouts).build();
            Arc::new(Kms::new(aws_sdk_kms::Client::from_conf(kms), key))
        }
        (None, Some(file)) => {
            let opened = KeyFile::open(Path::new(&file));
            Arc::new(opened.map_err(|error| format!("the key in {file}: {error}"))?)
        }
        (None, None) => return Err("neither KEY_ARN nor KEY_FILE is set".to_owned()),
    };
    Ok(Keys::new(client, table, custodian))
}
