//! Keys for tests, of which all processes of one test have the same.

use std::{path::Path, sync::Arc, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType},
};

use crate::{KeyFile, Keys};

/// The table of keys.
pub const TABLE: &str = "personal-keys";

/// A file with a key that everybody knows.
pub const KEY_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testing.key");

/// The keys in the [`TABLE`] behind that client.
///
/// # Panics
/// When the file is not there.
#[must_use]
pub fn keys(client: Client) -> Keys {
    let custodian = KeyFile::open(Path::new(KEY_FILE)).expect("the file is in the repository");
    Keys::new(client, TABLE, Arc::new(custodian))
}

/// The same, in a process that looks again so soon whether a key is still there.
///
/// # Panics
/// When the file is not there.
#[must_use]
pub fn keys_at_hand_for(life: Duration, client: Client) -> Keys {
    let mut keys = keys(client);
    keys.life = life;
    keys
}

/// Makes the [`TABLE`].
///
/// # Errors
/// What the engine said.
pub async fn create_table(client: &Client) -> Result<(), aws_sdk_dynamodb::Error> {
    let key = KeySchemaElement::builder().attribute_name("subject").key_type(KeyType::Hash);
    let attribute = AttributeDefinition::builder().attribute_name("subject");
    client
        .create_table()
        .table_name(TABLE)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key.build()?)
        .attribute_definitions(attribute.attribute_type(ScalarAttributeType::S).build()?)
        .send()
        .await?;
    Ok(())
}
