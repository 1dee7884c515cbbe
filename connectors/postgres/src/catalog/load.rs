//! Reads a catalog: a handful of questions over a connection that is closed afterwards.

use super::behind::{self, Texts, ask::Answers};
use super::snapshot::{Relation, Snapshot, Type, ViewColumn};
use crate::seam::TargetSide;
use crate::upstream;
use crate::wire::{self, back, write};
use sallyport_core::{Action, Cell, Fault};
use sallyport_relay::{Credential, Route};
use sallyport_sql::{Output, Outputs};
use std::collections::{HashMap, HashSet};
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A catalog larger than this is not read.
const MAX_ANSWER: usize = 512 * 1024 * 1024;

/// How deep views may stand on views, and how far columns may follow from columns. A target that goes on longer wants the
/// gateway to think, not to know.
const MOST_ROUNDS: usize = 1_000;
const MOST_LOOKS: usize = 50_000_000;

const TABLES: &str = "SELECT c.oid, n.nspname, c.relname, c.relkind, a.attnum, a.attname, a.atttypid \
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped \
    WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p', 't', 'S') ORDER BY c.oid, a.attnum";
/// Servers before 14 know no sets of ranges: the column that names them is read as what may not be there.
const TYPES: &str = "SELECT t.oid, t.typname, t.typtype, t.typcategory, t.typbasetype, t.typelem, t.typrelid, \
    coalesce(r.bound, 0) FROM pg_catalog.pg_type t LEFT JOIN (SELECT rngtypid, rngsubtype FROM pg_catalog.pg_range \
    UNION ALL SELECT (pg_catalog.to_jsonb(x)->>'rngmultitypid')::pg_catalog.oid, x.rngsubtype \
    FROM pg_catalog.pg_range x) r (kind, bound) ON r.kind = t.oid";
const COMPOSITES: &str = "SELECT c.oid, a.attname, a.atttypid FROM pg_catalog.pg_class c \
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
    WHERE c.relkind = 'c' ORDER BY c.oid, a.attnum";
const ROW_FUNCTIONS: &str = "SELECT DISTINCT p.proname FROM pg_catalog.pg_proc p \
    JOIN pg_catalog.pg_type t ON t.oid = p.proargtypes[0] \
    WHERE p.pronargs - p.pronargdefaults <= 1 AND p.pronargs >= 1 AND (t.typtype = 'c' OR t.oid = 2249) \
    AND p.pronamespace <> 'pg_catalog'::pg_catalog.regnamespace";
const DEPENDENCIES: &str = "SELECT DISTINCT r.ev_class, d.refobjid, d.refobjsubid FROM pg_catalog.pg_depend d \
    JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid \
    WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass \
    AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> r.ev_class";

/// Columns of children under the column of the same name of their parents: inheritance and partitions.
const INHERITED: &str = "SELECT i.inhrelid, a.attnum, i.inhparent, b.attnum FROM pg_catalog.pg_inherits i \
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.inhrelid AND a.attnum > 0 AND NOT a.attisdropped \
    JOIN pg_catalog.pg_attribute b ON b.attrelid = i.inhparent AND b.attname = a.attname AND b.attnum > 0";
/// Generated columns and the columns that they are computed from.
const GENERATED: &str = "SELECT e.adrelid, e.adnum, d.refobjid, d.refobjsubid FROM pg_catalog.pg_attrdef e \
    JOIN pg_catalog.pg_attribute a ON a.attrelid = e.adrelid AND a.attnum = e.adnum AND a.attgenerated <> '' \
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass \
    AND d.refobjid = e.adrelid AND d.refobjsubid > 0 AND d.refobjsubid <> e.adnum \
    AND (d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = e.oid \
    OR d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = e.adrelid AND d.objsubid = e.adnum)";

const ODD: Fault =
    Fault::Target("the target answered the gateway's questions about its tables in no known way");

const ENDLESS: Fault = Fault::Target("the target's tables and views follow from each other without an end");

