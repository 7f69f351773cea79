//! Wires the queries to Lambda's runtime.

use lambda_http::Error;
use query::{Queries, connect, cursor_key, router};

#[tokio::main]
async fn main() -> Result<(), Error> {
    edge::log_to_stdout();
    let pool = connect(&edge::variable("DATABASE_URL")?)?;
    let key = cursor_key(&edge::variable("CURSOR_KEY")?)?;
    edge::serve(router(Queries::new(pool, key))).await
}
