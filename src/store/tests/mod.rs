//! Tests of the store on real files.

mod crash;
mod erase;
mod people;
mod writes;

use std::path::Path;

use jiff::Timestamp;

use crate::base::caller::{CallerInfo, CustomerProfile};
use crate::base::card::{Line, Speaker};
use crate::base::ids::{CallId, TrunkId};
use crate::base::language::Language;
use crate::base::moment::Moment;
use crate::call::command::{Fact, TransferStep};

use super::{Store, StoreSettings};

fn open(folder: &Path) -> Store {
    Store::open(StoreSettings::in_folder(folder)).expect("the store opens")
}

fn call_id(number: u8) -> CallId {
    CallId::new(1_763_000_000_000 + u64::from(number), [number; 10])
}

fn caller(number: &str) -> CallerInfo {
    CallerInfo {
        number: Some(number.to_owned().into()),
        name: Some("Anna Muster".to_owned().into()),
        dialled: "100".into(),
        trunk: TrunkId::from("demo"),
        user_agent: None,
        language: Language::english(),
        peer: None,
        profile: CustomerProfile::default(),
    }
}

fn said(at_ms: u64, text: &str) -> Fact {
    let line = Line { at: Moment(at_ms), speaker: Speaker::Caller, text: text.to_owned().into() };
    Fact::Said { line, utterance: None, understanding: None }
}

fn step(step: TransferStep) -> Fact {
    Fact::Transfer { offer: Some(crate::base::ids::OfferId(1)), step }
}

fn now() -> Timestamp {
    Timestamp::now()
}
