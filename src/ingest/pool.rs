//! A pool of worker threads that returns its results in the order of the jobs.
//!
//! The command line and the function both ingest their objects with it, so a panic, a missing thread and a deadline have
//! the same consequence in both: each costs the objects concerned, and never goes unnoticed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::deadline::Deadline;

/// A pool of worker threads.
#[derive(Debug, Clone, Copy)]
pub struct Pool {
    /// The maximum number of jobs that run at the same time. The calling thread is one of the workers, so zero counts as
    /// one.
    pub threads: usize,
    /// No job starts after this deadline. A job that is running then ends by itself.
    pub deadline: Deadline,
}

/// The reason why a job returned no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfinished {
    /// The job panicked, or its worker ended before it stored the result.
    Panicked,
    /// The deadline had passed before the job started.
    Expired,
}

impl Pool {
    /// Runs every job and returns one result for each, in the order of the jobs.
    ///
    /// `unfinished` makes the result of a job that returned none. If the machine refuses a thread, fewer workers do the
    /// same work; the calling thread alone is enough.
    pub fn run<J, R>(
        &self,
        jobs: &[J],
        run: impl Fn(&J) -> R + Sync,
        unfinished: impl Fn(&J, Unfinished) -> R + Sync,
    ) -> Vec<R>
    where
        J: Sync,
        R: Send,
    {
        let next = AtomicUsize::new(0);
        let results: Mutex<Vec<Option<R>>> = Mutex::new(jobs.iter().map(|_| None).collect());
        let work = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(job) = jobs.get(number) else { break };
                let result = if self.deadline.has_passed() {
                    unfinished(job, Unfinished::Expired)
                } else {
                    // A panic is a defect, but it costs only its own job.
                    catch_unwind(AssertUnwindSafe(|| run(job)))
                        .unwrap_or_else(|_| unfinished(job, Unfinished::Panicked))
                };
                let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(slot) = results.get_mut(number) {
                    *slot = Some(result);
                }
            }
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (1..self.threads.min(jobs.len()))
                .map_while(|_| thread::Builder::new().spawn_scoped(scope, work).ok())
                .collect();
            work();
            for worker in workers {
                // A worker that ended early leaves empty slots, which are filled below.
                let _ = worker.join();
            }
        });
        let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        jobs.iter()
            .zip(results)
            .map(|(job, result)| result.unwrap_or_else(|| unfinished(job, Unfinished::Panicked)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Barrier;
    use std::time::Duration;

    use super::*;

    fn pool(threads: usize) -> Pool {
        Pool {
            threads,
            deadline: Deadline::NONE,
        }
    }

    #[test]
    fn results_are_in_the_order_of_the_jobs() {
        let jobs: Vec<u64> = (0..100).collect();
        for threads in [0, 1, 3, 200] {
            let results = pool(threads).run(
                &jobs,
                |job| {
                    thread::sleep(Duration::from_micros(100 - job));
                    job * 2
                },
                |_, unfinished| panic!("{unfinished:?}"),
            );
            assert_eq!(results, jobs.iter().map(|job| job * 2).collect::<Vec<_>>());
        }
        assert!(pool(4).run(&[], |job: &u8| *job, |job, _| *job).is_empty());
    }

    #[test]
    fn a_panic_costs_only_its_own_job() {
        let results = pool(2).run(
            &[1, 2, 3, 4],
            |job| {
                assert!(job % 2 == 0, "a defect");
                Ok(*job)
            },
            |job, unfinished| Err((*job, unfinished)),
        );
        let panicked = |job| Err((job, Unfinished::Panicked));
        assert_eq!(results, [panicked(1), Ok(2), panicked(3), Ok(4)]);
    }

    #[test]
    fn a_worker_that_ends_without_a_result_counts_as_failed() {
        // The result of the lost job panics on the first try, which ends its worker thread. Both jobs run at the same
        // time, so one of them is on the thread that the pool has spawned.
        let (both, caller) = (Barrier::new(2), thread::current().id());
        let first = Mutex::new(BTreeSet::new());
        let results = pool(2).run(
            &[0, 1],
            |job| {
                both.wait();
                assert!(thread::current().id() == caller, "a defect");
                (*job, None)
            },
            |job, unfinished| {
                assert!(
                    !first.lock().unwrap().insert(*job),
                    "a defect in the report of a defect"
                );
                (*job, Some(unfinished))
            },
        );
        let numbers: Vec<_> = results.iter().map(|(job, _)| *job).collect();
        assert_eq!(numbers, [0, 1]);
        let failed = results
            .iter()
            .filter(|(_, unfinished)| *unfinished == Some(Unfinished::Panicked));
        assert_eq!(failed.count(), 1);
    }

    #[test]
    fn no_job_starts_after_the_deadline() {
        let expired = Pool {
            threads: 2,
            deadline: Deadline::after(Duration::ZERO),
        };
        let results = expired.run(&[1, 2, 3], |job| panic!("{job} started"), |_, unfinished| unfinished);
        assert_eq!(results, [Unfinished::Expired; 3]);
    }
}
