//! `alb-ingest backfill`: objects from before the installation. By default it only counts and estimates.

mod estimate;
mod manifest;
mod sample;
mod survey;

use std::io::Write as _;

use clap::ArgMatches;

use crate::config::Config;
use crate::cost::Prices;
use crate::deadline::Deadline;
use crate::storage::{Origin, QueueUrl, Storage, StorageError};
use crate::trigger::FolderRequest;

use super::input::{find, load, storage, with_key};
use super::run::{deliver_and_report, progress_bar};
use super::selection::Selection;
use super::{FAILED, OK, Stop, now};

use estimate::Estimate;
use survey::Survey;

pub(super) fn backfill(matches: &ArgMatches, environment: &dyn Fn(&str) -> Option<String>) -> Result<u8, Stop> {
    let mut config = config(matches, environment)?;
    let source = matches.get_one::<String>("logs").map_or("", String::as_str);
    let origin = Origin::parse(source).ok_or_else(|| {
        Stop::Usage(format!(
            "invalid source {source}: expected s3://BUCKET/PREFIX or a directory"
        ))
    })?;
    let origins = std::slice::from_ref(&origin);
    let storage = storage(origins, &config)?;
    let storage = with_key(&mut config, storage)?;
    load(&mut config, &storage)?;
    let outputs = [&config.destination, &config.quarantine];
    let mut objects = find(origins, outputs, &storage, Selection::of(matches, now())?)?;
    let queue = queue(matches, &origin)?;
    if matches.get_flag("run-here") {
        return deliver_and_report(matches, &config, &storage, origins, objects);
    }
    let bar = progress_bar();
    let mut survey = Survey::default();
    let mut manifest = match matches.get_one::<String>("manifest") {
        Some(path) => Some(manifest::Manifest::create(path, &config)?),
        None => None,
    };
    for entry in &mut objects {
        if config.ingest.skip_unread(&entry.object.key).is_some() {
            continue;
        }
        bar.inc(1);
        bar.set_message(format!("{} objects", survey.objects() + 1));
        if let Some(manifest) = &mut manifest {
            manifest.add(&entry.object)?;
        }
        survey.add(entry);
    }
    if let Some(url) = queue {
        bar.finish_and_clear();
        let sent = send(&survey, &url, &storage)?;
        writeln!(anstream::stdout(), "{sent}")?;
        return finish(&objects.unlisted);
    }
    let sample = sample::measure(survey.samples(), &config, &bar);
    bar.finish_and_clear();
    let estimate = Estimate::of(&survey, &sample, &config, &prices(matches)?, concurrency(matches));
    let text = match matches.get_one::<String>("report").map(String::as_str) {
        Some("json") => estimate.json(),
        _ => estimate.text(&origin, &config.destination),
    };
    // The manifest first: a report that cannot be written must not cost it.
    let manifest = manifest.map(manifest::Manifest::finish).transpose()?;
    anstream::stdout().write_all(text.as_bytes())?;
    anstream::stdout().write_all(manifest.unwrap_or_default().as_bytes())?;
    finish(&objects.unlisted)
}

/// Reports what could not be listed.
fn finish(unlisted: &[StorageError]) -> Result<u8, Stop> {
    for error in unlisted {
        writeln!(anstream::stderr(), "error: {error}")?;
    }
    Ok(if unlisted.is_empty() { OK } else { FAILED })
}

/// Returns the queue that the folders are sent to.
fn queue(matches: &ArgMatches, source: &Origin) -> Result<Option<QueueUrl>, Stop> {
    let Some(url) = matches.get_one::<String>("send") else {
        return Ok(None);
    };
    if !matches!(source, Origin::S3 { .. }) {
        let text =
            format!("--send is for a source in S3, which the function can read, and {source} is not; use --run-here");
        return Err(Stop::Usage(text));
    }
    let queue = QueueUrl::parse(url);
    queue.map(Some).ok_or_else(|| {
        Stop::Usage(format!(
            "--send is {url:?}; allowed: the URL of an SQS queue, or file:///DIR"
        ))
    })
}

/// Sends a message for each folder, in which the function merges everything.
fn send(survey: &Survey, url: &QueueUrl, storage: &dyn Storage) -> Result<String, Stop> {
    let failed = |error: StorageError| Stop::Failed(error.to_string());
    let queue = storage.queue(url, Deadline::NONE).map_err(failed)?;
    let messages: Vec<_> = survey
        .folders()
        .map(|folder| {
            let folder = folder.clone();
            FolderRequest {
                folder,
                all: true,
                receives: 1,
            }
            .message()
        })
        .collect();
    queue.send(&messages).map_err(failed)?;
    let (objects, folders) = (survey.objects(), messages.len());
    Ok(format!("{folders} folders with {objects} objects sent to {url}"))
}

/// Reads the settings. The destination is an argument, and merged delivery is the default.
fn config(matches: &ArgMatches, environment: &dyn Fn(&str) -> Option<String>) -> Result<Config, Stop> {
    let delivers_each = matches.contains_id("manifest") && matches.get_one::<String>("manifest").is_some();
    let merge = if delivers_each { "false" } else { "true" };
    let config = super::config(matches, &|name| match name {
        "MERGE" => environment(name).or_else(|| Some(merge.to_owned())),
        "DESTINATION" => matches.get_one::<String>("dest").cloned(),
        _ => environment(name),
    })?;
    if delivers_each && config.merge.is_some() {
        let text =
            "--manifest is for destinations with one output for each object, and --merge is set; remove one of them";
        return Err(Stop::Usage(text.to_owned()));
    }
    if !config.destination.holds_files() {
        let text = format!(
            "{} does not hold files; name s3://BUCKET/PREFIX or a directory",
            config.destination
        );
        return Err(Stop::Usage(text));
    }
    Ok(config)
}

fn prices(matches: &ArgMatches) -> Result<Prices, Stop> {
    let mut prices = Prices::default();
    for price in matches.get_many::<String>("price").into_iter().flatten() {
        prices
            .replace(price)
            .map_err(|error| Stop::Usage(format!("--price: {error}")))?;
    }
    Ok(prices)
}

fn concurrency(matches: &ArgMatches) -> f64 {
    matches.get_one::<u16>("concurrency").copied().map_or(10.0, f64::from)
}
