//! A password that never prints itself, read from the file itself, another file, or the
//! environment.

use std::fmt;
use std::path::Path;

use super::problem::Problems;
use super::reader::Table;

/// A secret text. `Debug` masks it; [`Secret::reveal`] marks each place that means to use it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Reads `password`, `password_file` (relative to `folder`) or `password_env` of `table`;
    /// `None` where none of them stands. More than one is a fault.
    pub fn read(table: &Table, folder: &Path, problems: &mut Problems) -> Option<Secret> {
        let direct = table.string("password", problems);
        let file = table.string("password_file", problems);
        let variable = table.string("password_env", problems);
        match (direct, file, variable) {
            (None, None, None) => None,
            (Some(text), None, None) => Some(Secret(text)),
            (None, Some(file), None) => match std::fs::read_to_string(folder.join(&file)) {
                Ok(text) => Some(Secret(text.trim_end().to_owned())),
                Err(error) => {
                    let found = format!("{file:?} ({error})");
                    table.fault("password_file", found, "a readable file", problems);
                    None
                }
            },
            (None, None, Some(name)) => match std::env::var(&name) {
                Ok(text) => Some(Secret(text)),
                Err(_) => {
                    let found = format!("{name:?}, which is not set");
                    table.fault("password_env", found, "a variable of the environment", problems);
                    None
                }
            },
            (Some(_), _, _) | (_, Some(_), _) => {
                let expected = "one of password, password_file, password_env";
                table.fault("password", "more than one source", expected, problems);
                None
            }
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("‹secret›")
    }
}
