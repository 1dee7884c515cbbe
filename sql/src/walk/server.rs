//! What reaches past the database's own objects: the server, other servers, files, extensions, and their upkeep.

use super::access::role_name;
use super::name::path_of;
use super::{Walk, table_name};
use crate::analysis::ChangeKind;
use crate::kind::{StatementKind, TransactionKind};
use crate::outputs::Outputs;
use pg_query::NodeEnum as E;
use pg_query::protobuf::{Node, RangeVar};
use sallyport_core::{Action, ObjectKind};

impl Walk {
    pub(super) fn server(&mut self, node: &E) -> (StatementKind, Outputs) {
        match node {
            E::ClusterStmt(cluster) => self.maintain(cluster.relation.as_ref()),
            E::ReindexStmt(reindex) => match &reindex.relation {
                Some(range) => self.maintain(Some(range)),
                None => self.effect(Action::Maintenance, ObjectKind::Other, vec![reindex.name.clone()]),
            },
            E::VacuumStmt(vacuum) => {
                for relation in &vacuum.rels {
                    match &relation.node {
                        Some(E::VacuumRelation(relation)) => self.maintain(relation.relation.as_ref()),
                        _ => self.unknown(),
                    }
                }
                if vacuum.rels.is_empty() {
                    self.maintain(None);
                }
            }
            E::CheckPointStmt(_) => self.effect(Action::Maintenance, ObjectKind::Target, Vec::new()),
            E::LockStmt(lock) => {
                for relation in &lock.relations {
                    self.effect(Action::Lock, ObjectKind::Table, path_of(relation));
                }
            }
            E::ConstraintsSetStmt(_) => {
                self.effect(Action::Transaction, ObjectKind::Target, Vec::new());
                let kind = TransactionKind::Characteristics(std::collections::BTreeSet::new());
                return (StatementKind::Transaction(kind), Outputs::None);
            }
            E::LoadStmt(load) => {
                self.effect(Action::Admin, ObjectKind::File, vec![load.filename.clone()]);
                self.effect(Action::FileRead, ObjectKind::File, vec![load.filename.clone()]);
                return (StatementKind::Other, Outputs::None);
            }
            E::CreateExtensionStmt(create) => self.extension(Action::Create, &create.extname),
            E::AlterExtensionStmt(alter) => self.extension(Action::Alter, &alter.extname),
            E::AlterExtensionContentsStmt(alter) => self.extension(Action::Alter, &alter.extname),
            E::CreateFdwStmt(create) => self.admin(Action::Create, &create.fdwname),
            E::AlterFdwStmt(alter) => self.admin(Action::Alter, &alter.fdwname),
            E::CreateForeignServerStmt(create) => self.outside(Action::Create, &create.servername),
            E::AlterForeignServerStmt(alter) => self.outside(Action::Alter, &alter.servername),
            E::CreateUserMappingStmt(create) => {
                self.mapping(create.user.as_ref().map(role_name), &create.servername);
            }
            E::AlterUserMappingStmt(alter) => {
                self.mapping(alter.user.as_ref().map(role_name), &alter.servername);
            }
            E::DropUserMappingStmt(drop) => self.mapping(drop.user.as_ref().map(role_name), &drop.servername),
            E::ImportForeignSchemaStmt(import) => {
                self.uses_server(&import.server_name);
                self.effect(Action::Create, ObjectKind::Schema, vec![import.local_schema.clone()]);
                self.moved();
            }
            E::CreateAmStmt(create) => self.admin(Action::Create, &create.amname),
            E::CreateEventTrigStmt(create) => {
                self.calls(super::strings(&create.funcname));
                self.admin(Action::Create, &create.trigname);
            }
            E::AlterEventTrigStmt(alter) => self.admin(Action::Alter, &alter.trigname),
            E::CreatePlangStmt(create) => self.admin(Action::Create, &create.plname),
            E::CreateTableSpaceStmt(create) => {
                self.effect(Action::FileWrite, ObjectKind::File, vec![create.location.clone()]);
                self.tablespace(Action::Create, &create.tablespacename);
            }
            E::DropTableSpaceStmt(drop) => self.tablespace(Action::Drop, &drop.tablespacename),
            E::AlterTableSpaceOptionsStmt(alter) => self.tablespace(Action::Alter, &alter.tablespacename),
            E::AlterTableMoveAllStmt(alter) => {
                self.tablespace(Action::Alter, &alter.orig_tablespacename);
                self.tablespace(Action::Alter, &alter.new_tablespacename);
                // Every table there is rewritten, whatever it is called.
                self.unknown();
            }
            E::CreatedbStmt(create) => self.database(Action::Create, &create.dbname),
            E::AlterDatabaseStmt(alter) => self.database(Action::Alter, &alter.dbname),
            E::AlterDatabaseRefreshCollStmt(alter) => self.database(Action::Alter, &alter.dbname),
            E::AlterDatabaseSetStmt(alter) => {
                self.database(Action::Alter, &alter.dbname);
                if let Some(set) = &alter.setstmt {
                    self.set(set);
                }
            }
            E::DropdbStmt(drop) => self.database(Action::Drop, &drop.dbname),
            E::AlterSystemStmt(alter) => {
                let name = alter.setstmt.as_ref().map(|set| set.name.to_ascii_lowercase());
                let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| "all".to_owned());
                self.effect(Action::Admin, ObjectKind::Setting, vec![name]);
                return (StatementKind::Other, Outputs::None);
            }
            E::CreatePublicationStmt(create) => {
                self.publication(Action::Create, &create.pubname, &create.pubobjects, create.for_all_tables)
            }
            E::AlterPublicationStmt(alter) => {
                self.publication(Action::Alter, &alter.pubname, &alter.pubobjects, alter.for_all_tables)
            }
            // The connection string may hold a password: only the name is said.
            E::CreateSubscriptionStmt(create) => self.outside(Action::Create, &create.subname),
            E::AlterSubscriptionStmt(alter) => self.outside(Action::Alter, &alter.subname),
            E::DropSubscriptionStmt(drop) => self.outside(Action::Drop, &drop.subname),
            _ => {
                self.unknown();
                return (StatementKind::Other, Outputs::Unknown);
            }
        }
        (StatementKind::Ddl, Outputs::None)
    }

    fn maintain(&mut self, range: Option<&RangeVar>) {
        match range {
            Some(range) => self.effect(Action::Maintenance, ObjectKind::Table, table_name(range).path()),
            None => self.effect(Action::Maintenance, ObjectKind::Database, Vec::new()),
        }
    }

    /// What it does to something whose making is administration.
    fn admin(&mut self, action: Action, name: &str) {
        self.effect(action, ObjectKind::Other, vec![name.to_owned()]);
        self.effect(Action::Admin, ObjectKind::Other, vec![name.to_owned()]);
        self.moved();
    }

    /// An extension's script runs as whoever owns the database: it may define anything.
    fn extension(&mut self, action: Action, name: &str) {
        self.admin(action, name);
        self.creates.push(crate::Change {
            kind: ChangeKind::Function,
            schema: None,
            name: String::new(),
            temporary: false,
        });
    }

    fn outside(&mut self, action: Action, server: &str) {
        self.effect(Action::ConnectOut, ObjectKind::Host, vec![server.to_owned()]);
        self.admin(action, server);
    }

    fn uses_server(&mut self, server: &str) {
        self.effect(Action::ConnectOut, ObjectKind::Host, vec![server.to_owned()]);
        self.effect(Action::Admin, ObjectKind::Other, vec![server.to_owned()]);
    }

    fn mapping(&mut self, role: Option<String>, server: &str) {
        self.uses_server(server);
        self.moved();
        self.effect(Action::Alter, ObjectKind::Role, role.into_iter().collect());
    }

    fn tablespace(&mut self, action: Action, name: &str) {
        self.admin(action, name);
    }

    fn database(&mut self, action: Action, name: &str) {
        self.effect(action, ObjectKind::Database, vec![name.to_owned()]);
        self.moved();
    }

    /// A publication shows the tables' rows to whoever subscribes.
    fn publication(&mut self, action: Action, name: &str, objects: &[Node], all: bool) {
        self.admin(action, name);
        if all {
            self.effect(Action::Read, ObjectKind::Database, Vec::new());
        }
        for object in objects {
            match &object.node {
                Some(E::PublicationObjSpec(spec)) => match &spec.pubtable {
                    Some(table) => {
                        self.opt(table.where_clause.as_deref());
                        match &table.relation {
                            Some(range) => self.read(table_name(range)),
                            None => self.unknown(),
                        }
                    }
                    None => self.effect(Action::Read, ObjectKind::Schema, vec![spec.name.clone()]),
                },
                _ => self.unknown(),
            }
        }
    }
}
