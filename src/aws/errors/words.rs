//! What a failure is called, and what to do about it.

use std::fmt::Write as _;

use super::{Action, Class, Failure, Place};

impl Failure {
    /// What happened and what to do about it.
    pub(super) fn text(&self, place: Place<'_>) -> String {
        let mut text = match self.class {
            Class::Missing if place.versioned => "there is no such version of the object".to_owned(),
            Class::Missing => "there is no such object".to_owned(),
            Class::NoBucket => "there is no bucket of this name; look at how it is written".to_owned(),
            Class::Denied => denied(place),
            Class::KeyDenied if place.action == Action::Write => {
                "the bucket's KMS key is denied: allow kms:GenerateDataKey and kms:Decrypt on it, in the role and in the key's policy".to_owned()
            }
            Class::KeyDenied => {
                "the object's KMS key is denied: allow kms:Decrypt on it, in the role and in the key's policy".to_owned()
            }
            Class::KeyUnusable => "the KMS key cannot be used: look whether it is disabled or to be deleted".to_owned(),
            Class::CustomerKey => {
                "the object is encrypted with a key of who wrote it (SSE-C), which this program does not have".to_owned()
            }
            Class::Archived => "the object lies in an archive: restore it, then send it again".to_owned(),
            Class::WrongRegion => {
                let bucket = self.region.as_deref().unwrap_or("another region");
                format!(
                    "the bucket is in {bucket}, and was asked for in {}: work in the bucket's region (AWS_REGION)",
                    place.region
                )
            }
            Class::ExpiredCredentials => "the credentials have expired".to_owned(),
            Class::NoCredentials => {
                "no credentials were found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".to_owned()
            }
            Class::BadCredentials => "AWS does not accept the credentials; look whether they are of the right account and whole".to_owned(),
            Class::ClockSkew => "AWS does not accept the request's time: the clock of this machine is wrong".to_owned(),
            Class::Precondition | Class::Overwritten => {
                "the object was overwritten, and the one asked for is gone; the new one is an object of its own".to_owned()
            }
            Class::Conflict => "other requests about the same key were in the way each time".to_owned(),
            Class::NoUpload => {
                "the multipart upload is gone before it was complete; look whether a lifecycle rule of the bucket aborts uploads so early".to_owned()
            }
            Class::Throttled => "S3 asks for fewer requests".to_owned(),
            Class::ServerError => "S3 failed".to_owned(),
            Class::Network => "no answer: the connection broke or never stood; look whether the network leads to S3".to_owned(),
            Class::TimedOut => "no answer in time".to_owned(),
            Class::Deadline => "the time that this may take is over".to_owned(),
            Class::BrokenBody => "the bytes stopped before their end, each time they were asked for".to_owned(),
            Class::Stalled => "no more bytes came, each time they were asked for".to_owned(),
            Class::Checksum => "the bytes that came have another checksum than the object".to_owned(),
            Class::Nonsense => "the answer does not fit the request: another length, range or etag".to_owned(),
            Class::Restless => "the object is overwritten again and again".to_owned(),
            Class::Local => "there is no room for it in the folder for temporary files".to_owned(),
            Class::Other => "S3 refuses the request".to_owned(),
        };
        let status = self.status.map(|status| status.to_string());
        let request = self.request.as_ref().map(|id| format!("request {id}"));
        let facts: Vec<&str> = [status.as_deref(), self.code.as_deref(), request.as_deref()]
            .into_iter()
            .flatten()
            .collect();
        if !facts.is_empty() {
            // Writing to a String does not fail.
            let _ = write!(text, " ({})", facts.join(", "));
        }
        text
    }
}

/// What to look at when access is denied.
fn denied(place: Place<'_>) -> String {
    let mut text = "access denied: ".to_owned();
    text.push_str(match place.action {
        Action::Read if place.versioned => "allow s3:GetObjectVersion on the object, if it is there",
        Action::Read => "allow s3:GetObject on the object, if it is there",
        Action::List => "allow s3:ListBucket on the bucket",
        Action::Write => "allow s3:PutObject and s3:AbortMultipartUpload below the destination",
        Action::Look => "an output is there already; allow s3:GetObject below the destination to see whose it is",
    });
    if place.action == Action::Read {
        text.push_str("; without s3:ListBucket on the bucket, a missing object is denied as well");
    }
    if matches!(place.action, Action::Read | Action::List) && !place.requester_pays {
        text.push_str("; a bucket with Requester Pays wants REQUESTER_PAYS true");
    }
    if let Some(owner) = place.owner {
        let setting = match place.action {
            Action::Read | Action::List => "SOURCE_OWNER",
            Action::Write | Action::Look => "DESTINATION_OWNER",
        };
        let _ = write!(
            text,
            "; {setting} is {owner}, and the bucket may belong to another account"
        );
    }
    text
}
