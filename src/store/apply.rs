//! How each fact becomes rows. In: one fact. Out: statements inside the writer's transaction.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde::Serialize;

use crate::base::caller::{CallerInfo, Handling};
use crate::base::card::{Line, NOT_KEPT, Priority, Speaker};
use crate::base::consent::ConsentState;
use crate::base::disposition::Disposition;
use crate::base::ids::{AgentId, CallId, LegId, OfferId};
use crate::base::moment::Moment;
use crate::base::utterance::Utterance;
use crate::call::command::{Fact, TransferStep, UnderstandingNote};

use super::limits::{LADDER_ROWS_MAX, LADDER_TEXT_BYTES_MAX, OFFER_LIFE_MAX};
use super::record::{LadderRow, LegRow};

type Written = rusqlite::Result<()>;

pub(super) fn arrived(
    db: &Connection,
    call: &CallId,
    wall: Timestamp,
    caller: &CallerInfo,
) -> Written {
    let number = caller.number.as_ref().map(|number| number.reveal().as_str());
    let profile_name = caller.profile.name.as_ref();
    let name = profile_name.or(caller.name.as_ref()).map(|name| name.reveal().as_str());
    let handling = match caller.profile.handling {
        Handling::Automatic => "automatic",
        Handling::Assisted => "assisted",
        Handling::Person => "person",
    };
    db.prepare_cached(
        "INSERT INTO calls (id, began_ms, caller_number, caller_key, caller_name, dialled, trunk,
                            user_agent, language, vip, handling)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        call.as_str(),
        wall.as_millisecond(),
        number,
        number.map(caller_key),
        name,
        caller.dialled,
        caller.trunk.as_str(),
        caller.user_agent,
        caller.language.code(),
        caller.profile.vip,
        handling,
    ])?;
    Ok(())
}

/// A number as it is compared: digits and a leading `+` where it holds at least three digits,
/// otherwise the text in lower case.
pub(super) fn caller_key(number: &str) -> String {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    if digits.len() < 3 || number.chars().any(char::is_alphabetic) {
        return number.trim().to_lowercase();
    }
    match (number.trim_start().starts_with('+'), digits.strip_prefix("00")) {
        (true, _) => format!("+{digits}"),
        (false, Some(rest)) => format!("+{rest}"),
        (false, None) => digits,
    }
}

pub(super) fn fact(
    db: &Connection,
    call: &CallId,
    at: Moment,
    wall: Timestamp,
    fact: &Fact,
) -> Written {
    match fact {
        Fact::Said { line, utterance, understanding } => {
            said(db, call, wall, line, utterance.as_ref(), understanding.as_ref())
        }
        Fact::NotKept { from } => not_kept(db, call, *from),
        Fact::Decided { rule, decision, priority, reasons } => {
            db.prepare_cached(
                "INSERT INTO decisions (call, at_ms, rule, decision, priority, reasons)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                call.as_str(),
                ms(at),
                rule.as_str(),
                decision,
                priority_name(*priority),
                json(reasons)?
            ])?;
            set(db, call, "UPDATE calls SET priority = ?2 WHERE id = ?1", priority_name(*priority))
        }
        Fact::Transfer { offer, step } => transfer(db, call, at, wall, *offer, step),
        Fact::Consent { recording } => consent(db, call, at, *recording),
        Fact::Key { leg, key } => event(db, call, at, "key", &format!("{key} (leg {leg})")),
        Fact::Looked { connector, outcome } => {
            event(db, call, at, "looked", &format!("{connector}: {outcome}"))
        }
        Fact::Satisfied { yes } => {
            set(db, call, "UPDATE calls SET satisfied = ?2 WHERE id = ?1", *yes)?;
            event(db, call, at, "satisfied", if *yes { "yes" } else { "no" })
        }
        Fact::Steered { agent, by } => {
            event(db, call, at, "desk", &format!("{agent} {}", by.words()))
        }
        Fact::WrapUp { agent, result } => {
            db.prepare_cached(
                "INSERT INTO wrap_ups (call, agent, opened_ms, result) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (call, agent) DO UPDATE SET result = ?4",
            )?
            .execute(params![
                call.as_str(),
                agent.as_str(),
                wall.as_millisecond(),
                result
            ])?;
            event(db, call, at, "wrap_up", &format!("{agent}: {result}"))
        }
    }
}