/// All that was asked, not yet read.
struct Asked {
    taken: Instant,
    tables: Vec<Line>,
    types: Vec<Line>,
    composites: Vec<Line>,
    row_functions: Vec<Line>,
    dependencies: Vec<Line>,
    kin: Vec<Line>,
    code: Answers,
}

/// `texts` keeps what code of an earlier reading means.
pub(super) async fn snapshot(
    route: &Route,
    credential: &Credential,
    texts: &mut Texts,
) -> Result<Snapshot, Fault> {
    let asked = asked(route, credential).await?;
    let mut known = std::mem::take(texts);
    // A large catalog takes long to parse, and whoever carries sessions must not wait for it.
    let read = tokio::task::spawn_blocking(move || (read(asked, &mut known), known)).await;
    let (snapshot, known) = read.map_err(|fault| Fault::ours("a catalog could not be read", fault))?;
    *texts = known;
    snapshot
}

async fn asked(route: &Route, credential: &Credential) -> Result<Asked, Fault> {
    let taken = Instant::now();
    let wanted = [
        ("application_name", "sallyport catalog"),
        ("client_encoding", "UTF8"),
        ("search_path", "pg_catalog"),
        // As long as anybody here waits for it: it may be in the way of whoever asks.
        ("lock_timeout", "15s"),
    ];
    let wanted: Vec<(String, String)> =
        wanted.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let mut side = upstream::connect(route, credential, &wanted).await?;
    let tables = ask(&mut side, TABLES).await?;
    let types = ask(&mut side, TYPES).await?;
    let composites = ask(&mut side, COMPOSITES).await?;
    let row_functions = ask(&mut side, ROW_FUNCTIONS).await?;
    let dependencies = ask(&mut side, DEPENDENCIES).await?;
    let code = behind::ask::answers(&mut side).await?;
    let mut kin = ask(&mut side, INHERITED).await?;
    kin.extend(ask(&mut side, GENERATED).await?);
    // The connection ends here; a target that does not mind the goodbye loses nothing.
    _ = side.stream.write_all(b"X\0\0\0\x04").await;
    Ok(Asked { taken, tables, types, composites, row_functions, dependencies, kin, code })
}

fn read(asked: Asked, texts: &mut Texts) -> Result<Snapshot, Fault> {
    let mut relations = tables(&asked.tables)?;
    let types = types(&asked.types)?;
    let row_functions: HashSet<String> =
        asked.row_functions.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect();
    follow_columns(&mut relations, &asked.kin)?;
    views(&mut relations, &asked.code.views, &asked.dependencies)?;
    let code = behind::build(&relations, &types, &asked.code, &asked.dependencies, texts)?;
    let mut by_name: HashMap<String, Vec<u32>> = HashMap::new();
    for (oid, relation) in &relations {
        by_name.entry(relation.name.clone()).or_default().push(*oid);
    }
    let mut composites: HashMap<u32, Vec<(String, u32)>> = HashMap::new();
    for line in &asked.composites {
        composites.entry(number(line, 0)?).or_default().push((word(line, 1)?.to_owned(), number(line, 2)?));
    }
    let taken = asked.taken;
    Ok(Snapshot { version: 0, taken, relations, by_name, types, composites, row_functions, behind: code })
}

pub(super) type Line = Vec<Option<String>>;

/// One question of ours and all its rows. Nothing of a caller is ever part of it.
pub(super) async fn ask(side: &mut TargetSide, sql: &str) -> Result<Vec<Line>, Fault> {
    const GONE: Fault = Fault::Target("the target closed the gateway's own connection");
    let mut question = Vec::new();
    write::query(&mut question, sql);
    side.stream.write_all(&question).await.map_err(|_| GONE)?;
    side.stream.flush().await.map_err(|_| GONE)?;
    let (mut rows, mut cells, mut seen) = (Vec::new(), Vec::new(), 0usize);
    loop {
        let whole = wire::whole(&side.leftover).map_err(|_| ODD)?;
        let Some((head, message)) = whole else {
            let read = side.stream.read_buf(&mut side.leftover).await.map_err(|_| GONE)?;
            seen += read;
            if read == 0 || seen > MAX_ANSWER {
                return Err(GONE);
            }
            continue;
        };
        match head.tag {
            b'D' => {
                back::row_cells(message, &mut cells).map_err(|_| ODD)?;
                rows.push(cells.iter().map(|cell| text(*cell, message)).collect());
            }
            b'E' => return Err(Fault::Target("the target does not let the gateway read its catalog")),
            b'Z' => {
                bytes::Buf::advance(&mut side.leftover, head.total);
                return Ok(rows);
            }
            _ => {}
        }
        bytes::Buf::advance(&mut side.leftover, head.total);
    }
}

