//! Which tables there are, what stands in their columns by type, and the question that samples one.

use super::line::{Line, Trouble};
use sallyport_core::Cell;
use sallyport_core::mask::survey::{CellKind, Survey};
use std::collections::{BTreeMap, HashMap, HashSet};
use tokio::time::Instant;

/// More columns than these, and more types, are no database that a person could go through.
const MAX_COLUMNS: usize = 200_000;
const MAX_TYPES: usize = 200_000;
/// A name of the target is no longer; its own limit is 63 bytes.
const MAX_NAME: usize = 256;
/// A table with more than so many times the sample is sampled by blocks, and not from its beginning.
const LARGE: usize = 20;

/// Partitions are read with their parents. Temporary tables and the system's own are nobody's to classify.
const COLUMNS: &str = "SELECT c.oid, n.nspname, c.relname, c.relkind, c.reltuples::pg_catalog.int8, a.attname, \
    a.atttypid, pg_catalog.has_schema_privilege(n.oid, 'USAGE') \
    AND pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT') \
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition \
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') \
    AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%' \
    ORDER BY n.nspname, c.relname, a.attnum";
const TYPES: &str = "SELECT oid, typname, typtype, typcategory, typbasetype, typelem FROM pg_catalog.pg_type";
/// Tables below which a foreign table hangs, however deep.
const OUTREACH: &str = "WITH RECURSIVE below(top, oid) AS (SELECT inhparent, inhrelid FROM pg_catalog.pg_inherits \
    UNION SELECT b.top, i.inhrelid FROM below b JOIN pg_catalog.pg_inherits i ON i.inhparent = b.oid) \
    SELECT DISTINCT b.top FROM below b JOIN pg_catalog.pg_class c ON c.oid = b.oid AND c.relkind = 'f'";

pub(super) struct Table {
    pub schema: String,
    pub name: String,
    kind: u8,
    /// As the target estimates; below zero where it never counted.
    rows: i64,
    pub columns: Vec<Column>,
    /// Reading it reads a foreign table.
    pub reaches_out: bool,
}

pub(super) struct Column {
    pub name: String,
    pub type_name: String,
    /// `None` for types in whose values nothing of ours can stand: they are not read.
    kind: Option<(CellKind, Spelling)>,
    pub readable: bool,
}

/// How a column's values are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Text,
    /// A list as a document, so that its elements stay apart.
    List,
}

struct Type {
    name: String,
    sort: u8,
    category: u8,
    base: u32,
    element: u32,
}

pub(super) async fn read(line: &mut Line, until: Instant) -> Result<Vec<Table>, Trouble> {
    let mut types: HashMap<u32, Type> = HashMap::new();
    let mut broken = false;
    line.ask(TYPES, MAX_TYPES, until, |message, cells| match kind(message, cells) {
        Some((oid, kind)) => _ = types.insert(oid, kind),
        None => broken = true,
    })
    .await?;
    let mut outreach: HashSet<u32> = HashSet::new();
    line.ask(OUTREACH, MAX_COLUMNS, until, |message, cells| match number(message, cells, 0) {
        Some(oid) => _ = outreach.insert(oid),
        None => broken = true,
    })
    .await?;
    let mut tables: BTreeMap<(String, String, u32), Table> = BTreeMap::new();
    let read = line.ask(COLUMNS, MAX_COLUMNS, until, |message, cells| {
        broken |= column(message, cells, &types, &mut tables).is_none();
    });
    read.await?;
    if broken {
        return Err(Trouble::Broken);
    }
    let named = tables.into_iter().map(|((_, _, oid), table)| {
        let reaches_out = table.kind == b'f' || outreach.contains(&oid);
        Table { reaches_out, ..table }
    });
    Ok(named.collect())
}

fn column(
    message: &[u8],
    cells: &[Cell],
    types: &HashMap<u32, Type>,
    tables: &mut BTreeMap<(String, String, u32), Table>,
) -> Option<()> {
    let oid: u32 = number(message, cells, 0)?;
    let (schema, name) = (text(message, cells, 1)?, text(message, cells, 2)?);
    let kind = *text(message, cells, 3)?.as_bytes().first()?;
    let rows = number(message, cells, 4)?;
    let type_oid = number(message, cells, 6)?;
    let table = tables.entry((schema.to_owned(), name.to_owned(), oid)).or_insert_with(|| Table {
        schema: schema.to_owned(),
        name: name.to_owned(),
        kind,
        rows,
        columns: Vec::new(),
        reaches_out: false,
    });
    table.columns.push(Column {
        name: text(message, cells, 5)?.to_owned(),
        type_name: types.get(&type_oid).map(|kind| spelled(kind, types)).unwrap_or_default(),
        kind: types.get(&type_oid).and_then(|kind| cell_kind(kind, types)),
        readable: text(message, cells, 7)? == "t",
    });
    Some(())
}

