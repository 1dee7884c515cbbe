//! Which kind of statement it is, and who visits it.

use super::query::Place;
use super::session::which;
use super::{Walk, strings, table_name};
use crate::analysis::Statement;
use crate::kind::{CopyEnd, StatementKind};
use crate::outputs::{Output, Outputs, Uses};
use pg_query::NodeEnum as E;
use pg_query::protobuf::{CopyStmt, CreateTableAsStmt, ExplainStmt, Node};
use sallyport_core::{Action, ObjectKind};

impl Walk {
    /// One statement, start to end.
    pub(super) fn whole_statement(&mut self, node: &E) -> Statement {
        let (kind, outputs) = match node {
            E::PrepareStmt(prepare) => {
                return self.wrapped(prepare.query.as_deref(), &prepare.argtypes, |inner| {
                    (StatementKind::Prepare { name: prepare.name.clone(), inner }, Outputs::None)
                });
            }
            E::DeclareCursorStmt(declare) => {
                return self.wrapped(declare.query.as_deref(), &[], |inner| {
                    (StatementKind::Declare { cursor: declare.portalname.clone(), inner }, Outputs::None)
                });
            }
            E::ExplainStmt(explain) => return self.explain(explain),
            _ => self.statement(node),
        };
        self.finish(kind, outputs)
    }

    /// A statement that carries another: it has the other's effects, judged when it is named, not only when it runs.
    fn wrapped(
        &mut self,
        inner: Option<&Node>,
        others: &[Node],
        outer: impl FnOnce(Box<Statement>) -> (StatementKind, Outputs),
    ) -> Statement {
        let inner = match inner.and_then(|node| node.node.as_ref()) {
            Some(node) => self.whole_statement(node),
            None => {
                self.unknown();
                self.finish(StatementKind::Other, Outputs::Unknown)
            }
        };
        self.exprs(others);
        self.effects.extend(inner.effects.iter().cloned());
        self.relations = inner.relations.clone();
        let own = std::mem::replace(&mut self.routines, inner.routines.clone());
        self.routines.absorb(own);
        self.uses = Uses { columns: inner.all_columns.clone(), wide: inner.wide };
        self.creates = inner.creates.clone();
        self.assigns = inner.assigns.clone();
        self.modes = inner.modes.clone();
        let (filters, unpaired) = (inner.filters.clone(), inner.filters.clone());
        let (kind, outputs) = outer(Box::new(inner));
        Statement { filters, unpaired, ..self.finish(kind, outputs) }
    }

    /// EXPLAIN runs nothing unless it says ANALYZE: then it runs everything.
    fn explain(&mut self, explain: &ExplainStmt) -> Statement {
        self.literal_sensitive |= !explain.options.is_empty();
        let analyze = explain.options.iter().any(|option| match &option.node {
            // The last of several wins in PostgreSQL; any is enough here.
            Some(E::DefElem(element)) => element.defname == "analyze" && !is_off(element.arg.as_deref()),
            _ => false,
        });
        let plan = Outputs::List(vec![Output::Derived(Uses::default())]);
        let mut statement = self.wrapped(explain.query.as_deref(), &[], |inner| {
            (StatementKind::Explain { analyze, inner }, plan)
        });
        if !analyze {
            statement
                .effects
                .retain(|effect| matches!(effect.action, Action::Read | Action::Call | Action::Unknown));
            for table in std::mem::take(&mut statement.relations.writes) {
                // The plan of a write tells about its table.
                let object = sallyport_core::Object { kind: ObjectKind::Table, path: table.path() };
                statement.effects.push(sallyport_core::Effect::new(Action::Read, object));
                statement.relations.reads.insert(table);
            }
            statement.creates.clear();
            statement.effects.sort();
            statement.effects.dedup();
        }
        statement
    }

