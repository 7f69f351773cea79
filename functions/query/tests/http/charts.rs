//! Reports to look at.

use ordering::{CustomerEvent, CustomerRegistered, NewCustomer};

use crate::{
    caller::ANALYST,
    stage::{Stage, customer},
};

const REPORTS: [&str; 9] = [
    "/reports/sales",
    "/reports/sales?by=day&from=2017-01-01",
    "/reports/sales?by=department",
    "/reports/top-products",
    "/reports/top-customers",
    "/reports/bought-together?sku=A",
    "/reports/retention",
    "/reports/fulfilment",
    "/reports/stock?below=100",
];

#[tokio::test]
async fn every_report_is_a_picture_and_a_page() {
    let mut stage = Stage::set().await;
    stage.paid_order_of(&["A", "B"]).await;
    for path in REPORTS {
        let picture = stage.get(path, ANALYST).with("accept", "image/svg+xml").answer().await;
        assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/svg+xml")));
        assert!(picture.text().starts_with("<svg role=\"img\" aria-label=\""), "{path}");
        let page = stage.get(path, ANALYST).with("accept", "text/html, */*;q=0.8").answer().await;
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
        assert!(page.text().starts_with("<!doctype html>"), "{path}");
        assert!(page.text().contains(picture.text()), "{path}");
        let rows = stage.get(path, ANALYST).answer().await.ok()["items"].as_array().unwrap().len();
        assert!(page.text().matches("<tr>").count() > rows, "{path}: {rows}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
    }
}

#[tokio::test]
async fn a_page_says_what_was_asked_for_and_in_what_it_is_counted() {
    let stage = Stage::set().await;
    let path = "/reports/sales?by=month&from=2017-01-01&to=2018-01-01";
    let page = stage.get(path, ANALYST).with("accept", "text/html").answer().await;
    for text in [
        "Net sales by month",
        "from 2017-01-01 to before 2018-01-01, UTC",
        "net sales, US dollars",
        "<th scope=\"col\">gross</th>",
        "<td>2017-01</td><td class=\"n\">4</td><td class=\"n\">10</td><td class=\"n\">$10</td>",
    ] {
        assert!(page.text().contains(text), "no {text} in {}", page.text());
    }
}

#[tokio::test]
async fn a_name_in_a_report_is_no_script() {
    let mut stage = Stage::set().await;
    let registered = CustomerRegistered::from(NewCustomer {
        name: "<script>alert(1)</script>".to_owned().try_into().unwrap(),
        email: "eve@example.com".to_owned().try_into().unwrap(),
        reference: None,
    });
    stage.happens::<CustomerEvent>(&customer("eve").stream(), registered).await;
    stage.order("eve", "order 8", 50).await;
    for accept in ["text/html", "image/svg+xml"] {
        let asked = stage.get("/reports/top-customers", ANALYST).with("accept", accept);
        let shown = asked.answer().await;
        assert!(shown.text().contains("&lt;script&gt;alert(1)"), "{accept}");
        assert!(!shown.text().contains("<script"), "{accept}");
    }
}

#[tokio::test]
async fn an_empty_report_says_so() {
    let stage = Stage::empty().await;
    for path in REPORTS {
        let picture = stage.get(path, ANALYST).with("accept", "image/*").answer().await;
        assert!(picture.text().contains("There is nothing to show."), "{path}");
    }
}
