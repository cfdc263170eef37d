//! The web on a real server on a free port, asked by a real client.

#[path = "web/access.rs"]
mod access;
#[path = "web/changes.rs"]
mod changes;
#[path = "web/content.rs"]
mod content;
#[path = "web/desk.rs"]
mod desk;
#[path = "web/example.rs"]
mod example;
#[path = "web/server.rs"]
mod server;
