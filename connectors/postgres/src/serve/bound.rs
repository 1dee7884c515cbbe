//! The messages in which what a token stands for crosses to the target: as bound values, behind those of the client.
//!
//! Only written here. Whether a token may be put back, and where, is `tokens`' to say.

use super::names::Prepared;
use crate::wire::front::Named;
use crate::wire::{Malformed, Reader, write};
use sallyport_core::{Cell, Denial, Reason, Secret};
use sallyport_sql::{Statement, lifted};
use std::collections::BTreeMap;

/// A literal of the text that becomes a parameter.
#[derive(Debug)]
pub(super) struct Lift {
    pub at: usize,
    pub kind: u32,
    pub value: Secret,
}

/// What stands for a parameter, by its number from one.
pub(super) type PutBack = BTreeMap<usize, Put>;

#[derive(Debug)]
pub(super) struct Put {
    pub value: Secret,
    /// Every element of a list was a token.
    pub whole: bool,
}

/// The values of a Bind: where they are within its message, and which of them are not text.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    pub message: &'a [u8],
    pub cells: &'a [Cell],
    pub binary: &'a [bool],
    pub results: &'a [bool],
}

impl<'a> Values<'a> {
    pub fn of(&self, number: usize) -> Option<(&'a [u8], bool)> {
        let at = number.checked_sub(1)?;
        Some((self.cells.get(at)?.of(self.message)?, self.binary.get(at).copied().unwrap_or(false)))
    }
}

/// The messages that stand for a simple query with tokens.
pub(super) fn query_of(statement: &Statement, text: &str, lifts: &[Lift]) -> Result<Vec<u8>, Reason> {
    if !statement.parameters.is_empty() {
        return Err(unliftable());
    }
    let text = lifted_from(text, lifts, 0)?;
    let mut out = Vec::new();
    let count = u16::try_from(lifts.len()).map_err(|_| unliftable())?;
    write::message(&mut out, b'P', |out| {
        write::text(out, "");
        write::text(out, &text);
        out.extend_from_slice(&count.to_be_bytes());
        lifts.iter().for_each(|lift| out.extend_from_slice(&lift.kind.to_be_bytes()));
    });
    write::message(&mut out, b'B', |out| {
        out.extend_from_slice(&[0, 0, 0, 0]);
        out.extend_from_slice(&count.to_be_bytes());
        lifts.iter().for_each(|lift| value(out, Some(lift.value.expose())));
        out.extend_from_slice(&[0, 0]);
    });
    write::describe(&mut out, Named::Portal, "");
    write::execute(&mut out, "");
    write::sync(&mut out);
    Ok(out)
}

/// A Parse whose text has parameters in place of tokens, behind the client's own. How many those are is the second.
pub(super) fn parse_of(
    message: &[u8],
    statement: &Statement,
    text: &str,
    lifts: &[Lift],
) -> Result<(Vec<u8>, usize), Reason> {
    let (name, mut kinds) = kinds_of(message).map_err(|_| unliftable())?;
    let own = statement.parameters.keys().copied().max().unwrap_or(0).max(kinds.len());
    if own + lifts.len() > usize::from(u16::MAX) {
        return Err(unliftable());
    }
    kinds.resize(own, 0);
    kinds.extend(lifts.iter().map(|lift| lift.kind));
    let text = lifted_from(text, lifts, own)?;
    let count = u16::try_from(kinds.len()).map_err(|_| unliftable())?;
    let mut out = Vec::new();
    write::message(&mut out, b'P', |out| {
        write::text(out, name);
        write::text(out, &text);
        out.extend_from_slice(&count.to_be_bytes());
        kinds.iter().for_each(|kind| out.extend_from_slice(&kind.to_be_bytes()));
    });
    Ok((out, own))
}

/// A Bind with what its tokens stand for, and with the values of those that stood in the statement's text.
pub(super) fn bind_of(
    names: (&str, &str),
    prepared: &Prepared,
    values: Values<'_>,
    (put, lifts): (&PutBack, &[Lift]),
) -> Result<Vec<u8>, Reason> {
    if !lifts.iter().map(|lift| lift.at).eq(prepared.lifts.iter().copied()) {
        let words = "What the tokens of this prepared statement stand for has changed. Prepare it again.";
        return Err(Denial::of_house("foreign-token", words).reason);
    }
    if !lifts.is_empty() && values.cells.len() != prepared.own {
        return Err(unliftable());
    }
    let count = u16::try_from(values.cells.len() + lifts.len()).map_err(|_| unliftable())?;
    let results = u16::try_from(values.results.len()).map_err(|_| unliftable())?;
    let mut out = Vec::with_capacity(values.message.len() + 256);
    write::message(&mut out, b'B', |out| {
        write::text(out, names.0);
        write::text(out, names.1);
        out.extend_from_slice(&count.to_be_bytes());
        for at in 0..usize::from(count) {
            let binary = at < values.cells.len() && values.binary.get(at).copied().unwrap_or(false);
            out.extend_from_slice(&u16::from(binary).to_be_bytes());
        }
        out.extend_from_slice(&count.to_be_bytes());
        for (at, cell) in values.cells.iter().enumerate() {
            match put.get(&(at + 1)) {
                Some(put) => value(out, Some(put.value.expose())),
                None => value(out, cell.of(values.message)),
            }
        }
        lifts.iter().for_each(|lift| value(out, Some(lift.value.expose())));
        out.extend_from_slice(&results.to_be_bytes());
        values.results.iter().for_each(|binary| out.extend_from_slice(&u16::from(*binary).to_be_bytes()));
    });
    Ok(out)
}

fn value(out: &mut Vec<u8>, value: Option<&[u8]>) {
    let length = value.map_or(-1, |value| i32::try_from(value.len()).unwrap_or(-1));
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(value.unwrap_or_default());
}

fn lifted_from(text: &str, lifts: &[Lift], own: usize) -> Result<String, Reason> {
    let literals: Vec<(usize, usize)> =
        lifts.iter().enumerate().map(|(at, lift)| (lift.at, own + at + 1)).collect();
    lifted(text, &literals).ok_or_else(unliftable)
}

/// The name of a Parse and the types that it says its parameters have.
fn kinds_of(message: &[u8]) -> Result<(&str, Vec<u32>), Malformed> {
    let mut reader = Reader::of_message(message);
    let name = reader.text()?;
    reader.zero_ended()?;
    let count = reader.count()?;
    let kinds = (0..count).map(|_| reader.uint32()).collect::<Result<Vec<_>, _>>()?;
    Ok((name, kinds))
}

/// A ParameterDescription of the client's own parameters alone.
pub(super) fn own_parameters(message: &[u8], own: usize) -> Result<Vec<u8>, Malformed> {
    let mut reader = Reader::of_message(message);
    let count = reader.count()?.min(own);
    let kinds = (0..count).map(|_| reader.uint32()).collect::<Result<Vec<_>, _>>()?;
    let mut out = Vec::new();
    write::message(&mut out, b't', |out| {
        out.extend_from_slice(&u16::try_from(count).unwrap_or_default().to_be_bytes());
        kinds.iter().for_each(|kind| out.extend_from_slice(&kind.to_be_bytes()));
    });
    Ok(out)
}

pub(super) fn unliftable() -> Reason {
    let words = "This statement cannot be sent with what its token stands for. Write the token as a plain literal \
                 between single quotes, or bind it as a parameter.";
    Denial::of_house("token-place", words).reason
}
