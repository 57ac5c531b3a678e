//! Clients from the AWS environment variables. A process has one environment, so each case runs this test again in a
//! new process with its variables.

use std::process::{Command, Output};

use alb_ingest::deadline::Deadline;
use alb_ingest::object::ObjectRequest;
use alb_ingest::storage::aws::{BackgroundRuntime, Clients, Tuning};
use alb_ingest::storage::s3::S3;
use alb_ingest::storage::{S3ReadOptions, S3WriteOptions, Storage as _};

use super::rig::{LOGS, Rig};
use crate::servers::fault::Op;
use crate::servers::s3::Options;

/// The variable with the file that the new process writes its result to.
const SAYS: &str = "ALB_INGEST_TEST_SAYS";
const NAME: &str = "s3::environment::clients_are_configured_by_the_environment";

/// Reads the object with clients from the environment; returns its bytes or the error.
fn child() -> String {
    let background = BackgroundRuntime::start().unwrap();
    let clients = match background.wait(Clients::load(Tuning::default())) {
        Ok(clients) => clients,
        Err(error) => return error.to_string(),
    };
    let region = clients.region().to_owned();
    let storage = S3::new(clients, S3ReadOptions::default(), S3WriteOptions::default());
    let source = storage.source(Deadline::NONE);
    let request = ObjectRequest {
        bucket: LOGS.to_owned(),
        key: "key".to_owned(),
        ..ObjectRequest::default()
    };
    match source.open(&request) {
        Ok(mut body) => {
            let bytes = body.next_chunk().unwrap().unwrap().to_vec();
            format!("{region}: {}", String::from_utf8(bytes).unwrap())
        }
        Err(error) => error.to_string(),
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a variable selects the case")]
fn clients_are_configured_by_the_environment() {
    if let Some(says) = std::env::var_os(SAYS) {
        return std::fs::write(says, child()).unwrap();
    }
    let rig = Rig::new();
    rig.server.bucket(
        LOGS,
        Options {
            region: "eu-central-1".to_owned(),
            ..Options::default()
        },
    );
    rig.server.put(LOGS, "key", "content of the object");
    let home = tempfile::tempdir().unwrap();
    let [config, empty, says] = ["config", "empty", "says"].map(|name| home.path().join(name));
    let endpoint = rig.server.endpoint();
    let profile = format!(
        "[profile logs]\nregion = eu-central-1\nendpoint_url = {endpoint}\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = secret\n"
    );
    std::fs::write(&config, profile).unwrap();
    std::fs::write(&empty, "").unwrap();
    let run = |variables: &[(&str, &str)]| -> String {
        let _ = std::fs::remove_file(&says);
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args([NAME, "--exact"])
            .env_clear()
            .env(SAYS, &says)
            .env("AWS_CONFIG_FILE", &empty)
            .env("AWS_SHARED_CREDENTIALS_FILE", &empty)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(variables.iter().copied());
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = String::from_utf8(stdout).unwrap();
        assert!(status.success(), "{text}{}", String::from_utf8(stderr).unwrap());
        std::fs::read_to_string(&says).unwrap()
    };
    let keys = [("AWS_ACCESS_KEY_ID", "AKIDTEST"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    let region = ("AWS_REGION", "eu-central-1");

    let said = run(&keys);
    assert!(said.contains("set AWS_REGION, or region in the profile"), "{said}");
    for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"] {
        let said = run(&[keys[0], keys[1], region, (name, &endpoint)]);
        assert_eq!(said, "eu-central-1: content of the object", "{name}");
    }
    let config = config.to_str().unwrap();
    let said = run(&[("AWS_PROFILE", "logs"), ("AWS_CONFIG_FILE", config)]);
    assert_eq!(said, "eu-central-1: content of the object");
    let said = run(&[region, ("AWS_ENDPOINT_URL", &endpoint)]);
    assert!(said.contains("no credentials found: set AWS_PROFILE"), "{said}");
    let said = run(&[
        keys[0],
        keys[1],
        ("AWS_REGION", "us-east-2"),
        ("AWS_ENDPOINT_URL", &endpoint),
    ]);
    assert!(
        said.contains("in eu-central-1, but was requested in us-east-2"),
        "{said}"
    );

    let gets = rig.server.journal().of(Op::GetObject);
    let agent = gets[0].header("x-amz-user-agent").unwrap();
    assert!(agent.contains("app/alb-ingest-"), "{agent}");
    assert_eq!(
        rig.server.journal().entries().len(),
        gets.len(),
        "nothing but what was asked for"
    );
}
