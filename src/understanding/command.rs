//! Words that work in every state: person, repeat, slower, wait, go back, goodbye, don't record,
//! yes and no, automatic and assisted.

use super::intent::{is_negated, negations};
use super::outcome::{CallerCommand, Expecting};
use super::tables::LanguageTables;
use super::vocabulary::Reading;

/// Whether the whole utterance is a yes or a no, and nothing else.
pub fn is_bare_answer(tables: &LanguageTables, reading: &Reading) -> bool {
    let matcher = tables.matcher(reading);
    let answers = tables
        .commands
        .iter()
        .filter(|rule| matches!(rule.command, CallerCommand::Yes | CallerCommand::No));
    let mut wholes = answers.flat_map(|rule| &rule.whole);
    wholes.any(|one| matcher.find(one).is_some())
}

/// The command in the utterance, the first of the table where several fit.
pub fn command(
    tables: &LanguageTables,
    reading: &Reading,
    expecting: &Expecting,
) -> Option<CallerCommand> {
    let matcher = tables.matcher(reading);
    let negated = negations(tables, reading);
    tables.commands.iter().find_map(|rule| {
        let never: Vec<_> = rule.never.iter().flat_map(|one| matcher.find_all(one)).collect();
        let free = |found: &super::pattern::Found| !never.iter().any(|other| other.overlaps(found));
        let whole = rule.whole.iter().any(|one| matcher.find(one).is_some_and(|f| free(&f)));
        let phrase = rule.phrases.iter().any(|one| {
            matcher
                .find_all(one)
                .iter()
                .any(|found| free(found) && !is_negated(found, &negated, reading))
        });
        let asked = *expecting == Expecting::YesNo;
        let leading =
            asked && rule.leading.iter().any(|one| matcher.find(one).is_some_and(|f| free(&f)));
        (whole || phrase || leading).then_some(rule.command)
    })
}
