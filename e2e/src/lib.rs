//! The product from outside: the built executable, real servers, real clients. Everything is in `tests/`.