fn said(
    db: &Connection,
    call: &CallId,
    wall: Timestamp,
    line: &Line,
    utterance: Option<&Utterance>,
    understanding: Option<&UnderstandingNote>,
) -> Written {
    let speaker = match line.speaker {
        Speaker::Caller => "caller",
        Speaker::Machine => "machine",
        Speaker::Agent => "agent",
    };
    let words = utterance.filter(|u| !u.words.is_empty()).map(|u| json(&u.words)).transpose()?;
    let reasons = understanding.map(|u| json(&u.reasons)).transpose()?;
    let slots = understanding.filter(|u| !u.slots.is_empty());
    let slots = slots.map(|u| json(&u.slots)).transpose()?;
    let intent = understanding.and_then(|u| u.intent.as_ref()).map(|intent| intent.as_str());
    db.prepare_cached(
        "INSERT INTO lines (call, at_ms, wall_ms, speaker, text, ended_ms, words, confidence,
             decode_ms, intent, intent_confidence, stress, reasons, slots)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?
    .execute(params![
        call.as_str(),
        ms(line.at),
        wall.as_millisecond(),
        speaker,
        line.text.reveal(),
        utterance.map(|u| ms(u.ended)),
        words,
        utterance.map(|u| f64::from(u.confidence)),
        utterance.map(|u| u.decode_ms as i64),
        intent,
        understanding.filter(|_| intent.is_some()).map(|u| f64::from(u.confidence)),
        understanding.map(|u| f64::from(u.stress)),
        reasons,
        slots,
    ])?;
    let Some(understanding) = understanding else { return Ok(()) };
    db.prepare_cached(
        // What is said to a person no longer changes what the call was about.
        "UPDATE calls SET stress_max = max(stress_max, ?3),
             intent = CASE WHEN to_person_ms IS NULL THEN coalesce(?2, intent) ELSE intent END
         WHERE id = ?1",
    )?
    .execute(params![call.as_str(), intent, f64::from(understanding.stress)])?;
    Ok(())
}

/// Card data was in the caller's lines since `from`: they leave the record and its index.
fn not_kept(db: &Connection, call: &CallId, from: Moment) -> Written {
    let values = params![call.as_str(), ms(from), NOT_KEPT];
    db.prepare_cached(
        "INSERT INTO lines (call, at_ms, wall_ms, speaker, text, ended_ms, confidence, decode_ms,
             stress)
         SELECT call, at_ms, wall_ms, speaker, ?3, ended_ms, confidence, decode_ms, stress
         FROM lines WHERE call = ?1 AND speaker = 'caller' AND at_ms >= ?2 AND text <> ?3
         ORDER BY id",
    )?
    .execute(values)?;
    db.prepare_cached(
        "DELETE FROM lines
         WHERE call = ?1 AND speaker = 'caller' AND at_ms >= ?2 AND text <> ?3",
    )?
    .execute(values)?;
    Ok(())
}

