//! What CloudFormation asks.

use serde::Deserialize;

/// A request ("Custom resource request objects" in CloudFormation's User Guide). The properties of
/// the resource are not read: they only say that something has changed.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Request {
    /// What is to be done.
    pub request_type: RequestType,
    /// Where the answer goes. It is signed: who has it may answer, so it is never logged.
    #[serde(rename = "ResponseURL")]
    pub response_url: String,
    /// The stack that is being deployed.
    pub stack_id: String,
    /// This request.
    pub request_id: String,
    /// The resource, as the template names it.
    pub logical_resource_id: String,
    /// The resource, as an earlier answer named it.
    pub physical_resource_id: Option<String>,
}

/// What is to be done with the resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RequestType {
    /// It is new.
    Create,
    /// A property of it has changed, on the way forward or on the way back.
    Update,
    /// It is taken out of the stack, or the stack goes.
    Delete,
}
