//! Files and folders in place of S3.

mod directory;
mod files;
mod folders;
mod stdout;

pub use directory::Directory;
pub use files::{LocalObject, Place, walk};
pub use folders::Folders;
pub use stdout::Stdout;
