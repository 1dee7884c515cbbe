-- One text for SQLite and PostgreSQL: TEXT and BIGINT only, ids made by us, times in microseconds since 1970.

CREATE TABLE targets (
    name TEXT PRIMARY KEY,
    protocol TEXT NOT NULL,
    target TEXT NOT NULL,
    credential TEXT,
    revision BIGINT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);

CREATE TABLE people (
    name TEXT PRIMARY KEY,
    display TEXT NOT NULL,
    email TEXT,
    password_hash TEXT,
    groups TEXT NOT NULL,
    attributes TEXT NOT NULL,
    disabled BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);

CREATE TABLE agents (
    name TEXT PRIMARY KEY,
    display TEXT NOT NULL,
    owner TEXT NOT NULL,
    secret_hash TEXT,
    public_keys TEXT NOT NULL,
    groups TEXT NOT NULL,
    attributes TEXT NOT NULL,
    disabled BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);

CREATE INDEX agents_by_owner ON agents (owner);

CREATE TABLE approvals (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    requester TEXT NOT NULL,
    digest TEXT NOT NULL,
    session TEXT NOT NULL,
    target TEXT NOT NULL,
    request TEXT NOT NULL,
    deferred BIGINT NOT NULL,
    holders BIGINT NOT NULL,
    asked BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    decided_by TEXT,
    decided_name TEXT,
    decided_groups TEXT,
    decided_at BIGINT,
    reason TEXT,
    spend_by BIGINT,
    spent_at BIGINT
);

-- Two equal requests of one requester never wait side by side, on however many nodes they are filed.
CREATE UNIQUE INDEX approvals_waiting ON approvals (requester, digest) WHERE state = 'waiting';
CREATE INDEX approvals_by_state ON approvals (state, asked);
CREATE INDEX approvals_by_digest ON approvals (requester, digest, state);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    caller TEXT NOT NULL,
    caller_name TEXT NOT NULL,
    caller_kind TEXT NOT NULL,
    target TEXT NOT NULL,
    protocol TEXT NOT NULL,
    account TEXT NOT NULL,
    database_name TEXT NOT NULL,
    peer TEXT,
    started BIGINT NOT NULL,
    ended BIGINT,
    reason TEXT,
    commands BIGINT NOT NULL,
    denied BIGINT NOT NULL,
    held BIGINT NOT NULL,
    head TEXT,
    said TEXT NOT NULL
);

CREATE INDEX sessions_by_time ON sessions (started, id);
CREATE INDEX sessions_by_caller ON sessions (caller, started);
CREATE INDEX sessions_by_target ON sessions (target, started);

CREATE TABLE policy_revisions (
    revision BIGINT PRIMARY KEY,
    files TEXT NOT NULL,
    author TEXT NOT NULL,
    note TEXT NOT NULL,
    at BIGINT NOT NULL
);

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    revision BIGINT NOT NULL,
    updated BIGINT NOT NULL
);
