//! The questions about code, and the answers as they come.
//!
//! Objects below 16384 are PostgreSQL's own: what they do is in the table of its functions.

use crate::catalog::load::{Line, ask};
use crate::seam::TargetSide;
use sallyport_core::Fault;

const CHILDREN: &str = "SELECT inhparent, inhrelid FROM pg_catalog.pg_inherits";
const VIEWS: &str = "SELECT c.oid, pg_catalog.pg_get_viewdef(c.oid), \
    pg_catalog.pg_relation_is_updatable(c.oid, false), n.nspname, c.relname, c.relkind \
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('v', 'm') AND c.oid >= 16384";
const RULES: &str = "SELECT r.ev_class, r.rulename, r.ev_type, r.is_instead AND r.ev_qual = '<>', \
    pg_catalog.pg_get_ruledef(r.oid) FROM pg_catalog.pg_rewrite r WHERE r.ev_type <> '1' AND r.ev_enabled <> 'D'";
const TRIGGERS: &str = "SELECT t.tgrelid, t.tgname, t.tgtype, t.tgfoid, t.tgattr::pg_catalog.text, \
    CASE WHEN t.tgqual IS NOT NULL THEN pg_catalog.pg_get_triggerdef(t.oid) END \
    FROM pg_catalog.pg_trigger t WHERE t.tgfoid >= 16384 AND t.tgenabled <> 'D'";
const KEYS: &str = "SELECT conname, conrelid, confrelid, confdeltype, confupdtype, \
    pg_catalog.array_to_string(conkey, ' '), pg_catalog.array_to_string(confkey, ' ') \
    FROM pg_catalog.pg_constraint WHERE contype = 'f'";
/// Expressions that a write computes, with what they belong to. Those of a column by its number.
const EXPRESSIONS: &str = "SELECT conrelid, 'check '::pg_catalog.text || conname, \
        pg_catalog.pg_get_expr(conbin, conrelid), 'pg_constraint'::pg_catalog.text, oid, '' \
        FROM pg_catalog.pg_constraint WHERE contype = 'c' AND conrelid >= 16384 \
    UNION ALL SELECT d.adrelid, CASE WHEN a.attgenerated <> '' THEN 'generated column ' ELSE 'default of ' END || a.attname, \
        pg_catalog.pg_get_expr(d.adbin, d.adrelid), 'pg_attrdef', d.oid, a.attgenerated::pg_catalog.text \
        FROM pg_catalog.pg_attrdef d JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum \
        WHERE d.adrelid >= 16384 \
    UNION ALL SELECT i.indrelid, 'index ' || c.relname, pg_catalog.pg_get_expr(i.indexprs, i.indrelid), 'pg_class', \
        i.indexrelid, '' FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
        WHERE i.indexprs IS NOT NULL AND i.indrelid >= 16384 \
    UNION ALL SELECT i.indrelid, 'index ' || c.relname, pg_catalog.pg_get_expr(i.indpred, i.indrelid), 'pg_class', \
        i.indexrelid, '' FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
        WHERE i.indpred IS NOT NULL AND i.indrelid >= 16384 \
    UNION ALL SELECT p.partrelid, 'partition key', pg_catalog.pg_get_expr(p.partexprs, p.partrelid), 'pg_class', \
        p.partrelid, '' FROM pg_catalog.pg_partitioned_table p WHERE p.partexprs IS NOT NULL \
    UNION ALL SELECT p.polrelid, 'policy ' || p.polname, pg_catalog.pg_get_expr(p.polqual, p.polrelid), 'pg_policy', \
        p.oid, 'p' FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid \
        WHERE p.polqual IS NOT NULL AND c.relrowsecurity \
    UNION ALL SELECT p.polrelid, 'policy ' || p.polname, pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), \
        'pg_policy', p.oid, '' FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid \
        WHERE p.polwithcheck IS NOT NULL AND c.relrowsecurity";
/// Functions of the target's own that stand in stored expressions, those of implicit casts too, which no text shows.
const USED: &str = "SELECT DISTINCT c.relname, d.objid, d.refobjid FROM pg_catalog.pg_depend d \
    JOIN pg_catalog.pg_class c ON c.oid = d.classid \
    WHERE d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.refobjid >= 16384 AND d.deptype <> 'e' \
    AND c.relname IN ('pg_constraint', 'pg_attrdef', 'pg_class', 'pg_policy')";
