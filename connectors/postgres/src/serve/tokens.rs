//! The way back of tokens: where a caller sets one directly against a column that it sees as tokens, the target gets the
//! value that it stands for, and nobody else does.
//!
//! The value goes to the target as a bound parameter, never as a part of a text: whatever shows the text of a statement
//! (its own functions, the server's views of activity, plans, definitions) shows a parameter's number. A simple query
//! with a token is therefore asked by the extended protocol, and answered as a simple one. The verdict, the record and
//! whoever approves have the caller's own text with the token in it.
//!
//! Invariants: no value is put where it is computed with, returned, or compared for anything but being the same; a
//! parameter is put back only if every place where it stands is such a place; the text that is sent does what the text
//! that was judged does, or nothing is sent.

use super::Serving;
use super::bound::{Lift, Put, PutBack, Values, parse_of, query_of};
use super::names::Prepared;
use crate::columns;
use crate::columns::tokens::{Against, against};
use crate::columns::written_back::Stored;
use crate::wire::list;
use sallyport_core::mask::token::Meant;
use sallyport_core::{Denial, Guard, Reason};
use sallyport_sql::{Destination, Filters, Pair, Said, Statement, StatementKind, Way};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// So many tokens may stand in one text. More are bound as a list.
const MOST: usize = 4096;

/// What a value of a Bind is put against, in all the places where it stands.
struct Place {
    against: Against,
    list: bool,
    times: usize,
}

