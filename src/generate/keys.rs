//! The keys of generated objects.

use super::rng::{Rng, Stream};
use super::text::{Date, SECOND};
use super::traffic::Balancer;
use crate::formats::Format;

impl Balancer {
    /// Returns the load balancer as it appears on the lines of a format: `app/name/id`, or its name alone if it is a
    /// Classic Load Balancer.
    pub(super) fn elb(&self, format: &Format) -> String {
        match format.objects.balancer.id_prefix() {
            Some(prefix) => format!("{prefix}/{}/{}", self.name, self.id),
            None => self.name.clone(),
        }
    }
}

/// Returns the key that a load balancer gives an object whose interval ends at `end`, in microseconds since 1970. The
/// random part of the key, which differs from object to object, is derived from the seed.
pub fn object_key(format: &Format, balancer: &Balancer, end: u64, seed: u64) -> String {
    let named = [format.name, &balancer.elb(format), &balancer.node].concat();
    let mut rng = named.bytes().fold(Rng::of(seed, Stream::Name, end), |mut rng, byte| {
        Rng::of(rng.next(), Stream::Name, byte.into())
    });
    let random = (0..8).filter_map(|_| {
        u32::try_from(rng.below(36))
            .ok()
            .and_then(|digit| char::from_digit(digit, 36))
    });
    object_key_with(format, balancer, end, &random.collect::<String>())
}

/// Returns the key of [`object_key`] with the given random part.
pub fn object_key_with(format: &Format, balancer: &Balancer, end: u64, random: &str) -> String {
    let Balancer {
        account, region, node, ..
    } = balancer;
    let objects = &format.objects;
    let Date { year, month, day } = Date::of(end);
    let (hour, minute) = (end / (3600 * SECOND) % 24, end / (60 * SECOND) % 60);
    let elb = balancer.elb(format).replace('/', ".");
    let prefix = match objects.prefix {
        "" => String::new(),
        prefix => format!("{prefix}_"),
    };
    let node = if objects.node_address {
        format!("_{node}")
    } else {
        String::new()
    };
    let extension = if objects.gzip { "log.gz" } else { "log" };
    format!(
        "AWSLogs/{account}/elasticloadbalancing/{region}/{year:04}/{month:02}/{day:02}/\
         {prefix}{account}_elasticloadbalancing_{region}_{elb}_{year:04}{month:02}{day:02}T{hour:02}{minute:02}Z\
         {node}_{random}.{extension}"
    )
}
