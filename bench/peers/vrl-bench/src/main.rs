//! `vrl-bench MODE FILE`: what VRL does with every line of a plain access log.
//!
//! Modes: `read-only` reads the file and does nothing, the baseline to subtract; `parse` is `parse_aws_alb_log` alone,
//! in a compiled program; `typed` converts times, status codes and ports as well; `json` writes what `parse` gives.
//! Prints the lines that were read, those that failed, and the bytes of JSON.

use std::error::Error;
use std::hint::black_box;
use std::io::{BufRead as _, BufReader, Read as _};
use std::{env, fs::File};

use vrl::compiler::runtime::Runtime;
use vrl::compiler::state::{ExternalEnv, LocalEnv, RuntimeState};
use vrl::compiler::{CompileConfig, Function, Program, TargetValue, TimeZone, TypeState, compile_with_state};
use vrl::value::kind::{Collection, Kind};
use vrl::value::{Secrets, Value};

/// As much as alb-ingest reads at a time.
const BLOCK: usize = 256 * 1024;

const PARSE: &str = "parse_aws_alb_log!(., strict_mode: false)";
const JSON: &str = "encode_json(parse_aws_alb_log!(., strict_mode: false))";
/// The function leaves times, status codes and `address:port` as text.
const TYPED: &str = r#"
log = parse_aws_alb_log!(., strict_mode: false)
log.timestamp = parse_timestamp!(log.timestamp, "%+")
log.request_creation_time = parse_timestamp!(log.request_creation_time, "%+")
log.elb_status_code = to_int!(log.elb_status_code)
if log.target_status_code != null { log.target_status_code = to_int!(log.target_status_code) }
client = split!(log.client_host, ":")
log.client_port = to_int!(client[-1])
log.client_ip = join!(slice!(client, 0, -1), ":")
if log.target_host != null {
    target = split!(log.target_host, ":")
    log.target_port = to_int!(target[-1])
    log.target_ip = join!(slice!(target, 0, -1), ":")
}
log
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let (Some(mode), Some(path)) = (args.next(), args.next()) else {
        return Err("usage: vrl-bench read-only|parse|typed|json FILE".into());
    };
    let mut file = BufReader::with_capacity(BLOCK, File::open(path)?);
    let source = match mode.as_str() {
        "read-only" => {
            let mut block = vec![0; BLOCK];
            while file.read(&mut block)? > 0 {
                black_box(&block);
            }
            return Ok(());
        }
        "parse" => PARSE,
        "typed" => TYPED,
        "json" => JSON,
        other => return Err(format!("no mode {other}").into()),
    };
    let program = compile(source)?;
    let mut runtime = Runtime::new(RuntimeState::default());
    let zone = TimeZone::default();
    let (mut lines, mut failed, mut written) = (0_u64, 0_u64, 0_u64);
    let mut line = Vec::new();
    while file.read_until(b'\n', &mut line)? > 0 {
        lines += 1;
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let mut target = TargetValue {
            value: Value::from(text),
            metadata: Value::Null,
            secrets: Secrets::new(),
        };
        match black_box(runtime.resolve(&mut target, &program, &zone)) {
            Ok(value) => written += value.as_bytes().map_or(0, |json| json.len() as u64 + 1),
            Err(error) => {
                if failed == 0 {
                    eprintln!("vrl-bench: line {lines}: {error}");
                }
                failed += 1;
            }
        }
        runtime.clear();
        line.clear();
    }
    println!("{{\"lines\":{lines},\"failed\":{failed},\"bytes\":{written}}}");
    Ok(())
}

/// Compiles a program whose event is the line itself.
fn compile(source: &str) -> Result<Program, Box<dyn Error>> {
    let functions: Vec<Box<dyn Function>> = vec![
        Box::new(vrl::stdlib::ParseAwsAlbLog),
        Box::new(vrl::stdlib::ParseTimestamp),
        Box::new(vrl::stdlib::EncodeJson),
        Box::new(vrl::stdlib::ToInt),
        Box::new(vrl::stdlib::Split),
        Box::new(vrl::stdlib::Slice),
        Box::new(vrl::stdlib::Join),
    ];
    let state = TypeState {
        local: LocalEnv::default(),
        external: ExternalEnv::new_with_kind(Kind::bytes(), Kind::object(Collection::empty())),
    };
    let compiled = compile_with_state(source, &functions, &state, CompileConfig::default())
        .map_err(|errors| format!("{errors:?}"))?;
    Ok(compiled.program)
}
