//! Reading from and writing to S3, against a strict S3 server that injects the faults of a plan. Tests compare with the
//! server's store and journal.

mod chaos;
mod environment;
mod lists;
mod parts;
mod reads;
mod refusals;
mod rig;
mod writes;