const FOREIGN: &str = "SELECT t.ftrelid, s.srvname, w.fdwname FROM pg_catalog.pg_foreign_table t \
    JOIN pg_catalog.pg_foreign_server s ON s.oid = t.ftserver \
    JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw";
/// The body of an alias is the name of a C function, which is none in SQL: the names of the server's own are asked for.
const FUNCTIONS: &str = "SELECT p.oid, n.nspname, p.proname, l.lanname, CASE l.lanname WHEN 'internal' THEN \
    (SELECT pg_catalog.string_agg(DISTINCT b.proname::pg_catalog.text, ' ') FROM pg_catalog.pg_proc b \
    WHERE b.prosrc = p.prosrc AND b.prolang = p.prolang AND b.oid < 16384) ELSE p.prosrc END, p.probin, \
    pg_catalog.array_to_string(p.proconfig, E'\\n'), \
    CASE WHEN pg_catalog.to_jsonb(p) ->> 'prosqlbody' IS NOT NULL THEN pg_catalog.pg_get_functiondef(p.oid) END, \
    pg_catalog.pg_get_expr(p.proargdefaults, 0), p.prorettype::pg_catalog.text || ' ' || p.proargtypes::pg_catalog.text, \
    a.aggfnoid IS NOT NULL, pg_catalog.concat_ws(' ', a.aggtransfn::pg_catalog.oid, a.aggfinalfn::pg_catalog.oid, \
    a.aggcombinefn::pg_catalog.oid, a.aggserialfn::pg_catalog.oid, a.aggdeserialfn::pg_catalog.oid, \
    a.aggmtransfn::pg_catalog.oid, a.aggminvtransfn::pg_catalog.oid, a.aggmfinalfn::pg_catalog.oid) \
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang \
    LEFT JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = p.oid WHERE p.oid >= 16384";
const OPERATORS: &str = "SELECT oprname, oprcode::pg_catalog.oid FROM pg_catalog.pg_operator WHERE oprcode::pg_catalog.oid >= 16384";
const CASTS: &str = "SELECT castsource, casttarget, castfunc FROM pg_catalog.pg_cast WHERE castfunc >= 16384";
const DOMAINS: &str = "SELECT c.contypid, pg_catalog.pg_get_expr(c.conbin, 0) FROM pg_catalog.pg_constraint c \
    WHERE c.contypid <> 0 AND c.contype = 'c' \
    UNION ALL SELECT t.oid, pg_catalog.pg_get_expr(t.typdefaultbin, 0) FROM pg_catalog.pg_type t \
    WHERE t.typdefaultbin IS NOT NULL AND t.oid >= 16384";
const ROWS: &str = "SELECT oid, typrelid FROM pg_catalog.pg_type WHERE typrelid <> 0 AND oid >= 16384";
const EVENT_TRIGGERS: &str = "SELECT evtname, evtfoid FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'D' AND evtevent <> 'login'";

/// As the target said it, not yet read.
#[derive(Debug, Default)]
pub(in crate::catalog) struct Answers {
    pub children: Vec<Line>,
    pub views: Vec<Line>,
    pub rules: Vec<Line>,
    pub triggers: Vec<Line>,
    pub keys: Vec<Line>,
    pub expressions: Vec<Line>,
    pub used: Vec<Line>,
    pub foreign: Vec<Line>,
    pub functions: Vec<Line>,
    pub operators: Vec<Line>,
    pub casts: Vec<Line>,
    pub domains: Vec<Line>,
    pub rows: Vec<Line>,
    pub event_triggers: Vec<Line>,
}

pub(in crate::catalog) async fn answers(side: &mut TargetSide) -> Result<Answers, Fault> {
    Ok(Answers {
        children: ask(side, CHILDREN).await?,
        views: ask(side, VIEWS).await?,
        rules: ask(side, RULES).await?,
        triggers: ask(side, TRIGGERS).await?,
        keys: ask(side, KEYS).await?,
        expressions: ask(side, EXPRESSIONS).await?,
        used: ask(side, USED).await?,
        foreign: ask(side, FOREIGN).await?,
        functions: ask(side, FUNCTIONS).await?,
        operators: ask(side, OPERATORS).await?,
        casts: ask(side, CASTS).await?,
        domains: ask(side, DOMAINS).await?,
        rows: ask(side, ROWS).await?,
        event_triggers: ask(side, EVENT_TRIGGERS).await?,
    })
}
