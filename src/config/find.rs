//! Which files make up the configuration.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::Environment;
use super::error::{ConfigError, ConfigErrors};
use super::file::File;

/// The main file: the one that is named, else the first one there is.
pub(super) fn main_file(named: Option<&Path>, environment: Environment<'_>) -> Result<PathBuf, ConfigErrors> {
    let variable = |name: &str| environment(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = named.map(Path::to_owned).or_else(|| variable("TIDINGS_CONFIG")) {
        return Ok(path);
    }
    let of_user = variable("XDG_CONFIG_HOME").or_else(|| Some(variable("HOME")?.join(".config")));
    let places = [
        Some(PathBuf::from("tidings.toml")),
        of_user.map(|folder| folder.join("tidings/tidings.toml")),
        Some(PathBuf::from("/etc/tidings/tidings.toml")),
    ];
    let places = places.into_iter().flatten().collect::<Vec<_>>();
    // What is there and cannot be read is told as that.
    let is_absent = |error: io::Error| [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind());
    match places.iter().find(|path| !fs::symlink_metadata(path).is_err_and(is_absent)) {
        Some(path) => Ok(path.clone()),
        None => {
            let list = places.iter().map(|path| format!("  {}", path.display())).collect::<Vec<_>>().join("\n");
            let hint = format!("looked for:\n{list}\nwrite one of them, or name another with --config FILE");
            let message = "there is no configuration".to_owned();
            Err(ConfigErrors(vec![ConfigError {
                file: None,
                line: None,
                column: None,
                message,
                hint: Some(hint),
                excerpt: None,
            }]))
        }
    }
}

/// The files of feeds.d beside the main file, in byte order of their names; none when there is no such folder.
pub(super) fn feed_files(main: &Path) -> Result<Vec<PathBuf>, ConfigErrors> {
    let folder = main.parent().unwrap_or(Path::new("")).join("feeds.d");
    let failed = |error: io::Error| {
        ConfigErrors::of_file(&folder, format!("cannot be listed: {error}"), remedy(&folder, &error))
    };
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if is_meant(&path) {
            files.push(path);
        }
    }
    files.sort_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
    Ok(files)
}

/// Editors and package managers leave files behind that nobody means to be read.
fn is_meant(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_bytes();
    let is_left_behind = name.starts_with(b".") || name.ends_with(b"~");
    !is_left_behind && (name.ends_with(b".toml") || name.ends_with(b".opml"))
}

/// What to do about a file or folder that cannot be read.
fn remedy(path: &Path, error: &io::Error) -> Option<String> {
    let is_link = fs::symlink_metadata(path).is_ok_and(|file| file.is_symlink());
    let hint = match error.kind() {
        io::ErrorKind::NotFound if is_link => "it is a link to a file that is not there: mend it, or take it out",
        io::ErrorKind::NotFound => "`tidings init` writes a first one; --config FILE names another",
        io::ErrorKind::PermissionDenied => "whoever runs tidings must be able to read it",
        io::ErrorKind::NotADirectory => "feeds.d is a folder of files: give the file that has its name another",
        _ if is_link => "it is a link that leads to no file: mend it, or take it out",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Whether a file is OPML; TOML otherwise.
pub(super) fn is_opml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "opml")
}

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<Rc<File>, ConfigErrors> {
    let failed =
        |error: io::Error| ConfigErrors::of_file(path, format!("cannot be read: {error}"), remedy(path, &error));
    let facts = fs::metadata(path).map_err(failed)?;
    // Others may never end.
    if !facts.is_file() {
        let kind = if facts.is_dir() { "a folder" } else { "a pipe or a device" };
        let hint = "put a file in its place, or give it another name".to_owned();
        return Err(ConfigErrors::of_file(path, format!("is {kind}, not a file"), Some(hint)));
    }
    let bytes = fs::read(path).map_err(failed)?;
    let is_public = facts.permissions().mode() & 0o004 != 0;
    let garbled = |good: &[u8], what: &str| {
        let line = good.iter().filter(|&&byte| byte == b'\n').count() + 1;
        ConfigErrors::of_file(path, format!("line {line} {what}"), Some("save it as UTF-8".to_owned()))
    };
    let text = String::from_utf8(bytes)
        .map_err(|error| garbled(&error.as_bytes()[..error.utf8_error().valid_up_to()], "is not UTF-8"))?;
    match text.find('\0') {
        Some(at) => Err(garbled(&text.as_bytes()[..at], "holds a NUL byte, as no text does")),
        None => Ok(File::new(path, text, is_public)),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    /// The main file that is found with these variables.
    fn found(named: Option<&str>, variables: &[(&str, &Path)]) -> Result<PathBuf, ConfigErrors> {
        let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        main_file(named.map(Path::new), &|name| -> Option<OsString> { value(name) })
    }

    #[test]
    fn a_named_file_comes_before_the_variable_and_that_before_the_places() {
        let home = tempfile::tempdir().unwrap();
        let usual = home.path().join(".config/tidings/tidings.toml");
        fs::create_dir_all(usual.parent().unwrap()).unwrap();
        fs::write(&usual, "").unwrap();
        let variable = Path::new("variable.toml");
        let all = [("TIDINGS_CONFIG", variable), ("HOME", home.path())];
        assert_eq!(found(Some("named.toml"), &all).unwrap(), Path::new("named.toml"));
        assert_eq!(found(None, &all).unwrap(), variable);
        assert_eq!(found(None, &all[1..]).unwrap(), usual);
        assert_eq!(found(None, &[("XDG_CONFIG_HOME", &home.path().join(".config"))]).unwrap(), usual);
    }

    #[test]
    fn where_it_was_looked_for_is_said_when_there_is_none() {
        let home = tempfile::tempdir().unwrap();
        let said = found(None, &[("HOME", home.path())]).unwrap_err().to_string();
        assert_eq!(
            said.replace(&home.path().display().to_string(), "~"),
            "error: there is no configuration\n  hint: looked for:\n          tidings.toml\n          ~/.config/tidings/tidings.toml\n          /etc/tidings/tidings.toml\n        write one of them, or name another with --config FILE\n"
        );
    }

    #[test]
    fn files_come_in_byte_order() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("feeds.d")).unwrap();
        for name in ["b.toml", "a.toml", "B.toml", "ä.toml", "a-1.toml", "c.txt", "d.toml~"] {
            fs::write(folder.path().join("feeds.d").join(name), "").unwrap();
        }
        let files = feed_files(&folder.path().join("tidings.toml")).unwrap();
        let names = files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect::<Vec<_>>();
        assert_eq!(names, ["B.toml", "a-1.toml", "a.toml", "b.toml", "ä.toml"]);
    }
}
