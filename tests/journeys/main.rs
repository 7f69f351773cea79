//! Journeys over the whole: HTTP in, through DynamoDB, its stream and Postgres, and HTTP out.

mod authorisation;
mod bad_input;
mod baskets;
mod crash;
mod erasure;
mod evolved;
mod faults;
mod one_id;
mod operations;
mod plain;
mod rebuild;
mod restore;
mod rewritten;
mod scarce;
mod secrets;
mod shopping;
mod stopped;
