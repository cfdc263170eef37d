//! A setting that wants a model or none: its id, `auto` for one that is installed, or a word that
//! means none.

use std::path::{Path, PathBuf};

use super::manifest::Kind;
use super::{Catalogue, LocateError, Model, locate};

/// The setting that leaves the choice to us.
pub const AUTO: &str = "auto";

/// A field of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'s> {
    /// As people find it: `[speech] end_of_turn`.
    pub field: &'s str,
    pub value: &'s str,
    pub kind: Kind,
    /// The value that means none.
    pub none: &'s str,
}

impl Setting<'_> {
    /// The model that is meant, with its verified files in the manifest's order; `None` for the
    /// word that means none, and for `auto` where none is installed. `auto` passes over one that
    /// is not whole, and tells the log.
    ///
    /// # Errors
    /// A model that is named and unknown, of another kind, not installed, or not whole, with what
    /// mends it.
    pub fn locate(
        &self,
        catalogue: &Catalogue,
        option: Option<&Path>,
    ) -> Result<Option<(Model, Vec<PathBuf>)>, String> {
        let mut known = catalogue.models.iter().filter(|model| model.kind == self.kind);
        if self.value == self.none {
            return Ok(None);
        }
        if self.value == AUTO {
            return Ok(known.find_map(|model| Some((model.clone(), installed(model, option)?))));
        }
        let model = known.find(|model| model.id == self.value);
        let model = model.ok_or_else(|| self.unknown(catalogue))?;
        let paths = locate(model, option).map_err(|error| error.to_string())?;
        Ok(Some((model.clone(), paths)))
    }

    fn unknown(&self, catalogue: &Catalogue) -> String {
        let known = catalogue.models.iter().filter(|model| model.kind == self.kind);
        let known: Vec<&str> = known.map(|model| model.id.as_str()).collect();
        let Setting { field, value, none, .. } = self;
        format!("{field}: found {value:?}, expected {AUTO}, {none} or {}", known.join(", "))
    }
}

fn installed(model: &Model, option: Option<&Path>) -> Option<Vec<PathBuf>> {
    match locate(model, option) {
        Ok(paths) => Some(paths),
        Err(LocateError::Missing { .. }) => None,
        Err(error @ LocateError::Bad { .. }) => {
            tracing::warn!("it is not used: {error}");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::models::verify;

    /// `a` and `b` of one kind and `c` of another, each with one file that holds its id.
    fn catalogue() -> Catalogue {
        let row = |id: &str, kind: &str| {
            let sum = verify::hex(&Sha256::digest(id));
            format!(
                "[{id}]\nkind = \"{kind}\"\nlanguages = [\"en\"]\nlicence = \"x\"\n\
                 [[{id}.files]]\nname = \"wanted-{id}.json\"\nbytes = 1\nsha256 = \"{sum}\"\n\
                 url = \"x\"\n"
            )
        };
        let text = [row("a", "end_of_turn"), row("b", "end_of_turn"), row("c", "voice")].concat();
        Catalogue::read("manifest.toml", &text).unwrap_or_else(|problems| panic!("{problems}"))
    }

    #[test]
    fn a_setting_means_one_that_is_there_or_none_or_says_what_is_wrong() {
        let folder = tempfile::tempdir().expect("a folder");
        let put = |id: &str, bytes: &[u8]| {
            let file = folder.path().join(format!("wanted-{id}.json"));
            std::fs::write(file, bytes).expect("is writable");
        };
        let ask = |value: &str| {
            let setting = Setting { field: "[x] y", value, kind: Kind::EndOfTurn, none: "text" };
            let found = setting.locate(&catalogue(), Some(folder.path()))?;
            Ok::<_, String>(found.map(|(model, paths)| (model.id, paths.len())))
        };
        let is = |id: &str| Ok(Some((id.to_owned(), 1)));
        put("c", b"c");
        assert_eq!(ask("auto"), Ok(None), "one of another kind is there");
        for unknown in ["c", "d", ""] {
            let told = ask(unknown).expect_err("is none of them");
            assert_eq!(told, format!("[x] y: found {unknown:?}, expected auto, text or a, b"));
        }
        assert!(ask("b").is_err_and(|told| told.contains("warmline models fetch b")));
        put("b", b"b");
        assert_eq!((ask("auto"), ask("b"), ask("text")), (is("b"), is("b"), Ok(None)));
        put("a", b"x");
        assert_eq!(ask("auto"), is("b"), "one that is not whole is passed over");
        assert!(ask("a").is_err_and(|told| told.contains("SHA-256")));
        put("a", b"a");
        assert_eq!(ask("auto"), is("a"), "the first");
    }
}
