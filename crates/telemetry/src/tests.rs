use super::*;

/// Keeps what is written.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn lines(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap();
        bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(read).collect()
    }
}

fn read(line: &[u8]) -> Value {
    serde_json::from_slice(line).unwrap()
}

fn recorded(dimensions: &[(&'static str, &str)], metrics: &[Metric]) -> Vec<Value> {
    let paper = Paper::default();
    Telemetry::new("mill", paper.clone()).record(dimensions, metrics);
    paper.lines()
}

#[test]
fn a_line_says_what_its_metrics_are_and_what_they_are_about() {
    let lag = Metric::distribution("Lag", Unit::Milliseconds, vec![3.5, 4.0]);
    let mut lines = recorded(&[("View", "orders")], &[Metric::count("Applied", 2), lag]);
    assert_eq!(lines.len(), 1);
    let stamp = lines[0]["_aws"].as_object_mut().unwrap().remove("Timestamp");
    assert!(stamp.unwrap().as_u64().unwrap() > 1_700_000_000_000);
    let expected = json!({
        "_aws": { "CloudWatchMetrics": [{
            "Namespace": "Millrace",
            "Dimensions": [["Service", "View"]],
            "Metrics": [
                { "Name": "Applied", "Unit": "Count" },
                { "Name": "Lag", "Unit": "Milliseconds" },
            ],
        }] },
        "Service": "mill", "View": "orders", "Applied": 2.0, "Lag": [3.5, 4.0],
    });
    assert_eq!(lines[0], expected);
}

#[test]
fn stacks_of_one_account_are_filed_apart() {
    let paper = Paper::default();
    let telemetry = Telemetry::new("mill", paper.clone()).filed_under("Millrace/prod");
    telemetry.record(&[], &[Metric::count("Applied", 1)]);
    assert_eq!(paper.lines()[0]["_aws"]["CloudWatchMetrics"][0]["Namespace"], "Millrace/prod");
}

#[test]
fn more_values_than_a_line_may_have_go_on_in_the_next_one() {
    let values: Vec<f64> = (0..250).map(f64::from).collect();
    let lag = Metric::distribution("Lag", Unit::Milliseconds, values.clone());
    let lines = recorded(&[], &[Metric::count("Applied", 250), lag]);
    let lengths: Vec<_> = lines.iter().map(|line| line["Lag"].as_array().unwrap().len()).collect();
    assert_eq!(lengths, [100, 100, 50]);
    let all = lines.iter().flat_map(|line| line["Lag"].as_array().unwrap().clone());
    assert_eq!(all.map(|value| value.as_f64().unwrap()).collect::<Vec<_>>(), values);
    assert!(lines[1..].iter().all(|line| line.get("Applied").is_none()), "counted once");
}

#[test]
fn a_metric_without_a_value_is_left_out() {
    let nothing = Metric::distribution("Lag", Unit::Milliseconds, vec![]);
    assert_eq!(recorded(&[], std::slice::from_ref(&nothing)), [] as [Value; 0]);
    let lines = recorded(&[], &[nothing, Metric::count("Applied", 0)]);
    assert_eq!(lines[0]["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"], "Applied");
    assert!(lines[0].get("Lag").is_none());
}
