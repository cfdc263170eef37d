//! The caller chooses the language: by its name ("中文", "in English please") or by key.

use crate::base::key::Key;
use crate::base::language::Language;
use crate::policy::step::Step;

use super::{Dialogue, State};

impl Dialogue {
    /// Goes on in another language if `said` asks for it. `true` if the batch is whole.
    pub(super) fn language_asked(&mut self, said: &str, steps: &mut Vec<Step>) -> bool {
        let asked = self.tables.language_named(said);
        self.go_on_in(asked, steps)
    }

    /// The same by a key, where no question waits for one.
    pub(super) fn language_key(&mut self, key: Key, steps: &mut Vec<Step>) -> bool {
        let free = matches!(self.state, State::Listening);
        let asked = self.tables.language_of_key(key.symbol()).filter(|_| free);
        self.go_on_in(asked, steps)
    }

    fn go_on_in(&mut self, asked: Option<Language>, steps: &mut Vec<Step>) -> bool {
        let Some(language) = asked.filter(|language| *language != self.setup.language) else {
            return false;
        };
        self.decided("language", format!("go on in {language}"), Vec::new(), steps);
        self.setup.language = language;
        self.unrecognised = 0;
        self.ask_again(steps);
        true
    }
}
