//! Files and folders in place of S3.

mod directory;
mod files;
mod stdout;

pub use directory::Directory;
pub use files::{LocalObject, Place, walk};
pub use stdout::Stdout;
