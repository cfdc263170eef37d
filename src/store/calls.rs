//! Reading calls back: the list and one call.

use rusqlite::types::{FromSql, Type, Value};
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use serde::de::DeserializeOwned;

use crate::base::card::Speaker;
use crate::base::ids::{CallId, LegId};
use crate::base::moment::Moment;
use crate::base::pii::Pii;

use super::apply::caller_key;
use super::limits::{CALL_ROWS_MAX, PAGE_CALLS_MAX};
use super::record::{
    CallFilter, CallHead, CallRecord, ConsentRecord, DecisionRecord, EventRecord, LadderRow,
    LegRecord, LineRecord, StepRecord, WrapUpRecord,
};
use super::{Store, StoreFault, search};

const HEAD: &str = "c.id, c.began_ms, c.ended_ms, c.length_ms, c.disposition, c.caller_number,
    c.caller_name, c.dialled, c.trunk, c.language, c.vip, c.intent, c.stress_max, c.priority,
    c.agent, c.to_person_ms, c.consent, c.satisfied, c.recording IS NOT NULL";

impl Store {
    /// Calls that fit, newest first, at most [`PAGE_CALLS_MAX`]; and how many fit in all.
    pub async fn calls(&self, filter: CallFilter) -> Result<(Vec<CallHead>, u64), StoreFault> {
        self.read(move |db| {
            let (condition, mut values) = conditions(&filter);
            let count = format!("SELECT count(*) FROM calls c WHERE {condition}");
            let total: i64 =
                db.query_row(&count, params_from_iter(values.iter()), |row| row.get(0))?;
            values.push(Value::Integer(i64::from(filter.limit.min(PAGE_CALLS_MAX))));
            values.push(Value::Integer(i64::from(filter.offset)));
            let list = format!(
                "SELECT {HEAD} FROM calls c WHERE {condition}
                 ORDER BY c.began_ms DESC, c.id DESC LIMIT ? OFFSET ?"
            );
            let mut query = db.prepare_cached(&list)?;
            let rows = query.query_map(params_from_iter(values.iter()), head)?;
            Ok((rows.collect::<Result<_, _>>()?, total as u64))
        })
        .await
    }

    /// One call with all that is kept of it, but the SIP ladder.
    pub async fn call(&self, call: &CallId) -> Result<Option<CallRecord>, StoreFault> {
        let id = call.as_str().to_owned();
        self.read(move |db| record(db, &id)).await
    }

    /// The SIP messages of a call, in order.
    pub async fn call_ladder(&self, call: &CallId) -> Result<Vec<LadderRow>, StoreFault> {
        let id = call.as_str().to_owned();
        self.read(move |db| {
            rows(db, "at_ms, leg, outbound, peer, summary, message", "ladder", &id, |row| {
                Ok(LadderRow {
                    at: moment(row, 0)?,
                    leg: LegId(row.get(1)?),
                    outbound: row.get(2)?,
                    peer: row.get(3)?,
                    summary: row.get(4)?,
                    message: row.get(5)?,
                })
            })
        })
        .await
    }

    /// The intents and agents that occur, for the list's filters.
    pub async fn filter_choices(&self) -> Result<(Vec<String>, Vec<String>), StoreFault> {
        self.read(|db| {
            let list = |sql: &str| -> rusqlite::Result<Vec<String>> {
                db.prepare_cached(sql)?.query_map([], |row| row.get(0))?.collect()
            };
            Ok((
                list(
                    "SELECT DISTINCT intent FROM calls WHERE intent IS NOT NULL
                      ORDER BY 1 LIMIT 200",
                )?,
                list(
                    "SELECT DISTINCT agent FROM calls WHERE agent IS NOT NULL
                      ORDER BY 1 LIMIT 200",
                )?,
            ))
        })
        .await
    }
}