fn kind(message: &[u8], cells: &[Cell]) -> Option<(u32, Type)> {
    let letter = |at| text(message, cells, at).and_then(|word| word.bytes().next());
    let kind = Type {
        name: text(message, cells, 1)?.to_owned(),
        sort: letter(2)?,
        category: letter(3)?,
        base: number(message, cells, 4)?,
        element: number(message, cells, 5)?,
    };
    Some((number(message, cells, 0)?, kind))
}

fn text<'a>(message: &'a [u8], cells: &[Cell], at: usize) -> Option<&'a str> {
    let value = cells.get(at)?.of(message)?;
    std::str::from_utf8(value).ok().filter(|value| value.len() <= MAX_NAME)
}

fn number<N: std::str::FromStr>(message: &[u8], cells: &[Cell], at: usize) -> Option<N> {
    text(message, cells, at)?.parse().ok()
}

/// A domain stands on a type, which may be a domain. A target that says more wants us to go round.
fn base<'a>(mut kind: &'a Type, types: &'a HashMap<u32, Type>) -> Option<&'a Type> {
    for _ in 0..32 {
        if kind.sort != b'd' {
            return Some(kind);
        }
        kind = types.get(&kind.base)?;
    }
    None
}

fn spelled(kind: &Type, types: &HashMap<u32, Type>) -> String {
    let element = (kind.category == b'A').then(|| types.get(&kind.element)).flatten();
    element.map_or_else(|| kind.name.clone(), |element| format!("{}[]", element.name))
}

/// Only base types are read: whoever made the others could have said how they become text.
fn cell_kind(kind: &Type, types: &HashMap<u32, Type>) -> Option<(CellKind, Spelling)> {
    let kind = base(kind, types)?;
    if kind.sort != b'b' {
        return None;
    }
    if kind.category == b'A' {
        let element = base(types.get(&kind.element)?, types)?;
        let known = element.sort == b'b' && element.category != b'A' && cell_kind(element, types).is_some();
        return known.then_some((CellKind::Json, Spelling::List));
    }
    let of = match (kind.category, kind.name.as_str()) {
        (b'S', _) | (b'U', "xml" | "hstore") => CellKind::Text,
        (b'U', "json" | "jsonb") => CellKind::Json,
        (b'U', "macaddr" | "macaddr8") | (b'I', _) => CellKind::Network,
        (b'N', "int2" | "int4" | "int8" | "numeric" | "float4" | "float8") => CellKind::Number,
        (b'D', _) => CellKind::Date,
        _ => return None,
    };
    Some((of, Spelling::Text))
}

impl Column {
    pub fn survey(&self) -> Option<Survey> {
        self.kind.map(|(kind, _)| Survey::of(&self.name, kind))
    }
}

impl Table {
    pub fn is_view(&self) -> bool {
        self.kind == b'v'
    }

    pub fn is_readable(&self) -> bool {
        self.columns.iter().any(|column| column.readable)
    }

    /// How much of a large table is looked at, in parts of a hundred. `None`: the first rows are as good.
    pub fn share(&self, rows: usize) -> Option<f64> {
        let known = usize::try_from(self.rows).ok()?;
        let sampled = matches!(self.kind, b'r' | b'm' | b'p') && !self.reaches_out;
        // A few times what is wanted: blocks are not equally full.
        (sampled && known / LARGE > rows).then(|| (rows as f64 * 500.0 / known as f64).clamp(0.001, 100.0))
    }

    /// The question for these columns.
    pub fn question(&self, read: &[usize], share: Option<f64>, width: usize, rows: usize) -> String {
        let columns = read.iter().filter_map(|at| self.columns.get(*at)).map(|column| {
            let name = quoted(&column.name);
            let value = match column.kind {
                Some((_, Spelling::List)) => format!("pg_catalog.to_jsonb(t.{name})"),
                Some((_, Spelling::Text)) | None => format!("t.{name}"),
            };
            format!("pg_catalog.left({value}::pg_catalog.text, {width})")
        });
        let columns: Vec<String> = columns.collect();
        let share = share.map(|share| format!(" TABLESAMPLE SYSTEM ({share:.4})")).unwrap_or_default();
        let (schema, name) = (quoted(&self.schema), quoted(&self.name));
        format!("SELECT {} FROM {schema}.{name} AS t{share} LIMIT {rows}", columns.join(", "))
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
