//! Who calls: what API Gateway's authorizer found in the token, and nothing else.

use axum::{
    extract::FromRequestParts,
    http::{Extensions, StatusCode, request::Parts},
};
use lambda_http::request::RequestContext;
use uuid::Uuid;

use crate::Problem;

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// A customer: their own things, and all products.
    Shop,
    /// Everything but reports and import.
    Staff,
    /// Reports and lists, no commands.
    Analyst,
    /// Products, customers, stock and old orders.
    Import,
}

impl Scope {
    fn named(name: &str) -> Option<Self> {
        match name {
            "shop" => Some(Self::Shop),
            "staff" => Some(Self::Staff),
            "analyst" => Some(Self::Analyst),
            "import" => Some(Self::Import),
            _ => None,
        }
    }
}

/// The caller of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The subject of the token.
    pub subject: String,
    /// What the token may do.
    pub scopes: Vec<Scope>,
    /// Which customer the token speaks for.
    pub customer_id: Option<Uuid>,
    /// API Gateway's id of the request.
    pub request_id: String,
}

impl Caller {
    /// Whether the token has one of these scopes.
    #[must_use]
    pub fn may(&self, scopes: &[Scope]) -> bool {
        self.scopes.iter().any(|scope| scopes.contains(scope))
    }

    /// Goes on only with one of these scopes. API Gateway asks for them too, by its routes; this
    /// is the second lock.
    ///
    /// # Errors
    /// 403 when the token has none of them.
    pub fn allow(&self, scopes: &[Scope]) -> Result<(), Problem> {
        if self.may(scopes) {
            return Ok(());
        }
        Err(Problem::forbidden("The token has no scope for this."))
    }

    /// The only customer whose things this caller may touch; `None` means everybody's.
    /// `beyond` are the scopes that reach further than a customer's own things.
    ///
    /// # Errors
    /// 403 when the token has neither one of these scopes nor a customer.
    pub fn confined_to(&self, beyond: &[Scope]) -> Result<Option<Uuid>, Problem> {
        if self.may(beyond) {
            return Ok(None);
        }
        match self.customer_id {
            Some(customer) if self.may(&[Scope::Shop]) => Ok(Some(customer)),
            _ => Err(Problem::forbidden("The token has no scope for this, or names no customer.")),
        }
    }

    fn from_context(context: &RequestContext) -> Option<Self> {
        #[allow(irrefutable_let_patterns, reason = "other features of lambda_http add variants")]
        let RequestContext::ApiGatewayV2(context) = context else {
            return None;
        };
        let claims = &context.authorizer.as_ref()?.jwt.as_ref()?.claims;
        let words = claims.get("scope").map(String::as_str).unwrap_or_default();
        Some(Self {
            subject: claims.get("sub")?.clone(),
            scopes: words.split_whitespace().filter_map(Scope::named).collect(),
            customer_id: claims.get("customer_id").and_then(|id| id.parse().ok()),
            request_id: context.request_id.clone().unwrap_or_default(),
        })
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let context = parts.extensions.get::<RequestContext>();
        context.and_then(Self::from_context).ok_or_else(|| {
            let detail = "The request came without the claims of a checked token.";
            let title = "The caller is unknown";
            Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", title, detail)
        })
    }
}

/// API Gateway's id of a request, for the log.
pub(crate) fn request_id(extensions: &Extensions) -> String {
    match extensions.get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) => {
            context.request_id.clone().unwrap_or_default()
        }
        _ => String::new(),
    }
}
