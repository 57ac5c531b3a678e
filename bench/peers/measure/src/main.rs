//! `measure RESULT COMMAND...`: runs a command and writes what it cost to the file RESULT, as JSON.
//!
//! The kernel counts the memory of the process that starts a command towards the command's peak until it is replaced.
//! Python's own 10 MB would hide what a small program takes; this one takes under 2 MB.

use std::error::Error;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus};
use std::time::Instant;
use std::{env, fs, io, mem};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args_os().skip(1);
    let (Some(result), Some(program)) = (args.next(), args.next()) else {
        return Err("usage: measure RESULT COMMAND...".into());
    };
    let started = Instant::now();
    let child = Command::new(program).args(args).spawn()?;
    let mut status = 0;
    // SAFETY: `rusage` is plain numbers, for which zero is a value.
    let mut usage: libc::rusage = unsafe { mem::zeroed() };
    // SAFETY: both pointers are to live values, and the child is not waited for elsewhere.
    if unsafe { libc::wait4(libc::pid_t::try_from(child.id())?, &mut status, 0, &mut usage) } < 0 {
        return Err(io::Error::last_os_error().into());
    }
    let wall = started.elapsed().as_secs_f64();
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    let status = ExitStatus::from_raw(status);
    let code = status.code().unwrap_or_else(|| -status.signal().unwrap_or(1));
    // Linux counts in KiB, macOS in bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    fs::write(
        result,
        format!(
            "{{\"code\":{code},\"user\":{:.6},\"sys\":{:.6},\"wall\":{wall:.6},\"peak\":{}}}\n",
            seconds(usage.ru_utime),
            seconds(usage.ru_stime),
            usage.ru_maxrss * unit
        ),
    )?;
    Ok(())
}
