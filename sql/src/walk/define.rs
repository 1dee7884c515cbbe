//! CREATE, ALTER, DROP and their like: every statement that changes what there is rather than what is in it.

use super::access::{is_administrative, kind_of, role_name};
use super::name::{path_of, type_path};
use super::{Walk, strings, table_name, table_of};
use crate::analysis::{Change, ChangeKind};
use crate::assigns::{Given, Place};
use crate::kind::StatementKind;
use crate::outputs::{Outputs, Uses};
use pg_query::NodeEnum as E;
use pg_query::protobuf::{
    AlterTableCmd, AlterTableStmt, AlterTableType, ColumnDef, Constraint, CreateFunctionStmt, CreateStmt,
    DropStmt, Node, ObjectType, RangeVar,
};
use sallyport_core::{Action, ObjectKind};

impl Walk {
    pub(super) fn definition(&mut self, node: &E) -> (StatementKind, Outputs) {
        // Large objects are named by number.
        self.literal_sensitive = true;
        match node {
            E::CreateStmt(create) => self.create_table(create),
            E::CreateForeignTableStmt(create) => {
                self.effect(Action::ConnectOut, ObjectKind::Host, vec![create.servername.clone()]);
                match &create.base_stmt {
                    Some(base) => self.create_table(base),
                    None => self.unknown(),
                }
            }
            E::ViewStmt(view) => {
                self.nested(view.query.as_deref());
                self.created_relation(view.view.as_ref());
            }
            E::IndexStmt(index) => {
                self.in_row_scope(|walk| {
                    walk.exprs(&index.index_params);
                    walk.exprs(&index.options);
                    walk.opt(index.where_clause.as_deref());
                });
                self.effect(Action::Create, ObjectKind::Other, vec![index.idxname.clone()]);
                self.altered_relation(index.relation.as_ref());
            }
            E::CreateSeqStmt(create) => self.other(Action::Create, create.sequence.as_ref(), &create.options),
            E::AlterSeqStmt(alter) => self.other(Action::Alter, alter.sequence.as_ref(), &alter.options),
            E::CreateStatsStmt(create) => {
                self.effect(Action::Create, ObjectKind::Other, strings(&create.defnames));
                self.exprs(&create.exprs);
                for relation in &create.relations {
                    self.altered_node(relation);
                }
            }
            E::AlterStatsStmt(alter) => {
                self.effect(Action::Alter, ObjectKind::Other, strings(&alter.defnames))
            }
            E::AlterTableStmt(alter) => self.alter_table(alter),
            E::RenameStmt(rename) => {
                self.change_object(rename.rename_type, rename.relation.as_ref(), rename.object.as_deref());
                self.rename(rename.rename_type, rename.relation.as_ref(), &rename.newname);
                let renamed = match ObjectType::try_from(rename.rename_type) {
                    Ok(ObjectType::ObjectColumn) => Uses::of(&rename.subname),
                    Ok(ObjectType::ObjectTabconstraint | ObjectType::ObjectTrigger) => Uses::default(),
                    Ok(_) | Err(_) => Uses { wide: rename.relation.is_some(), ..Uses::default() },
                };
                self.puts_elsewhere(&renamed);
            }
            E::AlterObjectSchemaStmt(alter) => {
                self.change_object(alter.object_type, alter.relation.as_ref(), alter.object.as_deref());
                self.effect(Action::Alter, ObjectKind::Schema, vec![alter.newschema.clone()]);
                self.puts_elsewhere(&Uses { wide: alter.relation.is_some(), ..Uses::default() });
            }
            E::AlterOwnerStmt(alter) => {
                self.change_object(alter.object_type, alter.relation.as_ref(), alter.object.as_deref());
                let role = alter.newowner.as_ref().map(role_name);
                self.effect(Action::Grant, ObjectKind::Role, role.into_iter().collect());
            }
            E::AlterObjectDependsStmt(alter) => {
                self.change_object(alter.object_type, alter.relation.as_ref(), alter.object.as_deref());
            }
            E::CommentStmt(comment) => {
                self.on_node(Action::Alter, comment.objtype, comment.object.as_deref())
            }
            E::SecLabelStmt(label) => {
                self.on_node(Action::Alter, label.objtype, label.object.as_deref());
                self.effect(Action::Admin, ObjectKind::Other, vec!["security label".to_owned()]);
            }
            E::DropStmt(drop) => self.drop(drop),
            E::TruncateStmt(truncate) => {
                for relation in &truncate.relations {
                    match &relation.node {
                        Some(E::RangeVar(range)) => self.write(Action::Truncate, table_name(range), true),
                        _ => self.unknown(),
                    }
                }
            }
            E::CreateSchemaStmt(create) => {
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
            E::CreateFunctionStmt(create) => self.create_function(create),
            E::AlterFunctionStmt(alter) => {
                let path = alter.func.as_ref().map(|function| strings(&function.objname)).unwrap_or_default();
                self.exprs(&alter.actions);
                self.function(Action::Alter, path);
            }
            E::CreateTrigStmt(create) => {
                self.opt(create.when_clause.as_deref());
                self.effect(Action::Create, ObjectKind::Other, vec![create.trigname.clone()]);
                self.effect(Action::Call, ObjectKind::Function, strings(&create.funcname));
                self.altered_relation(create.relation.as_ref());
            }
            E::RuleStmt(rule) => {
                // The actions run at every later write or read: their effects are this statement's.
                self.in_row_scope(|walk| {
                    walk.row_name("old");
                    walk.row_name("new");
                    walk.opt(rule.where_clause.as_deref());
                    for action in &rule.actions {
                        walk.rule_action(action);
                    }
                });
                self.effect(Action::Create, ObjectKind::Other, vec![rule.rulename.clone()]);
                self.altered_relation(rule.relation.as_ref());
            }
            E::CreatePolicyStmt(policy) => {
                self.opt(policy.qual.as_deref());
                self.opt(policy.with_check.as_deref());
                self.effect(Action::Create, ObjectKind::Other, vec![policy.policy_name.clone()]);
                self.altered_relation(policy.table.as_ref());
            }
            E::AlterPolicyStmt(policy) => {
                self.opt(policy.qual.as_deref());
                self.opt(policy.with_check.as_deref());
                self.effect(Action::Alter, ObjectKind::Other, vec![policy.policy_name.clone()]);
                self.altered_relation(policy.table.as_ref());
            }
            E::RefreshMatViewStmt(refresh) => match &refresh.relation {
                Some(range) => {
                    self.write(Action::Maintenance, table_name(range), false);
                    self.unknown_body(range);
                }
                None => self.unknown(),
            },
            E::DefineStmt(define) => {
                let kind = kind_of(define.kind);
                self.exprs(&define.definition);
                self.on_object(Action::Create, kind, strings(&define.defnames));
                self.changed_named(ChangeKind::Function, &strings(&define.defnames));
            }
            E::CreateDomainStmt(create) => {
                self.exprs(&create.constraints);
                self.type_change(Action::Create, strings(&create.domainname));
            }
            E::AlterDomainStmt(alter) => {
                self.opt(alter.def.as_deref());
                self.type_change(Action::Alter, strings(&alter.type_name));
            }
            E::CompositeTypeStmt(create) => {
                self.exprs(&create.coldeflist);
                let path = create.typevar.as_ref().map(|range| table_name(range).path()).unwrap_or_default();
                self.type_change(Action::Create, path);
            }
            E::CreateEnumStmt(create) => self.type_change(Action::Create, strings(&create.type_name)),
            E::CreateRangeStmt(create) => {
                self.effect(Action::Call, ObjectKind::Function, strings(&create.type_name));
                self.type_change(Action::Create, strings(&create.type_name));
            }
            E::AlterEnumStmt(alter) => self.type_change(Action::Alter, strings(&alter.type_name)),
            E::AlterTypeStmt(alter) => self.type_change(Action::Alter, strings(&alter.type_name)),
            E::AlterCollationStmt(alter) => self.type_change(Action::Alter, strings(&alter.collname)),
            E::AlterOperatorStmt(alter) => {
                let path = alter.opername.as_ref().map(|object| strings(&object.objname)).unwrap_or_default();
                self.type_change(Action::Alter, path);
            }
            E::CreateOpClassStmt(create) => self.type_change(Action::Create, strings(&create.opclassname)),
            E::CreateOpFamilyStmt(create) => self.type_change(Action::Create, strings(&create.opfamilyname)),
            E::AlterOpFamilyStmt(alter) => self.type_change(Action::Alter, strings(&alter.opfamilyname)),
            E::CreateConversionStmt(create) => {
                self.effect(Action::Call, ObjectKind::Function, strings(&create.func_name));
                self.type_change(Action::Create, strings(&create.conversion_name));
            }
            E::CreateCastStmt(create) => {
                if let Some(function) = &create.func {
                    self.effect(Action::Call, ObjectKind::Function, strings(&function.objname));
                }
                let path = create.targettype.as_ref().map(type_path).unwrap_or_default();
                self.type_change(Action::Create, path);
            }
            E::CreateTransformStmt(create) => {
                let path = create.type_name.as_ref().map(type_path).unwrap_or_default();
                self.type_change(Action::Create, path);
            }
            E::AlterTsdictionaryStmt(alter) => self.type_change(Action::Alter, strings(&alter.dictname)),
            E::AlterTsconfigurationStmt(alter) => self.type_change(Action::Alter, strings(&alter.cfgname)),
            E::GrantStmt(grant) => self.grant(grant),
            E::GrantRoleStmt(grant) => self.grant_role(grant),
            E::AlterDefaultPrivilegesStmt(alter) => match &alter.action {
                Some(grant) => self.grant(grant),
                None => self.unknown(),
            },
            E::CreateRoleStmt(create) => self.create_role(create),
            E::AlterRoleStmt(alter) => self.alter_role(alter),
            E::AlterRoleSetStmt(alter) => self.alter_role_set(alter),
            E::DropRoleStmt(drop) => self.roles(Action::Drop, &drop.roles),
            E::ReassignOwnedStmt(reassign) => {
                self.roles(Action::Alter, &reassign.roles);
                let role = reassign.newrole.as_ref().map(role_name);
                self.effect(Action::Grant, ObjectKind::Role, role.into_iter().collect());
                self.unknown();
            }
            E::DropOwnedStmt(drop) => {
                self.roles(Action::Drop, &drop.roles);
                self.unknown();
            }
            E::SelectStmt(_) | E::InsertStmt(_) | E::UpdateStmt(_) | E::DeleteStmt(_) | E::MergeStmt(_) => {
                self.unknown();
                return (StatementKind::Other, Outputs::Unknown);
            }
            E::ClusterStmt(_)
            | E::VacuumStmt(_)
            | E::ReindexStmt(_)
            | E::CheckPointStmt(_)
            | E::LockStmt(_)
            | E::LoadStmt(_)
            | E::CreateExtensionStmt(_)
            | E::AlterExtensionStmt(_)
            | E::AlterExtensionContentsStmt(_)
            | E::CreateFdwStmt(_)
            | E::AlterFdwStmt(_)
            | E::CreateForeignServerStmt(_)
            | E::AlterForeignServerStmt(_)
            | E::CreateUserMappingStmt(_)
            | E::AlterUserMappingStmt(_)
            | E::DropUserMappingStmt(_)
            | E::ImportForeignSchemaStmt(_)
            | E::CreateAmStmt(_)
            | E::CreateEventTrigStmt(_)
            | E::AlterEventTrigStmt(_)
            | E::CreatePlangStmt(_)
            | E::CreateTableSpaceStmt(_)
            | E::DropTableSpaceStmt(_)
            | E::AlterTableSpaceOptionsStmt(_)
            | E::AlterTableMoveAllStmt(_)
            | E::CreatedbStmt(_)
            | E::AlterDatabaseStmt(_)
            | E::AlterDatabaseRefreshCollStmt(_)
            | E::AlterDatabaseSetStmt(_)
            | E::DropdbStmt(_)
            | E::AlterSystemStmt(_)
            | E::ConstraintsSetStmt(_)
            | E::CreatePublicationStmt(_)
            | E::AlterPublicationStmt(_)
            | E::CreateSubscriptionStmt(_)
            | E::AlterSubscriptionStmt(_)
            | E::DropSubscriptionStmt(_) => return self.server(node),
            // Parts of statements, and what later stages make of them: none is a statement that a text can hold.
            E::RangeVar(_)
            | E::Alias(_)
            | E::TableFunc(_)
            | E::IntoClause(_)
            | E::Var(_)
            | E::Param(_)
            | E::Aggref(_)
            | E::GroupingFunc(_)
            | E::WindowFunc(_)
            | E::WindowFuncRunCondition(_)
            | E::MergeSupportFunc(_)
            | E::SubscriptingRef(_)
            | E::FuncExpr(_)
            | E::NamedArgExpr(_)
            | E::OpExpr(_)
            | E::DistinctExpr(_)
            | E::NullIfExpr(_)
            | E::ScalarArrayOpExpr(_)
            | E::BoolExpr(_)
            | E::SubLink(_)
            | E::SubPlan(_)
            | E::AlternativeSubPlan(_)
            | E::FieldSelect(_)
            | E::FieldStore(_)
            | E::RelabelType(_)
            | E::CoerceViaIo(_)
            | E::ArrayCoerceExpr(_)
            | E::ConvertRowtypeExpr(_)
            | E::CollateExpr(_)
            | E::CaseExpr(_)
            | E::CaseWhen(_)
            | E::CaseTestExpr(_)
            | E::ArrayExpr(_)
            | E::RowExpr(_)
            | E::RowCompareExpr(_)
            | E::CoalesceExpr(_)
            | E::MinMaxExpr(_)
            | E::SqlvalueFunction(_)
            | E::XmlExpr(_)
            | E::JsonFormat(_)
            | E::JsonReturning(_)
            | E::JsonValueExpr(_)
            | E::JsonConstructorExpr(_)
            | E::JsonIsPredicate(_)
            | E::JsonBehavior(_)
            | E::JsonExpr(_)
            | E::JsonTablePath(_)
            | E::JsonTablePathScan(_)
            | E::JsonTableSiblingJoin(_)
            | E::NullTest(_)
            | E::BooleanTest(_)
            | E::MergeAction(_)
            | E::CoerceToDomain(_)
            | E::CoerceToDomainValue(_)
            | E::SetToDefault(_)
            | E::CurrentOfExpr(_)
            | E::NextValueExpr(_)
            | E::InferenceElem(_)
            | E::ReturningExpr(_)
            | E::TargetEntry(_)
            | E::RangeTblRef(_)
            | E::JoinExpr(_)
            | E::FromExpr(_)
            | E::OnConflictExpr(_)
            | E::Query(_)
            | E::TypeName(_)
            | E::ColumnRef(_)
            | E::ParamRef(_)
            | E::AExpr(_)
            | E::TypeCast(_)
            | E::CollateClause(_)
            | E::RoleSpec(_)
            | E::FuncCall(_)
            | E::AStar(_)
            | E::AIndices(_)
            | E::AIndirection(_)
            | E::AArrayExpr(_)
            | E::ResTarget(_)
            | E::MultiAssignRef(_)
            | E::SortBy(_)
            | E::WindowDef(_)
            | E::RangeSubselect(_)
            | E::RangeFunction(_)
            | E::RangeTableFunc(_)
            | E::RangeTableFuncCol(_)
            | E::RangeTableSample(_)
            | E::ColumnDef(_)
            | E::TableLikeClause(_)
            | E::IndexElem(_)
            | E::DefElem(_)
            | E::LockingClause(_)
            | E::XmlSerialize(_)
            | E::PartitionElem(_)
            | E::PartitionSpec(_)
            | E::PartitionBoundSpec(_)
            | E::PartitionRangeDatum(_)
            | E::PartitionCmd(_)
            | E::RangeTblEntry(_)
            | E::RtepermissionInfo(_)
            | E::RangeTblFunction(_)
            | E::TableSampleClause(_)
            | E::WithCheckOption(_)
            | E::SortGroupClause(_)
            | E::GroupingSet(_)
            | E::WindowClause(_)
            | E::RowMarkClause(_)
            | E::WithClause(_)
            | E::InferClause(_)
            | E::OnConflictClause(_)
            | E::CtesearchClause(_)
            | E::CtecycleClause(_)
            | E::CommonTableExpr(_)
            | E::MergeWhenClause(_)
            | E::ReturningOption(_)
            | E::ReturningClause(_)
            | E::TriggerTransition(_)
            | E::JsonOutput(_)
            | E::JsonArgument(_)
            | E::JsonFuncExpr(_)
            | E::JsonTablePathSpec(_)
            | E::JsonTable(_)
            | E::JsonTableColumn(_)
            | E::JsonKeyValue(_)
            | E::JsonParseExpr(_)
            | E::JsonScalarExpr(_)
            | E::JsonSerializeExpr(_)
            | E::JsonObjectConstructor(_)
            | E::JsonArrayConstructor(_)
            | E::JsonArrayQueryConstructor(_)
            | E::JsonAggConstructor(_)
            | E::JsonObjectAgg(_)
            | E::JsonArrayAgg(_)
            | E::RawStmt(_)
            | E::SetOperationStmt(_)
            | E::ReturnStmt(_)
            | E::PlassignStmt(_)
            | E::AlterTableCmd(_)
            | E::AtalterConstraint(_)
            | E::ReplicaIdentityStmt(_)
            | E::ObjectWithArgs(_)
            | E::AccessPriv(_)
            | E::CopyStmt(_)
            | E::VariableSetStmt(_)
            | E::VariableShowStmt(_)
            | E::Constraint(_)
            | E::CreateOpClassItem(_)
            | E::DeclareCursorStmt(_)
            | E::ClosePortalStmt(_)
            | E::FetchStmt(_)
            | E::StatsElem(_)
            | E::FunctionParameter(_)
            | E::DoStmt(_)
            | E::InlineCodeBlock(_)
            | E::CallStmt(_)
            | E::CallContext(_)
            | E::NotifyStmt(_)
            | E::ListenStmt(_)
            | E::UnlistenStmt(_)
            | E::TransactionStmt(_)
            | E::VacuumRelation(_)
            | E::ExplainStmt(_)
            | E::CreateTableAsStmt(_)
            | E::DiscardStmt(_)
            | E::PrepareStmt(_)
            | E::ExecuteStmt(_)
            | E::DeallocateStmt(_)
            | E::PublicationTable(_)
            | E::PublicationObjSpec(_)
            | E::Integer(_)
            | E::Float(_)
            | E::Boolean(_)
            | E::String(_)
            | E::BitString(_)
            | E::List(_)
            | E::IntList(_)
            | E::OidList(_)
            | E::AConst(_) => {
                self.unknown();
                return (StatementKind::Other, Outputs::Unknown);
            }
        }
        (StatementKind::Ddl, Outputs::None)
    }

    fn create_table(&mut self, create: &CreateStmt) {
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

    pub(super) fn column_definition(&mut self, column: &ColumnDef) {
        self.opt(column.raw_default.as_deref());
        self.exprs(&column.constraints);
    }

    pub(super) fn constraint(&mut self, constraint: &Constraint) {
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

    fn alter_table(&mut self, alter: &AlterTableStmt) {
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
    fn alters(&mut self, table: Option<&RangeVar>, command: &AlterTableCmd, uses: Uses) {
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

    fn alter_part(&mut self, part: Option<&Node>) {
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

    fn create_function(&mut self, create: &CreateFunctionStmt) {
        self.exprs(&create.parameters);
        // A body in SQL is parsed with the statement; one in a string is not, and only CALL or SELECT runs either.
        if let Some(body) = create.sql_body.as_deref() {
            self.function_body(body);
        }
        self.function(Action::Create, strings(&create.funcname));
    }

    fn function_body(&mut self, body: &Node) {
        match &body.node {
            Some(E::List(list)) => {
                for item in &list.items {
                    self.function_body(item);
                }
            }
            Some(E::ReturnStmt(value)) => self.in_row_scope(|walk| walk.opt(value.returnval.as_deref())),
            Some(
                E::SelectStmt(_) | E::InsertStmt(_) | E::UpdateStmt(_) | E::DeleteStmt(_) | E::MergeStmt(_),
            ) => self.nested(Some(body)),
            Some(other) => drop(self.definition(other)),
            None => {}
        }
    }

    fn rule_action(&mut self, action: &Node) {
        match &action.node {
            Some(
                E::SelectStmt(_) | E::InsertStmt(_) | E::UpdateStmt(_) | E::DeleteStmt(_) | E::MergeStmt(_),
            ) => self.nested(Some(action)),
            Some(E::NotifyStmt(notify)) => {
                self.effect(Action::Notify, ObjectKind::Channel, vec![notify.conditionname.clone()]);
            }
            Some(E::List(list)) => {
                for item in &list.items {
                    self.rule_action(item);
                }
            }
            Some(_) => self.unknown(),
            None => {}
        }
    }

    fn function(&mut self, action: Action, path: Vec<String>) {
        self.changed_named(ChangeKind::Function, &path);
        self.effect(action, ObjectKind::Function, path);
    }

    fn type_change(&mut self, action: Action, path: Vec<String>) {
        self.changed_named(ChangeKind::Other, &path);
        self.effect(action, ObjectKind::Other, path);
    }

    fn changed_named(&mut self, kind: ChangeKind, path: &[String]) {
        let table = table_of(path);
        self.creates.push(Change { kind, schema: table.schema, name: table.name, temporary: false });
    }

    pub(super) fn created_relation(&mut self, range: Option<&RangeVar>) {
        let Some(range) = range else { return self.unknown() };
        let table = table_name(range);
        self.changed(ChangeKind::Relation, &table, range.relpersistence == "t");
        self.write(Action::Create, table, false);
    }

    pub(super) fn altered_relation(&mut self, range: Option<&RangeVar>) {
        let Some(range) = range else { return self.unknown() };
        let table = table_name(range);
        self.changed(ChangeKind::Relation, &table, false);
        self.write(Action::Alter, table, false);
    }

    fn altered_node(&mut self, node: &Node) {
        match &node.node {
            Some(E::RangeVar(range)) => self.altered_relation(Some(range)),
            _ => self.unknown(),
        }
    }

    /// A materialized view runs a query that this text does not show.
    fn unknown_body(&mut self, range: &RangeVar) {
        self.read(table_name(range));
    }

    fn other(&mut self, action: Action, range: Option<&RangeVar>, options: &[Node]) {
        self.exprs(options);
        let path = range.map(|range| table_name(range).path()).unwrap_or_default();
        self.effect(action, ObjectKind::Other, path);
    }

    /// RENAME, SET SCHEMA, OWNER TO: by relation or by name.
    fn change_object(&mut self, objtype: i32, relation: Option<&RangeVar>, object: Option<&Node>) {
        match relation {
            Some(range) => self.altered_relation(Some(range)),
            None => self.on_node(Action::Alter, objtype, object),
        }
        self.moved();
    }

    fn rename(&mut self, objtype: i32, relation: Option<&RangeVar>, newname: &str) {
        if kind_of(objtype) == ObjectKind::Table
            && let Some(range) = relation
        {
            let table = crate::TableName { schema: table_name(range).schema, name: newname.to_owned() };
            self.changed(ChangeKind::Relation, &table, false);
        }
    }

    fn on_node(&mut self, action: Action, objtype: i32, object: Option<&Node>) {
        let mut path = object.map(path_of).unwrap_or_default();
        if is_administrative(objtype) {
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

    fn drop(&mut self, drop: &DropStmt) {
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
