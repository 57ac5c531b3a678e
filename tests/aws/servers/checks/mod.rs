//! Tests of the servers, one file per server.

mod faults;
mod firehose;
mod lambda;
mod queue;
mod s3;

use std::future::Future;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use aws_sdk_s3::error::ProvideErrorMetadata;

use crate::servers::clients::{self, Patience};
use crate::servers::fault::draw;
use crate::servers::s3::{Options, Server};

const BUCKET: &str = "bucket";

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

fn store(options: Options) -> (Server, aws_sdk_s3::Client) {
    let server = Server::start();
    server.bucket(BUCKET, options);
    let client = clients::s3(&server.endpoint(), &Patience::NONE);
    (server, client)
}

/// Returns bytes without a period, so a cut or a shift is detected.
fn bytes(length: usize, seed: u64) -> Vec<u8> {
    let words = (0..=length as u64 / 8).map(|index| draw(seed, &[index]));
    let mut bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
    bytes.truncate(length);
    bytes
}

/// Returns the AWS error code of an error.
fn code<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug>(result: Result<T, E>) -> String {
    let error = result.expect_err("an error");
    error.code().map_or_else(|| format!("{error:?}"), str::to_owned)
}

/// The status and the body of a response, and how the connection ended: `None` if it was closed properly.
pub(crate) type Answer = (u16, Vec<u8>, Option<ErrorKind>);

pub(crate) fn by_hand(endpoint: &str, head: &str, body: &[u8]) -> Answer {
    with_patience(endpoint, head, body, Duration::from_secs(20))
}

/// Gives up if nothing arrives for this long.
fn with_patience(endpoint: &str, head: &str, body: &[u8], patience: Duration) -> Answer {
    let address = endpoint.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(patience)).unwrap();
    let length = body.len();
    let request = format!("{head}\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    let end = loop {
        match stream.read(&mut buffer) {
            Ok(0) => break None,
            Ok(length) => answer.extend_from_slice(&buffer[..length]),
            Err(error) => break Some(error.kind()),
        }
    };
    let Some(split) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return (0, answer, end);
    };
    let body = answer.split_off(split + 4);
    let status = str::from_utf8(&answer)
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    (status, body, end)
}

/// A header that satisfies the servers, which do not verify signatures.
pub(crate) const SIGNED: &str =
    "authorization: AWS4-HMAC-SHA256 Credential=AKIDTEST/20260101/us-east-1/s3/aws4_request";
