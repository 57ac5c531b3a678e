//! The place of a secret. The secret itself is never a setting: settings are shown in consoles, logs and lists of processes.

use std::fmt;
use std::path::PathBuf;

use crate::escape::{escaped, escaped_path};

/// The longest ARN of a secret: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>
const MAX_NAME: usize = 2_048;

/// The place of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretLocation {
    /// A file.
    File(PathBuf),
    /// The name or ARN of a secret of Secrets Manager.
    Secret(String),
    /// The name or ARN of a parameter of Systems Manager.
    Parameter(String),
}

impl SecretLocation {
    /// Parses `secretsmanager:NAME`, `ssm:NAME`, the ARN of a secret or of a parameter, `file:///PATH`, or a path that begins with
    /// `/`, `./` or `../`. Any other text could be the secret itself.
    pub fn parse(value: &str) -> Option<Self> {
        if let Some(path) = value.strip_prefix("file://") {
            return path.starts_with('/').then(|| Self::File(path.into()));
        }
        if ["/", "./", "../"].iter().any(|start| value.starts_with(start)) {
            return Some(Self::File(value.into()));
        }
        if value.starts_with("arn:") {
            return of_arn(value).filter(|_| is_name(value));
        }
        if let Some(name) = value.strip_prefix("ssm:") {
            return is_name(name).then(|| Self::Parameter(name.to_owned()));
        }
        let name = value.strip_prefix("secretsmanager:")?;
        is_name(name).then(|| Self::Secret(name.to_owned()))
    }

    /// Returns whether it can be read only from AWS.
    pub const fn needs_aws(&self) -> bool {
        !matches!(self, Self::File(_))
    }
}

/// Returns the place that `arn:PARTITION:secretsmanager:REGION:ACCOUNT:secret:NAME` or
/// `arn:PARTITION:ssm:REGION:ACCOUNT:parameter/NAME` names.
fn of_arn(text: &str) -> Option<SecretLocation> {
    let mut parts = text.splitn(6, ':').skip(2);
    let (service, resource) = (parts.next()?, parts.nth(2)?);
    let has_name = |kind| resource.strip_prefix(kind).is_some_and(|name| !name.is_empty());
    match service {
        "secretsmanager" if has_name("secret:") => Some(SecretLocation::Secret(text.to_owned())),
        "ssm" if has_name("parameter/") => Some(SecretLocation::Parameter(text.to_owned())),
        _ => None,
    }
}

/// Returns whether a text may be a name of a secret or a parameter, or an ARN.
fn is_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@-:".contains(&byte);
    !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(legal)
}

impl fmt::Display for SecretLocation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => escaped_path(path).fmt(out),
            Self::Secret(name) | Self::Parameter(name) if name.starts_with("arn:") => escaped(name).fmt(out),
            Self::Secret(name) => write!(out, "secretsmanager:{}", escaped(name)),
            Self::Parameter(name) => write!(out, "ssm:{}", escaped(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_parsed_by_scheme() {
        let secret = |name: &str| SecretLocation::Secret(name.to_owned());
        let parameter = |name: &str| SecretLocation::Parameter(name.to_owned());
        let of_store = "arn:aws:ssm:us-east-1:123456789012:parameter/alb-ingest/key";
        let of_manager = "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:alb-ingest/key-AbCdEf";
        for (value, expected) in [
            ("secretsmanager:alb-ingest/key", secret("alb-ingest/key")),
            (of_manager, secret(of_manager)),
            ("ssm:/alb-ingest/key", parameter("/alb-ingest/key")),
            (of_store, parameter(of_store)),
            ("file:///etc/key", SecretLocation::File("/etc/key".into())),
            ("/etc/key", SecretLocation::File("/etc/key".into())),
            ("./key", SecretLocation::File("./key".into())),
            ("../key", SecretLocation::File("../key".into())),
        ] {
            let parsed = SecretLocation::parse(value).unwrap();
            assert_eq!(parsed, expected, "{value}");
            assert_eq!(parsed.to_string(), value.strip_prefix("file://").unwrap_or(value));
        }
        for wrong in [
            "",
            "key",
            "ssm:",
            "ssm:a b",
            "secretsmanager:a b",
            "secretsmanager:",
            "file://key",
            "s3://bucket/key",
            "arn:aws:ssm",
            "arn:aws:ssm:us-east-1:123456789012:parameter/",
            "arn:aws:ssm:us-east-1:123456789012:secret:key",
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:",
            "arn:aws:kms:us-east-1:123456789012:key/key",
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:a\nb",
            "0123456789abcdeffedcba98765432101032547698badcfeefcdab8967452301",
            "ASNFZ4mrze/+3LqYdlQyEBAyVHaYutz+782riWdFIwE=",
        ] {
            assert_eq!(SecretLocation::parse(wrong), None, "{wrong}");
        }
    }
}