/// What the record keeps of a step: its name, its agent, the rest in words.
fn step_row(step: &TransferStep) -> rusqlite::Result<(&'static str, Option<&AgentId>, String)> {
    let none = String::new();
    Ok(match step {
        TransferStep::Wanted { reasons } => {
            let words: Vec<String> = reasons.iter().map(ToString::to_string).collect();
            ("wanted", None, words.join("; "))
        }
        TransferStep::Queued { position } => ("queued", None, format!("position {position}")),
        TransferStep::Offered { agent } => ("offered", Some(agent), none),
        TransferStep::Ringing { agent } => ("ringing", Some(agent), none),
        TransferStep::Failed { agent, failure } => ("failed", Some(agent), plain(failure)?),
        TransferStep::Briefing { agent } => ("briefing", Some(agent), none),
        TransferStep::Accepted { agent } => ("accepted", Some(agent), none),
        TransferStep::Declined { agent } => ("declined", Some(agent), none),
        TransferStep::Unconfirmed { agent } => ("unconfirmed", Some(agent), none),
        TransferStep::AgentLeft { agent } => ("agent_left", Some(agent), none),
        TransferStep::Bridged { agent } => ("bridged", Some(agent), none),
        TransferStep::Held { leg } => ("held", None, format!("leg {leg}")),
        TransferStep::Resumed { leg } => ("resumed", None, format!("leg {leg}")),
        TransferStep::AgentLost { agent } => ("agent_lost", Some(agent), none),
        TransferStep::Consulting { agent } => ("consulting", Some(agent), none),
        TransferStep::Joined { agent } => ("joined", Some(agent), none),
        TransferStep::ConsultEnded { agent } => ("consult_ended", Some(agent), none),
        TransferStep::HandedOver { agent } => ("handed_over", Some(agent), none),
        TransferStep::ReturnedToMachine { agent } => ("returned_to_machine", Some(agent), none),
        TransferStep::CallerLost => ("caller_lost", None, none),
        TransferStep::CallingBack => ("calling_back", None, none),
        TransferStep::CallerLeft => ("caller_left", None, none),
        TransferStep::GaveUp => ("gave_up", None, none),
        TransferStep::Ended => ("ended", None, none),
    })
}

fn transfer(
    db: &Connection,
    call: &CallId,
    at: Moment,
    wall: Timestamp,
    offer: Option<OfferId>,
    step: &TransferStep,
) -> Written {
    let (name, agent, detail) = step_row(step)?;
    db.prepare_cached(
        "INSERT INTO transfer_steps (call, at_ms, offer, agent, step, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        call.as_str(),
        ms(at),
        offer.map(|offer| offer.0),
        agent.map(AgentId::as_str),
        name,
        detail,
    ])?;
    match step {
        TransferStep::Wanted { .. } => set(
            db,
            call,
            "UPDATE calls SET wanted_person_ms = coalesce(wanted_person_ms, ?2) WHERE id = ?1",
            ms(at),
        ),
        // Whoever was asked in has been told of the call, and may read it afterwards.
        TransferStep::Consulting { agent } => {
            db.prepare_cached("INSERT OR IGNORE INTO call_agents (call, agent) VALUES (?1, ?2)")?
                .execute(params![call.as_str(), agent.as_str()])?;
            Ok(())
        }
        TransferStep::Accepted { agent } => {
            db.prepare_cached("INSERT OR IGNORE INTO call_agents (call, agent) VALUES (?1, ?2)")?
                .execute(params![call.as_str(), agent.as_str()])?;
            set(db, call, "UPDATE calls SET agent = ?2 WHERE id = ?1", agent.as_str())
        }
        TransferStep::Bridged { agent } => {
            db.prepare_cached("INSERT OR IGNORE INTO call_agents (call, agent) VALUES (?1, ?2)")?
                .execute(params![call.as_str(), agent.as_str()])?;
            set(db, call, "UPDATE calls SET agent = ?2 WHERE id = ?1", agent.as_str())?;
            set(
                db,
                call,
                "UPDATE calls SET to_person_ms = coalesce(to_person_ms, ?2 - wanted_person_ms)
                 WHERE id = ?1",
                ms(at),
            )
        }
        TransferStep::Failed { .. }
        | TransferStep::Declined { .. }
        | TransferStep::Unconfirmed { .. }
        | TransferStep::AgentLeft { .. } => {
            let Some(offer) = offer else { return Ok(()) };
            db.prepare_cached(
                "UPDATE offers SET closes_ms = min(closes_ms, ?3) WHERE call = ?1 AND offer = ?2",
            )?
            .execute(params![call.as_str(), offer.0, wall.as_millisecond()])?;
            Ok(())
        }
        TransferStep::Queued { .. }
        | TransferStep::Offered { .. }
        | TransferStep::Ringing { .. }
        | TransferStep::Briefing { .. }
        | TransferStep::Held { .. }
        | TransferStep::Resumed { .. }
        | TransferStep::AgentLost { .. }
        | TransferStep::Joined { .. }
        | TransferStep::ConsultEnded { .. }
        | TransferStep::HandedOver { .. }
        | TransferStep::ReturnedToMachine { .. }
        | TransferStep::CallerLost
        | TransferStep::CallingBack
        | TransferStep::CallerLeft
        | TransferStep::GaveUp
        | TransferStep::Ended => Ok(()),
    }
}

