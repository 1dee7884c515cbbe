//! Mask plans, made once for each statement and shape of result, kept until the rules or the catalog change.

use crate::catalog::Snapshot;
use crate::columns;
use crate::reading::Meaning;
use crate::wire::{self, Malformed, back};
use sallyport_core::{ColumnInfo, Epoch, Gate, Plan};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// How many a session keeps.
const KEPT: usize = 64;

#[derive(Debug)]
struct Kept {
    meaning: Meaning,
    description: Box<[u8]>,
    epoch: Epoch,
    version: u64,
    plan: Arc<Plan>,
}

/// What the rows of a portal look like.
#[derive(Clone, Debug)]
pub struct Described {
    pub portal: u64,
    pub description: Arc<[u8]>,
    pub plan: Arc<Plan>,
}

#[derive(Debug, Default)]
pub struct Plans {
    kept: HashMap<u64, Kept>,
    portals: Vec<Described>,
    /// Under these rules and this catalog: whether any column is masked.
    strict: Option<(Epoch, u64, bool)>,
    /// The same, by tokens.
    tokens: Option<(Epoch, u64, bool)>,
}

impl Plans {
    /// The plan for rows of this RowDescription, which answers this statement.
    pub fn of(
        &mut self,
        gate: &mut Gate,
        snapshot: &Snapshot,
        meaning: &Meaning,
        message: &[u8],
    ) -> Result<Arc<Plan>, Malformed> {
        let mut hasher = DefaultHasher::new();
        meaning.key().hash(&mut hasher);
        message.hash(&mut hasher);
        let key = hasher.finish();
        if let Some(kept) = self.kept.get(&key) {
            let same = kept.meaning.key() == meaning.key() && *kept.description == *message;
            if same && kept.epoch == gate.epoch() && kept.version == snapshot.version() {
                return Ok(Arc::clone(&kept.plan));
            }
        }
        let strict = self.is_strict(gate, snapshot);
        let plan = Arc::new(make(gate, snapshot, meaning, message, strict)?);
        if self.kept.len() >= KEPT {
            self.kept.clear();
        }
        let kept = Kept {
            meaning: meaning.clone(),
            description: message.into(),
            epoch: plan.epoch(),
            version: snapshot.version(),
            plan: Arc::clone(&plan),
        };
        self.kept.insert(key, kept);
        Ok(plan)
    }

    /// A plan in place of an old one of its own, for the same rows. Nothing: the old one is not kept any more.
    pub fn again(
        &mut self,
        gate: &mut Gate,
        snapshot: &Snapshot,
        old: &Arc<Plan>,
    ) -> Result<Option<Arc<Plan>>, Malformed> {
        let kept = self.kept.values().find(|kept| Arc::ptr_eq(&kept.plan, old));
        let Some((meaning, message)) = kept.map(|kept| (kept.meaning.clone(), kept.description.clone()))
        else {
            return Ok(None);
        };
        self.of(gate, snapshot, &meaning, &message).map(Some)
    }

    /// Whether any column of the database is masked for this caller.
    pub fn is_strict(&mut self, gate: &mut Gate, snapshot: &Snapshot) -> bool {
        let now = (gate.epoch(), snapshot.version());
        match self.strict {
            Some((epoch, version, strict)) if (epoch, version) == now => strict,
            _ => {
                let strict = columns::masks_anything(gate, snapshot);
                self.strict = Some((now.0, now.1, strict));
                strict
            }
        }
    }

    /// Whether any column of the database is masked by tokens for this caller.
    pub fn gives_tokens(&mut self, gate: &mut Gate, snapshot: &Snapshot) -> bool {
        let now = (gate.epoch(), snapshot.version());
        match self.tokens {
            Some((epoch, version, tokens)) if (epoch, version) == now => tokens,
            _ => {
                let tokens = self.is_strict(gate, snapshot) && columns::gives_tokens(gate, snapshot);
                self.tokens = Some((now.0, now.1, tokens));
                tokens
            }
        }
    }

    pub fn set_portal(&mut self, portal: u64, description: &[u8], plan: Arc<Plan>) {
        match self.portals.iter_mut().rev().find(|known| known.portal == portal) {
            Some(known) => known.plan = plan,
            None => self.portals.push(Described { portal, description: description.into(), plan }),
        }
    }
    pub fn of_portal(&self, portal: u64) -> Option<&Described> {
        self.portals.iter().rev().find(|known| known.portal == portal)
    }
    pub fn forget_portal(&mut self, portal: u64) {
        self.portals.retain(|known| known.portal != portal);
    }
    pub fn end_portals(&mut self, last: u64) {
        self.portals.retain(|known| known.portal > last);
    }
    pub fn rest(&mut self) {
        self.kept = HashMap::new();
        self.portals.shrink_to_fit();
    }
}

/// Whether the description names a table that the snapshot does not know.
pub fn is_news(message: &[u8], snapshot: &Snapshot) -> bool {
    let mut fields = back::fields(wire::body(message));
    fields.any(|field| field.is_ok_and(|field| field.table != 0 && snapshot.relation(field.table).is_none()))
}

fn make(
    gate: &mut Gate,
    snapshot: &Snapshot,
    meaning: &Meaning,
    message: &[u8],
    strict: bool,
) -> Result<Plan, Malformed> {
    let fields = back::fields(wire::body(message)).collect::<Result<Vec<_>, _>>()?;
    let names: Vec<_> = fields.iter().map(|field| String::from_utf8_lossy(field.name)).collect();
    let described: Vec<_> = fields.iter().map(|field| (field.table, field.attribute)).collect();
    let origins = match meaning.statement() {
        Some(statement) => columns::origins(gate, statement, snapshot, &described, strict),
        None => described.iter().map(|_| sallyport_core::mask::plan::Origin::Unknown).collect(),
    };
    let infos: Vec<ColumnInfo<'_>> = fields
        .iter()
        .zip(&names)
        .zip(origins)
        .map(|((field, name), origin)| ColumnInfo {
            name,
            origin,
            shape: columns::shape(field.kind, field.binary, snapshot),
            narrow: columns::narrow(field.kind, snapshot),
            binary: field.binary,
        })
        .collect();
    Ok(gate.plan(&infos))
}