fn text(cell: Cell, message: &[u8]) -> Option<String> {
    cell.of(message).map(|value| String::from_utf8_lossy(value).into_owned())
}

pub(super) fn word(line: &Line, at: usize) -> Result<&str, Fault> {
    line.get(at).and_then(Option::as_deref).ok_or(ODD)
}

pub(super) fn number<N: std::str::FromStr>(line: &Line, at: usize) -> Result<N, Fault> {
    word(line, at)?.parse().map_err(|_| ODD)
}

fn tables(lines: &[Line]) -> Result<HashMap<u32, Relation>, Fault> {
    let mut relations: HashMap<u32, Relation> = HashMap::new();
    for line in lines {
        let relation = relations.entry(number(line, 0)?).or_default();
        if relation.name.is_empty() {
            word(line, 1)?.clone_into(&mut relation.schema);
            word(line, 2)?.clone_into(&mut relation.name);
            relation.mirrors = relation.schema == "pg_toast"
                || relation.schema == "pg_catalog"
                    && (relation.name.starts_with("pg_statistic") || relation.name.starts_with("pg_stats"));
            relation.view = matches!(word(line, 3)?, "v" | "m")
                .then_some(None)
                // Views of the system show the system: their columns stand for themselves.
                .filter(|_| !matches!(relation.schema.as_str(), "pg_catalog" | "information_schema"));
        }
        if line.get(4).is_some_and(Option::is_some) {
            relation.columns.push((number(line, 4)?, word(line, 5)?.to_owned(), number(line, 6)?));
        }
    }
    Ok(relations)
}

fn types(lines: &[Line]) -> Result<HashMap<u32, Type>, Fault> {
    let letter = |line: &Line, at| word(line, at).map(|word| word.bytes().next().unwrap_or(b'?'));
    lines
        .iter()
        .map(|line| {
            let kind = Type {
                name: word(line, 1)?.to_owned(),
                sort: letter(line, 2)?,
                category: letter(line, 3)?,
                base: number(line, 4)?,
                element: number(line, 5)?,
                relation: number(line, 6)?,
                bound: number(line, 7)?,
            };
            Ok((number(line, 0)?, kind))
        })
        .collect()
}

/// Which columns hold what other columns of tables hold, however many steps away.
fn follow_columns(relations: &mut HashMap<u32, Relation>, lines: &[Line]) -> Result<(), Fault> {
    let mut steps: HashMap<(u32, i16), Vec<(u32, i16)>> = HashMap::new();
    for line in lines {
        let (own, other) = ((number(line, 0)?, number(line, 1)?), (number(line, 2)?, number(line, 3)?));
        steps.entry(own).or_default().push(other);
    }
    let mut looked = 0;
    for (oid, column) in steps.keys() {
        let Some(relation) = relations.get_mut(oid) else { continue };
        let mut found: Vec<(u32, i16)> = Vec::new();
        let mut next = vec![(*oid, *column)];
        while let Some(at) = next.pop() {
            for other in steps.get(&at).into_iter().flatten() {
                looked += found.len();
                if looked > MOST_LOOKS {
                    return Err(ENDLESS);
                }
                if !found.contains(other) && *other != (*oid, *column) {
                    found.push(*other);
                    next.push(*other);
                }
            }
        }
        relation.behind.insert(*column, found);
    }
    Ok(())
}

