//! Tests of the fault plan: broken bodies, and faults drawn from a seed.

use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use aws_sdk_s3::primitives::{AggregatedBytes, ByteStream};
use aws_sdk_s3::types::ChecksumMode;
use bytes::Bytes;

use super::{BUCKET, SIGNED, by_hand, bytes, code, run, store, with_patience};
use crate::servers::clients::{self, Patience};
use crate::servers::fault::{Chances, Fault, Moment, Op, Plan, Rule};
use crate::servers::process::Process;
use crate::servers::s3::{self, Options};

#[test]
fn bodies_break_where_planned() {
    let (server, client) = store(Options::default());
    let body = bytes(1 << 20, 4);
    let old = server.put(BUCKET, "key", body.clone());
    let head = format!("GET /{BUCKET}/key HTTP/1.1\r\n{SIGNED}");
    let get = |fault: Fault| {
        server.faults().clear();
        // A stall ends only with the client's timeout.
        let patience = if matches!(fault, Fault::StallAt(_)) {
            500
        } else {
            20_000
        };
        server.faults().add(Rule::new(fault).op(Op::GetObject).key("key"));
        with_patience(&server.endpoint(), &head, b"", Duration::from_millis(patience))
    };
    for k in [0_usize, 1, 700_000, (1 << 20) - 1] {
        let at = k as u64;
        assert_eq!(get(Fault::FinAt(at)), (200, body[..k].to_vec(), None));
        assert_eq!(
            get(Fault::StallAt(at)),
            (200, body[..k].to_vec(), Some(ErrorKind::WouldBlock))
        );
        assert_eq!(server.journal().entries().last().unwrap().sent(), at);
        let (_, got, end) = get(Fault::ResetAt(at));
        assert!(
            body[..k].starts_with(&got) && end == Some(ErrorKind::ConnectionReset),
            "{k}: {} {end:?}",
            got.len()
        );
        let (_, got, end) = get(Fault::CorruptAt(at));
        let differs: Vec<_> = (0..body.len()).filter(|index| got[*index] != body[*index]).collect();
        assert_eq!((differs, end), (vec![k], None));
    }
    assert_eq!(get(Fault::Refuse), (0, Vec::new(), None));
    let started = Instant::now();
    assert_eq!(get(Fault::Delay(Duration::from_millis(80))).0, 200);
    assert!(started.elapsed() >= Duration::from_millis(80));
    let (status, answer, _) = get(Fault::Status(503, "SlowDown"));
    assert!(status == 503 && String::from_utf8(answer).unwrap().contains("<Code>SlowDown</Code>"));

    // The SDK sees a valid head and an invalid body.
    let request = client
        .get_object()
        .bucket(BUCKET)
        .key("key")
        .checksum_mode(ChecksumMode::Enabled);
    let sdk = |fault: Fault, range: Option<&str>| {
        server.faults().clear();
        server.faults().add(Rule::new(fault).op(Op::GetObject).nth(1));
        let request = request.clone().set_range(range.map(str::to_owned)).send();
        run(async {
            let got = request.await.unwrap();
            let head = (got.e_tag().unwrap().to_owned(), got.content_range().is_some());
            (head, got.body.collect().await.map(AggregatedBytes::into_bytes))
        })
    };
    for fault in [Fault::FinAt(5000), Fault::ResetAt(5000), Fault::CorruptAt(5000)] {
        assert!(sdk(fault.clone(), None).1.is_err(), "{fault:?}");
    }
    let (head, whole) = sdk(Fault::IgnoreRange, Some("bytes=10-"));
    assert!(!head.1 && whole.unwrap() == body);
    assert_ne!(sdk(Fault::WrongEtag, None).0.0, format!("\"{}\"", old.etag));
    assert!(sdk(Fault::SwapObjectAt(10, Bytes::from("new")), None).1.is_err());
    let rest = request.clone().if_match(&old.etag).range("bytes=10-").send();
    assert_eq!(code(run(rest)), "PreconditionFailed");
    assert_eq!(server.get(BUCKET, "key").unwrap().body, "new");
}

