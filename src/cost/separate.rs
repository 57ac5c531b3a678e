//! The requests and seconds of delivering each object alone, by a job of S3 Batch Operations.

use super::{Usage, assumed};

/// Work for delivery with one output for each object and partition.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SeparateWork {
    /// Log objects.
    pub objects: f64,
    /// Bytes of their text, decompressed.
    pub text: f64,
    /// Outputs.
    pub files: f64,
    /// Pages of 1,000 keys that are listed to find the objects.
    pub pages: f64,
}

impl SeparateWork {
    /// Returns what the work uses: an invocation, a GET and its outputs for each object.
    pub fn usage(&self) -> Usage {
        Usage {
            gets: self.objects,
            lists: self.pages,
            puts: self.files,
            seconds: (self.text / assumed::TEXT_RATE + self.objects * assumed::OBJECT_ALONE) / 1e3,
            invocations: self.objects,
            batch_objects: self.objects,
            ..Usage::default()
        }
    }
}
