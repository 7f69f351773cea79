//! Answering queries over the whole year of baskets: the whole handler, from API Gateway's event to
//! its answer, beside the same SQL run bare with its rows decoded.

mod growth;
mod least;
mod lists;
mod paging;
mod reports;
mod shop;
mod stopwatch;

use crate::report::Figure;
use shop::Shop;

pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let shop = Shop::of_the_year().await?;
    let mut figures = lists::history(&shop).await?;
    figures.extend(lists::filters(&shop).await?);
    figures.push(lists::sustained(&shop).await?);
    figures.push(paging::late(&shop).await?);
    figures.push(paging::search(&shop).await?);
    figures.extend(reports::each(&shop).await?);
    figures.extend(least::each(&shop).await?);
    drop(shop);
    figures.extend(growth::measure().await?);
    Ok(figures)
}