    fn statement(&mut self, node: &E) -> (StatementKind, Outputs) {
        match node {
            E::SelectStmt(select) => {
                let outputs = self.select(select, Place::Top);
                match self.creates.is_empty() {
                    true => (StatementKind::Query, outputs),
                    false => (StatementKind::Ddl, Outputs::None),
                }
            }
            E::InsertStmt(insert) => (StatementKind::Insert, self.insert(insert)),
            E::UpdateStmt(update) => (StatementKind::Update, self.update(update)),
            E::DeleteStmt(delete) => (StatementKind::Delete, self.delete(delete)),
            E::MergeStmt(merge) => (StatementKind::Merge, self.merge(merge)),
            E::CopyStmt(copy) => self.copy(copy),
            E::CreateTableAsStmt(create) => {
                self.create_table_as(create);
                (StatementKind::Ddl, Outputs::None)
            }
            E::ExecuteStmt(execute) => {
                self.exprs(&execute.params);
                self.arguments(&execute.params);
                self.unknown();
                (StatementKind::Execute { name: execute.name.clone() }, Outputs::Unknown)
            }
            E::FetchStmt(fetch) => {
                self.unknown();
                let outputs = if fetch.ismove { Outputs::None } else { Outputs::Unknown };
                let cursor = fetch.portalname.clone();
                (StatementKind::Fetch { cursor, moves_only: fetch.ismove }, outputs)
            }
            E::DeallocateStmt(deallocate) => {
                let which = which(&deallocate.name, deallocate.isall || deallocate.name.is_empty());
                (StatementKind::Deallocate(which), Outputs::None)
            }
            E::ClosePortalStmt(close) => {
                (StatementKind::Close(which(&close.portalname, close.portalname.is_empty())), Outputs::None)
            }
            E::DoStmt(block) => {
                self.exprs(&block.args);
                self.effect(Action::Do, ObjectKind::Other, Vec::new());
                self.unknown();
                (StatementKind::Do, Outputs::None)
            }
            E::CallStmt(call) => {
                match &call.funccall {
                    Some(function) => self.call(function),
                    None => self.unknown(),
                }
                self.exprs(&call.outargs);
                self.uses.wide = true;
                (StatementKind::Call, Outputs::Unknown)
            }
            E::VariableShowStmt(show) => {
                let name = show.name.to_ascii_lowercase();
                self.effect(Action::Read, ObjectKind::Setting, vec![name.clone()]);
                let outputs = if name == "all" { Outputs::Unknown } else { one_constant() };
                (StatementKind::Show { name }, outputs)
            }
            E::VariableSetStmt(set) => (self.set(set), Outputs::None),
            E::TransactionStmt(transaction) => (self.transaction(transaction), Outputs::None),
            E::DiscardStmt(discard) => (self.discard(discard), Outputs::None),
            E::ListenStmt(listen) => {
                let channel = listen.conditionname.clone();
                self.effect(Action::Listen, ObjectKind::Channel, vec![channel.clone()]);
                (StatementKind::Listen { channel }, Outputs::None)
            }
            E::UnlistenStmt(unlisten) => {
                let channel = (!unlisten.conditionname.is_empty()).then(|| unlisten.conditionname.clone());
                (StatementKind::Unlisten { channel }, Outputs::None)
            }
            E::NotifyStmt(notify) => {
                let channel = notify.conditionname.clone();
                self.effect(Action::Notify, ObjectKind::Channel, vec![channel.clone()]);
                (StatementKind::Notify { channel }, Outputs::None)
            }
            _ => self.definition(node),
        }
    }

    fn copy(&mut self, copy: &CopyStmt) -> (StatementKind, Outputs) {
        let CopyStmt { relation, query, attlist, is_from, is_program, filename, options, where_clause } =
            copy;
        self.exprs(options);
        let columns = strings(attlist);
        let outputs = match (relation, query.as_deref()) {
            (Some(range), None) => {
                let table = table_name(range);
                if *is_from {
                    self.write(Action::Insert, table.clone(), false);
                    self.opt(where_clause.as_deref());
                } else {
                    self.read(table.clone());
                }
                self.uses.columns.extend(if *is_from { Vec::new() } else { columns.clone() });
                copied_columns(&columns)
            }
            (None, Some(inner)) => match &inner.node {
                Some(inner) => self.statement(inner).1,
                None => Outputs::Unknown,
            },
            (Some(_), Some(_)) | (None, None) => {
                self.unknown();
                Outputs::Unknown
            }
        };
        if !is_from && (*is_program || !filename.is_empty()) {
            self.puts_elsewhere(&all_of(&outputs));
        }
        if *is_program {
            self.effect(Action::CopyProgram, ObjectKind::Program, vec![filename.clone()]);
            return (StatementKind::CopyServer(CopyEnd::Program), Outputs::None);
        }
        if !filename.is_empty() {
            let action = if *is_from { Action::FileRead } else { Action::FileWrite };
            self.effect(action, ObjectKind::File, vec![filename.clone()]);
            return (StatementKind::CopyServer(CopyEnd::File), Outputs::None);
        }
        match relation {
            Some(range) if *is_from => {
                (StatementKind::CopyIn { table: table_name(range), columns }, Outputs::None)
            }
            Some(_) | None => (StatementKind::CopyOut, outputs),
        }
    }

    fn create_table_as(&mut self, create: &CreateTableAsStmt) {
        match create.query.as_deref().and_then(|node| node.node.as_ref()) {
            Some(E::SelectStmt(select)) => {
                self.select(select, Place::Within);
            }
            Some(E::ExecuteStmt(execute)) => {
                self.exprs(&execute.params);
                self.unknown();
            }
            Some(_) | None => self.unknown(),
        }
        match &create.into {
            Some(into) => self.new_table(into),
            None => self.unknown(),
        }
    }
}

fn is_off(arg: Option<&Node>) -> bool {
    let Some(value) = arg.and_then(super::constant) else { return false };
    matches!(value.to_ascii_lowercase().as_str(), "off" | "false" | "0")
}

fn one_constant() -> Outputs {
    Outputs::List(vec![Output::Derived(Uses::default())])
}

fn all_of(outputs: &Outputs) -> Uses {
    let mut all = Uses::default();
    match outputs {
        Outputs::List(list) => {
            for output in list {
                all.wide |= matches!(output, Output::Star(_));
                let (Output::Star(uses) | Output::Direct { uses, .. } | Output::Derived(uses)) = output;
                all.absorb(uses);
            }
        }
        Outputs::None => {}
        Outputs::Unknown => all.wide = true,
    }
    all
}

fn copied_columns(columns: &[String]) -> Outputs {
    if columns.is_empty() {
        // Where a catalog cannot say which columns these are, they may be any.
        return Outputs::List(vec![Output::Star(Uses { wide: true, ..Uses::default() })]);
    }
    let direct = columns.iter().map(|column| Output::Direct {
        column: column.clone(),
        uses: Uses { columns: [column.clone()].into(), wide: false },
    });
    Outputs::List(direct.collect())
}
