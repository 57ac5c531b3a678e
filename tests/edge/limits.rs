//! Limits of the machine.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use alb_ingest::parse::line::time::date_text;

/// Returns a log with one event on each of `days` days.
fn log_of_days(days: i64) -> String {
    let mut log = String::new();
    for day in 20_000..20_000 + days {
        let date = date_text(day);
        writeln!(
            log,
            "https {date}T11:42:13.123456Z app/shop/7f3c9a1e5b2d4860 198.51.100.7:54321 192.0.2.10:8080 0.001 0.048 0.000 \
             200 200 350 1024 \"GET https://www.example.com:443/items HTTP/1.1\" \"curl/8.5.0\" ECDHE-RSA-AES128-GCM-SHA256 \
             TLSv1.2 - \"Root=1\""
        )
        .unwrap();
    }
    log
}

#[cfg(unix)]
#[test]
fn partitions_do_not_use_up_the_file_descriptors() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    fs::create_dir(&logs).unwrap();
    for number in 0..3 {
        fs::write(logs.join(format!("{number}.log")), log_of_days(300)).unwrap();
    }
    let done = Command::new("sh")
        .args([
            "-c",
            "ulimit -n 180 && exec \"$0\" run logs --to out --format json --jobs 3",
        ])
        .arg(env!("CARGO_BIN_EXE_alb-ingest"))
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (report, errors) = (text(done.stdout), text(done.stderr));
    assert!(done.status.success(), "{report}\n{errors}");
    assert!(report.contains("900 files written"), "{report}");
}