fn conditions(filter: &CallFilter) -> (String, Vec<Value>) {
    let mut all = vec!["1".to_owned()];
    let mut values = Vec::new();
    let mut add = |sql: &str, value: Value| {
        all.push(sql.to_owned());
        values.push(value);
    };
    if let Some(from) = filter.from_ms {
        add("c.began_ms >= ?", Value::Integer(from));
    }
    if let Some(until) = filter.until_ms {
        add("c.began_ms < ?", Value::Integer(until));
    }
    match filter.disposition.as_deref() {
        Some("live") => add("c.ended_ms IS NULL AND ?", Value::Integer(1)),
        Some(name) => add("c.disposition = ?", Value::Text(name.to_owned())),
        None => {}
    }
    if let Some(intent) = &filter.intent {
        add("c.intent = ?", Value::Text(intent.clone()));
    }
    if let Some(agent) = &filter.agent {
        add("c.id IN (SELECT call FROM call_agents WHERE agent = ?)", Value::Text(agent.clone()));
    }
    if let Some(text) = filter.search.as_deref().filter(|text| !text.trim().is_empty()) {
        let like = format!("%{}%", text.trim().replace(['%', '_', '\\'], ""));
        let words = search::match_expression(text);
        let key = caller_key(text);
        all.push(
            "(c.caller_key = ? OR c.caller_name LIKE ? OR c.id IN (SELECT l.call FROM lines l
               WHERE l.id IN (SELECT rowid FROM search WHERE search MATCH ?)))"
                .into(),
        );
        values.extend([Value::Text(key), Value::Text(like), Value::Text(words)]);
    }
    (all.join(" AND "), values)
}

fn head(row: &Row<'_>) -> rusqlite::Result<CallHead> {
    let id: String = row.get(0)?;
    Ok(CallHead {
        id: CallId::parse(&id).ok_or_else(|| wrong(0, "no call id"))?,
        began_ms: row.get(1)?,
        ended_ms: row.get(2)?,
        length_ms: row.get(3)?,
        disposition: row.get(4)?,
        caller_number: row.get::<_, Option<String>>(5)?.map(Into::into),
        caller_name: row.get::<_, Option<String>>(6)?.map(Into::into),
        dialled: row.get(7)?,
        trunk: row.get(8)?,
        language: row.get(9)?,
        vip: row.get(10)?,
        intent: row.get(11)?,
        stress_max: row.get(12)?,
        priority: row.get(13)?,
        agent: row.get(14)?,
        to_person_ms: row.get(15)?,
        consent: row.get(16)?,
        satisfied: row.get(17)?,
        has_recording: row.get(18)?,
    })
}

fn record(db: &Connection, id: &str) -> rusqlite::Result<Option<CallRecord>> {
    let sql = format!(
        "SELECT {HEAD}, c.user_agent, c.handling, c.recording, c.recording_began_ms
         FROM calls c WHERE c.id = ?1"
    );
    let found = db
        .prepare_cached(&sql)?
        .query_row(params![id], |row| {
            let rest: (Option<String>, String, Option<String>, Option<i64>) =
                (row.get(19)?, row.get(20)?, row.get(21)?, row.get(22)?);
            Ok((head(row)?, rest))
        })
        .optional()?;
    let Some((head, (user_agent, handling, recording, recording_began_ms))) = found else {
        return Ok(None);
    };
    Ok(Some(CallRecord {
        head,
        user_agent,
        handling,
        recording_began_ms,
        recording,
        legs: legs(db, id)?,
        lines: lines(db, id)?,
        decisions: decisions(db, id)?,
        transfer_steps: steps(db, id)?,
        consents: rows(db, "at_ms, state", "consents", id, |row| {
            Ok(ConsentRecord { at: moment(row, 0)?, state: row.get(1)? })
        })?,
        events: rows(db, "at_ms, kind, detail", "events", id, |row| {
            Ok(EventRecord { at: moment(row, 0)?, kind: row.get(1)?, detail: row.get(2)? })
        })?,
        wrap_ups: wrap_ups(db, id)?,
        agents: rows(db, "agent", "call_agents", id, |row| row.get(0))?,
    }))
}

