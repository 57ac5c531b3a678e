//! `alb-ingest generate`: writes generated log objects.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use clap::ArgMatches;

use crate::generate::{Object, Rate, template, write_samples};

use super::{OK, Stop, table};

pub(super) fn generate(matches: &ArgMatches) -> Result<u8, Stop> {
    if let Some(directory) = matches.get_one::<String>("samples") {
        let samples = write_samples(Path::new(directory)).map_err(|error| failed(directory, &error))?;
        writeln!(anstream::stdout(), "{} objects written to {directory}", samples.len())?;
        return Ok(OK);
    }
    if matches.get_flag("template-tables") {
        let tables = template::tables().map_err(|error| Stop::Failed(format!("cannot write the tables: {error}")))?;
        anstream::stdout().write_all(tables.as_bytes())?;
        return Ok(OK);
    }
    let (Some(format), Some(to)) = (table(matches), matches.get_one::<String>("to")) else {
        return Err(Stop::Usage(
            "generate requires a table and --to, or --samples".to_owned(),
        ));
    };
    let number = |name: &str| matches.get_one::<u64>(name).copied().unwrap_or_default();
    let rate = |name: &str| matches.get_one::<Rate>(name).copied().unwrap_or_default();
    let mut object = Object::new(format, number("seed"), number("lines"));
    object.packing.members = number("members");
    object.traffic.fields = matches.get_one::<usize>("fields").copied();
    object.traffic.hostile = rate("hostile");
    object.traffic.broken = rate("broken");
    object.traffic.repairable = rate("repairable");
    if to == "-" {
        object.write_to(io::stdout().lock())?;
        return Ok(OK);
    }
    let path = Path::new(to).join(object.key());
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| object.write_to(BufWriter::new(File::create(&path)?)))
        .map_err(|error| failed(&path.display().to_string(), &error))?;
    writeln!(anstream::stdout(), "{}", path.display())?;
    Ok(OK)
}

fn failed(path: &str, error: &io::Error) -> Stop {
    Stop::Failed(format!("cannot write {path}: {error}"))
}
