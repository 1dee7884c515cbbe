//! Ways round the gateway, tried at real servers: see `tests`.