fn legs(db: &Connection, id: &str) -> rusqlite::Result<Vec<LegRecord>> {
    let columns = "leg, role, agent, peer, codec, began_ms, ended_ms, how";
    rows(db, columns, "legs", id, |row| {
        Ok(LegRecord {
            leg: row.get(0)?,
            role: row.get(1)?,
            agent: row.get(2)?,
            peer: row.get(3)?,
            codec: row.get(4)?,
            began_ms: row.get(5)?,
            ended_ms: row.get(6)?,
            how: row.get(7)?,
        })
    })
}

fn lines(db: &Connection, id: &str) -> rusqlite::Result<Vec<LineRecord>> {
    let columns = "at_ms, wall_ms, speaker, text, ended_ms, words, confidence, decode_ms, intent,
                   intent_confidence, stress, reasons, slots";
    rows(db, columns, "lines", id, |row| {
        let speaker: String = row.get(2)?;
        Ok(LineRecord {
            at: moment(row, 0)?,
            wall_ms: row.get(1)?,
            speaker: match speaker.as_str() {
                "caller" => Speaker::Caller,
                "agent" => Speaker::Agent,
                _ => Speaker::Machine,
            },
            text: row.get::<_, String>(3)?.into(),
            ended_ms: row.get(4)?,
            words: json(row, 5)?,
            confidence: row.get(6)?,
            decode_ms: row.get(7)?,
            intent: row.get(8)?,
            intent_confidence: row.get(9)?,
            stress: row.get(10)?,
            reasons: json(row, 11)?,
            slots: json(row, 12)?,
        })
    })
}

fn decisions(db: &Connection, id: &str) -> rusqlite::Result<Vec<DecisionRecord>> {
    rows(db, "at_ms, rule, decision, priority, reasons", "decisions", id, |row| {
        Ok(DecisionRecord {
            at: moment(row, 0)?,
            rule: row.get(1)?,
            decision: row.get(2)?,
            priority: row.get(3)?,
            reasons: json(row, 4)?,
        })
    })
}

fn steps(db: &Connection, id: &str) -> rusqlite::Result<Vec<StepRecord>> {
    rows(db, "at_ms, offer, agent, step, detail", "transfer_steps", id, |row| {
        Ok(StepRecord {
            at: moment(row, 0)?,
            offer: row.get(1)?,
            agent: row.get(2)?,
            step: row.get(3)?,
            detail: row.get(4)?,
        })
    })
}

fn wrap_ups(db: &Connection, id: &str) -> rusqlite::Result<Vec<WrapUpRecord>> {
    let columns = "agent, opened_ms, closed_ms, result, summary, notes, machine_right, ticket";
    rows(db, columns, "wrap_ups", id, |row| {
        Ok(WrapUpRecord {
            agent: row.get(0)?,
            opened_ms: row.get(1)?,
            closed_ms: row.get(2)?,
            result: row.get(3)?,
            summary: json(row, 4)?,
            notes: row.get::<_, Option<String>>(5)?.map(Pii::new),
            machine_right: row.get(6)?,
            ticket: row.get(7)?,
        })
    })
}

/// Rows of one call in the order of writing. `columns` and `table` are ours, never a request's.
fn rows<T>(
    db: &Connection,
    columns: &str,
    table: &str,
    id: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let sql = format!("SELECT {columns} FROM {table} WHERE call = ?1 ORDER BY rowid LIMIT ?2");
    db.prepare_cached(&sql)?.query_map(params![id, CALL_ROWS_MAX], read)?.collect()
}

fn moment(row: &Row<'_>, column: usize) -> rusqlite::Result<Moment> {
    Ok(Moment(row.get::<_, i64>(column)?.max(0) as u64))
}

/// JSON that we wrote ourselves; an absent one is the empty list.
fn json<T: DeserializeOwned + Default>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let Some(text) = Option::<String>::column_result(row.get_ref(column)?)? else {
        return Ok(T::default());
    };
    serde_json::from_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
    })
}

fn wrong(column: usize, what: &'static str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, what.into())
}
