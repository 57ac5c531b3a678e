//! What an operator reads about a failure: what happened and what to do about it.

use std::fmt::Write as _;

use crate::storage::Operation;
use crate::storage::temporary::ADVICE;

use super::{Class, Context, Failure, Resource};

impl Failure {
    /// Returns what happened, what to do about it, and the facts of the response.
    pub(crate) fn message(&self, context: &Context<'_>) -> String {
        let advice = match context.resource {
            Resource::Object { .. } => self.about_object(context),
            Resource::Stream(_) => self.about_stream(),
            Resource::Queue(_) => self.about_queue(),
            Resource::Secret(_) => self.about_secret(),
            Resource::Parameter(_) => self.about_parameter(),
        };
        advice + &self.facts()
    }

    /// Returns status, code and request id in parentheses, as far as they are known.
    pub(super) fn facts(&self) -> String {
        let status = self.status.map(|status| status.to_string());
        let request = self.request.as_ref().map(|id| format!("request {id}"));
        let facts: Vec<&str> = [status.as_deref(), self.code.as_deref(), request.as_deref()]
            .into_iter()
            .flatten()
            .collect();
        if facts.is_empty() {
            String::new()
        } else {
            format!(" ({})", facts.join(", "))
        }
    }

    fn about_object(&self, context: &Context<'_>) -> String {
        let Context {
            operation,
            resource,
            region,
        } = *context;
        let is_versioned = matches!(resource, Resource::Object { versioned: true, .. });
        match self.class {
            Class::NotFound if is_versioned => "no such version of the object".to_owned(),
            Class::NotFound => "no such object".to_owned(),
            Class::NoBucket => "no bucket has this name; check its spelling".to_owned(),
            Class::Denied => denied(operation, resource),
            Class::KeyDenied if operation == Operation::Write => {
                "access to the bucket's KMS key is denied: allow kms:GenerateDataKey and kms:Decrypt on it, in the role's policy and in the key's policy".to_owned()
            }
            Class::KeyDenied => {
                "access to the object's KMS key is denied: allow kms:Decrypt on it, in the role's policy and in the key's policy".to_owned()
            }
            Class::KeyUnusable => {
                "the KMS key cannot be used: check whether it is disabled or pending deletion".to_owned()
            }
            Class::WrongRegion => {
                let bucket = self.region.as_deref().unwrap_or("another region");
                format!(
                    "the bucket is in {bucket}, but was requested in {region}: work in the bucket's region (AWS_REGION)"
                )
            }
            Class::CustomerKey => {
                "the object is encrypted with a customer-provided key (SSE-C), which this program does not have"
                    .to_owned()
            }
            Class::Archived => "the object is archived: restore it, then send it again".to_owned(),
            Class::Precondition | Class::Overwritten => {
                "the object was overwritten and the requested version is gone; the new object is ingested on its own"
                    .to_owned()
            }
            Class::ConcurrentlyModified => "the object is being overwritten again and again".to_owned(),
            Class::Conflict => "other requests for the same key conflicted with every attempt".to_owned(),
            Class::NoUpload => {
                "the multipart upload is gone but was not completed; check whether a lifecycle rule of the bucket aborts uploads too early".to_owned()
            }
            Class::Throttled => "throttled: S3 asks for fewer requests".to_owned(),
            Class::InvalidResponse => {
                "invalid response from S3: length, range or ETag does not match the request".to_owned()
            }
            Class::Checksum => "the received bytes do not match the object's checksum".to_owned(),
            Class::BrokenBody => "the bytes stopped before their end on every attempt".to_owned(),
            Class::Stalled => "the bytes stalled on every attempt".to_owned(),
            _ => self.about_service("S3"),
        }
    }

    fn about_stream(&self) -> String {
        match self.class {
            Class::NotFound => {
                "no such stream: create it, or correct DESTINATION, the region or the account".to_owned()
            }
            Class::Denied => "access denied: allow firehose:PutRecordBatch on the stream".to_owned(),
            Class::KeyDenied => {
                "access to the stream's KMS key is denied: allow its use in the role's policy and in the key's policy"
                    .to_owned()
            }
            Class::KeyUnusable => {
                "the KMS key that encrypts the stream cannot be used: check whether it is disabled, and Firehose's grant on it".to_owned()
            }
            Class::Throttled => "throttled: Firehose asks for fewer records".to_owned(),
            Class::InvalidResponse => "invalid response from Firehose: it does not match the request".to_owned(),
            _ => self.about_service("Firehose"),
        }
    }

    fn about_queue(&self) -> String {
        match self.class {
            Class::NotFound => "no such queue: create it, or correct its URL, the region or the account".to_owned(),
            Class::Denied => "access denied: allow sqs:SendMessage on the queue".to_owned(),
            Class::KeyDenied => {
                "access to the queue's KMS key is denied: allow kms:GenerateDataKey and kms:Decrypt on it, in the role's policy and in the key's policy".to_owned()
            }
            Class::KeyUnusable => {
                "the KMS key of the queue cannot be used: check whether it is disabled or pending deletion".to_owned()
            }
            Class::Throttled => "throttled: SQS asks for fewer messages".to_owned(),
            _ => self.about_service("SQS"),
        }
    }