fn consent(db: &Connection, call: &CallId, at: Moment, state: ConsentState) -> Written {
    let name = match state {
        ConsentState::Notified => "notified",
        ConsentState::Granted => "granted",
        ConsentState::Refused => "refused",
        ConsentState::Off => "off",
    };
    db.prepare_cached("INSERT INTO consents (call, at_ms, state) VALUES (?1, ?2, ?3)")?
        .execute(params![call.as_str(), ms(at), name])?;
    set(db, call, "UPDATE calls SET consent = ?2 WHERE id = ?1", name)
}

fn event(db: &Connection, call: &CallId, at: Moment, kind: &str, detail: &str) -> Written {
    db.prepare_cached("INSERT INTO events (call, at_ms, kind, detail) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![call.as_str(), ms(at), kind, detail])?;
    Ok(())
}

pub(super) fn ended(
    db: &Connection,
    call: &CallId,
    at: Moment,
    wall: Timestamp,
    disposition: Disposition,
    wrap_up: Duration,
) -> Written {
    let (now, id) = (wall.as_millisecond(), call.as_str());
    // The first end counts: every call has exactly one disposition.
    db.prepare_cached(
        "UPDATE calls SET ended_ms = ?2, length_ms = ?3, disposition = ?4
         WHERE id = ?1 AND ended_ms IS NULL",
    )?
    .execute(params![id, now, ms(at), disposition.name()])?;
    db.prepare_cached(
        "INSERT OR IGNORE INTO wrap_ups (call, agent, opened_ms)
         SELECT call, agent, ?2 FROM call_agents WHERE call = ?1",
    )?
    .execute(params![id, now])?;
    // An agent who has the call keeps the page through wrap-up; offers to others close.
    let later = now.saturating_add(wrap_up.as_millis() as i64);
    db.prepare_cached(
        "UPDATE offers SET closes_ms = min(closes_ms, CASE
             WHEN agent IN (SELECT agent FROM call_agents WHERE call = ?1) THEN ?3 ELSE ?2 END)
         WHERE call = ?1",
    )?
    .execute(params![id, now, later])?;
    Ok(())
}

pub(super) fn wrap_up_ended(
    db: &Connection,
    call: &CallId,
    agent: &AgentId,
    wall: Timestamp,
) -> Written {
    let row = params![call.as_str(), agent.as_str(), wall.as_millisecond()];
    db.prepare_cached(
        "UPDATE wrap_ups SET closed_ms = coalesce(closed_ms, ?3) WHERE call = ?1 AND agent = ?2",
    )?
    .execute(row)?;
    db.prepare_cached(
        "UPDATE offers SET closes_ms = min(closes_ms, ?3) WHERE call = ?1 AND agent = ?2",
    )?
    .execute(row)?;
    Ok(())
}

