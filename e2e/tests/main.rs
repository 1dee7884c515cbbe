//! One binary of end-to-end tests. Each starts what it needs and leaves nothing behind.

mod attacks;
mod certificates;
mod clients;
mod durability;
mod holds;
mod house;
mod keys;
mod masks;
mod refusals;
mod shop;
