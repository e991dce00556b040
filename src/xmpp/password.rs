//! Where the account's password comes from, and how it is kept out of every log.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use super::Password;

/// A password that no `Debug` shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The password itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Nothing names one.
    #[error(
        "no password: set `password-file` in [xmpp], or TIDINGS_XMPP_PASSWORD_FILE or TIDINGS_XMPP_PASSWORD, \
         or load a systemd credential named xmpp-password"
    )]
    Missing,
    /// The file cannot be read.
    #[error("cannot read the password from {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What should hold it holds nothing.
    #[error("the password from {place} is empty")]
    Empty {
        /// File or variable.
        place: String,
    },
}

impl Password {
    /// Finds the password: the systemd credential when there is one, else where the configuration says, else in the
    /// variables that `Environment` names. So one configuration serves the service, which cannot read a file of root's, and
    /// root by hand.
    pub fn resolve(&self) -> Result<Secret, PasswordError> {
        self.resolve_with(|name| std::env::var_os(name).filter(|value| !value.is_empty()))
    }

    fn resolve_with(&self, variable: impl Fn(&str) -> Option<OsString>) -> Result<Secret, PasswordError> {
        let credential = variable("CREDENTIALS_DIRECTORY").map(|folder| Path::new(&folder).join("xmpp-password"));
        match (self, credential.filter(|path| path.exists())) {
            (Self::Literal(password), _) => secret(password, "the configuration"),
            (_, Some(credential)) => first_line(&credential),
            (Self::File(path), None) => first_line(path),
            (Self::Environment, None) => {
                if let Some(path) = variable("TIDINGS_XMPP_PASSWORD_FILE") {
                    first_line(Path::new(&path))
                } else if let Some(password) = variable("TIDINGS_XMPP_PASSWORD") {
                    secret(&password.to_string_lossy(), "TIDINGS_XMPP_PASSWORD")
                } else {
                    Err(PasswordError::Missing)
                }
            }
        }
    }
}

fn first_line(path: &Path) -> Result<Secret, PasswordError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| PasswordError::Unreadable { path: path.to_owned(), source })?;
    secret(text.lines().next().unwrap_or_default(), &path.display().to_string())
}

fn secret(password: &str, place: &str) -> Result<Secret, PasswordError> {
    if password.is_empty() {
        return Err(PasswordError::Empty { place: place.to_owned() });
    }
    Ok(Secret(password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(password: &Password, variables: &[(&str, &str)]) -> String {
        let variable = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        match password.resolve_with(variable) {
            Ok(secret) => secret.reveal().to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_first_place_that_is_set_wins() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("xmpp-password"), "credential\n").unwrap();
        std::fs::write(path("file"), "from file\nsecond line\n").unwrap();
        std::fs::write(path("empty"), "\n").unwrap();
        let here = folder.path().to_str().unwrap();
        let (file, empty) = (path("file"), path("empty"));
        let every = [
            ("CREDENTIALS_DIRECTORY", here),
            ("TIDINGS_XMPP_PASSWORD_FILE", file.as_str()),
            ("TIDINGS_XMPP_PASSWORD", "from variable"),
        ];
        let environment = Password::Environment;
        assert_eq!(found(&Password::Literal("x".into()), &every), "x");
        assert_eq!(found(&Password::File("/nowhere/p".into()), &every), "credential");
        assert_eq!(found(&Password::File(file.clone().into()), &every[1..]), "from file");
        assert_eq!(found(&environment, &every), "credential");
        assert_eq!(found(&environment, &every[1..]), "from file");
        assert_eq!(found(&environment, &every[2..]), "from variable");
        assert_eq!(found(&environment, &[("CREDENTIALS_DIRECTORY", "/nowhere"), every[2]]), "from variable");
        assert_eq!(found(&Password::File(empty.clone().into()), &[]), format!("the password from {empty} is empty"));
        insta::assert_snapshot!(found(&Password::File("/nowhere/p".into()), &[]),
            @"cannot read the password from /nowhere/p: No such file or directory (os error 2)");
        insta::assert_snapshot!(found(&environment, &[]),
            @"no password: set `password-file` in [xmpp], or TIDINGS_XMPP_PASSWORD_FILE or TIDINGS_XMPP_PASSWORD, or load a systemd credential named xmpp-password");
    }

    #[test]
    fn debug_output_shows_no_password() {
        assert_eq!(format!("{:?} {:?}", Secret("hush".into()), Password::Literal("hush".into())), "*** Literal(***)");
    }
}