/// Follows views down to tables. A view that cannot be followed keeps `None`: unknown.
fn views(
    relations: &mut HashMap<u32, Relation>,
    definitions: &[Line],
    dependencies: &[Line],
) -> Result<(), Fault> {
    let mut parents: HashMap<u32, Vec<(u32, i16)>> = HashMap::new();
    for line in dependencies {
        parents.entry(number(line, 0)?).or_default().push((number(line, 1)?, number(line, 2)?));
    }
    let mut waiting: HashMap<u32, (Outputs, bool)> = HashMap::new();
    for line in definitions {
        // Dropped since the question began: nobody can say what it showed.
        let Some(definition) = line.get(1).and_then(Option::as_deref) else { continue };
        let outputs = match sallyport_sql::analyze(definition) {
            Ok(mut analysis) if analysis.statements.len() == 1 => {
                let statement = analysis.statements.pop().ok_or(ODD)?;
                let calls = statement.effects.iter().any(|effect| effect.action == Action::Call);
                (statement.outputs, calls)
            }
            _ => (Outputs::Unknown, true),
        };
        waiting.insert(number(line, 0)?, outputs);
    }
    // Views stand on views: each round resolves those whose parents are resolved. Cycles stay unknown.
    for _ in 0..MOST_ROUNDS {
        let ready: Vec<u32> = waiting
            .keys()
            .copied()
            .filter(|oid| {
                parents.get(oid).into_iter().flatten().all(|(parent, _)| !waiting.contains_key(parent))
            })
            .collect();
        if ready.is_empty() {
            return Ok(());
        }
        for oid in ready {
            let Some((outputs, mut calls)) = waiting.remove(&oid) else { continue };
            let parents = parents.get(&oid).map(Vec::as_slice).unwrap_or_default();
            calls |=
                parents.iter().any(|(parent, _)| relations.get(parent).is_some_and(|parent| parent.calls));
            let resolved = view_columns(relations, oid, &outputs, parents);
            if let Some(relation) = relations.get_mut(&oid) {
                relation.view = Some(resolved);
                relation.calls = calls;
            }
        }
    }
    Err(ENDLESS)
}

fn view_columns(
    relations: &HashMap<u32, Relation>,
    oid: u32,
    outputs: &Outputs,
    parents: &[(u32, i16)],
) -> Option<Vec<ViewColumn>> {
    let width = relations.get(&oid)?.visible().count();
    // Every column the view's query touches, by name, each followed down to tables.
    let mut touched: Vec<(&str, Vec<(u32, i16)>)> = Vec::new();
    for (parent, number) in parents {
        let relation = relations.get(parent)?;
        for (at, (column, name, _)) in relation.visible().enumerate() {
            if *number == 0 || number == column {
                let origins = match &relation.view {
                    None => std::iter::once((*parent, *column)).chain(relation.behind(*column)).collect(),
                    Some(followed) => followed.as_ref()?.get(at)?.origins.clone(),
                };
                touched.push((name.as_str(), origins));
            }
        }
    }
    let all = || touched.iter().flat_map(|(_, origins)| origins.iter().copied()).collect::<Vec<_>>();
    let of = |uses: &sallyport_sql::Uses| -> Vec<(u32, i16)> {
        if uses.wide {
            return all();
        }
        let named = touched.iter().filter(|(name, _)| uses.columns.contains(*name));
        named.flat_map(|(_, origins)| origins.iter().copied()).collect()
    };
    let columns = match outputs {
        Outputs::List(list)
            if list.len() == width && !list.iter().any(|one| matches!(one, Output::Star(_))) =>
        {
            list.iter()
                .map(|output| match output {
                    Output::Direct { uses, .. } => {
                        let origins = of(uses);
                        ViewColumn { direct: origins.len() == 1, origins }
                    }
                    Output::Star(uses) | Output::Derived(uses) => {
                        ViewColumn { origins: of(uses), direct: false }
                    }
                })
                .collect()
        }
        Outputs::List(_) | Outputs::None | Outputs::Unknown => {
            vec![ViewColumn { origins: all(), direct: false }; width]
        }
    };
    Some(columns)
}
