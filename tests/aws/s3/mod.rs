//! S3 in and out, against a strict S3 that breaks what a fault plan says. The server's store and journal are what
//! counts.

mod chaos;
mod environment;
mod lists;
mod parts;
mod reads;
mod refusals;
mod rig;
mod writes;
