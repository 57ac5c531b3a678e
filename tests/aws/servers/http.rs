//! An HTTP/1.1 server for tests: complete requests in, responses out that may break off on purpose.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Sleep, sleep};

use super::fault::Plan;

/// A request with its complete body.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The path, still percent-encoded.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Returns all values of a header that may be repeated, joined by commas.
    pub(crate) fn list(&self, name: &str) -> String {
        let values = self
            .headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok());
        values.collect::<Vec<_>>().join(",")
    }

    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// A step in sending the body of a response.
#[derive(Debug)]
pub(crate) enum Step {
    Bytes(Bytes),
    /// Closes the connection, as if the program had exited.
    Fin,
    /// Resets the connection.
    Reset,
    /// Sends nothing for as long as the client waits.
    Stall,
    /// Sends nothing for this long.
    Pause(Duration),
    /// Kills the process that the plan names, and closes the connection.
    Kill(Plan),
}

/// A response.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// The value of `Content-Length`, which the steps may fall short of.
    pub(crate) length: u64,
    pub(crate) steps: Vec<Step>,
    /// The delay before the head of the response.
    pub(crate) delay: Duration,
    pub(crate) progress: Arc<Progress>,
}

/// How far a response was sent.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// The bytes of the body that were handed to the connection.
    pub(crate) sent: AtomicU64,
    /// When the last of them was, or the connection was closed.
    pub(crate) ended: OnceLock<Instant>,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self {
            status,
            headers: Vec::new(),
            length: body.len() as u64,
            steps: vec![Step::Bytes(body)],
            delay: Duration::ZERO,
            progress: Arc::default(),
        }
    }

    pub(crate) fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// A server's handler of requests. `None` closes the connection without a response.
pub(crate) trait Service: Send + Sync + 'static {
    fn answer(&self, call: Call) -> impl Future<Output = Option<Reply>> + Send;
}

/// A running server.
pub(crate) struct Host {
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Host {
    pub(crate) fn start(service: Arc<impl Service>) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("test-server")
            .enable_all()
            .build()
            .unwrap();
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, service.clone()));
            }
        });
        Self {
            address,
            runtime: Some(runtime),
        }
    }

    /// `127.0.0.1:PORT`
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// `http://127.0.0.1:PORT`
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // A test may be asynchronous, where waiting for threads is not allowed.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(stream: TcpStream, service: Arc<impl Service>) {
    let _ = stream.set_nodelay(true);
    let control = Arc::new(Control::default());
    let socket = Socket {
        stream,
        control: control.clone(),
    };
    let answer = service_fn(move |request| answer(request, service.clone(), control.clone()));
    // An error is a broken connection, broken by the client or on purpose.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(socket), answer)
        .await;
}

async fn answer(
    request: Request<Incoming>,
    service: Arc<impl Service>,
    control: Arc<Control>,
) -> Result<Response<Steps>, io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let call = Call {
        path: head.uri.path().to_owned(),
        query: query(head.uri.query().unwrap_or_default()),
        method: head.method,
        headers: head.headers,
        body,
    };
    let Some(reply) = service.answer(call).await else {
        return Err(io::Error::other("no answer, on purpose"));
    };
    sleep(reply.delay).await;
    let mut response = Response::builder().status(reply.status).header("server", "test");
    let is_chunked = reply.headers.iter().any(|(name, _)| name == "transfer-encoding");
    // Neither 204 nor 304 has a body or a length.
    if !is_chunked && !matches!(reply.status, 204 | 304) {
        response = response.header("content-length", reply.length);
    }
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    let steps = Steps {
        left: reply.steps.into(),
        wait: None,
        progress: reply.progress,
        control,
    };
    response.body(steps).map_err(io::Error::other)
}

/// Returns the pairs of a query string, decoded.
fn query(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(&value.replace('+', " ")))
        })
        .collect()
}

/// Percent-decodes a text; invalid UTF-8 becomes U+FFFD.
pub(crate) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let hex = behind.get(..2).and_then(|hex| str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) if byte == b'%' => {
                bytes.push(decoded);
                rest = &behind[2..];
            }
            _ => {
                bytes.push(byte);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| "\u{fffd}".to_owned())
}

/// The state shared by the body of a response and its socket.
#[derive(Default)]
struct Control {
    /// Whether the next close is a reset.
    reset: AtomicBool,
    /// Whether bytes wait in this program because the client does not read.
    blocked: AtomicBool,
}

struct Socket {
    stream: TcpStream,
    control: Arc<Control>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.control.reset.load(Ordering::SeqCst) {
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.control.blocked.store(written.is_pending(), Ordering::SeqCst);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.control.blocked.store(written.is_pending(), Ordering::SeqCst);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The size of the pieces that bytes are sent in, so `sent` is not far ahead of the client.
const PIECE: usize = 32 << 10;
/// The pause between the last bytes and a fault, so the bytes are sent.
const SETTLE: Duration = Duration::from_millis(5);

/// The body of a response.
struct Steps {
    left: VecDeque<Step>,
    wait: Option<Pin<Box<Sleep>>>,
    progress: Arc<Progress>,
    control: Arc<Control>,
}

impl Drop for Steps {
    fn drop(&mut self) {
        let _ = self.progress.ended.set(Instant::now());
    }
}

impl Body for Steps {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let reset = match self.left.front_mut() {
            None => return Poll::Ready(None),
            Some(Step::Bytes(bytes)) => {
                let piece = bytes.split_to(bytes.len().min(PIECE));
                if bytes.is_empty() {
                    self.left.pop_front();
                }
                if piece.is_empty() {
                    return self.poll_frame(context);
                }
                self.progress.sent.fetch_add(piece.len() as u64, Ordering::SeqCst);
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            Some(Step::Stall) => return Poll::Pending,
            Some(Step::Pause(time)) => {
                let time = *time;
                let wait = self.wait.get_or_insert_with(|| Box::pin(sleep(time)));
                std::task::ready!(wait.as_mut().poll(context));
                self.wait = None;
                self.left.pop_front();
                return self.poll_frame(context);
            }
            Some(Step::Fin | Step::Kill(_)) => false,
            Some(Step::Reset) => true,
        };
        // Pending lets hyper flush. Bytes that the client has not read would be lost with the connection.
        loop {
            let wait = self.wait.get_or_insert_with(|| Box::pin(sleep(SETTLE)));
            match wait.as_mut().poll(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) => self.wait = None,
            }
            if !self.control.blocked.load(Ordering::SeqCst) {
                break;
            }
        }
        if let Some(Step::Kill(plan)) = self.left.front() {
            plan.kill();
        }
        self.control.reset.store(reset, Ordering::SeqCst);
        Poll::Ready(Some(Err(io::Error::other("broken off, on purpose"))))
    }
}
