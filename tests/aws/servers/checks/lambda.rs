//! Tests of the Lambda Runtime API, with this program as the function.

use std::io::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use lambda_runtime::{Error as LambdaError, LambdaEvent, service_fn};
use serde_json::{Value, json};

use super::{SIGNED, by_hand, run};
use crate::servers::lambda::{Function, Outcome};

/// The bootstrap that the test below drives: this program itself.
async fn handler(event: LambdaEvent<Value>) -> Result<Value, LambdaError> {
    writeln!(std::io::stdout(), "got {}", event.payload)?;
    match event.payload["do"].as_str() {
        Some("fail") => Err("it failed".into()),
        Some("panic") => panic!("it panicked"),
        Some("exit") => std::process::exit(3),
        Some("hang") => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            Ok(Value::Null)
        }
        Some("large") => Ok("x".repeat(7 << 20).into()),
        _ => Ok(json!({
            "payload": event.payload,
            "id": event.context.request_id,
            "remaining": event.context.deadline.saturating_sub(
                u64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
            ),
            "memory": event.context.env_config.memory,
            "pid": std::process::id(),
        })),
    }
}

const BOOTSTRAP: &str = "ALB_INGEST_TEST_BOOTSTRAP";

/// Runs the function and returns true, in a process that was started as one.
fn is_bootstrap() -> bool {
    match std::env::var(BOOTSTRAP).as_deref() {
        Err(_) => return false,
        Ok("refuses") => {
            let post = format!("POST /2018-06-01/runtime/init/error HTTP/1.1\r\n{SIGNED}");
            let api = format!("http://{}", std::env::var("AWS_LAMBDA_RUNTIME_API").unwrap());
            by_hand(&api, &post, br#"{"errorType":"Config","errorMessage":"no bucket"}"#);
            std::process::exit(1);
        }
        Ok(_) => run(lambda_runtime::run(service_fn(handler))).unwrap(),
    }
    true
}

#[test]
fn the_server_drives_a_bootstrap_like_lambda() {
    if is_bootstrap() {
        return;
    }
    let bootstrap = |kind: &str| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let name = "servers::checks::lambda::the_server_drives_a_bootstrap_like_lambda";
        command.args(["--exact", name, "--nocapture"]).env(BOOTSTRAP, kind);
        Function::new(command, 512)
    };
    let second = Duration::from_secs(1);
    let mut function = bootstrap("runs");
    let answer = |function: &mut Function, payload: Value| match function.invoke(&payload, 5 * second) {
        Outcome::Response(answer) => answer,
        other => panic!("{other:?}: {}", function.stderr()),
    };
    let first = answer(&mut function, json!({ "text": "ü" }));
    assert_eq!(
        (&first["payload"]["text"], &first["memory"]),
        (&json!("ü"), &json!(512))
    );
    let remaining = first["remaining"].as_u64().unwrap();
    assert!((1..=5000).contains(&remaining), "{remaining}");
    let next = answer(&mut function, json!({}));
    assert_eq!(first["pid"], next["pid"], "one process for both");
    assert_ne!(first["id"], next["id"]);

    let failed = function.invoke(&json!({ "do": "fail" }), 5 * second);
    assert!(
        matches!(&failed, Outcome::Error { message, .. } if message == "it failed"),
        "{failed:?}"
    );
    let panicked = function.invoke(&json!({ "do": "panic" }), 5 * second);
    assert!(
        matches!(&panicked, Outcome::Error { message, .. } if message.contains("it panicked")),
        "{panicked:?}"
    );
    let large = function.invoke(&json!({ "do": "large" }), 5 * second);
    assert!(
        matches!(&large, Outcome::Error { kind, .. } if kind == "Function.ResponseSizeTooLarge"),
        "{large:?}"
    );
    assert_eq!(answer(&mut function, json!({}))["pid"], first["pid"], "it lives on");
    assert_eq!(function.starts(), 1);

    let exited = function.invoke(&json!({ "do": "exit" }), 5 * second);
    assert_eq!(
        exited,
        Outcome::ProcessExited {
            code: Some(3),
            signal: None
        }
    );
    let started = Instant::now();
    assert_eq!(function.invoke(&json!({ "do": "hang" }), second), Outcome::TimedOut);
    assert!(
        (second..5 * second).contains(&started.elapsed()),
        "{:?}",
        started.elapsed()
    );
    let killed = function.invoke_and_kill(&json!({ "do": "hang" }), 5 * second, Duration::from_millis(50));
    assert_eq!(
        killed,
        Outcome::ProcessExited {
            code: None,
            signal: Some(9)
        }
    );
    assert_eq!(answer(&mut function, json!({ "last": true }))["payload"]["last"], true);
    assert_eq!(function.starts(), 4);
    assert!(
        function.wrote(r#"got {"last":true}"#, 5 * second),
        "{}",
        function.stdout()
    );
    assert!(function.last_init().unwrap() > Duration::ZERO);

    let pid = function.pid().unwrap();
    drop(function);
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());

    let mut refusing = bootstrap("refuses");
    let refused = refusing.invoke(&json!({}), second);
    assert_eq!(
        refused,
        Outcome::InitError {
            kind: "Config".to_owned(),
            message: "no bucket".to_owned()
        }
    );
    let mut silent = Function::new(
        {
            let mut sleep = Command::new("sleep");
            sleep.arg("60");
            sleep
        },
        128,
    );
    silent.init_limit = Duration::from_millis(100);
    assert_eq!(silent.invoke(&json!({}), second), Outcome::InitTimedOut);
}
