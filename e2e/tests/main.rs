//! One binary of end-to-end tests. Each starts what it needs and leaves nothing behind.

mod arrivals;
mod attacks;
mod certificates;
mod clients;
mod deciding;
mod discover;
mod durability;
mod floods;
mod holds;
mod house;
mod keys;
mod line;
mod masks;
mod neighbours;
mod opinions;
mod plane;
mod refusals;
mod shop;
mod verbs;