pub(super) fn offer(
    db: &Connection,
    hash: &[u8],
    card: &crate::base::card::OfferCard,
    wall: Timestamp,
) -> Written {
    let life_ms = OFFER_LIFE_MAX.as_millis() as i64;
    db.prepare_cached(
        "INSERT INTO offers (token_hash, call, offer, agent, card, opened_ms, closes_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        hash,
        card.call.as_str(),
        card.offer.0,
        card.agent.as_str(),
        json(card)?,
        wall.as_millisecond(),
        wall.as_millisecond().saturating_add(life_ms),
    ])?;
    Ok(())
}

pub(super) fn leg_began(db: &Connection, call: &CallId, leg: &LegRow) -> Written {
    db.prepare_cached(
        "INSERT INTO legs (call, leg, role, agent, peer, codec, began_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (call, leg) DO UPDATE SET codec = coalesce(?6, codec), peer = ?5",
    )?
    .execute(params![
        call.as_str(),
        leg.leg.0,
        leg.role,
        leg.agent.as_ref().map(AgentId::as_str),
        leg.peer,
        leg.codec,
        ms(leg.began),
    ])?;
    Ok(())
}

pub(super) fn leg_ended(
    db: &Connection,
    call: &CallId,
    leg: LegId,
    at: Moment,
    how: &str,
) -> Written {
    db.prepare_cached(
        "UPDATE legs SET ended_ms = ?3, how = ?4
         WHERE call = ?1 AND leg = ?2 AND ended_ms IS NULL",
    )?
    .execute(params![call.as_str(), leg.0, ms(at), how])?;
    Ok(())
}

pub(super) fn ladder(db: &Connection, call: &CallId, row: &LadderRow) -> Written {
    let mut end = row.message.len().min(LADDER_TEXT_BYTES_MAX);
    while !row.message.is_char_boundary(end) {
        end -= 1;
    }
    db.prepare_cached(
        "INSERT INTO ladder (call, at_ms, leg, outbound, peer, summary, message)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
         WHERE (SELECT count(*) FROM ladder WHERE call = ?1) < ?8",
    )?
    .execute(params![
        call.as_str(),
        ms(row.at),
        row.leg.0,
        row.outbound,
        row.peer,
        row.summary,
        row.message.get(..end).unwrap_or_default(),
        LADDER_ROWS_MAX,
    ])?;
    Ok(())
}

pub(super) fn recording(db: &Connection, call: &CallId, file: &str, began: Moment) -> Written {
    if !is_plain_file_name(file) {
        return Err(rusqlite::Error::InvalidPath(file.into()));
    }
    db.prepare_cached("UPDATE calls SET recording = ?2, recording_began_ms = ?3 WHERE id = ?1")?
        .execute(params![call.as_str(), file, ms(began)])?;
    Ok(())
}

/// Letters, digits, `-`, `_` and inner dots: nothing that could leave its folder.
pub(super) fn is_plain_file_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !name.is_empty() && name.len() <= 128 && !name.starts_with('.') && name.bytes().all(good)
}

fn set<T: rusqlite::ToSql>(db: &Connection, call: &CallId, sql: &str, value: T) -> Written {
    db.prepare_cached(sql)?.execute(params![call.as_str(), value])?;
    Ok(())
}

fn ms(at: Moment) -> i64 {
    i64::try_from(at.as_ms()).unwrap_or(i64::MAX)
}

pub(super) fn priority_name(priority: Priority) -> &'static str {
    match priority {
        Priority::P0 => "P0",
        Priority::P1 => "P1",
        Priority::P2 => "P2",
        Priority::P3 => "P3",
    }
}

fn json<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// An enum in words: `no_answer`, `server_error 503`.
fn plain<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    let symbols: String = json(value)?
        .chars()
        .map(|symbol| if symbol == ':' { ' ' } else { symbol })
        .filter(|symbol| !matches!(symbol, '"' | '{' | '}'))
        .collect();
    Ok(symbols)
}
