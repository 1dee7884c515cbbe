//! Tables, views, indexes and statistics: what holds rows, and what is made of them.

use crate::analysis::ChangeKind;
use crate::assigns::{Given, Place};
use crate::outputs::Uses;
use crate::walk::access::{kind_of, role_name};
use crate::walk::{Walk, strings, table_name};
use pg_query::NodeEnum as E;
use pg_query::protobuf::{
    AlterTableCmd, AlterTableStmt, AlterTableType, ColumnDef, Constraint, CreateForeignTableStmt,
    CreateStatsStmt, CreateStmt, IndexStmt, Node, RangeVar, RefreshMatViewStmt, TruncateStmt, ViewStmt,
};
use sallyport_core::{Action, ObjectKind};

impl Walk {
    pub(super) fn create_foreign_table(&mut self, create: &CreateForeignTableStmt) {
        self.effect(Action::ConnectOut, ObjectKind::Host, vec![create.servername.clone()]);
        match &create.base_stmt {
            Some(base) => self.create_table(base),
            None => self.unknown(),
        }
    }

    pub(super) fn create_view(&mut self, view: &ViewStmt) {
        self.nested(view.query.as_deref());
        self.created_relation(view.view.as_ref());
    }

    pub(super) fn create_index(&mut self, index: &IndexStmt) {
        self.in_row_scope(|walk| {
            walk.exprs(&index.index_params);
            walk.exprs(&index.options);
            walk.opt(index.where_clause.as_deref());
        });
        self.effect(Action::Create, ObjectKind::Other, vec![index.idxname.clone()]);
        self.altered_relation(index.relation.as_ref());
    }

    pub(super) fn create_statistics(&mut self, create: &CreateStatsStmt) {
        self.effect(Action::Create, ObjectKind::Other, strings(&create.defnames));
        self.exprs(&create.exprs);
        for relation in &create.relations {
            self.altered_node(relation);
        }
    }

    pub(super) fn truncate(&mut self, truncate: &TruncateStmt) {
        for relation in &truncate.relations {
            match &relation.node {
                Some(E::RangeVar(range)) => self.write(Action::Truncate, table_name(range), true),
                _ => self.unknown(),
            }
        }
    }

    pub(super) fn refresh(&mut self, refresh: &RefreshMatViewStmt) {
        match &refresh.relation {
            Some(range) => {
                self.write(Action::Maintenance, table_name(range), false);
                self.unknown_body(range);
            }
            None => self.unknown(),
        }
    }

    pub(super) fn create_table(&mut self, create: &CreateStmt) {
        let CreateStmt {
            relation,
            table_elts,
            inh_relations,
            partbound,
            partspec,
            constraints,
            nnconstraints,
            options,
            ..
        } = create;
        self.created_relation(relation.as_ref());
        for parent in inh_relations {
            self.altered_node(parent);
        }
        self.in_row_scope(|walk| {
            walk.exprs(constraints);
            walk.exprs(nnconstraints);
            walk.exprs(options);
            for element in table_elts {
                match &element.node {
                    Some(E::TableLikeClause(like)) => match &like.relation {
                        Some(range) => walk.read(table_name(range)),
                        None => walk.unknown(),
                    },
                    _ => walk.expr(element),
                }
            }
            if let Some(spec) = partspec {
                walk.exprs(&spec.part_params);
            }
            if let Some(bound) = partbound {
                for list in [&bound.listdatums, &bound.lowerdatums, &bound.upperdatums] {
                    walk.exprs(list);
                }
            }
        });
    }

    pub(in crate::walk) fn column_definition(&mut self, column: &ColumnDef) {
        self.opt(column.raw_default.as_deref());
        self.exprs(&column.constraints);
    }

    pub(in crate::walk) fn constraint(&mut self, constraint: &Constraint) {
        self.opt(constraint.raw_expr.as_deref());
        self.opt(constraint.where_clause.as_deref());
        for exclusion in &constraint.exclusions {
            if let Some(E::List(pair)) = &exclusion.node
                && let [element, ..] = pair.items.as_slice()
            {
                self.expr(element);
            }
        }
        if let Some(table) = &constraint.pktable {
            self.read(table_name(table));
        }
    }

    pub(super) fn alter_table(&mut self, alter: &AlterTableStmt) {
        let kind = kind_of(alter.objtype);
        match (&alter.relation, kind) {
            (Some(range), ObjectKind::Table) => self.altered_relation(Some(range)),
            (Some(range), kind) => self.effect(Action::Alter, kind, table_name(range).path()),
            (None, _) => self.unknown(),
        }
        self.in_row_scope(|walk| {
            for command in &alter.cmds {
                match &command.node {
                    Some(E::AlterTableCmd(command)) => {
                        if let Some(owner) = &command.newowner {
                            walk.effect(Action::Grant, ObjectKind::Role, vec![role_name(owner)]);
                        }
                        let uses = walk.uses_of(|walk| walk.alter_part(command.def.as_deref()));
                        walk.alters(alter.relation.as_ref(), command, uses);
                    }
                    _ => walk.unknown(),
                }
            }
        });
    }

    /// Values of one name that are to be had under another: a column computed anew, rows shown by another table.
    pub(super) fn alters(&mut self, table: Option<&RangeVar>, command: &AlterTableCmd, uses: Uses) {
        use AlterTableType as T;
        match (T::try_from(command.subtype), table) {
            (Ok(T::AtAlterColumnType), Some(range)) => {
                let column = Place::Named(command.name.clone());
                self.assigns(&table_name(range), column, uses, false, Given::default());
            }
            (
                Ok(
                    T::AtAddInherit
                    | T::AtDropInherit
                    | T::AtAttachPartition
                    | T::AtDetachPartition
                    | T::AtDetachPartitionFinalize,
                ),
                _,
            ) => self.puts_elsewhere(&Uses { wide: true, ..Uses::default() }),
            _ => {}
        }
    }

    pub(super) fn alter_part(&mut self, part: Option<&Node>) {
        match part.and_then(|part| part.node.as_ref()) {
            Some(E::PartitionCmd(command)) => {
                self.altered_relation(command.name.as_ref());
                if let Some(bound) = &command.bound {
                    for list in [&bound.listdatums, &bound.lowerdatums, &bound.upperdatums] {
                        self.exprs(list);
                    }
                }
            }
            Some(E::RangeVar(range)) => self.altered_relation(Some(range)),
            Some(E::ReplicaIdentityStmt(_) | E::AtalterConstraint(_)) | None => {}
            Some(E::IndexStmt(index)) => {
                self.exprs(&index.index_params);
                self.opt(index.where_clause.as_deref());
            }
            Some(_) => self.opt(part),
        }
    }

    pub(in crate::walk) fn created_relation(&mut self, range: Option<&RangeVar>) {
        let Some(range) = range else { return self.unknown() };
        let table = table_name(range);
        self.changed(ChangeKind::Relation, &table, range.relpersistence == "t");
        self.write(Action::Create, table, false);
    }

    pub(in crate::walk) fn altered_relation(&mut self, range: Option<&RangeVar>) {
        let Some(range) = range else { return self.unknown() };
        let table = table_name(range);
        self.changed(ChangeKind::Relation, &table, false);
        self.write(Action::Alter, table, false);
    }

    pub(super) fn altered_node(&mut self, node: &Node) {
        match &node.node {
            Some(E::RangeVar(range)) => self.altered_relation(Some(range)),
            _ => self.unknown(),
        }
    }

    /// A materialized view runs a query that this text does not show.
    pub(super) fn unknown_body(&mut self, range: &RangeVar) {
        self.read(table_name(range));
    }
}
