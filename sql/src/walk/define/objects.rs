//! Types, operators, schemas and the rest, and what can be done to any object: rename, move, give away, label, drop.

use crate::analysis::{Change, ChangeKind};
use crate::outputs::Uses;
use crate::walk::access::{is_administrative, kind_of, role_name};
use crate::walk::name::path_of;
use crate::walk::{Walk, strings, table_name, table_of};
use pg_query::protobuf::{
    AlterObjectSchemaStmt, AlterOperatorStmt, AlterOwnerStmt, CompositeTypeStmt, CreateRangeStmt,
    CreateSchemaStmt, DefineStmt, DropStmt, Node, ObjectType, RangeVar, RenameStmt, SecLabelStmt,
};
use sallyport_core::{Action, ObjectKind};

impl Walk {
    pub(super) fn rename(&mut self, rename: &RenameStmt) {
        self.change_object(rename.rename_type, rename.relation.as_ref(), rename.object.as_deref());
        self.renamed(rename.rename_type, rename.relation.as_ref(), &rename.newname);
        let renamed = match ObjectType::try_from(rename.rename_type) {
            Ok(ObjectType::ObjectColumn) => Uses::of(&rename.subname),
            Ok(ObjectType::ObjectTabconstraint | ObjectType::ObjectTrigger) => Uses::default(),
            Ok(_) | Err(_) => Uses { wide: rename.relation.is_some(), ..Uses::default() },
        };
        self.puts_elsewhere(&renamed);
    }

    pub(super) fn move_to_schema(&mut self, alter: &AlterObjectSchemaStmt) {
        self.change_object(alter.object_type, alter.relation.as_ref(), alter.object.as_deref());
        self.effect(Action::Alter, ObjectKind::Schema, vec![alter.newschema.clone()]);
        self.puts_elsewhere(&Uses { wide: alter.relation.is_some(), ..Uses::default() });
    }

    pub(super) fn give_to_owner(&mut self, alter: &AlterOwnerStmt) {
        self.change_object(alter.object_type, alter.relation.as_ref(), alter.object.as_deref());
        let role = alter.newowner.as_ref().map(role_name);
        self.effect(Action::Grant, ObjectKind::Role, role.into_iter().collect());
    }

    pub(super) fn label(&mut self, label: &SecLabelStmt) {
        self.on_node(Action::Alter, label.objtype, label.object.as_deref());
        self.effect(Action::Admin, ObjectKind::Other, vec!["security label".to_owned()]);
    }

    pub(super) fn create_schema(&mut self, create: &CreateSchemaStmt) {
        let owner = create.authrole.as_ref().map(role_name).unwrap_or_default();
        let name = if create.schemaname.is_empty() { owner } else { create.schemaname.clone() };
        self.effect(Action::Create, ObjectKind::Schema, vec![name]);
        self.moved();
        for element in &create.schema_elts {
            match &element.node {
                Some(element) => drop(self.definition(element)),
                None => self.unknown(),
            }
        }
    }

    pub(super) fn define(&mut self, define: &DefineStmt) {
        let kind = kind_of(define.kind);
        self.exprs(&define.definition);
        self.on_object(Action::Create, kind, strings(&define.defnames));
        self.changed_named(ChangeKind::Function, &strings(&define.defnames));
    }

    pub(super) fn create_composite(&mut self, create: &CompositeTypeStmt) {
        self.exprs(&create.coldeflist);
        let path = create.typevar.as_ref().map(|range| table_name(range).path()).unwrap_or_default();
        self.type_change(Action::Create, path);
    }

    pub(super) fn create_range(&mut self, create: &CreateRangeStmt) {
        self.effect(Action::Call, ObjectKind::Function, strings(&create.type_name));
        self.type_change(Action::Create, strings(&create.type_name));
    }

    pub(super) fn alter_operator(&mut self, alter: &AlterOperatorStmt) {
        let path = alter.opername.as_ref().map(|object| strings(&object.objname)).unwrap_or_default();
        self.type_change(Action::Alter, path);
    }

    pub(super) fn type_change(&mut self, action: Action, path: Vec<String>) {
        self.changed_named(ChangeKind::Other, &path);
        self.effect(action, ObjectKind::Other, path);
    }

    pub(super) fn changed_named(&mut self, kind: ChangeKind, path: &[String]) {
        let table = table_of(path);
        self.creates.push(Change { kind, schema: table.schema, name: table.name, temporary: false });
    }

    pub(super) fn other(&mut self, action: Action, range: Option<&RangeVar>, options: &[Node]) {
        self.exprs(options);
        let path = range.map(|range| table_name(range).path()).unwrap_or_default();
        self.effect(action, ObjectKind::Other, path);
    }

    /// RENAME, SET SCHEMA, OWNER TO: by relation or by name.
    pub(super) fn change_object(&mut self, objtype: i32, relation: Option<&RangeVar>, object: Option<&Node>) {
        match relation {
            Some(range) => self.altered_relation(Some(range)),
            None => self.on_node(Action::Alter, objtype, object),
        }
        self.moved();
    }

    pub(super) fn renamed(&mut self, objtype: i32, relation: Option<&RangeVar>, newname: &str) {
        if kind_of(objtype) == ObjectKind::Table
            && let Some(range) = relation
        {
            let table = crate::TableName { schema: table_name(range).schema, name: newname.to_owned() };
            self.changed(ChangeKind::Relation, &table, false);
        }
    }

    pub(super) fn on_node(&mut self, action: Action, objtype: i32, object: Option<&Node>) {
        let mut path = object.map(path_of).unwrap_or_default();
        if is_administrative(objtype) {
            self.effect(action, ObjectKind::Other, path.clone());
            return self.effect(Action::Admin, ObjectKind::Other, path);
        }
        match ObjectType::try_from(objtype) {
            // The last name is the part's own; what stands before it is its table.
            Ok(
                ObjectType::ObjectColumn
                | ObjectType::ObjectTabconstraint
                | ObjectType::ObjectTrigger
                | ObjectType::ObjectRule
                | ObjectType::ObjectPolicy,
            ) => {
                self.effect(action, kind_of(objtype), path.clone());
                path.pop();
                self.write(Action::Alter, table_of(&path), false);
            }
            Ok(ObjectType::Undefined) | Err(_) => self.unknown(),
            Ok(_) => self.on_object(action, kind_of(objtype), path),
        }
    }

    pub(super) fn drop(&mut self, drop: &DropStmt) {
        if drop.objects.is_empty() {
            self.unknown();
        }
        for object in &drop.objects {
            if kind_of(drop.remove_type) == ObjectKind::Table {
                let table = table_of(&path_of(object));
                self.changed(ChangeKind::Relation, &table, false);
                self.write(Action::Drop, table, false);
            } else {
                self.on_node(Action::Drop, drop.remove_type, Some(object));
                let kind = match kind_of(drop.remove_type) {
                    ObjectKind::Function => ChangeKind::Function,
                    _ => ChangeKind::Other,
                };
                self.changed_named(kind, &path_of(object));
            }
        }
    }
}
