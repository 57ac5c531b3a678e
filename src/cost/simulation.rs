//! Simulates the looks at a folder: when objects arrive, when the schedule looks, and when enough of them are ready.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of objects and seconds far below 2^52 that are not negative"
)]

use super::MergedWork;

/// The seconds of a day.
const DAY: u64 = 86_400;
/// The keys of a page of a listing.
const PAGE: u64 = 1_000;
/// The days that the daily sweep looks at, and those of them that every window looks at.
const SWEPT: u64 = 14;
const LIVE: u64 = 2;
/// The looks in the windows that begin 6, 24 and 48 hours after the end of a day, of which two are within the next day.
const LATE: u64 = 1;

/// The objects of a folder, which arrive evenly over its day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FolderLoad {
    /// Objects a day.
    pub objects: u64,
    /// Bytes of an object.
    pub bytes: f64,
    /// Bytes of the text of an object.
    pub text: f64,
    /// Files that a plan publishes.
    pub files: f64,
}

/// How the function merges. The fields are those of the settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// Seconds between two looks.
    pub window: u64,
    /// Seconds after the end of an interval.
    pub grace: u64,
    /// The most seconds that an object waits for others.
    pub max_wait: u64,
    /// Objects that are enough to merge.
    pub enough_objects: u64,
    /// Bytes that are enough to merge.
    pub enough_bytes: f64,
    /// The most objects of a plan.
    pub max_objects: u64,
    /// The most bytes of a plan.
    pub max_bytes: f64,
}

impl Schedule {
    /// Returns the work that the objects of one day make in one folder. Without the schedule's own invocations, which many
    /// folders share.
    pub fn simulate(&self, load: &FolderLoad) -> MergedWork {
        let mut work = MergedWork {
            objects: load.objects as f64,
            text: load.objects as f64 * load.text,
            ..MergedWork::default()
        };
        let (mut merged, mut plans) = (0, 0_u64);
        for look in 0..LIVE * DAY / self.window {
            let now = look * self.window;
            let listed = arrived(load, now);
            let ready = arrived(load, now.saturating_sub(self.grace)) - merged;
            add_look(&mut work, listed, plans);
            let bytes = ready as f64 * load.bytes;
            let oldest = merged * DAY / load.objects.max(1) + self.grace;
            let is_enough = ready >= self.enough_objects || bytes >= self.enough_bytes;
            if ready > 0 && (is_enough || now.saturating_sub(oldest) >= self.max_wait || now >= DAY + self.max_wait) {
                let needed = ready
                    .div_ceil(self.max_objects)
                    .max((bytes / self.max_bytes).ceil() as u64);
                merged += ready;
                plans += needed;
            }
        }
        for _ in 0..LATE + SWEPT - LIVE {
            add_look(&mut work, load.objects, plans);
        }
        work.plans = plans as f64;
        work.files = plans as f64 * load.files;
        work
    }
}

/// Returns the number of objects that exist at a time, in seconds after the beginning of the day.
fn arrived(load: &FolderLoad, seconds: u64) -> u64 {
    load.objects * seconds.min(DAY) / DAY
}

/// Adds a look at a folder with this number of objects, whose log has this number of plans.
fn add_look(work: &mut MergedWork, objects: u64, plans: u64) {
    work.looks += 1.0;
    work.source_pages += objects.div_ceil(PAGE).max(1) as f64;
    // Plans repeat the members of those before them, so few are read.
    work.plans_read += f64::from(plans.count_ones());
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: Schedule = Schedule {
        window: 3_600,
        grace: 600,
        max_wait: 7_200,
        enough_objects: 100,
        enough_bytes: 16e6,
        max_objects: 5_000,
        max_bytes: 256e6,
    };

    fn plans(objects: u64, schedule: Schedule) -> f64 {
        let load = FolderLoad {
            objects,
            bytes: 1_600.0,
            text: 6_800.0,
            files: 1.0,
        };
        let work = schedule.simulate(&load);
        assert!(
            (work.looks - 61.0).abs() < 0.1 || schedule.window != 3_600,
            "{}",
            work.looks
        );
        work.plans
    }

    #[test]
    fn busy_folders_are_merged_in_each_window_and_quiet_ones_wait() {
        let busy = plans(100_000, SCHEDULE);
        assert!((24.0..=26.0).contains(&busy), "{busy}");
        let quiet = plans(288, SCHEDULE);
        // One object every five minutes: a plan for each wait of two hours.
        assert!((10.0..=13.0).contains(&quiet), "{quiet}");
        let longer = plans(
            288,
            Schedule {
                max_wait: 6 * 3_600,
                ..SCHEDULE
            },
        );
        assert!(longer < quiet, "{longer}");
        let split = plans(1_000_000, SCHEDULE);
        assert!(split > 200.0, "{split}");
        assert!(plans(1, SCHEDULE) <= 1.0);
    }
}