#[test]
fn drawn_faults_are_reproducible_and_a_patient_client_succeeds() {
    let decide = |seed: u64| {
        let plan = Plan::default();
        plan.chances(Chances {
            in_a_row: 3,
            ..Chances::new(seed, 500)
        });
        let decided: Vec<_> = (0..400)
            .map(|index| plan.decide(Op::GetObject, ["a", "b"][index % 2]))
            .collect();
        let of_a: Vec<_> = decided.iter().step_by(2).map(Option::is_some).collect();
        assert!(of_a.windows(4).all(|row| row.contains(&false)), "four in a row");
        assert!((100..300).contains(&plan.fired()), "{}", plan.fired());
        decided
    };
    assert_eq!(decide(1), decide(1));
    assert_ne!(decide(1), decide(2));

    // The order of keys does not matter.
    let of = |order: [&'static str; 4]| {
        let plan = Plan::default();
        plan.chances(Chances::new(9, 700));
        order.map(|key| (key, plan.decide(Op::PutObject, key)))
    };
    let (forward, mixed) = (of(["a", "a", "b", "b"]), of(["b", "a", "b", "a"]));
    assert_eq!([&forward[0], &forward[1]], [&mixed[1], &mixed[3]]);

    // Through the SDK, with more attempts than consecutive faults.
    let server = s3::Server::start();
    server.bucket(BUCKET, Options::default());
    let kinds = vec![
        Fault::Refuse,
        Fault::Status(503, "SlowDown"),
        Fault::Status(500, "InternalError"),
        Fault::LoseResponse,
    ];
    server.faults().chances(Chances {
        kinds,
        ..Chances::new(7, 400)
    });
    let patience = Patience {
        tries: 4,
        ..Patience::NONE
    };
    let client = clients::s3(&server.endpoint(), &patience);
    run(async {
        for index in 0..40 {
            let put = client.put_object().bucket(BUCKET).key(format!("{index}"));
            put.body(ByteStream::from(bytes(100, index))).send().await.unwrap();
        }
    });
    assert_eq!(server.objects(BUCKET).len(), 40);
    assert!(server.faults().fired() > 10, "{}", server.journal().text());
}

#[test]
fn a_process_is_killed_exactly_at_its_request() {
    let head = |method: &str| {
        let condition = if method == "PUT" { "\r\nif-none-match: *" } else { "" };
        format!("{method} /{BUCKET}/key HTTP/1.1\r\n{SIGNED}\r\nx-amz-content-sha256: UNSIGNED-PAYLOAD{condition}")
    };
    for moment in Moment::ALL {
        for method in ["PUT", "GET"] {
            let (server, _) = store(Options::default());
            if method == "GET" {
                server.put(BUCKET, "key", "0123456789");
            }
            let victim = Process::default();
            victim.start(Command::new("sleep").arg("600"));
            let faults = server.faults();
            faults.victim(&victim).add(Rule::new(Fault::Kill(moment)).nth(2));
            // A listing is the first request.
            let list = format!("GET /{BUCKET}?list-type=2 HTTP/1.1\r\n{SIGNED}");
            assert_eq!(by_hand(&server.endpoint(), &list, b"").0, 200);
            assert_eq!(victim.exited(), None);
            let answer = by_hand(&server.endpoint(), &head(method), b"new");
            assert_eq!(victim.wait().signal(), Some(9), "{moment:?} {method}");
            let half = method == "GET" && moment == Moment::HalfAnswered;
            let wanted = if half {
                (200, b"01234".to_vec(), None)
            } else {
                (0, Vec::new(), None)
            };
            assert_eq!(answer, wanted, "{moment:?} {method}");
            let stored = server.get(BUCKET, "key").is_some();
            assert_eq!(stored, method == "GET" || moment != Moment::Before, "{moment:?}");
            let entry = server.journal().entries().pop().unwrap();
            assert_eq!(entry.done, moment != Moment::Before);
        }
    }
}
