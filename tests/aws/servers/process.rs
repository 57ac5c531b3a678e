//! A process that a server can kill at an exact place in the sequence of requests.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Output};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// The interval at which a running process is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// A handle of at most one process; clones share it. The lock is never held while something waits for the process, so a
/// kill takes effect at once, and a process id is never used after it was released.
#[derive(Clone, Debug, Default)]
pub(crate) struct Process {
    child: Arc<Mutex<Option<Child>>>,
}

impl Process {
    /// Starts a program. A previous process of this handle must have ended.
    pub(crate) fn start(&self, command: &mut Command) {
        let child = command.spawn().expect("the program starts");
        *self.child.lock().unwrap() = Some(child);
    }

    pub(crate) fn id(&self) -> Option<u32> {
        self.child.lock().unwrap().as_ref().map(Child::id)
    }

    /// Sends `SIGKILL`; has no effect on a process that has ended.
    pub(crate) fn kill(&self) {
        if let Some(child) = &mut *self.child.lock().unwrap() {
            let _ = child.kill();
        }
    }

    /// Returns the status of a process that has ended.
    pub(crate) fn exited(&self) -> Option<ExitStatus> {
        let mut child = self.child.lock().unwrap();
        let child = child.as_mut().expect("a process that was started");
        child.try_wait().expect("the process can be waited for")
    }

    pub(crate) fn wait(&self) -> ExitStatus {
        loop {
            if let Some(status) = self.exited() {
                return status;
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// Returns the pipes of stdout and stderr, which must be piped and not taken before.
    pub(crate) fn pipes(&self) -> (impl Read + Send + use<>, impl Read + Send + use<>) {
        let mut child = self.child.lock().unwrap();
        let child = child.as_mut().expect("a process that was started");
        (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"))
    }

    /// Collects the output of a process until it ends.
    pub(crate) fn output(&self) -> Output {
        let (mut stdout, mut stderr) = self.pipes();
        let errors = thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = stderr.read_to_end(&mut bytes);
            bytes
        });
        let mut bytes = Vec::new();
        let _ = stdout.read_to_end(&mut bytes);
        let stderr = errors.join().unwrap();
        Output {
            status: self.wait(),
            stdout: bytes,
            stderr,
        }
    }
}
