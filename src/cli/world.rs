//! The world that a command works in.

use std::path::PathBuf;

use crate::config::StorageOptions;
use crate::local::Folders;
use crate::trigger::ObjectRequest;
use crate::world::World;

#[cfg(feature = "aws")]
use crate::everywhere::Everywhere;

use super::Stop;

/// The world that a command works in.
pub(super) enum Ends {
    /// Folders, those below the root in the place of buckets.
    Folders(Folders),
    /// Folders, and AWS.
    #[cfg(feature = "aws")]
    Everywhere(Box<Everywhere>),
}

impl Ends {
    /// Folders alone.
    pub(super) const fn folders(root: Option<PathBuf>) -> Self {
        Self::Folders(Folders::new(root))
    }

    /// Folders, and AWS as its own environment says.
    #[cfg(feature = "aws")]
    pub(super) fn everywhere() -> Result<Self, Stop> {
        match Everywhere::start() {
            Ok(world) => Ok(Self::Everywhere(Box::new(world))),
            Err(error) => Err(Stop::Usage(error.to_string())),
        }
    }

    /// As [`Ends::everywhere`], where this build knows no AWS.
    #[cfg(not(feature = "aws"))]
    pub(super) fn everywhere() -> Result<Self, Stop> {
        Err(no_aws())
    }

    /// The world.
    pub(super) fn world(&self) -> &dyn World {
        match self {
            Self::Folders(world) => world,
            #[cfg(feature = "aws")]
            Self::Everywhere(world) => world.as_ref(),
        }
    }

    /// The world, for good.
    pub(super) fn into_world(self) -> Box<dyn World> {
        match self {
            Self::Folders(world) => Box::new(world),
            #[cfg(feature = "aws")]
            Self::Everywhere(world) => world,
        }
    }

    /// The objects at `bucket/prefix`.
    #[cfg_attr(
        not(feature = "aws"),
        expect(unused_variables, reason = "without AWS nothing can be asked")
    )]
    pub(super) fn list(&self, place: &str, options: &StorageOptions) -> Result<Vec<ObjectRequest>, Stop> {
        match self {
            Self::Folders(_) => Err(no_aws()),
            #[cfg(feature = "aws")]
            Self::Everywhere(world) => {
                let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
                world
                    .list(bucket, prefix, options)
                    .map_err(|error| Stop::Failed(error.to_string()))
            }
        }
    }
}

impl std::fmt::Debug for Ends {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Folders(_) => "Folders",
            #[cfg(feature = "aws")]
            Self::Everywhere(_) => "Everywhere",
        })
    }
}

fn no_aws() -> Stop {
    Stop::Usage(
        "this build knows no AWS; build it with the feature aws, or name folders in the place of buckets with --bucket-root"
            .to_owned(),
    )
}
