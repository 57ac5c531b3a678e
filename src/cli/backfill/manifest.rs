//! A manifest for S3 Batch Operations, which sends each object to the function.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::config::Config;
use crate::escape::escaped;
use crate::object::ObjectRequest;

use super::super::Stop;
use super::super::new_file::NewFile;

/// The characters that a manifest encodes in keys. A slash stays.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/specify-batchjob-manifest.html>
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A manifest that is being written.
pub(super) struct Manifest {
    file: NewFile,
    objects: u64,
}

impl Manifest {
    /// Creates the file, which must not exist.
    pub(super) fn create(path: &str, config: &Config) -> Result<Self, Stop> {
        debug_assert!(config.merge.is_none(), "checked with the settings");
        Ok(Self {
            file: NewFile::create(path)?,
            objects: 0,
        })
    }

    /// Adds an object.
    pub(super) fn add(&mut self, object: &ObjectRequest) -> Result<(), Stop> {
        self.objects += 1;
        let key = utf8_percent_encode(&object.key, ENCODED);
        self.file.line(&format!("{},{key}", object.bucket))
    }

    /// Writes the rest, and returns what to do with the manifest.
    pub(super) fn finish(self) -> Result<String, Stop> {
        let Self { file, objects } = self;
        let path = escaped(file.path());
        let text = format!(
            "\n{objects} objects written to {path}. Upload it, and create a job with the role and the function of the stack:\n\n\
             aws s3 cp {path} s3://MANIFEST_BUCKET/manifest.csv\n\
             aws s3control create-job --account-id ACCOUNT --no-confirmation-required --priority 10 \\\n  \
             --operation '{{\"LambdaInvoke\":{{\"FunctionArn\":\"FUNCTION_ARN\",\"InvocationSchemaVersion\":\"1.0\"}}}}' \\\n  \
             --manifest '{{\"Spec\":{{\"Format\":\"S3BatchOperations_CSV_20180820\",\"Fields\":[\"Bucket\",\"Key\"]}},\"Location\":{{\"ObjectArn\":\"arn:aws:s3:::MANIFEST_BUCKET/manifest.csv\",\"ETag\":\"MANIFEST_ETAG\"}}}}' \\\n  \
             --report '{{\"Enabled\":true,\"Bucket\":\"arn:aws:s3:::MANIFEST_BUCKET\",\"Format\":\"Report_CSV_20180820\",\"Prefix\":\"reports\",\"ReportScope\":\"FailedTasksOnly\"}}' \\\n  \
             --role-arn BATCH_ROLE_ARN\n\n\
             docs/guide/recipes.md shows how the stack's outputs fill in the capitals.\n"
        );
        file.finish()?;
        Ok(text)
    }
}
