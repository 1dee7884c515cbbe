//! Roles and privileges: who may do what from now on.

use super::name::path_of;
use super::{Walk, strings, table_of};
use crate::analysis::{Change, ChangeKind};
use pg_query::NodeEnum as E;
use pg_query::protobuf::{
    AlterRoleSetStmt, AlterRoleStmt, CreateRoleStmt, GrantRoleStmt, GrantStmt, GrantTargetType, Node,
    ObjectType, RoleSpec, RoleSpecType,
};
use sallyport_core::{Action, ObjectKind};

/// A role as written; the special ones by the words for them.
pub(super) fn role_name(role: &RoleSpec) -> String {
    match RoleSpecType::try_from(role.roletype) {
        Ok(RoleSpecType::RolespecCurrentRole) => "current_role".to_owned(),
        Ok(RoleSpecType::RolespecCurrentUser) => "current_user".to_owned(),
        Ok(RoleSpecType::RolespecSessionUser) => "session_user".to_owned(),
        Ok(RoleSpecType::RolespecPublic) => "public".to_owned(),
        Ok(RoleSpecType::RolespecCstring | RoleSpecType::Undefined) | Err(_) => role.rolename.clone(),
    }
}

/// What sort of object the grammar's word means to a rule.
pub(super) fn kind_of(objtype: i32) -> ObjectKind {
    match ObjectType::try_from(objtype) {
        Ok(
            ObjectType::ObjectTable
            | ObjectType::ObjectView
            | ObjectType::ObjectMatview
            | ObjectType::ObjectForeignTable,
        ) => ObjectKind::Table,
        Ok(ObjectType::ObjectColumn | ObjectType::ObjectDefault) => ObjectKind::Column,
        Ok(
            ObjectType::ObjectFunction
            | ObjectType::ObjectProcedure
            | ObjectType::ObjectRoutine
            | ObjectType::ObjectAggregate,
        ) => ObjectKind::Function,
        Ok(ObjectType::ObjectSchema) => ObjectKind::Schema,
        Ok(ObjectType::ObjectDatabase) => ObjectKind::Database,
        Ok(ObjectType::ObjectRole) => ObjectKind::Role,
        Ok(ObjectType::ObjectParameterAcl) => ObjectKind::Setting,
        Ok(_) | Err(_) => ObjectKind::Other,
    }
}

/// Objects that reach outside the database or into the server: to touch one is administration.
pub(super) fn is_administrative(objtype: i32) -> bool {
    matches!(
        ObjectType::try_from(objtype),
        Ok(ObjectType::ObjectExtension
            | ObjectType::ObjectLanguage
            | ObjectType::ObjectFdw
            | ObjectType::ObjectForeignServer
            | ObjectType::ObjectUserMapping
            | ObjectType::ObjectSubscription
            | ObjectType::ObjectPublication
            | ObjectType::ObjectEventTrigger
            | ObjectType::ObjectTablespace
            | ObjectType::ObjectAccessMethod
            | ObjectType::ObjectParameterAcl)
    )
}

impl Walk {
    pub(super) fn grant(&mut self, grant: &GrantStmt) {
        let action = if grant.is_grant { Action::Grant } else { Action::Revoke };
        match GrantTargetType::try_from(grant.targtype) {
            Ok(GrantTargetType::AclTargetObject) => {
                let kind = kind_of(grant.objtype);
                for object in &grant.objects {
                    self.on_object(action, kind, path_of(object));
                }
            }
            Ok(GrantTargetType::AclTargetAllInSchema) => {
                for schema in strings(&grant.objects) {
                    self.effect(action, ObjectKind::Schema, vec![schema]);
                }
            }
            Ok(GrantTargetType::AclTargetDefaults) => {
                self.effect(action, ObjectKind::Database, Vec::new());
            }
            Ok(GrantTargetType::Undefined) | Err(_) => self.unknown(),
        }
        if grant.objects.is_empty() && grant.targtype != GrantTargetType::AclTargetDefaults as i32 {
            self.unknown();
        }
    }

    /// An effect on an object by its path; tables keep only schema and name.
    pub(super) fn on_object(&mut self, action: Action, kind: ObjectKind, path: Vec<String>) {
        let path = if kind == ObjectKind::Table { table_of(&path).path() } else { path };
        self.effect(action, kind, path);
    }

    pub(super) fn grant_role(&mut self, grant: &GrantRoleStmt) {
        let action = if grant.is_grant { Action::Grant } else { Action::Revoke };
        for role in &grant.granted_roles {
            let name = match &role.node {
                Some(E::AccessPriv(privilege)) => vec![privilege.priv_name.clone()],
                _ => path_of(role),
            };
            self.effect(action, ObjectKind::Role, name);
        }
        if grant.granted_roles.is_empty() {
            self.unknown();
        }
    }

    pub(super) fn create_role(&mut self, create: &CreateRoleStmt) {
        self.effect(Action::Create, ObjectKind::Role, vec![create.role.clone()]);
        self.moved();
    }

    pub(super) fn alter_role(&mut self, alter: &AlterRoleStmt) {
        let role = alter.role.as_ref().map(role_name);
        self.effect(Action::Alter, ObjectKind::Role, role.into_iter().collect());
        self.moved();
    }

    /// Settings kept for a role's next sessions.
    pub(super) fn alter_role_set(&mut self, alter: &AlterRoleSetStmt) {
        let role = alter.role.as_ref().map(role_name);
        self.effect(Action::Alter, ObjectKind::Role, role.into_iter().collect());
        if !alter.database.is_empty() {
            self.effect(Action::Alter, ObjectKind::Database, vec![alter.database.clone()]);
        }
        if let Some(set) = &alter.setstmt {
            self.set(set);
        }
    }

    pub(super) fn roles(&mut self, action: Action, roles: &[Node]) {
        for role in roles {
            self.effect(action, ObjectKind::Role, path_of(role));
        }
        self.moved();
    }

    /// Something other than a relation or function changed that can move a name or its meaning.
    pub(super) fn moved(&mut self) {
        self.creates.push(Change {
            kind: ChangeKind::Other,
            schema: None,
            name: String::new(),
            temporary: false,
        });
    }
}
