//! A Lambda Runtime API that drives a real `bootstrap` as Lambda does: it starts the process for the first event, hands
//! it one event at a time, kills it at the deadline, and then starts a new one.

use std::io::Read;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::fault::{Fault, Moment, Op, Plan};
use super::http::{Call, Host, Reply, Service};
use super::process::Process;

/// The maximum bytes of the response of a synchronous invocation.
const MAX_RESPONSE_BYTES: usize = 6_291_556;
/// The interval at which a running process is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// The outcome of an invocation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    Response(Value),
    /// A response that is not JSON. Lambda returns it as it is; an event source mapping fails the batch.
    NotJson(Vec<u8>),
    Error {
        kind: String,
        message: String,
    },
    /// The process reported that it cannot start.
    InitError {
        kind: String,
        message: String,
    },
    /// The process exited before it responded.
    ProcessExited {
        code: Option<i32>,
        signal: Option<i32>,
    },
    /// Killed at the deadline.
    TimedOut,
    /// Killed because it did not request the event in time.
    InitTimedOut,
}

/// A function: a program and its current process.
pub(crate) struct Function {
    command: Command,
    process: Process,
    faults: Plan,
    running: Option<Running>,
    invocations: u64,
    starts: u64,
    last_init: Option<Duration>,
    stdout: Output,
    stderr: Output,
    /// The time limit for the start of the process; Lambda allows 10 seconds.
    pub(crate) init_limit: Duration,
}

type Output = Arc<Mutex<Vec<u8>>>;

/// A process with its own API server, so nothing of a killed process reaches the next.
struct Running {
    process: Process,
    shared: Arc<Shared>,
    readers: Vec<JoinHandle<()>>,
    started: Instant,
    _host: Host,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    faults: Plan,
    /// Notifies the driver of a changed state.
    changed: Condvar,
    /// Notifies the process of an event.
    event: Notify,
}

#[derive(Default)]
struct State {
    waiting: Option<Event>,
    /// The event that the process has taken, and when.
    current: Option<(String, Instant)>,
    first_asked: Option<Instant>,
    outcome: Option<Outcome>,
}

struct Event {
    id: String,
    payload: Vec<u8>,
    limit: Duration,
}