impl Serving {
    /// The pairs of a statement in which a token is put back. A session without such a rule pays a comparison.
    fn tokened<'s>(&mut self, statement: &'s Statement) -> Vec<(&'s Pair, Against)> {
        // What the catalog cannot show yet may be another table of that name.
        if self.stale_inside { Vec::new() } else { self.seen_as_tokens(statement) }
    }

    /// The pairs whose columns are seen as tokens.
    fn seen_as_tokens<'s>(&mut self, statement: &'s Statement) -> Vec<(&'s Pair, Against)> {
        let sends = matches!(
            statement.kind,
            StatementKind::Query
                | StatementKind::Insert
                | StatementKind::Update
                | StatementKind::Delete
                | StatementKind::Merge
        );
        if statement.pairs.is_empty() || !sends {
            return Vec::new();
        }
        let snapshot = Arc::clone(&self.snapshot);
        if !self.plans.gives_tokens(&mut self.gate, &snapshot) {
            return Vec::new();
        }
        let pairs = statement.pairs.iter();
        pairs.filter_map(|pair| Some((pair, against(&mut self.gate, &snapshot, pair)?))).collect()
    }

    fn meant(&self, against: &Against, given: (&[u8], bool)) -> Meant {
        self.gate.meant(against.scope, &against.rule, against.sort, given)
    }

    /// The tokens in a statement's own text, with what they stand for.
    pub(super) fn lifts(&mut self, statement: &Statement) -> Result<Vec<Lift>, Reason> {
        let mut lifts: Vec<Lift> = Vec::new();
        let mut seen = BTreeSet::new();
        for (pair, against) in self.tokened(statement) {
            for said in &pair.said {
                let Said::Literal { at, text } = said else { continue };
                match self.meant(&against, (text.as_bytes(), false)) {
                    Meant::Own(_) if lifts.len() >= MOST => return Err(too_many()),
                    Meant::Own(value) if seen.insert(*at) => {
                        lifts.push(Lift { at: *at, kind: against.kind, value });
                    }
                    Meant::Own(_) | Meant::Plain => {}
                    Meant::Foreign => return Err(foreign(pair)),
                }
            }
        }
        Ok(lifts)
    }

    /// What a statement filters by, without the comparisons that only say again what a token says. Those with
    /// parameters are looked at when they are bound.
    pub(super) fn filters_of(&mut self, statement: &Statement) -> Filters {
        let tokened = self.tokened(statement);
        let mut filters = statement.unpaired.clone();
        for pair in &statement.pairs {
            let own =
                tokened.iter().find(|(known, _)| std::ptr::eq(*known, pair)).is_some_and(|(_, against)| {
                    pair.said.iter().all(|said| match said {
                        Said::Literal { text, .. } => {
                            matches!(self.meant(against, (text.as_bytes(), false)), Meant::Own(_))
                        }
                        Said::Parameter { .. } => true,
                    })
                });
            if !own {
                filters.sites.extend(pair.sites.iter().cloned());
            }
        }
        filters
    }

    /// The literals that are put back where they are stored, so that no mask is written.
    pub(super) fn stored(&mut self, statement: &Statement) -> Vec<Stored> {
        let tokened = self.tokened(statement);
        let stored = tokened.iter().filter(|(pair, _)| pair.way == Way::Stored);
        let mut texts = Vec::new();
        for (pair, against) in stored {
            for said in &pair.said {
                if let Said::Literal { text, .. } = said
                    && matches!(self.meant(against, (text.as_bytes(), false)), Meant::Own(_))
                    && let Some(table) = pair.tables.first()
                {
                    let into = Destination::Column { table: table.clone(), column: pair.column.clone() };
                    texts.push(Stored { into, text: text.clone() });
                }
            }
        }
        texts
    }

    /// The parameters of a statement that stand nowhere but directly against columns of one kind.
    fn places(&mut self, statement: &Statement) -> BTreeMap<usize, Place> {
        let mut places: BTreeMap<usize, Place> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for (pair, against) in self.tokened(statement) {
            for said in &pair.said {
                let Said::Parameter { at, number, list } = said else { continue };
                if !seen.insert(*at) {
                    continue;
                }
                let place = places.entry(*number).or_insert(Place {
                    against: against.clone(),
                    list: *list,
                    times: 0,
                });
                // A place of another kind is none that counts.
                if place.against == against && place.list == *list {
                    place.times += 1;
                }
            }
        }
        places.retain(|number, place| statement.parameters.get(number) == Some(&place.times));
        places
    }

    /// What the values of a Bind stand for, where they are tokens. A list keeps its own form.
    pub(super) fn put_back(&mut self, statement: &Statement, values: Values<'_>) -> Result<PutBack, Reason> {
        let mut found = PutBack::new();
        for (number, place) in self.places(statement) {
            let Some((given, binary)) = values.of(number) else { continue };
            let mut whole = true;
            let mut one = |given: &[u8]| {
                let meant = self.meant(&place.against, (given, binary));
                whole &= matches!(meant, Meant::Own(_));
                meant
            };
            let meant = if place.list { list::rewritten(given, binary, &mut one) } else { one(given) };
            match meant {
                Meant::Own(value) => drop(found.insert(number, Put { value, whole })),
                Meant::Plain => {}
                Meant::Foreign => return Err(foreign_for("a parameter")),
            }
        }
        Ok(found)
    }

    /// A comparison whose parameters are no tokens, where rules forbid to filter by its column.
    pub(super) fn filters_by_values(&mut self, statement: &Statement, put: &PutBack) -> Option<Reason> {
        // The others were looked at with the text.
        let late = self.seen_as_tokens(statement);
        if late.is_empty() || self.gate.guard() == Guard::None {
            return None;
        }
        let mut filters = Filters::default();
        for (pair, _) in late {
            let is_put = |said: &Said| match said {
                Said::Literal { .. } => true,
                Said::Parameter { number, .. } => put.get(number).is_some_and(|put| put.whole),
            };
            let has_parameter = pair.said.iter().any(|said| matches!(said, Said::Parameter { .. }));
            if has_parameter && !pair.said.iter().all(is_put) {
                filters.sites.extend(pair.sites.iter().cloned());
            }
        }
        if filters.is_empty() {
            return None;
        }
        let snapshot = Arc::clone(&self.snapshot);
        columns::filtered(&mut self.gate, statement, &filters, &snapshot, self.stale_inside)
    }

    /// What is sent for a simple query with tokens in its text. Nothing: it has none.
    pub(super) fn query_with_tokens(
        &mut self,
        statement: &Statement,
        text: &str,
        count: u64,
    ) -> Result<Option<Vec<u8>>, Reason> {
        if statement.pairs.is_empty() {
            return Ok(None);
        }
        match self.lifts(statement)? {
            lifts if lifts.is_empty() => Ok(None),
            _ if count > 1 => Err(alone()),
            lifts => query_of(statement, text, &lifts).map(Some),
        }
    }

    /// The Parse of a statement with tokens in its text. Nothing: it has none.
    pub(super) fn parse_with_tokens(
        &mut self,
        message: &[u8],
        statement: &Statement,
        prepared: &mut Prepared,
    ) -> Result<Option<Vec<u8>>, Reason> {
        if statement.pairs.is_empty() {
            return Ok(None);
        }
        let lifts = self.lifts(statement)?;
        if lifts.is_empty() {
            return Ok(None);
        }
        let (parse, own) = parse_of(message, statement, &prepared.text, &lifts)?;
        prepared.lifts = lifts.iter().map(|lift| lift.at).collect();
        prepared.own = own;
        Ok(Some(parse))
    }
}

fn alone() -> Reason {
    let words = "A statement with a token is sent by itself, not with others in one message.";
    Denial::of_house("token-alone", words).reason
}

fn too_many() -> Reason {
    let words = format!("More than {MOST} tokens in one text. Bind them as a list: = ANY ($1).");
    Denial::of_house("token-place", words).reason
}

fn foreign(pair: &Pair) -> Reason {
    let table = pair.tables.first().map(|table| table.to_string()).unwrap_or_default();
    foreign_for(&table)
}

fn foreign_for(place: &str) -> Reason {
    let words = format!(
        "A value for {place} is a token that means nothing here: it is of another session, tenant or kind of value, or \
         was changed. Read the row again in this session and use the token that it shows."
    );
    Denial::of_house("foreign-token", words).reason
}