    fn about_secret(&self) -> String {
        match self.class {
            Class::NotFound => "no such secret: create it, or correct its name, the region or the account".to_owned(),
            Class::Denied => "access denied: allow secretsmanager:GetSecretValue on the secret".to_owned(),
            Class::KeyDenied => {
                "access to the secret's KMS key is denied: allow kms:Decrypt on it, in the role's policy and in the key's policy".to_owned()
            }
            Class::KeyUnusable => {
                "the KMS key of the secret cannot be used: check whether it is disabled or pending deletion".to_owned()
            }
            Class::Throttled => "throttled: Secrets Manager asks for fewer requests".to_owned(),
            Class::NoText => "the secret has no text: store it as a string, not as binary data".to_owned(),
            Class::Other => {
                "Secrets Manager rejected the request: check the name, and whether the secret is scheduled for deletion".to_owned()
            }
            _ => self.about_service("Secrets Manager"),
        }
    }

    fn about_parameter(&self) -> String {
        match self.class {
            Class::NotFound => "no such parameter: create it, or correct its name, the region or the account".to_owned(),
            Class::Denied => "access denied: allow ssm:GetParameter on the parameter".to_owned(),
            Class::KeyDenied => {
                "access to the parameter's KMS key is denied: allow kms:Decrypt on it, in the role's policy and in the key's policy".to_owned()
            }
            Class::KeyUnusable => {
                "the KMS key of the parameter cannot be used: check whether it is disabled or pending deletion".to_owned()
            }
            Class::Throttled => "throttled: Systems Manager asks for fewer requests".to_owned(),
            Class::NoText => "the parameter has no value".to_owned(),
            Class::Other => "Systems Manager rejected the request: check the name".to_owned(),
            _ => self.about_service("Systems Manager"),
        }
    }

    /// Returns what does not depend on the kind of resource.
    fn about_service(&self, service: &str) -> String {
        match self.class {
            Class::ExpiredCredentials => "the credentials have expired".to_owned(),
            Class::NoCredentials => {
                "no credentials found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".to_owned()
            }
            Class::BadCredentials => {
                "AWS rejected the credentials: check that they are complete and belong to the right account, and the clock of this machine".to_owned()
            }
            Class::ClockSkew => "AWS rejected the request's time: the clock of this machine is wrong".to_owned(),
            Class::ServerError => format!("{service} failed with an internal error"),
            Class::Network => format!(
                "could not reach {service}: the connection failed or was reset; check the route to {service}"
            ),
            Class::TimedOut => "no response in time".to_owned(),
            Class::Deadline => "out of time: the deadline has passed".to_owned(),
            Class::TemporaryFile => ADVICE.to_owned(),
            Class::InvalidSource => {
                "the stream does not take records: its source must be Direct PUT, without decompression of CloudWatch Logs".to_owned()
            }
            Class::InvalidRequest => format!(
                "{service} rejected the request: check the state and settings of the destination; please report this if they are correct"
            ),
            Class::WrongEndpoint => format!(
                "the endpoint does not know the request: check that it is {service}; please report this if it is"
            ),
            Class::NotBuilt => {
                "the request could not be built: check the region and the endpoint; please report this if they are correct".to_owned()
            }
            // Those that the callers describe are rejections of this service if they come from another one.
            Class::NotFound
            | Class::NoBucket
            | Class::Denied
            | Class::KeyDenied
            | Class::KeyUnusable
            | Class::CustomerKey
            | Class::Archived
            | Class::WrongRegion
            | Class::Precondition
            | Class::Conflict
            | Class::NoUpload
            | Class::Throttled
            | Class::BrokenBody
            | Class::Stalled
            | Class::Checksum
            | Class::InvalidResponse
            | Class::Overwritten
            | Class::ConcurrentlyModified
            | Class::NoText
            | Class::Other => format!("{service} rejected the request"),
        }
    }
}

/// Returns what to check if access to an object is denied.
fn denied(operation: Operation, resource: Resource<'_>) -> String {
    let Resource::Object {
        versioned,
        requester_pays,
        owner,
        ..
    } = resource
    else {
        return "access denied".to_owned();
    };
    let mut text = "access denied: ".to_owned();
    text.push_str(match operation {
        Operation::Read if versioned => "allow s3:GetObjectVersion on the object, if it exists",
        Operation::Read => "allow s3:GetObject on the object, if it exists",
        Operation::List => "allow s3:ListBucket on the bucket",
        Operation::Write => "allow s3:PutObject and s3:AbortMultipartUpload below the destination",
        Operation::Inspect => {
            "an output already exists; allow s3:GetObject below the destination to inspect whose it is"
        }
        Operation::Send => "allow sqs:SendMessage on the queue",
    });
    if operation == Operation::Read {
        text.push_str("; without s3:ListBucket on the bucket, S3 denies access to missing objects as well");
    }
    let reads = matches!(operation, Operation::Read | Operation::List);
    if reads && !requester_pays {
        text.push_str("; a Requester Pays bucket needs REQUESTER_PAYS true");
    }
    if let Some(owner) = owner {
        let setting = if reads { "SOURCE_OWNER" } else { "DESTINATION_OWNER" };
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "; {setting} is {owner}, and the bucket may belong to another account"
        );
    }
    text
}
