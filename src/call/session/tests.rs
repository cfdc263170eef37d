//! Whole calls with the real tables: scripts with expected traces, and a simulated world with
//! faults. `SEED=n` replays one world.

mod desk;
mod early;
mod giving_way;
mod languages;
mod late;
mod scripts;
mod states;
mod waiting;
mod world;
