//! Speech both ways: what is heard becomes words (`hear`), words become sound (`voice`).

pub mod hear;
pub mod voice;