impl Function {
    /// Creates a function of a program with its settings. The variables that Lambda sets are added at each start;
    /// `memory` is in MB and only passed to the process.
    pub(crate) fn new(mut command: Command, memory: u32) -> Self {
        let set = |command: &Command, name: &str| command.get_envs().any(|(found, _)| found == name);
        let own = [
            ("AWS_REGION", "us-east-1"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "AKIDTEST"),
            ("AWS_SECRET_ACCESS_KEY", "secret-of-the-tests"),
            ("AWS_SESSION_TOKEN", "token-of-the-tests"),
        ];
        for (name, value) in own {
            if !set(&command, name) {
                command.env(name, value);
            }
        }
        command
            .env("AWS_LAMBDA_FUNCTION_NAME", "function")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory.to_string())
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/function")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[$LATEST]0")
            .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
            .env("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023")
            .env("_HANDLER", "bootstrap")
            .env("TZ", ":UTC")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let (process, faults) = (Process::default(), Plan::default());
        faults.victim(&process);
        Self {
            command,
            process,
            faults,
            running: None,
            invocations: 0,
            starts: 0,
            last_init: None,
            stdout: Output::default(),
            stderr: Output::default(),
            init_limit: Duration::from_secs(10),
        }
    }

    /// Hands the process an event and waits for the outcome. The deadline counts from the moment the process takes the
    /// event.
    pub(crate) fn invoke(&mut self, payload: &Value, limit: Duration) -> Outcome {
        self.run(payload.to_string().into_bytes(), limit, None)
    }

    /// Kills the process (`SIGKILL`) this long after it took the event, unless it is done before.
    pub(crate) fn invoke_and_kill(&mut self, payload: &Value, limit: Duration, after: Duration) -> Outcome {
        self.run(payload.to_string().into_bytes(), limit, Some(after))
    }

    /// Returns the process's id, if a process is running.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.running.as_ref().and_then(|running| running.process.id())
    }

    /// Returns the handle of the current process and of each that follows, for `fault::Plan::victim`.
    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// Returns the faults of the Runtime API, whose victim is the function. Its requests are the responses and errors of
    /// invocations, and only kills apply.
    pub(crate) fn faults(&self) -> &Plan {
        &self.faults
    }

    /// Returns the number of processes started so far.
    pub(crate) fn starts(&self) -> u64 {
        self.starts
    }

    /// Returns the time from the start of the latest process to its first request for an event.
    pub(crate) fn last_init(&self) -> Option<Duration> {
        self.last_init
    }

    /// Returns what all processes have written to stdout so far. The last lines of a running one may be missing.
    pub(crate) fn stdout(&self) -> String {
        text(&self.stdout)
    }

    pub(crate) fn stderr(&self) -> String {
        text(&self.stderr)
    }

    /// Waits until a text has been written to either output.
    pub(crate) fn wrote(&self, wanted: &str, within: Duration) -> bool {
        let end = Instant::now() + within;
        loop {
            if self.stdout().contains(wanted) || self.stderr().contains(wanted) {
                return true;
            }
            if Instant::now() >= end {
                return false;
            }
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    /// Stops the process, as Lambda does with an environment that it no longer needs. The next event starts another.
    pub(crate) fn stop(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.end();
        }
    }

    fn start(&mut self) -> &mut Running {
        if self.running.is_none() {
            let shared = Arc::new(Shared {
                faults: self.faults.clone(),
                ..Shared::default()
            });
            let host = Host::start(shared.clone());
            self.command.env("AWS_LAMBDA_RUNTIME_API", host.address());
            let started = Instant::now();
            self.process.start(&mut self.command);
            let (stdout, stderr) = self.process.pipes();
            let readers = vec![
                collect(stdout, self.stdout.clone()),
                collect(stderr, self.stderr.clone()),
            ];
            self.starts += 1;
            self.last_init = None;
            self.running = Some(Running {
                process: self.process.clone(),
                shared,
                readers,
                started,
                _host: host,
            });
        }
        self.running.as_mut().unwrap()
    }

    fn run(&mut self, payload: Vec<u8>, limit: Duration, kill_after: Option<Duration>) -> Outcome {
        // A process that ended between two events is replaced, as Lambda does.
        if let Some(running) = &self.running
            && running.exited().is_some()
        {
            self.stop();
        }
        self.invocations += 1;
        let id = format!("8476a536-e9f4-11e8-9739-{:012x}", self.invocations);
        let init_limit = self.init_limit;
        // Before a new process starts: it may report an init error at once.
        if let Some(running) = &self.running {
            running.shared.state.lock().unwrap().outcome = None;
        }
        let running = self.start();
        let asked = Instant::now();
        running.shared.state.lock().unwrap().waiting = Some(Event { id, payload, limit });
        running.shared.event.notify_one();

        let outcome = running.outcome(asked + init_limit, limit, kill_after);
        let first_asked = running.shared.state.lock().unwrap().first_asked;
        let init = first_asked.map(|at| at.duration_since(running.started));
        let over = !matches!(
            outcome,
            Outcome::Response(_) | Outcome::NotJson(_) | Outcome::Error { .. }
        );
        self.last_init = init;
        if over {
            self.stop();
        }
        outcome
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Running {
    fn exited(&self) -> Option<ExitStatus> {
        self.process.exited()
    }

    /// Waits for the outcome of the event.
    fn outcome(&mut self, init_end: Instant, limit: Duration, kill_after: Option<Duration>) -> Outcome {
        let mut taken = None;
        let mut killed = false;
        loop {
            let shared = self.shared.clone();
            let state = shared.state.lock().unwrap();
            let (mut state, _) = shared.changed.wait_timeout(state, POLL_INTERVAL).unwrap();
            if let Some((_, since)) = &state.current {
                taken = Some(*since);
            }
            if let Some(outcome) = state.outcome.take() {
                return outcome;
            }
            drop(state);
            if let Some(status) = self.exited() {
                // The outcome may have arrived after the state was checked.
                if let Some(outcome) = shared.state.lock().unwrap().outcome.take() {
                    return outcome;
                }
                let (code, signal) = (status.code(), status.signal());
                return Outcome::ProcessExited { code, signal };
            }
            let now = Instant::now();
            match taken {
                None if now >= init_end => return Outcome::InitTimedOut,
                Some(taken_at) if now >= taken_at + limit => return Outcome::TimedOut,
                Some(taken_at) if !killed && kill_after.is_some_and(|after| now >= taken_at + after) => {
                    killed = true;
                    self.process.kill();
                }
                _ => {}
            }
        }
    }

    /// Kills the process if it is still running, and collects its remaining output.
    fn end(&mut self) {
        self.process.kill();
        self.process.wait();
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
    }
}

fn collect(mut from: impl Read + Send + 'static, into: Output) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            into.lock().unwrap().extend_from_slice(&buffer[..length]);
        }
    })
}

