//! What ties a batch to the requests that its commits come from: their correlation ids in the log,
//! and a part of each one's trace.

use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::time::{SystemTime, UNIX_EPOCH};

use event_store::TraceParent;
use ordering_views::Commit;
use serde_json::json;
use tracing::debug;
use uuid::Uuid;

/// Where X-Ray's daemon listens beside a function.
const DAEMON: &str = "AWS_XRAY_DAEMON_ADDRESS";

/// The origins of a batch's commits.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    correlation_ids: BTreeSet<String>,
    parts: Vec<Part>,
}

/// A commit whose trace somebody keeps.
#[derive(Debug)]
struct Part {
    trace: TraceParent,
    commit: String,
}

impl Trail {
    /// The trail of what is delivered.
    pub(crate) fn of(commits: &[Commit]) -> Self {
        let mut trail = Self::default();
        commits.iter().for_each(|commit| trail.note(commit));
        trail
    }

    fn note(&mut self, commit: &Commit) {
        self.correlation_ids.insert(commit.metadata.correlation_id.clone());
        let trace = commit.metadata.trace.as_deref().and_then(|trace| trace.parse().ok());
        if let Some(trace) = trace.filter(TraceParent::is_sampled) {
            self.parts
                .push(Part { trace, commit: format!("{} {}", commit.stream, commit.version) });
        }
    }

    /// The correlation ids, with blanks between them: one line of the log names all of them.
    pub(crate) fn correlation_ids(&self) -> String {
        self.correlation_ids.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// Adds the time from `started` to now to each trace, as X-Ray's daemon takes it. Where there
    /// is none, nothing is sent; what is lost is lost.
    pub(crate) fn tell(&self, started: SystemTime) {
        let Ok(daemon) = std::env::var(DAEMON) else { return };
        if let Err(error) = self.send(&daemon, started) {
            debug!(%error, "the traces are not complete");
        }
    }

    /// "Segment documents" in X-Ray's Developer Guide: one datagram each, a header line before it.
    fn send(&self, daemon: &str, started: SystemTime) -> std::io::Result<()> {
        if self.parts.is_empty() {
            return Ok(());
        }
        let socket = UdpSocket::bind(("0.0.0.0", 0))?;
        let (from, to) = (seconds(started), seconds(SystemTime::now()));
        for Part { trace, commit } in &self.parts {
            let segment = json!({
                "name": "projector",
                "id": &Uuid::new_v4().simple().to_string()[..16],
                "trace_id": trace.xray_trace_id(),
                "parent_id": trace.span_id(),
                "start_time": from,
                "end_time": to,
                "annotations": { "commit": commit },
            });
            let header = json!({ "format": "json", "version": 1 });
            socket.send_to(format!("{header}\n{segment}").as_bytes(), daemon)?;
        }
        Ok(())
    }
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ordering_views::Version;
    use serde_json::Value;

    use super::*;

    const TRACE: &str = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";

    fn commit(correlation_id: &str, trace: Option<&str>) -> Commit {
        Commit {
            stream: "product-TEA".parse().unwrap(),
            version: Version(1),
            recorded_at: SystemTime::now().into(),
            events: Vec::new(),
            metadata: event_store::Metadata {
                correlation_id: correlation_id.to_owned(),
                trace: trace.map(str::to_owned),
                ..Default::default()
            },
        }
    }

    #[test]
    fn a_commits_trace_gets_a_part_for_its_projection() {
        let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
        daemon.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let unsampled = TRACE.replace("-01", "-00");
        let trail = Trail::of(&[
            commit("a", Some(&unsampled)),
            commit("a", Some("damaged")),
            commit("a", None),
            commit("a", Some(TRACE)),
        ]);
        let address = daemon.local_addr().unwrap().to_string();
        trail.send(&address, SystemTime::now() - Duration::from_secs(1)).unwrap();

        let mut datagram = [0; 2048];
        let length = daemon.recv(&mut datagram).unwrap();
        let text = std::str::from_utf8(&datagram[..length]).unwrap();
        let (header, segment) = text.split_once('\n').unwrap();
        assert_eq!(header, r#"{"format":"json","version":1}"#);
        let segment: Value = serde_json::from_str(segment).unwrap();
        assert_eq!(segment["trace_id"], "1-5759e988-bd862e3fe1be46a994272793");
        assert_eq!(segment["parent_id"], "53995c3f42cd8ad8");
        assert_eq!(segment["annotations"]["commit"], "product-TEA 1");
        assert_eq!(segment["id"].as_str().unwrap().len(), 16);
        let took = segment["end_time"].as_f64().unwrap() - segment["start_time"].as_f64().unwrap();
        assert!((1.0..10.0).contains(&took), "{took}");
        assert_eq!(trail.parts.len(), 1, "nobody keeps the others");
    }

    #[test]
    fn a_batch_names_each_request_once() {
        let trail = Trail::of(&[commit("b", None), commit("a", None), commit("b", None)]);
        assert_eq!(trail.correlation_ids(), "a b");
    }
}
