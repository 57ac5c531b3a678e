//! A strict server of Secrets Manager (`GetSecretValue`) and of Systems Manager (`GetParameter`), both over AWS JSON 1.1.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::fault::{Fault, Op, Plan};
use super::http::{Call, Host, Reply, Service};

/// A running server with secrets.
pub(crate) struct Server {
    host: Host,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// The text of each secret by its name; `None` is a binary secret.
    secrets: Mutex<BTreeMap<String, Option<String>>>,
    calls: Mutex<u64>,
    faults: Plan,
}

impl Server {
    pub(crate) fn start() -> Self {
        let shared = Arc::new(Shared::default());
        Self {
            host: Host::start(shared.clone()),
            shared,
        }
    }

    /// `http://127.0.0.1:PORT`
    pub(crate) fn endpoint(&self) -> String {
        self.host.endpoint()
    }

    /// Sets the text of a secret; `None` makes it a binary one.
    pub(crate) fn put(&self, name: &str, text: Option<&str>) {
        let mut secrets = self.shared.secrets.lock().unwrap();
        secrets.insert(name.to_owned(), text.map(str::to_owned));
    }

    /// Returns the ARN of a secret.
    pub(crate) fn arn(name: &str) -> String {
        format!("arn:aws:secretsmanager:us-east-1:123456789012:secret:{name}-AbCdEf")
    }

    /// Returns the ARN of the parameter with the same text, whose name begins with a slash.
    pub(crate) fn parameter_arn(name: &str) -> String {
        format!("arn:aws:ssm:us-east-1:123456789012:parameter/{name}")
    }

    pub(crate) fn faults(&self) -> &Plan {
        &self.shared.faults
    }

    /// Returns the number of calls.
    pub(crate) fn calls(&self) -> u64 {
        *self.shared.calls.lock().unwrap()
    }
}

impl Service for Shared {
    async fn answer(&self, call: Call) -> Option<Reply> {
        *self.calls.lock().unwrap() += 1;
        let refuse = |status, code: &str| {
            let body = json!({"__type": code, "Message": "as AWS says it"});
            Some(Reply::new(status, body.to_string()))
        };
        match self.faults.decide(Op::GetSecretValue, "secrets") {
            Some(Fault::Refuse) => return None,
            Some(Fault::Status(status, code)) => return refuse(status, code),
            _ => {}
        }
        let (service, id) = match call.header("x-amz-target") {
            Some("secretsmanager.GetSecretValue") => ("secretsmanager", "SecretId"),
            Some("AmazonSSM.GetParameter") => ("ssm", "Name"),
            _ => return refuse(400, "UnknownOperationException"),
        };
        let signed = call.header("authorization").unwrap_or_default();
        if !signed.contains(&format!("/us-east-1/{service}/aws4_request")) {
            return refuse(403, "InvalidSignatureException");
        }
        let body: Value = serde_json::from_slice(&call.body).unwrap();
        let id = body[id].as_str().unwrap();
        let secrets = self.secrets.lock().unwrap();
        let found = secrets.iter().find(|(name, _)| match service {
            "ssm" => id.strip_prefix('/') == Some(name) || id == Server::parameter_arn(name),
            _ => id == name.as_str() || id == Server::arn(name),
        });
        let Some((name, text)) = found else {
            let code = if service == "ssm" {
                "ParameterNotFound"
            } else {
                "ResourceNotFoundException"
            };
            return refuse(400, code);
        };
        if service == "ssm" {
            // What the service returns without it is encrypted.
            let value = text.as_ref().filter(|_| body["WithDecryption"] == true);
            let parameter = json!({"Name": name, "Type": "SecureString", "Version": 1, "Value": value});
            return Some(Reply::new(200, json!({"Parameter": parameter}).to_string()));
        }
        let mut answer =
            json!({"ARN": Server::arn(name), "Name": name, "VersionId": "EXAMPLE", "VersionStages": ["AWSCURRENT"]});
        match text {
            Some(text) => answer["SecretString"] = json!(text),
            None => answer["SecretBinary"] = json!("c2VjcmV0"),
        }
        Some(Reply::new(200, answer.to_string()))
    }
}
