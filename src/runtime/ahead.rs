//! What never varies is rendered before it is needed: prompts and answers, in every language that
//! callers may have.

use crate::base::language::Language;
use crate::base::spoken::Spoken;
use crate::config::Config;
use crate::knowledge::connector;
use crate::media::Clip;
use crate::speech::voice::Studio;

use super::clips::SpokenClip;
use super::shared::Shared;
use super::tables::Tables;

/// The languages that callers may have: those in which calls begin, the company's first, then
/// those that callers may choose.
pub fn languages(config: &Config, tables: &Tables) -> Vec<Language> {
    let mut all: Vec<Language> = config.languages().into_iter().cloned().collect();
    for language in tables.policy.chosen_languages() {
        if !all.contains(language) {
            all.push(language.clone());
        }
    }
    all
}

/// Everything in `languages` that never varies, each once, in their order.
pub fn texts(config: &Config, tables: &Tables, languages: &[Language]) -> Vec<Spoken> {
    let company = [("company", config.company.name.as_str())];
    let mut texts: Vec<Spoken> = Vec::new();
    for language in languages {
        for (_, name, prompt) in tables.policy.prompts().filter(|(own, ..)| *own == language) {
            for (stressed, text) in [(false, Some(&prompt.text)), (true, prompt.stressed.as_ref())]
            {
                let Some(text) = text else { continue };
                let open = connector::placeholders(text);
                if open.iter().all(|name| name == "company") {
                    let values: &[(&str, &str)] = if open.is_empty() { &[] } else { &company };
                    let mut spoken = tables.policy.prompt(name, language, values, stressed);
                    spoken.fixed = true;
                    texts.push(spoken);
                }
            }
        }
        let answers = tables.knowledge.fixed_answers().filter(|(own, _)| *own == language);
        texts.extend(answers.map(|(own, text)| Spoken::fixed("answer", text, own.clone())));
    }
    texts
}

/// What calls may begin with is rendered now; what callers may choose, beside the first calls.
pub async fn render_at_start(studio: &Studio, config: &Config, tables: &Tables, visible: bool) {
    let first: Vec<Language> = config.languages().into_iter().cloned().collect();
    render(studio, texts(config, tables, &first), visible).await;
    let mut chosen = languages(config, tables);
    chosen.retain(|language| !first.contains(language));
    let (later, beside) = (texts(config, tables, &chosen), studio.clone());
    tokio::spawn(async move { render(&beside, later, false).await });
}

/// Renders `texts` in their order; what cannot be rendered is told in the log.
pub async fn render(studio: &Studio, texts: Vec<Spoken>, visible: bool) {
    let bar = match visible {
        true => indicatif::ProgressBar::new(texts.len() as u64).with_message("rendering prompts"),
        false => indicatif::ProgressBar::hidden(),
    };
    for text in texts {
        let mut pieces = studio.render_ahead(text);
        while let Some(piece) = pieces.recv().await {
            if let Err(error) = piece {
                tracing::warn!(%error, "a prompt could not be rendered ahead");
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
}

/// Keeps in memory what fills waits, in every language that callers may have.
pub async fn keep_fillers(shared: &Shared) {
    let tables = shared.tables.get();
    let mut fillers = Vec::new();
    for language in languages(&shared.config, &tables) {
        let what = tables.policy.hold_on(&language);
        let mut pieces = shared.studio.render_ahead(what.clone());
        let mut clips = Vec::new();
        while let Some(piece) = pieces.recv().await {
            match piece {
                Ok(piece) => {
                    clips.push(SpokenClip { clip: Clip::new(&piece.pcm), text: piece.text });
                }
                Err(error) => tracing::warn!(%error, "what fills a wait cannot be rendered"),
            }
        }
        fillers.push((what, clips));
        // A language that comes late holds up no other.
        shared.clips.set_fillers(fillers.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        let read = Config::read("warmline.toml", text, std::path::Path::new("."));
        read.expect("is good")
    }

    /// Codes of the languages of `config`, in order, with how many texts each has ahead.
    fn ahead(text: &str) -> Vec<(String, usize)> {
        let config = config(text);
        let tables = Tables::load(&config).expect("the shipped ones");
        let all = texts(&config, &tables, &languages(&config, &tables));
        let mut out: Vec<(String, usize)> = Vec::new();
        for spoken in all {
            assert!(spoken.fixed && !spoken.text.contains('{'), "{spoken:?}");
            let code = spoken.language.code();
            match out.last_mut() {
                Some((last, count)) if last == code => *count += 1,
                Some(_) | None => out.push((code.to_owned(), 1)),
            }
        }
        out
    }

    #[test]
    fn every_language_of_callers_is_rendered_and_the_companys_first() {
        let english = ahead("");
        let codes: Vec<&str> = english.iter().map(|(code, _)| code.as_str()).collect();
        assert_eq!(codes, ["en", "zh"], "Mandarin may be chosen by key");
        assert!(english.iter().all(|(_, count)| *count > 50), "{english:?}");
        let by_trunk = "[company]\nlanguage = \"zh\"\n\
            [[numbers]]\ndialled = \"1\"\nlanguage = \"en\"\n";
        let codes: Vec<String> = ahead(by_trunk).into_iter().map(|(code, _)| code).collect();
        assert_eq!(codes, ["zh", "en"]);
    }

    #[test]
    fn a_name_and_the_shorter_form_are_in_what_is_rendered() {
        let config = config("[company]\nname = \"Northwind\"\n");
        let tables = Tables::load(&config).expect("the shipped ones");
        let all = texts(&config, &tables, &[Language::english()]);
        let has = |part: &str| all.iter().filter(|spoken| spoken.text.contains(part)).count();
        assert!(has("Northwind") > 0);
        let shorter = tables.policy.prompt("goodbye", &Language::english(), &[], true).text;
        assert_eq!(has(&shorter), 1, "{shorter}");
    }
}
