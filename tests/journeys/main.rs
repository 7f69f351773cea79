//! Journeys over the whole: HTTP in, through DynamoDB, its stream and Postgres, and HTTP out.

mod bad_input;
mod baskets;
mod crash;
mod faults;
mod one_id;
mod operations;
mod rebuild;
mod restore;
mod scarce;
mod shopping;
