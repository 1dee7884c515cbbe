//! PostgreSQL, protocol 3.0 and 3.2.

pub mod seam;
