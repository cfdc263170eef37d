//! `warmline replay`: stored calls under new tables, and what would have changed.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::base::card::Speaker;
use crate::base::ids::CallId;
use crate::base::language::Language;
use crate::base::utterance::Utterance;
use crate::config::Config;
use crate::policy::replay::{PastCall, Rulebook, TurnOutcome, compare, play};
use crate::runtime::server::store_settings;
use crate::runtime::tables::Tables;
use crate::store::record::{CallFilter, CallRecord, LineRecord};
use crate::store::{Store, StoreFault};

#[derive(Args)]
#[command(after_help = "Example: warmline replay --rules new-tables --last 50")]
pub struct ReplayArgs {
    /// The folder of the new tables, with `policy`, `knowledge` and `understanding` in it.
    #[arg(long)]
    rules: PathBuf,
    /// The configuration whose store holds the calls, and whose tables are the old ones.
    #[arg(long, short, default_value = "warmline.toml", env = "WARMLINE_CONFIG")]
    config: PathBuf,
    /// Also the last so many calls.
    #[arg(long, default_value_t = 0)]
    last: u32,
    /// Calls by their ids, as their pages show them.
    #[arg(value_name = "CALL")]
    calls: Vec<String>,
}

pub fn run(args: &ReplayArgs) -> ExitCode {
    let read = Config::load(&args.config).and_then(|config| {
        let old = Tables::load(&config)?;
        let new = Tables::load_folder(&args.rules)?;
        Ok((config, old, new))
    });
    let read = read.map_err(|problems| problems.to_string()).and_then(|(config, old, new)| {
        let (old, new) = (old.with_embedding(&config)?, new.with_embedding(&config)?);
        Ok((config, old, new))
    });
    let (config, old, new) = match read {
        Ok(read) => read,
        Err(told) => {
            eprintln!("{}", told.trim_end());
            return ExitCode::from(2);
        }
    };
    super::block_on(async {
        match replay(args, &config, rulebook(old), rulebook(new)).await {
            Ok(found) if found => ExitCode::SUCCESS,
            Ok(_) => ExitCode::from(2),
            Err(error) => {
                eprintln!("{error}");
                ExitCode::from(2)
            }
        }
    })
}

fn rulebook(tables: Tables) -> Rulebook {
    let Tables { policy, knowledge, understander, .. } = tables.trained();
    Rulebook { understander, policy, knowledge }
}

/// `false` if there was nothing to play, or a call that was named is not there.
async fn replay(
    args: &ReplayArgs,
    config: &Config,
    old: Rulebook,
    new: Rulebook,
) -> Result<bool, StoreFault> {
    if args.calls.is_empty() && args.last == 0 {
        eprintln!("name calls, or ask for the last ones with --last");
        return Ok(false);
    }
    // A store is not made only to find nothing in it.
    if !config.store.file.is_file() {
        eprintln!("{}: no store is here, so no call is kept", config.store.file.display());
        return Ok(false);
    }
    let store = Store::open_beside(store_settings(config))?;
    let mut missing = 0;
    let mut names: Vec<CallId> = Vec::new();
    for name in &args.calls {
        match CallId::parse(name) {
            Some(id) => names.push(id),
            None => {
                eprintln!("{name}: no id of a call");
                missing += 1;
            }
        }
    }
    if args.last > 0 {
        let filter = CallFilter { limit: args.last, ..CallFilter::default() };
        let (heads, _) = store.calls(filter).await?;
        names.extend(heads.into_iter().map(|head| head.id));
    }
    if names.is_empty() {
        eprintln!("no such call is kept: nothing was played");
        return Ok(false);
    }
    let (mut turns, mut changed, mut played) = (0, 0, 0);
    for name in &names {
        let Some(record) = store.call(name).await? else {
            eprintln!("{name}: no such call is kept");
            missing += 1;
            continue;
        };
        let call = past_call(&record, config);
        let (before, after) = (play(&call, &old), play(&call, &new));
        let changes = compare(&before, &after);
        played += 1;
        turns += before.len();
        changed += changes.len();
        println!("{name}: {} of {} turns change", changes.len(), before.len());
        for change in changes {
            let text = call.said.get(change.turn).map_or("", |said| said.text.as_str());
            println!("  {} \"{text}\"", change.turn + 1);
            for line in differences(&change.before, &change.after) {
                println!("      {line}");
            }
        }
    }
    println!("{changed} of {turns} turns of {played} calls change");
    Ok(missing == 0)
}

fn differences(before: &TurnOutcome, after: &TurnOutcome) -> Vec<String> {
    let intent = |one: &TurnOutcome| one.intent.clone().unwrap_or_else(|| "none".into());
    let stress = |one: &TurnOutcome| format!("{:.2} {:?}", one.stress, one.level).to_lowercase();
    let decision = |one: &TurnOutcome| match one.rule.as_str() {
        "" => one.decision.clone(),
        rule => format!("{} ({rule})", one.decision),
    };
    let pairs = [
        ("intent", intent(before), intent(after)),
        ("stress", stress(before), stress(after)),
        ("decision", decision(before), decision(after)),
    ];
    pairs
        .into_iter()
        .filter(|(_, before, after)| before != after)
        .map(|(name, before, after)| format!("{name}: {before} → {after}"))
        .collect()
}

/// What the store kept of the caller's side.
fn past_call(record: &CallRecord, config: &Config) -> PastCall {
    let language = Language::new(&record.head.language).unwrap_or_else(Language::english);
    let zone = jiff::tz::TimeZone::get(&config.company.time_zone);
    let began = jiff::Timestamp::from_millisecond(record.head.began_ms).unwrap_or_default();
    let today = began.to_zoned(zone.unwrap_or(jiff::tz::TimeZone::UTC)).date();
    let lines = record.lines.iter().filter(|line| line.speaker == Speaker::Caller);
    PastCall {
        said: lines.map(|line| utterance(line, &language)).collect(),
        company: config.company.name.clone(),
        vip: record.head.vip,
        language,
        today,
    }
}

/// The words with their times give the voiced time; how loud it was is not kept.
fn utterance(line: &LineRecord, language: &Language) -> Utterance {
    let voiced: u64 = line.words.iter().map(|word| word.ended.0.saturating_sub(word.began.0)).sum();
    let mut out = Utterance::typed(line.text.reveal(), line.at, voiced);
    out.language = language.clone();
    out.level_dbfs = f32::NAN;
    out.words = line.words.clone();
    out
}
