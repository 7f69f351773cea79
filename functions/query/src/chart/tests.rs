//! Pictures are looked at by people; here is what a program can tell of them.

use super::*;

fn chart(shape: Shape, labels: &[&str], values: &[f64]) -> Chart {
    Chart {
        title: "A <title> & \"more\"".to_owned(),
        subtitle: "all time".to_owned(),
        categories: "month",
        values: "net sales",
        unit: Unit::Cents,
        shape,
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        series: vec![Series {
            name: "net".to_owned(),
            values: values.iter().copied().map(Some).collect(),
        }],
    }
}

fn many(count: usize) -> Chart {
    let labels: Vec<String> = (0..count).map(|place| format!("bucket {place}")).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let values: Vec<f64> = (0..count).map(|place| place as f64).collect();
    chart(Shape::Bars, &labels, &values)
}

#[test]
fn a_picture_has_its_titles_its_axes_and_its_units() {
    for shape in [Shape::Lines, Shape::Bars] {
        let svg = chart(shape, &["2017-01", "2017-02"], &[100_000.0, 250_000.0]).draw().unwrap();
        for text in ["all time", "2017-01", "2017-02", "net sales, US dollars", "$2,000"] {
            assert!(svg.contains(text), "{shape:?}: no {text} in {svg}");
        }
    }
}

#[test]
fn what_people_typed_does_not_become_markup() {
    let typed = "<script>alert('x')</script> & \"co\"";
    for shape in [Shape::Lines, Shape::Bars] {
        let svg = chart(shape, &[typed, "b"], &[1.0, 2.0]).draw().unwrap();
        assert!(!svg.contains("<script") && !svg.contains("<title>"), "{svg}");
    }
    assert_eq!(
        canvas::escaped(typed),
        "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;co&quot;"
    );
}

#[test]
fn a_hundred_bars_stand_apart_and_of_more_the_largest_are_drawn() {
    let bars = |count| many(count).draw().unwrap().matches("<rect").count();
    assert_eq!(bars(100), bars(10) + 90);
    assert_eq!(bars(1_000), bars(100));
    let cut = many(1_000).largest();
    assert_eq!(cut.labels.first().map(String::as_str), Some("bucket 900"));
    assert_eq!(cut.subtitle, "all time; the 100 largest of 1000");
}

#[test]
fn there_is_a_picture_of_whatever_a_report_holds() {
    let values: [&[f64]; 5] = [&[], &[0.0], &[-5.0], &[-5.0, 7.5e18], &[1.0, 1.0, 1.0]];
    for values in values {
        let labels = ["a", "b", "c"];
        for shape in [Shape::Lines, Shape::Bars] {
            let svg = chart(shape, &labels[..values.len()], values).draw().unwrap();
            assert!(svg.ends_with("</svg>\n") && !svg.contains("NaN"), "{values:?} {svg}");
        }
    }
}