fn text(output: &Output) -> String {
    let bytes = output.lock().unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Service for Shared {
    async fn answer(&self, call: Call) -> Option<Reply> {
        let path = call.path.strip_prefix("/2018-06-01/runtime/").unwrap_or_default();
        let steps: Vec<&str> = path.split('/').collect();
        Some(match (call.method.as_str(), steps.as_slice()) {
            ("GET", ["invocation", "next"]) => self.next().await,
            ("POST", ["invocation", id, "response"]) => self.report(id, response(&call))?,
            ("POST", ["invocation", id, "error"]) => {
                let (kind, message) = error(&call);
                self.report(id, Outcome::Error { kind, message })?
            }
            ("POST", ["init", "error"]) => {
                let (kind, message) = error(&call);
                self.end(Outcome::InitError { kind, message });
                accepted()
            }
            _ => Reply::new(
                404,
                json!({ "errorType": "NotFound", "errorMessage": call.path }).to_string(),
            ),
        })
    }
}

impl Shared {
    async fn next(&self) -> Reply {
        loop {
            if let Some(reply) = self.take() {
                return reply;
            }
            self.event.notified().await;
        }
    }

    fn take(&self) -> Option<Reply> {
        let mut state = self.state.lock().unwrap();
        state.first_asked.get_or_insert_with(Instant::now);
        let event = state.waiting.take()?;
        let deadline = SystemTime::now() + event.limit;
        let deadline = deadline.duration_since(UNIX_EPOCH).unwrap().as_millis();
        state.current = Some((event.id.clone(), Instant::now()));
        drop(state);
        self.changed.notify_all();
        let trace = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0";
        let function = "arn:aws:lambda:us-east-1:111122223333:function:function";
        let reply = Reply::new(200, event.payload)
            .with("content-type", "application/json")
            .with("lambda-runtime-aws-request-id", event.id)
            .with("lambda-runtime-deadline-ms", deadline.to_string())
            .with("lambda-runtime-invoked-function-arn", function)
            .with("lambda-runtime-trace-id", trace);
        Some(reply)
    }

    /// Ends the invocation with this id, unless the process is killed before.
    fn report(&self, id: &str, outcome: Outcome) -> Option<Reply> {
        let fault = self.faults.decide(Op::InvocationResponse, "");
        if fault == Some(Fault::Kill(Moment::Before)) {
            self.faults.kill();
            return None;
        }
        let reply = self.done(id, outcome);
        if matches!(fault, Some(Fault::Kill(_))) {
            self.faults.kill();
            return None;
        }
        Some(reply)
    }

    /// Ends the invocation with this id; only the current invocation can be ended.
    fn done(&self, id: &str, outcome: Outcome) -> Reply {
        let current = self.state.lock().unwrap().current.clone();
        if current.is_none_or(|(current, _)| current != id) {
            let body = json!({ "errorType": "InvalidRequestID", "errorMessage": "Invalid request ID" });
            return Reply::new(400, body.to_string());
        }
        let too_large = matches!(&outcome, Outcome::Error { kind, .. } if kind == TOO_LARGE);
        self.end(outcome);
        if too_large {
            let body = json!({ "errorType": "RequestEntityTooLarge", "errorMessage": "Exceeded maximum allowed payload size" });
            return Reply::new(413, body.to_string());
        }
        accepted()
    }

    fn end(&self, outcome: Outcome) {
        let mut state = self.state.lock().unwrap();
        state.current = None;
        state.outcome = Some(outcome);
        drop(state);
        self.changed.notify_all();
    }
}

const TOO_LARGE: &str = "Function.ResponseSizeTooLarge";

fn accepted() -> Reply {
    Reply::new(202, json!({ "status": "OK" }).to_string()).with("content-type", "application/json")
}

fn response(call: &Call) -> Outcome {
    if call.body.len() > MAX_RESPONSE_BYTES {
        return Outcome::Error {
            kind: TOO_LARGE.to_owned(),
            message: format!("the response has {} bytes", call.body.len()),
        };
    }
    match serde_json::from_slice(&call.body) {
        Ok(value) => Outcome::Response(value),
        Err(_) => Outcome::NotJson(call.body.to_vec()),
    }
}

/// Returns the kind and the message of an error that the process reports.
fn error(call: &Call) -> (String, String) {
    let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let header = call.header("lambda-runtime-function-error-type").unwrap_or_default();
    (
        text("errorType").unwrap_or_else(|| header.to_owned()),
        text("errorMessage").unwrap_or_default(),
    )
}
