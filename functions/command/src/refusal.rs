//! From a refusal to a problem. The one place where statuses are chosen.

use axum::http::StatusCode;
use edge::Problem;
use event_store::{Refused, StoreError, StreamId};
use ordering::Rejection;
use tracing::error;

/// The problem that a refused command on `stream` is answered with.
pub(crate) fn problem(stream: &StreamId, refused: Refused<Rejection>) -> Problem {
    match refused {
        Refused::Rejected(rejection) => rejected(stream, &rejection),
        Refused::KeyReused => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency-key-reused",
            "The idempotency key was used for another request",
            "Send the first request again to get its answer, or this one under a new key.",
        ),
        Refused::Moved(version) => Problem::new(
            StatusCode::PRECONDITION_FAILED,
            "version-differs",
            "The thing has moved on",
            format!("Its version is {version}. Look at it again, then decide again."),
        ),
        Refused::Store(failure) => failed(stream, &failure),
    }
}

fn failed(stream: &StreamId, failure: &StoreError) -> Problem {
    match failure {
        StoreError::Conflict => Problem::new(
            StatusCode::CONFLICT,
            "lost-race",
            "Others were faster, again and again",
            "Nothing was written. It is safe to send the same request again.",
        )
        .retry_after(1),
        StoreError::Throttled => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "throttled",
            "Too much at once",
            "Nothing was written. Send the same request again in a moment.",
        )
        .retry_after(1),
        StoreError::TooLarge => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "too-large",
            "It is more than one commit can hold",
            "Split it into several requests.",
        ),
        StoreError::Unavailable(_) => {
            error!(%stream, error = %failure, "the event table is away");
            let detail = "The store did not say whether it took this; nothing was half-done. \
                          Send it again under the same `Idempotency-Key`: it has one effect.";
            Problem { detail: detail.to_owned(), ..Problem::unavailable() }
        }
        StoreError::Gone { .. } => Problem::new(
            StatusCode::GONE,
            "gone",
            "It is no more",
            "Its time is over, or it was erased. Make a new one.",
        ),
        StoreError::Unreadable(_) | StoreError::Hole { .. } => {
            error!(%stream, error = %failure, "a stream cannot be read");
            Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "unreadable",
                "The history of this thing cannot be read",
                "This is our fault. It is logged under the request's id.",
            )
        }
    }
}

fn rejected(stream: &StreamId, rejection: &Rejection) -> Problem {
    let (status, kind) = match rejection {
        Rejection::UnknownCart | Rejection::UnknownOrder => return Problem::not_found(),
        Rejection::UnknownProduct(sku) if sku.stream() == *stream => return Problem::not_found(),
        Rejection::UnknownCustomer if stream.category() == "customer" => {
            return Problem::not_found();
        }
        Rejection::SkuTaken(_) => (StatusCode::CONFLICT, "sku-taken"),
        Rejection::EmailTaken => (StatusCode::CONFLICT, "email-taken"),
        Rejection::ReferenceTaken => (StatusCode::CONFLICT, "reference-taken"),
        Rejection::AlreadyRegistered => (StatusCode::CONFLICT, "already-registered"),
        Rejection::UnknownProduct(_) => refused("unknown-product"),
        Rejection::UnknownCustomer => refused("unknown-customer"),
        Rejection::CustomerErased => refused("customer-erased"),
        Rejection::Discontinued(_) => refused("discontinued"),
        Rejection::OutOfStock { .. } => refused("out-of-stock"),
        Rejection::QuantityTooLarge(_) => refused("quantity-too-large"),
        Rejection::CartCheckedOut => refused("cart-checked-out"),
        Rejection::CartEmpty => refused("cart-empty"),
        Rejection::CartFull(_) => refused("cart-full"),
        Rejection::OrderEmpty => refused("order-empty"),
        Rejection::TotalTooLarge => refused("total-too-large"),
        Rejection::AlreadyPaid => refused("already-paid"),
        Rejection::AmountDiffers { .. } => refused("amount-differs"),
        Rejection::NotPaid => refused("not-paid"),
        Rejection::AlreadyShipped => refused("already-shipped"),
        Rejection::NotShipped => refused("not-shipped"),
        Rejection::NotDelivered => refused("not-delivered"),
        Rejection::OrderCancelled => refused("order-cancelled"),
        Rejection::NotInOrder(_) => refused("not-in-order"),
        Rejection::ReturnEmpty => refused("return-empty"),
        Rejection::ReturnTooLarge { .. } => refused("return-too-large"),
    };
    let mut detail = rejection.to_string();
    detail.push('.');
    Problem::new(status, kind, "The shop refuses", detail)
}

fn refused(kind: &'static str) -> (StatusCode, &'static str) {
    (StatusCode::UNPROCESSABLE_ENTITY, kind)
}
