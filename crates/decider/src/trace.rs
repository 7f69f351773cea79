//! Where in a trace something stands, so that one trace goes from a request to its rows.

use std::{fmt, str::FromStr};

/// The id of a trace and of the part of it that caused this: `traceparent` of W3C's Trace Context,
/// version 00, which names the same trace as X-Ray's own header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: String,
    span_id: String,
    sampled: bool,
}

/// A text that names no trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoTrace;

impl TraceParent {
    /// Reads X-Ray's header: `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`.
    ///
    /// # Errors
    /// [`NoTrace`] when it names no root or no parent.
    pub fn from_xray(header: &str) -> Result<Self, NoTrace> {
        let field = |name: &str| {
            let fields = header.split(';').filter_map(|field| field.trim().split_once('='));
            fields.filter(|(key, _)| *key == name).map(|(_, value)| value).next()
        };
        let root = field("Root").and_then(|root| root.strip_prefix("1-")).ok_or(NoTrace)?;
        let trace_id = root.replacen('-', "", 1);
        let span_id = field("Parent").ok_or(NoTrace)?.to_owned();
        Self { trace_id, span_id, sampled: field("Sampled") == Some("1") }.if_sound()
    }

    /// The trace's id: 32 hex digits.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        &self.trace_id
    }

    /// The trace's id as X-Ray writes it.
    #[must_use]
    pub fn xray_trace_id(&self) -> String {
        let (seconds, rest) = self.trace_id.split_at(8);
        format!("1-{seconds}-{rest}")
    }

    /// The id of the part that caused this: 16 hex digits.
    #[must_use]
    pub fn span_id(&self) -> &str {
        &self.span_id
    }

    /// Whether somebody keeps this trace.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.sampled
    }

    /// All zeros stand for nothing.
    fn if_sound(self) -> Result<Self, NoTrace> {
        let is_id = |id: &str, digits: usize| {
            let hex = id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            id.len() == digits && hex && id.bytes().any(|byte| byte != b'0')
        };
        let sound = is_id(&self.trace_id, 32) && is_id(&self.span_id, 16);
        if sound { Ok(self) } else { Err(NoTrace) }
    }
}

impl FromStr for TraceParent {
    type Err = NoTrace;

    fn from_str(text: &str) -> Result<Self, NoTrace> {
        let parts: Vec<&str> = text.split('-').collect();
        let ["00", trace_id, span_id, flags] = parts[..] else { return Err(NoTrace) };
        if flags.len() != 2 || flags.starts_with('+') {
            return Err(NoTrace);
        }
        let flags = u8::from_str_radix(flags, 16).map_err(|_| NoTrace)?;
        let (trace_id, span_id) = (trace_id.to_owned(), span_id.to_owned());
        Self { trace_id, span_id, sampled: flags & 1 == 1 }.if_sound()
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace_id, self.span_id, u8::from(self.sampled))
    }
}

impl fmt::Display for NoTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this names no trace")
    }
}

impl std::error::Error for NoTrace {}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";

    #[test]
    fn xrays_header_and_w3cs_name_the_same_trace() {
        let root = "Root=1-5759e988-bd862e3fe1be46a994272793";
        let xray = format!("{root};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:1");
        let trace = TraceParent::from_xray(&xray).expect("it is X-Ray's own example");
        assert_eq!(trace.to_string(), TRACE);
        assert_eq!(TRACE.parse(), Ok(trace.clone()));
        assert_eq!(trace.xray_trace_id(), "1-5759e988-bd862e3fe1be46a994272793");
        assert!(trace.is_sampled());
    }

    #[test]
    fn what_names_no_trace_is_none() {
        let zeros = "00-00000000000000000000000000000000-53995c3f42cd8ad8-01";
        for text in ["", "00", zeros, &TRACE.to_uppercase(), &TRACE[..54], &format!("{TRACE}-x")] {
            assert_eq!(text.parse::<TraceParent>(), Err(NoTrace), "{text}");
        }
        for header in ["", "Root=1-5759e988-bd862e3fe1be46a994272793", "Parent=53995c3f42cd8ad8"] {
            assert_eq!(TraceParent::from_xray(header), Err(NoTrace), "{header}");
        }
    }
}
