//! The check of the folders that the function writes to.
//!
//! A folder lasts only if it is on a file system that is mounted into the function. Any other loses its files with the
//! execution environment, after the messages were acknowledged.

use std::fs;
use std::path::Path;

use crate::config::Config;

/// The error of a folder that does not outlast the function.
#[derive(Debug, thiserror::Error)]
#[error(
    "{setting} is the directory {path:?}, which {reason}: its files would be lost with the function; set {setting} to s3://BUCKET/PREFIX, or to a directory of a mounted file system"
)]
pub struct FolderError {
    setting: &'static str,
    path: String,
    reason: &'static str,
}

/// Checks the directories of the settings. The default quarantine is below the destination and is not checked.
pub(super) fn check(config: &Config) -> Result<(), FolderError> {
    let is_default = config.destination.default_quarantine().as_ref() == Some(&config.quarantine);
    let quarantine = (!is_default).then_some(("QUARANTINE", &config.quarantine));
    for (setting, location) in [("DESTINATION", &config.destination)].into_iter().chain(quarantine) {
        if let Some(path) = location.directory()
            && let Some(reason) = fault(path)
        {
            let path = path.display().to_string();
            return Err(FolderError { setting, path, reason });
        }
    }
    Ok(())
}

/// Returns why a directory does not outlast the function.
fn fault(path: &Path) -> Option<&'static str> {
    const TEMPORARY: &str = "/tmp";
    if !path.is_absolute() {
        return Some("is not an absolute path");
    }
    let is_temporary = |path: &Path| {
        path.starts_with(TEMPORARY) || fs::canonicalize(TEMPORARY).is_ok_and(|temporary| path.starts_with(temporary))
    };
    if is_temporary(path) {
        return Some("is in /tmp");
    }
    match fs::canonicalize(path) {
        Ok(found) if is_temporary(&found) => Some("is in /tmp"),
        Ok(found) if found.is_dir() => None,
        Ok(_) => Some("is not a directory"),
        Err(_) => Some("does not exist"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(values: &[(&str, &str)]) -> Result<(), String> {
        let lookup = |name: &str| values.iter().find(|(given, _)| *given == name);
        let config = Config::read(|setting| lookup(setting.name).map(|(_, value)| (*value).to_owned()));
        check(&config.unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_directory_must_outlast_the_function() {
        for (path, reason) in [
            ("scratch", "is not an absolute path"),
            ("./s3:/x", "is not an absolute path"),
            ("/tmp", "is in /tmp"),
            ("/tmp/out", "is in /tmp"),
            ("/usr/../tmp", "is in /tmp"),
            ("file:///tmp/out", "is in /tmp"),
            ("/usr/no-such-directory", "does not exist"),
            ("/dev/null", "is not a directory"),
        ] {
            for values in [
                &[("DESTINATION", path)][..],
                &[("DESTINATION", "s3://logs-out"), ("QUARANTINE", path)],
            ] {
                let error = checked(values).unwrap_err();
                assert!(
                    error.contains(reason) && error.starts_with(values[values.len() - 1].0),
                    "{error}"
                );
            }
        }
        for values in [
            &[("DESTINATION", "/usr")][..],
            &[("DESTINATION", "s3://logs-out")],
            &[("DESTINATION", "s3://logs-out"), ("QUARANTINE", "/usr")],
            &[("DESTINATION", "-")],
        ] {
            assert_eq!(checked(values), Ok(()));
        }
    }
}
