//! What a process logs, which is read when it is over.

use std::{
    fs::File,
    io::{Read, Seek},
    path::Path,
    process::Stdio,
};

/// A file that a process logs into. It goes with its handles, wherever it has a name.
pub(crate) struct Log(File);

impl Log {
    /// One without a name; where nobody reads, it is nowhere.
    pub(crate) fn new() -> std::io::Result<Self> {
        if witness::is_away() {
            return File::options().write(true).open("/dev/null").map(Self);
        }
        tempfile::tempfile().map(Self)
    }

    /// One that the test wants to read, too.
    pub(crate) fn at(path: &Path) -> std::io::Result<Self> {
        let file = File::options().read(true).append(true).create(true).open(path);
        file.map(Self)
    }

    /// Where the process writes to.
    pub(crate) fn stdio(&self) -> std::io::Result<Stdio> {
        Ok(self.0.try_clone()?.into())
    }
}

impl Drop for Log {
    /// The process is over. What it said is shown if the test fails, and must tell of nobody.
    fn drop(&mut self) {
        if witness::is_away() {
            return;
        }
        let mut said = Vec::new();
        let read = self.0.rewind().and_then(|()| self.0.read_to_end(&mut said));
        let said = String::from_utf8_lossy(&said);
        eprint!("{said}");
        witness::read(&said);
        assert!(read.is_ok() || std::thread::panicking(), "a log cannot be read: {read:?}");
    }
}
